"""Indexes by which the lists of payments and withdrawals answer each of their filters.

PostgreSQL finds names by trigrams, and beginnings of references in an index that sorts by letters
alone. SQLite reads the whole table for a part of a name, and needs nothing more for a beginning.
"""

from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE INDEX payment_name_trigrams ON payments_payment
    USING gin (UPPER(counterparty_name) gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX payment_id_letters ON payments_payment (upstream_id varchar_pattern_ops);
CREATE INDEX payment_reference_letters ON payments_payment (merchant_reference varchar_pattern_ops);
CREATE INDEX withdrawal_name_trigrams ON payments_withdrawal
    USING gin (UPPER(recipient_name) gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX withdrawal_reference_letters
    ON payments_withdrawal (merchant_reference varchar_pattern_ops);
CREATE INDEX withdrawal_payout_reference_letters
    ON payments_withdrawal (payout_reference varchar_pattern_ops);
"""

BACKWARD = """
DROP INDEX withdrawal_payout_reference_letters;
DROP INDEX withdrawal_reference_letters;
DROP INDEX withdrawal_name_trigrams;
DROP INDEX payment_reference_letters;
DROP INDEX payment_id_letters;
DROP INDEX payment_name_trigrams;
"""


def forward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(FORWARD, params=None)


def backward(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(BACKWARD, params=None)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_names_in_trigrams'),
        ('payments', '0003_reconciliation'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['status', '-created_at', '-id'], name='payment_by_status'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['upstream', '-created_at', '-id'], name='payment_by_upstream'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['kind', '-created_at', '-id'], name='payment_by_kind'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['method', '-created_at', '-id'], name='payment_by_method'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['currency', '-created_at', '-id'], name='payment_by_currency'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['amount'], name='payment_by_amount'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('status__in', ['created', 'in_progress', 'in_review', 'unknown'])), fields=['-created_at', '-id'], name='payment_open_newest'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('status__in', ['returned', 'partly_returned'])), fields=['-created_at', '-id'], name='payment_returned_newest'),
        ),
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(condition=models.Q(('status__in', ['failed', 'cancelled', 'expired'])), fields=['-created_at', '-id'], name='payment_unpaid_newest'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['currency', '-created_at', '-id'], name='withdrawal_by_currency'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['method', '-created_at', '-id'], name='withdrawal_by_method'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['origin', '-created_at', '-id'], name='withdrawal_by_origin'),
        ),
        migrations.AddIndex(
            model_name='withdrawal',
            index=models.Index(fields=['amount'], name='withdrawal_by_amount'),
        ),
        migrations.RunPython(forward, backward),
    ]
