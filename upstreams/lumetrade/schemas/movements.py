"""Withdrawals and deposits (upstreams.md §2.8, §2.9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams import strict_json
from upstreams.lumetrade.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class WithdrawalRecord:
    """Money going out. It does not say to which beneficiary, nor carry a reference of ours."""

    id: str
    status: str
    currency: str
    amount: Money
    fee: Money | None
    details: dict[str, Any] = field(repr=False)
    created_at: datetime
    completed_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DepositRecord:
    """Money that came in. When it was created is not told (LT-A11)."""

    id: str
    status: str
    currency: str
    amount: Money
    fee: Money | None
    completed_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreatedWithdrawal:
    """The answer to a creation: an id and a stage, no amount to compare."""

    id: str
    status: str
    raw: dict[str, Any] = field(repr=False)


def parse_withdrawal(raw: Any) -> WithdrawalRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    currency = fields.required_text("currency")
    return WithdrawalRecord(
        id=fields.required_text("transactionId"),
        status=fields.stage(),
        currency=currency,
        amount=fields.positive_money("amount", currency=currency),
        fee=fields.money("fee", currency=currency),
        details=fields.free("withdrawDetails"),
        created_at=fields.required_moment("createdAt"),
        completed_at=fields.moment("completedAt"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_deposit(raw: Any) -> DepositRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    currency = fields.required_text("currency")
    return DepositRecord(
        id=fields.required_text("transactionId"),
        status=fields.stage(),
        currency=currency,
        amount=fields.positive_money("amount", currency=currency),
        fee=fields.money("fee", currency=currency),
        completed_at=fields.moment("completedAt"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_created(raw: Any) -> CreatedWithdrawal:
    """Raises BadRecord."""
    fields = Fields(raw)
    return CreatedWithdrawal(
        id=fields.required_text("transactionId"), status=fields.stage(), raw=fields.raw
    )
