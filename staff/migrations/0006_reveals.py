"""The ledger of reveals; PostgreSQL refuses to change, remove or empty it, whoever asks.

SQLite has no such guard: there the model refuses.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


GUARD = """
CREATE FUNCTION staff_reveal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger of reveals is append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER staff_reveal_never_changes BEFORE UPDATE OR DELETE ON staff_reveal
    FOR EACH STATEMENT EXECUTE FUNCTION staff_reveal_is_append_only();
CREATE TRIGGER staff_reveal_is_never_emptied BEFORE TRUNCATE ON staff_reveal
    FOR EACH STATEMENT EXECUTE FUNCTION staff_reveal_is_append_only();
"""

UNGUARD = """
DROP TRIGGER staff_reveal_is_never_emptied ON staff_reveal;
DROP TRIGGER staff_reveal_never_changes ON staff_reveal;
DROP FUNCTION staff_reveal_is_append_only();
"""


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(GUARD, params=None)  # % is not a placeholder here


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(UNGUARD, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0005_drafts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reveal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject_type', models.CharField(max_length=60)),
                ('subject_id', models.CharField(max_length=80)),
                ('field', models.CharField(max_length=60)),
                ('at', models.DateTimeField()),
                ('reason', models.TextField()),
                ('expires_at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['subject_type', 'subject_id', '-at'], name='reveals_of_subject'), models.Index(fields=['by', 'at'], name='reveals_by_person')],
            },
        ),
        migrations.RunPython(guard, unguard),
    ]
