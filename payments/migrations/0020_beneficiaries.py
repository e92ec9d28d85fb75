"""Whom we pay. Names are found by any part of them, on PostgreSQL by an index of their trigrams."""

import django.db.models.deletion
import payments.models.beneficiaries
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE INDEX beneficiary_name_trigrams ON payments_beneficiary
    USING gin (UPPER(recipient_name) gin_trgm_ops) WITH (fastupdate = off);
"""
BACKWARD = "DROP INDEX beneficiary_name_trigrams;"


def forward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD, params=None)


def backward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BACKWARD, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_holds'),
        ('payments', '0019_bulk_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Beneficiary',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(default=payments.models.beneficiaries.new_code, max_length=16, unique=True)),
                ('account_key', models.CharField(max_length=64, unique=True)),
                ('upstream', models.CharField(choices=[('luxcore', 'LuxCore'), ('lux', 'Lux Financial'), ('lumetrade', 'Lumetrade')], max_length=16)),
                ('currency', models.CharField(max_length=12)),
                ('method', models.CharField(max_length=40)),
                ('recipient_name', models.CharField(blank=True, max_length=255)),
                ('bank_account', models.CharField(blank=True, max_length=64)),
                ('bank_code', models.CharField(blank=True, max_length=32)),
                ('account_type', models.CharField(blank=True, max_length=32)),
                ('tax_id', models.CharField(blank=True, max_length=32)),
                ('payid', models.CharField(blank=True, max_length=255)),
                ('payid_type', models.CharField(blank=True, max_length=8)),
                ('payee_id', models.CharField(blank=True, max_length=120)),
                ('first_asked_at', models.DateTimeField()),
                ('changed_at', models.DateTimeField(null=True)),
                ('noted_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'beneficiaries',
            },
        ),
        migrations.CreateModel(
            name='BeneficiaryChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(max_length=20)),
                ('before', models.CharField(blank=True, max_length=255)),
                ('after', models.CharField(blank=True, max_length=255)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='signature',
            name='introducer',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='signature',
            constraint=models.CheckConstraint(condition=models.Q(('introducer', None), models.Q(('introducer', models.F('by')), _negated=True), _connector='OR'), name='introducer_is_never_checker'),
        ),
        migrations.AddField(
            model_name='beneficiary',
            name='first_asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='beneficiary',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='withdrawals', to='payments.beneficiary'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['beneficiary', '-created_at', '-id'], name='withdrawal_by_beneficiary'),
        ),
        migrations.AddField(
            model_name='beneficiarychange',
            name='beneficiary',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='payments.beneficiary'),
        ),
        migrations.AddField(
            model_name='beneficiarychange',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(fields=['-first_asked_at', '-id'], name='beneficiary_newest'),
        ),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(fields=['currency', '-first_asked_at', '-id'], name='beneficiary_by_currency'),
        ),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(fields=['upstream', '-first_asked_at', '-id'], name='beneficiary_by_upstream'),
        ),
        migrations.AddIndex(
            model_name='beneficiary',
            index=models.Index(condition=models.Q(('changed_at__isnull', False)), fields=['changed_at'], name='beneficiary_changed'),
        ),
        migrations.AddIndex(
            model_name='beneficiarychange',
            index=models.Index(fields=['beneficiary', '-at', '-id'], name='beneficiary_history'),
        ),
        migrations.RunPython(forward, backward),
    ]
