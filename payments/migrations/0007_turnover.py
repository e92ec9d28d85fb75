"""Sums of what was paid, for those payments too that were mirrored before there were sums."""

from collections import defaultdict

from django.db import migrations, models

PAID = ["completed", "partly_returned", "returned"]


def count_in(apps, schema_editor):
    turnover = apps.get_model("payments", "Turnover")
    paid = apps.get_model("payments", "Payment").objects.filter(status__in=PAID)
    sums = defaultdict(list)
    for at, currency, kind, amount in paid.values_list(
        "created_at", "currency", "kind", "amount"
    ).iterator():
        quarter = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        sums[quarter, currency, kind].append(amount)
    turnover.objects.bulk_create(
        [
            turnover(
                start_at=at, currency=currency, kind=kind, total=sum(amounts), number=len(amounts)
            )
            for (at, currency, kind), amounts in sums.items()
        ],
        batch_size=1000,
    )
    paid.update(is_counted=True)


class Migration(migrations.Migration):

    dependencies = [
        ('payments', '0006_policy_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='payment',
            name='is_counted',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Turnover',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start_at', models.DateTimeField()),
                ('currency', models.CharField(max_length=12)),
                ('kind', models.CharField(choices=[('deposit', 'Deposit'), ('withdrawal', 'Withdrawal'), ('transfer', 'Transfer'), ('other', 'Other')], max_length=12)),
                ('total', models.DecimalField(decimal_places=18, default=0, max_digits=38)),
                ('number', models.PositiveIntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('start_at', 'currency', 'kind'), name='one_turnover_per_quarter')],
            },
        ),
        migrations.RunPython(count_in, migrations.RunPython.noop),
    ]
