"""The keys of accounts and PayIDs that were stored while other spellings of one had keys of their own.

Batch by batch in the order of the rows, each kept by itself: an interrupted run goes on where it
stopped, and the desk works meanwhile. Two beneficiaries that turn out to be one become the one that
was asked for first.
"""

from django.db import migrations, transaction
from django.db.models import OuterRef, Q, Subquery

from payments.accounts import account_key

BATCH = 2_000
WRITTEN_IN_MANY_WAYS = Q(currency="AUD") & ~Q(account_key="")
PARTS = ("bank_account", "bank_code", "payid")


def forward(apps, schema_editor):
    Payment = apps.get_model("payments", "Payment")
    Withdrawal = apps.get_model("payments", "Withdrawal")
    ImportRow = apps.get_model("payments", "ImportRow")
    _rekey(Payment.objects.exclude(counterparty={}), _of_payment)
    _rekey(Withdrawal.objects.filter(payee_id=""), _of_columns)
    _rekey(ImportRow.objects.filter(withdrawal=None).exclude(draft={}), _of_draft)
    _follow(Withdrawal.objects.filter(hosted=True), "payment", Payment)
    _follow(ImportRow.objects.all(), "withdrawal", Withdrawal)
    for row in _batched(apps.get_model("payments", "Beneficiary").objects.filter(payee_id="")):
        _merge(apps, row)


def _batched(rows):
    behind = 0
    rows = rows.filter(WRITTEN_IN_MANY_WAYS).order_by("pk")
    while batch := list(rows.filter(pk__gt=behind)[:BATCH]):
        yield from batch
        behind = batch[-1].pk


def _rekey(rows, key_of):
    for row in _batched(rows):
        key = key_of(row)
        if key and key != row.account_key:
            # Only what is still as it was read: somebody may change it at this moment.
            rows.filter(pk=row.pk, account_key=row.account_key).update(account_key=key)


def _follow(rows, name, model):
    """Let rows without details of their own say what those say that they belong to."""
    theirs = model.objects.filter(pk=OuterRef(f"{name}_id")).values("account_key")
    for row in _batched(rows.exclude(**{f"{name}__account_key": ""}).exclude(**{name: None})):
        rows.filter(pk=row.pk).update(account_key=Subquery(theirs))


def _of_columns(row):
    return account_key(currency=row.currency, **{name: getattr(row, name) for name in PARTS})


def _of_payment(row):
    parts = {name: str(row.counterparty.get(name) or "") for name in PARTS}
    return account_key(currency=row.currency, **parts)


def _of_draft(row):
    parts = {name: str(row.draft.get(name) or "") for name in PARTS}
    return account_key(currency=row.currency, **parts)


@transaction.atomic
def _merge(apps, row):
    Beneficiary = apps.get_model("payments", "Beneficiary")
    key = _of_columns(row)
    if not key or key == row.account_key:
        return
    same = Beneficiary.objects.select_for_update().filter(account_key__in=[row.account_key, key])
    first, *others = sorted(same.order_by("account_key"), key=lambda one: (one.first_asked_at, one.pk))
    apps.get_model("payments", "Withdrawal").objects.filter(beneficiary__in=others).update(
        beneficiary=first
    )
    apps.get_model("payments", "BeneficiaryChange").objects.filter(beneficiary__in=others).update(
        beneficiary=first
    )
    told = [one.changed_at for one in (first, *others) if one.changed_at]
    Beneficiary.objects.filter(pk__in=[other.pk for other in others]).delete()
    first.account_key, first.changed_at = key, max(told, default=None)
    first.save(update_fields=["account_key", "changed_at"])


def backward(apps, schema_editor):
    """Nothing: what is one account stays one."""


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0022_drift_looked_at")]

    operations = [migrations.RunPython(forward, backward, atomic=False)]
