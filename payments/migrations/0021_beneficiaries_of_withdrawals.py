"""The beneficiaries of what was asked for before there were any.

Batch by batch, each kept by itself: an interrupted run goes on where it stopped, and the desk works
meanwhile. Whoever asked for the oldest payout to an account is who first asked for it, or whoever
changed it to that account.
"""

from django.db import migrations, transaction
from django.db.models import Max, OuterRef, Subquery

BATCH = 2_000
DETAILS = (
    "upstream",
    "currency",
    "method",
    "recipient_name",
    "bank_account",
    "bank_code",
    "account_type",
    "tax_id",
    "payid",
    "payid_type",
    "payee_id",
)
WHERE_TO = {"bank_account", "bank_code", "payid", "payee_id"}


def forward(apps, schema_editor):
    Withdrawal = apps.get_model("payments", "Withdrawal")
    behind = 0
    # Asked anew each time: the desk works meanwhile.
    while behind < (Withdrawal.objects.aggregate(last=Max("pk"))["last"] or 0):
        _give_theirs(apps, range(behind + 1, behind + BATCH + 1))
        behind += BATCH


@transaction.atomic
def _give_theirs(apps, keys):
    Withdrawal = apps.get_model("payments", "Withdrawal")
    Beneficiary = apps.get_model("payments", "Beneficiary")
    rows = Withdrawal.objects.filter(
        pk__gte=keys.start, pk__lt=keys.stop, beneficiary=None
    ).exclude(account_key="")
    first, latest = {}, {}
    for row in rows.order_by("pk"):
        first.setdefault(row.account_key, row)
        latest[row.account_key] = row
    Beneficiary.objects.bulk_create(
        [_made(apps, first[key], latest[key]) for key in sorted(first)],
        update_conflicts=True,
        unique_fields=["account_key"],
        update_fields=[*DETAILS, "noted_at"],
    )
    theirs = Beneficiary.objects.filter(account_key=OuterRef("account_key")).values("pk")
    rows.update(beneficiary=Subquery(theirs))


def _made(apps, first, latest):
    return apps.get_model("payments", "Beneficiary")(
        account_key=first.account_key,
        first_asked_by_id=_who_brought_it(apps, first),
        first_asked_at=first.created_at,
        noted_at=latest.created_at,
        **{name: getattr(latest, name) for name in DETAILS},
    )


def _who_brought_it(apps, row):
    """Whoever last changed where it goes, by the trail; else who asked for it."""
    if row.last_edited_by_id is None:
        return row.created_by_id
    changes = apps.get_model("staff", "AuditEvent").objects.filter(
        subject_type="payments.withdrawal",
        subject_id=str(row.pk),
        verb="payments.withdrawal.amended",
    )
    for change in changes.order_by("-sequence"):
        if not WHERE_TO.isdisjoint(change.after):
            return change.by_id
    return row.created_by_id


def backward(apps, schema_editor):
    """Nothing: the rows go with their table."""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0020_beneficiaries")]

    operations = [migrations.RunPython(forward, backward, atomic=False)]
