"""PostgreSQL refuses to change, remove or empty the audit trail, whoever asks.

SQLite has no such guard: there the model refuses, and `manage.py verify_audit` tells.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION staff_auditevent_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER staff_auditevent_never_changes BEFORE UPDATE OR DELETE ON staff_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION staff_auditevent_is_append_only();
CREATE TRIGGER staff_auditevent_is_never_emptied BEFORE TRUNCATE ON staff_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION staff_auditevent_is_append_only();
"""

UNGUARD = """
DROP TRIGGER staff_auditevent_is_never_emptied ON staff_auditevent;
DROP TRIGGER staff_auditevent_never_changes ON staff_auditevent;
DROP FUNCTION staff_auditevent_is_append_only();
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)  # % is not a placeholder here


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(UNGUARD, params=None)


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]

    operations = [migrations.RunPython(guard, unguard)]
