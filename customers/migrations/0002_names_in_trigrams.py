"""Names are found by any part of them: on PostgreSQL by an index of their trigrams.

SQLite reads the whole table for that. The expression is the one that `icontains` asks for.
"""

from django.db import migrations

FORWARD = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX customer_name_trigrams ON customers_customer
    USING gin (UPPER(name) gin_trgm_ops) WITH (fastupdate = off);
"""
BACKWARD = "DROP INDEX customer_name_trigrams;"


def forward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD, params=None)


def backward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BACKWARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [migrations.RunPython(forward, backward)]
