"""Give the signing rules versions that people draft, propose and publish.

What was published so far gets a version without people: nobody proposed it here.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Min


def name_what_was_published(apps, schema_editor):
    Policy = apps.get_model("payments", "Policy")
    PolicyVersion = apps.get_model("payments", "PolicyVersion")
    published = Policy.objects.order_by("version").values("version").annotate(at=Min("published_at"))
    PolicyVersion.objects.bulk_create(
        PolicyVersion(
            number=row["version"], state="published", created_at=row["at"], decided_at=row["at"]
        )
        for row in published
    )
    if schema_editor.connection.vendor == "postgresql":
        # The next step alters what these rows refer to: their references are checked now.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0005_idempotency_keys'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='policy',
            name='approver_limit',
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='approver_window',
            field=models.PositiveSmallIntegerField(choices=[(24, '24 hours'), (168, '7 days'), (720, '30 days')], db_default=24, default=24),
        ),
        migrations.AddField(
            model_name='policy',
            name='beneficiary_limit',
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='beneficiary_window',
            field=models.PositiveSmallIntegerField(choices=[(24, '24 hours'), (168, '7 days'), (720, '30 days')], db_default=24, default=24),
        ),
        migrations.AddField(
            model_name='policy',
            name='customer_limit',
            field=models.DecimalField(blank=True, decimal_places=18, max_digits=38, null=True),
        ),
        migrations.AddField(
            model_name='policy',
            name='customer_window',
            field=models.PositiveSmallIntegerField(choices=[(24, '24 hours'), (168, '7 days'), (720, '30 days')], db_default=24, default=24),
        ),
        migrations.AddField(
            model_name='policy',
            name='lapse_hours',
            field=models.PositiveSmallIntegerField(db_default=168, default=168),
        ),
        migrations.AddField(
            model_name='policy',
            name='reauthenticate',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='policy',
            name='roles',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name='policy',
            name='typed_amount',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='signature',
            name='roles',
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AlterField(
            model_name='policy',
            name='origin',
            field=models.CharField(blank=True, choices=[('desk', 'Desk'), ('api', 'API'), ('import', 'Import'), ('upstream', 'Seen upstream')], max_length=12),
        ),
        migrations.AlterField(
            model_name='policy',
            name='published_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='policy',
            name='upstream',
            field=models.CharField(blank=True, choices=[('luxcore', 'LuxCore'), ('lux', 'Lux Financial'), ('lumetrade', 'Lumetrade')], max_length=16),
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True)),
                ('state', models.CharField(choices=[('draft', 'Draft'), ('proposed', 'Proposed'), ('published', 'Published'), ('dropped', 'Dropped')], default='draft', max_length=12)),
                ('created_at', models.DateTimeField()),
                ('reason', models.TextField(blank=True)),
                ('proposed_at', models.DateTimeField(null=True)),
                ('decided_at', models.DateTimeField(null=True)),
                ('base', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='payments.policyversion')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('written_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.RunPython(name_what_was_published, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='policy',
            name='version',
            field=models.ForeignKey(db_column='version', on_delete=django.db.models.deletion.PROTECT, related_name='tiers', to='payments.policyversion', to_field='number'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'proposed', 'published', 'dropped'])), name='policy_state_known'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'published'), _negated=True), ('decided_by', None), models.Q(('decided_by', models.F('written_by')), _negated=True), _connector='OR'), name='published_by_two'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['draft', 'proposed'])), fields=('state',), name='one_open_policy_per_state'),
        ),
    ]
