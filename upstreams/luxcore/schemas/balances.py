"""Balances (upstreams.md §3.14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from upstreams.luxcore.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class BalanceRecord:
    """One balance of one kind in one currency. The parts may be negative."""

    currency: str
    balance_type: str
    amount: Money
    available: Money
    frozen: Money
    raw: dict[str, Any] = field(repr=False)


def parse_balance(raw: Any) -> BalanceRecord:
    """A balance of either shape; raises BadRecord."""
    fields = Fields(raw)
    currency = fields.required_text("currency")
    return BalanceRecord(
        currency=currency,
        balance_type=fields.required_text("balance_type"),
        amount=fields.required_money("balance_amount", "new_balance", currency=currency),
        available=fields.required_money("available_amount", "available_balance", currency=currency),
        frozen=fields.required_money("frozen_amount", currency=currency),
        raw=fields.raw,
    )
