"""Lux Financial's transfers in the columns of our rows (upstreams.md §1.6, §4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from customers.columns import longest
from customers.mirror import Told
from payments.enums import Kind, PaymentStatus
from payments.mirror.merging import Observation, Stamp
from payments.mirror.observing import Unstorable
from payments.mirror.storing import Source
from payments.models import Payment
from upstreams.enums import Upstream
from upstreams.lux.schemas import LegRecord, ReceiptRecord, TransferRecord

STATUSES: Final[Mapping[str, PaymentStatus]] = {
    "awaiting_funds": PaymentStatus.CREATED,
    "funds_received": PaymentStatus.IN_PROGRESS,
    "in_review": PaymentStatus.IN_REVIEW,
    "payment_submitted": PaymentStatus.IN_PROGRESS,
    "payment_processed": PaymentStatus.COMPLETED,
    "canceled": PaymentStatus.CANCELLED,
    "undeliverable": PaymentStatus.FAILED,  # and not over: the money comes back
    "returned": PaymentStatus.RETURNED,
    "refunded": PaymentStatus.RETURNED,
}
# How far along their graph a state lies. A word that nobody documented lies behind every open
# state, so that it shows, and before every end.
_RANKS: Final[Mapping[str, int]] = {
    "awaiting_funds": 1,
    "funds_received": 2,
    "in_review": 3,
    "payment_submitted": 4,
    "undeliverable": 5,
    "payment_processed": 6,
    "canceled": 6,
    "returned": 7,
    "refunded": 7,
}
_UNDOCUMENTED: Final = 5
_NOT_TOLD: Final = -1
BETWEEN_ACCOUNTS: Final = "account"  # how the short form travels: over no rail
_EXACT: Final = ("upstream_id", "upstream_status", "currency", "method", "merchant_reference")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def lux_status(record: TransferRecord) -> PaymentStatus:
    """Their word in our common view; a word nobody documented is UNKNOWN."""
    return STATUSES.get(record.state, PaymentStatus.UNKNOWN)


def observe_transfer(record: TransferRecord, customer_id: int | None) -> Observation:
    """Read one transfer; raises Unstorable."""
    if record.amount is None:
        raise Unstorable("its amount is not known yet")
    receipt, status = record.receipt, lux_status(record)
    code, message = _why_returned(record.return_details)
    values: dict[str, Any] = {
        "kind": Kind.TRANSFER,
        "amount": record.amount.amount,
        "fee": _fees(receipt),
        "net": _net(receipt, record),
        "refunded": None,
        "currency": record.currency,
        "method": record.destination.payment_rail or BETWEEN_ACCOUNTS,
        "status": status.value,
        "upstream_status": record.state,
        "merchant_reference": record.client_reference_id,
        "customer_id": customer_id,
        "counterparty": _counterparty(record),
        "counterparty_name": "",
        "account_key": "",
        "error_code": code,
        "error_message": message,
        "created_at": record.created_at,
        "completed_at": record.updated_at if status == PaymentStatus.COMPLETED else None,
        "raw": record.raw,
        "digest": record.digest,
    }
    for name, value in (values | {"upstream_id": record.id}).items():
        if name in _EXACT and len(value) > (longest(Payment, name) or 0):
            raise Unstorable(f"{name} is too long")
    return Observation(
        upstream=Upstream.LUX,
        upstream_id=record.id,
        status=status,
        stamp=stamp_of(record),
        values=values,
    )


def stamp_of(record: TransferRecord) -> Stamp:
    """Where an observation stands in the order of its transfer's: by state, then by their clock."""
    moment = record.updated_at
    told = _NOT_TOLD if moment is None else (moment - _EPOCH) // timedelta(microseconds=1)
    return _RANKS.get(record.state, _UNDOCUMENTED), told


def _counterparty(record: TransferRecord) -> dict[str, str]:
    """Both ends of the way, as far as they are told."""
    ends = {"from": record.source, "to": record.destination}
    told = {f"{end}_{name}": value for end, leg in ends.items() for name, value in _end(leg)}
    trace = record.destination.trace_number
    return told | ({"trace_number": trace} if trace else {})


def _end(leg: LegRecord) -> list[tuple[str, str]]:
    parts = {
        "rail": leg.payment_rail,
        "currency": leg.currency,
        "external_account": leg.external_account_id,
        "account": leg.account_id,
        "address": leg.address,
    }
    return [(name, value) for name, value in parts.items() if value]


def _fees(receipt: ReceiptRecord | None) -> Decimal | None:
    """What it cost in all; they name no currency, and take it from what was sent."""
    if receipt is None:
        return None
    parts = (receipt.developer_fee, receipt.exchange_fee, receipt.gas_fee)
    told = [part for part in parts if part is not None]
    return sum(told, Decimal(0)) if told else None


def _net(receipt: ReceiptRecord | None, record: TransferRecord) -> Decimal | None:
    """What arrived, where that is in the same currency."""
    if receipt is None or record.destination.currency not in ("", record.currency):
        return None
    return receipt.final_amount


def _why_returned(details: Mapping[str, Any]) -> tuple[str, str]:
    code, message = details.get("reason"), details.get("description")
    most = longest(Payment, "error_code")
    return (
        code[:most] if isinstance(code, str) else "",
        message if isinstance(message, str) else "",
    )


def _customer_of(record: TransferRecord) -> Told | None:
    return Told(record.on_behalf_of) if record.on_behalf_of else None


LUX: Final = Source(upstream=Upstream.LUX, observe=observe_transfer, customer_of=_customer_of)
