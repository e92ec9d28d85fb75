from django.db import migrations, models


def remember(apps, schema_editor):
    """What lies with the leads now was escalated."""
    cases = apps.get_model("customers", "KycCase").objects
    cases.filter(escalated_at__isnull=False).update(was_escalated=True)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0011_submissions'),
    ]

    operations = [
        migrations.AddField(
            model_name='kyccase',
            name='was_escalated',
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(remember, migrations.RunPython.noop),
    ]
