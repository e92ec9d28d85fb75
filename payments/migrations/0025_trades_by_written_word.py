from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def name_trades(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What was proposed before names its trade by its row alone."""
    rows = apps.get_model("payments", "OrderSettlement").objects.filter(trade__isnull=False)
    for row in rows.select_related("trade"):
        row.upstream_id = row.trade.upstream_id
        row.save(update_fields=["upstream_id"])


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0024_bulk_decided_alone"),
    ]

    operations = [
        migrations.AddField(
            model_name="ordersettlement",
            name="upstream_id",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="ordersettlement",
            name="written_word",
            field=models.TextField(blank=True),
        ),
        migrations.RunPython(name_trades, migrations.RunPython.noop),
    ]
