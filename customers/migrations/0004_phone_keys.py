from typing import Any

from django.db import migrations

import customers.models
from customers.phones import same_phone

BATCH = 500


def fill(apps: Any, schema_editor: Any) -> None:
    customer_model = apps.get_model("customers", "Customer")
    batch = []
    for customer in customer_model.objects.exclude(phone="").only("phone").iterator(BATCH):
        customer.phone_key = same_phone(customer.phone)
        batch.append(customer)
        if len(batch) == BATCH:
            customer_model.objects.bulk_update(batch, ["phone_key"])
            batch = []
    customer_model.objects.bulk_update(batch, ["phone_key"])


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0003_holds'),
    ]

    operations = [
        migrations.AddField(
            model_name='customer',
            name='phone_key',
            field=customers.models.PhoneKey(blank=True, editable=False, max_length=50),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
