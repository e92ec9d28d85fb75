"""WSGI entry point, served by Granian. Settings that cannot work stop it from starting."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")

application = get_wsgi_application()

from dashboard.checks import refuse_to_start_wrong  # noqa: E402 (needs the applications loaded)

refuse_to_start_wrong()
