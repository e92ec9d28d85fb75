"""Transfers (upstreams.md §1.6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from upstreams import strict_json
from upstreams.lux.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class LegRecord:
    """Where a transfer comes from or goes to: over a rail, or the account of the short form."""

    payment_rail: str
    currency: str
    external_account_id: str
    account_id: str
    address: str = field(repr=False)
    trace_number: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReceiptRecord:
    """What it cost and brought. Theirs to the last digit, in currencies they do not name."""

    initial_amount: Decimal | None
    developer_fee: Decimal | None
    exchange_fee: Decimal | None
    subtotal_amount: Decimal | None
    gas_fee: Decimal | None
    final_amount: Decimal | None
    exchange_rate: Decimal | None
    source_tx_hash: str
    destination_tx_hash: str
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """A transfer; an unknown state is kept as it came. `amount` is None while it is flexible."""

    id: str
    state: str
    client_reference_id: str
    on_behalf_of: str
    currency: str
    amount: Money | None
    developer_fee: Decimal | None
    developer_fee_percent: Decimal | None
    source: LegRecord
    destination: LegRecord
    deposit_instructions: dict[str, Any] = field(repr=False)
    receipt: ReceiptRecord | None
    return_details: dict[str, Any] = field(repr=False)
    created_at: datetime
    updated_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """What a dry run says. `state` is `valid` where the route can be taken."""

    state: str
    notes: list[str]

    @property
    def is_valid(self) -> bool:
        return self.state == "valid"


def parse_transfer(raw: Any) -> TransferRecord:
    """Raises BadRecord. `status` is an older name of `state` (LF-C2)."""
    fields = Fields(raw)
    source, destination = _leg(fields.child("source")), _leg(fields.child("destination"))
    currency = fields.currency("currency") or source.currency or destination.currency
    return TransferRecord(
        id=fields.required_text("id"),
        state=fields.required_text("state", "status"),
        client_reference_id=fields.text("client_reference_id"),
        on_behalf_of=fields.text("on_behalf_of"),
        currency=currency,
        amount=_amount(fields, currency),
        developer_fee=fields.decimal("developer_fee"),
        developer_fee_percent=fields.decimal("developer_fee_percent"),
        source=source,
        destination=destination,
        deposit_instructions=fields.free("source_deposit_instructions"),
        receipt=_receipt(fields.child("receipt")),
        return_details=fields.free("return_details"),
        created_at=fields.required_moment("created_at"),
        updated_at=fields.moment("updated_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_route_check(raw: Any) -> RouteCheck:
    """Raises BadRecord."""
    fields = Fields(raw)
    return RouteCheck(
        state=fields.required_text("state"), notes=fields.words("notes", "message", "note")
    )


def _amount(fields: Fields, currency: str) -> Money | None:
    """Never below zero, and never an amount of nothing known."""
    money = fields.money("amount", currency=currency)
    if money is None:
        return None
    if money.amount < 0:
        raise fields.bad("amount", "is negative")
    if not currency:
        raise fields.bad("currency", "is missing")
    return money


def _leg(fields: Fields | None) -> LegRecord:
    fields = fields or Fields({})
    return LegRecord(
        payment_rail=fields.text("payment_rail").lower(),
        currency=fields.currency("currency"),
        external_account_id=fields.text("external_account_id"),
        account_id=fields.text("account_id"),
        address=fields.text("to_address", "from_address"),
        trace_number=fields.text("trace_number"),
        raw=fields.members,
    )


def _receipt(fields: Fields | None) -> ReceiptRecord | None:
    if fields is None:
        return None
    return ReceiptRecord(
        initial_amount=fields.decimal("initial_amount"),
        developer_fee=fields.decimal("developer_fee"),
        exchange_fee=fields.decimal("exchange_fee"),
        subtotal_amount=fields.decimal("subtotal_amount"),
        gas_fee=fields.decimal("gas_fee"),
        final_amount=fields.decimal("final_amount"),
        exchange_rate=fields.decimal("exchange_rate"),
        source_tx_hash=fields.text("source_tx_hash"),
        destination_tx_hash=fields.text("destination_tx_hash"),
        url=fields.text("url"),
    )
