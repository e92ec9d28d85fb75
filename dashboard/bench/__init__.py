"""How the pages' time grows with the number of rows (`manage.py bench`)."""
