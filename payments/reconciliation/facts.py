"""What two books say of one payment, and where they do not agree."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from payments.accounts import same_name
from payments.enums import Kind, PaymentStatus
from payments.mirror.merging import Observation
from payments.models import Payment
from upstreams.money import BadMoney, exponent

Facts = dict[str, str]

# What moved within this time may simply not have been told to the other side yet.
LAG: Final = timedelta(minutes=5)

LABELS: Final[Mapping[str, str]] = {
    "kind": _("Kind"),
    "amount": _("Amount"),
    "currency": _("Currency"),
    "status": _("Status"),
    "upstream_status": _("Their word for it"),
    "refunded": _("Returned"),
    "reference": _("Reference"),
    "recipient": _("Recipient"),
    "account": _("Account"),
    "created_at": _("Created"),
    "code": _("Withdrawal"),
    "since": _("Since"),
    "waiting_for": _("Waits for"),
    "event": _("Event"),
    "opening": _("Balance before"),
    "movements": _("Payments between"),
    "closing": _("Balance after"),
    "difference": _("Difference"),
    "day": _("Day"),
}

MONEY: Final = frozenset({"amount", "refunded", "opening", "movements", "closing", "difference"})

# They move by themselves; the others make a payment the one it is.
MOVING: Final = frozenset({"status", "refunded"})

_ACCOUNTS: Final = ("payid", "bank_account", "accountNumber", "iban", "address")
_COLUMNS: Final = (
    "kind",
    "amount",
    "currency",
    "status",
    "upstream_status",
    "refunded",
    "merchant_reference",
    "counterparty_name",
    "counterparty",
    "account_key",
    "created_at",
)


def of_payment(payment: Payment) -> Facts:
    """What we say."""
    return _told({name: getattr(payment, name) for name in _COLUMNS})


def of_observation(seen: Observation) -> Facts:
    """What they say; what they leave out is empty."""
    return _told(seen.values)


def differing(payment: Payment, seen: Observation) -> list[str]:
    """The facts in which both differ. What they leave out differs in nothing."""
    told, found = seen.values, []
    for name in ("kind", "amount", "currency"):
        if getattr(payment, name) != told[name]:
            found.append(name)
    if _status(payment.status, payment.upstream_status) != _status(
        seen.status, told["upstream_status"]
    ):
        found.append("status")
    if told["refunded"] is not None and told["refunded"] != (payment.refunded or Decimal(0)):
        found.append("refunded")
    if _contradicts(payment.merchant_reference, told["merchant_reference"]):
        found.append("reference")
    if payment.kind == Kind.WITHDRAWAL and _contradicts(
        same_name(payment.counterparty_name), same_name(told["counterparty_name"])
    ):
        found.append("recipient")
    # The key of an account holds its currency: told apart above.
    if "currency" not in found and _contradicts(*_accounts(payment, told)):
        found.append("account")
    return found


def is_under_way(payment: Payment, fields: list[str], *, now: datetime) -> bool:
    """Whether this is no more than a move of the last minutes."""
    return MOVING.issuperset(fields) and payment.changed_at > now - LAG


def plain(amount: Decimal, currency: str) -> str:
    """One text per amount, however many zeros the database brings along."""
    try:
        return f"{amount.quantize(Decimal(1).scaleb(-exponent(currency))):f}"
    except BadMoney:
        return f"{amount.normalize():f}"


def _told(values: Mapping[str, Any]) -> Facts:
    currency, refunded = values["currency"], values["refunded"]
    return {
        "kind": str(values["kind"]),
        "amount": plain(values["amount"], currency),
        "currency": currency,
        "status": str(values["status"]),
        "upstream_status": values["upstream_status"],
        "refunded": plain(refunded, currency) if refunded else "",
        "reference": values["merchant_reference"],
        "recipient": values["counterparty_name"],
        "account": _account(values["counterparty"]),
        "created_at": values["created_at"].isoformat(),
    }


def _accounts(payment: Payment, told: Mapping[str, Any]) -> tuple[str, str]:
    """Both accounts: by their key, where this provider's have one."""
    if payment.account_key or told["account_key"]:
        return payment.account_key, told["account_key"]
    return _account(payment.counterparty), _account(told["counterparty"])


def _account(counterparty: Mapping[str, Any]) -> str:
    return next((str(counterparty[name]) for name in _ACCOUNTS if counterparty.get(name)), "")


def _status(status: str, upstream_status: str) -> str:
    """Words that we do not know are told apart by themselves."""
    return upstream_status if status == PaymentStatus.UNKNOWN else status


def _contradicts(ours: str, theirs: str) -> bool:
    return bool(theirs) and ours != theirs
