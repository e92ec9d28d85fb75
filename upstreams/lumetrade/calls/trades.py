"""Quotes and trades (upstreams.md §2.10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from upstreams.http import Call
from upstreams.lumetrade.calls.base import API, Calls, json_body
from upstreams.lumetrade.schemas import QuoteRecord, TradeRecord, parse_quote, parse_trade
from upstreams.money import Money
from upstreams.records import Batch

CONFIRM_QUOTE: Final = f"{API}/trades/quote/confirm"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What to exchange: so much of one currency for another, or one currency for so much."""

    from_currency: str
    to_currency: str
    amount: Money

    def __post_init__(self) -> None:
        if self.from_currency == self.to_currency:
            raise ValueError("an exchange needs two currencies")
        if self.amount.currency not in (self.from_currency, self.to_currency):
            raise ValueError("the amount must be in one of the two currencies")

    def body(self, **rest: str) -> bytes:
        """The request body, with exactly one of the amounts; raises BadMoney."""
        side = "fromAmount" if self.amount.currency == self.from_currency else "toAmount"
        currencies = {"fromCurrency": self.from_currency, "toCurrency": self.to_currency}
        return json_body({side: self.amount, **currencies, **rest})


def confirmation_body(exchange: Exchange, quote: QuoteRecord) -> bytes:
    """The request body that confirms a quote of this very exchange."""
    return exchange.body(quoteStr=quote.reference)


class TradeCalls(Calls):
    def list_trades(self) -> Iterator[Batch[TradeRecord]]:
        """GET /trades (§2.10): all of them, with fills. As long as it likes (`_long_list`)."""
        return self._long_list(f"{API}/trades", parse_trade)

    def get_trade(self, transaction_id: str) -> TradeRecord:
        """GET /trades/{transactionId} (§2.10); raises NotFound."""
        return self._get(f"{API}/trades/{{id}}", parse_trade, id=transaction_id)

    def quote(self, exchange: Exchange, *, confirmable: bool) -> QuoteRecord:
        """POST /trades/quote (§2.10, LT-A10): a price, binding nobody, so it may be repeated.

        One that is not `confirmable` is for showing only. Where the answer names no end, it is
        the assumed one, counted from before the call.
        """
        latest = datetime.now(UTC) + timedelta(seconds=self.assumed.quote_seconds)
        body = exchange.body(quoteIntent="client_linked" if confirmable else "indicative")
        quote = self._one(Call("POST", f"{API}/trades/quote", body=body, is_safe=True), parse_quote)
        return quote if quote.expires_at else replace(quote, expires_at=latest)

    def confirm_quote(self, body: bytes) -> TradeRecord:
        """POST /trades/quote/confirm with these very bytes (§2.10), once and never again.

        The trade comes without fills. Rejected: nothing happened. Everything without a clear
        answer is Unknown, a 409 too (Conflict, also for a quote that has expired): look for the
        trade in `list_trades`.
        """
        return self._one(Call("POST", CONFIRM_QUOTE, body=body), parse_trade)
