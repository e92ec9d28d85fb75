"""LuxCore's records in the columns of our rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from customers.columns import longest
from payments.accounts import account_key
from payments.enums import Kind, PaymentStatus
from payments.mirror.merging import Observation, stamp_of
from payments.models import Payment, Withdrawal
from upstreams.enums import Upstream
from upstreams.luxcore.schemas import PaymentRecord, PayoutRecord

STATUSES: Final[Mapping[str, PaymentStatus]] = {
    "pending": PaymentStatus.CREATED,
    "processing": PaymentStatus.IN_PROGRESS,
    "completed": PaymentStatus.COMPLETED,
    "failed": PaymentStatus.FAILED,
    "cancelled": PaymentStatus.CANCELLED,
    "expired": PaymentStatus.EXPIRED,
    "partial_refund": PaymentStatus.PARTLY_RETURNED,
    "refunded": PaymentStatus.RETURNED,
}
_KINDS: Final = {"deposit": Kind.DEPOSIT, "withdrawal": Kind.WITHDRAWAL}
_LARGEST_VERSION: Final = 2**63 - 1

# Texts that identify or are acted upon: too long for our column, the record is refused. Other
# texts are cut; `raw` keeps them whole.
_EXACT: Final = ("upstream_id", "upstream_status", "currency", "method", "merchant_reference")


# The parts of a payout that a withdrawal has columns for, by their name there.
PAYOUT_FIELDS: Final = (
    "recipient_name",
    "bank_account",
    "bank_code",
    "account_type",
    "tax_id",
    "payid",
    "payid_type",
    "payout_description",
    "payout_reference",
)


class Unstorable(ValueError):
    """This record does not fit our rows. The reason holds no personal data."""


def luxcore_status(record: PaymentRecord) -> PaymentStatus:
    """LuxCore's word in our common view; a word nobody documented is UNKNOWN."""
    return STATUSES.get(record.status, PaymentStatus.UNKNOWN)


def observe(record: PaymentRecord, *, customer_id: int | None = None) -> Observation:
    """Read one record; raises Unstorable."""
    version = record.status_version
    if version is not None and version > _LARGEST_VERSION:
        raise Unstorable("status_version is too large")
    status = luxcore_status(record)
    values: dict[str, Any] = {
        "kind": _KINDS.get(record.kind, Kind.OTHER),
        "hosted": record.hosted,
        "amount": record.amount.amount,
        "fee": record.fee and record.fee.amount,
        "net": record.net and record.net.amount,
        "refunded": record.refunded and record.refunded.amount,
        "currency": record.currency,
        "method": record.method,
        "status": status.value,
        "upstream_status": record.status,
        "status_version": version,
        "merchant_reference": record.merchant_reference,
        "customer_id": customer_id,
        "counterparty_name": _counterparty_name(record),
        "counterparty": _counterparty(record),
        "account_key": _account_key(record),
        "page_url": record.page_url,
        "description": record.description,
        "error_code": record.error_code,
        "error_message": record.error_message,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "completed_at": record.completed_at,
        "raw": record.raw,
        "digest": record.digest,
    }
    _fit(values | {"upstream_id": record.id})
    for name in ("counterparty_name", "error_code"):
        values[name] = values[name][: longest(Payment, name)]
    return Observation(
        upstream=Upstream.LUXCORE,
        upstream_id=record.id,
        status=status,
        stamp=stamp_of(status, version),
        values=values,
    )


def _fit(values: Mapping[str, Any]) -> None:
    for name in _EXACT:
        if len(values[name]) > (longest(Payment, name) or 0):
            raise Unstorable(f"{name} is too long")
    for name, value in values["counterparty"].items():
        most = longest(Withdrawal, name) if name in PAYOUT_FIELDS else None
        if isinstance(value, str) and most and len(value) > most:
            raise Unstorable(f"payout {name} is too long")


def _counterparty(record: PaymentRecord) -> dict[str, Any]:
    if record.payout is None:
        return record.details
    told = asdict(record.payout)
    told["payout_description"] = told.pop("description")
    told["payout_reference"] = told.pop("reference")
    return {name: value for name, value in told.items() if value}


def _counterparty_name(record: PaymentRecord) -> str:
    if record.payout is not None and record.payout.recipient_name:
        return record.payout.recipient_name
    return record.customer.name if record.customer else ""


def _account_key(record: PaymentRecord) -> str:
    payout: PayoutRecord | None = record.payout
    if payout is None:
        return ""
    return account_key(
        currency=record.currency,
        bank_account=payout.bank_account,
        bank_code=payout.bank_code,
        payid=payout.payid,
    )
