"""Quotes, trades and their fills (upstreams.md §2.10, LT-A10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from upstreams import strict_json
from upstreams.lumetrade.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class FillRecord:
    """One part of a trade that was carried out."""

    id: str
    status: str
    sold: Money
    bought: Money
    created_at: datetime | None
    modified_at: datetime | None


@dataclass(frozen=True, slots=True)
class TradeRecord:
    """An exchange. `sold` is what is given (`from…`), `bought` what is got (`to…`); None while
    not known. The rate is theirs, as they write it; `is_rate_inverted` says which way it counts."""

    id: str
    status: str
    from_currency: str
    to_currency: str
    sold: Money | None
    bought: Money | None
    rate: Decimal | None
    is_rate_inverted: bool
    is_rfq: bool
    created_at: datetime
    completed_at: datetime | None
    fills: list[FillRecord]
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class QuoteRecord:
    """A price. `reference` confirms it, "" where it is only indicative."""

    reference: str
    sold: Money
    bought: Money
    rate: Decimal | None
    is_rate_inverted: bool
    expires_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


def parse_trade(raw: Any) -> TradeRecord:
    """A trade, with fills or without; raises BadRecord."""
    fields = Fields(raw)
    sold, bought = fields.required_text("fromCurrency"), fields.required_text("toCurrency")
    return TradeRecord(
        id=fields.required_text("transactionId"),
        status=fields.stage(),
        from_currency=sold,
        to_currency=bought,
        sold=fields.money("fromAmount", currency=sold),
        bought=fields.money("toAmount", currency=bought),
        rate=fields.number("rate"),
        is_rate_inverted=fields.flag("isRateInverted"),
        is_rfq=fields.flag("isRfq"),
        created_at=fields.required_moment("createdAt"),
        completed_at=fields.moment("completedAt"),
        fills=[_fill(fill) for fill in fields.children("fills")],
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_quote(raw: Any) -> QuoteRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    sold, bought = fields.required_text("fromCurrency"), fields.required_text("toCurrency")
    return QuoteRecord(
        reference=fields.text("quoteStr"),
        sold=fields.positive_money("fromAmount", currency=sold),
        bought=fields.positive_money("toAmount", currency=bought),
        rate=fields.number("rate"),
        is_rate_inverted=fields.flag("isRateInverted"),
        expires_at=fields.moment("expiresAt"),
        raw=fields.raw,
    )


def _fill(fields: Fields) -> FillRecord:
    sold, bought = fields.required_text("fromCurrency"), fields.required_text("toCurrency")
    return FillRecord(
        id=fields.required_text("transactionId"),
        status=fields.stage(),
        sold=fields.positive_money("fromCurrencyAmount", currency=sold),
        bought=fields.positive_money("toCurrencyAmount", currency=bought),
        created_at=fields.moment("createdAt"),
        modified_at=fields.moment("modifiedAt"),
    )
