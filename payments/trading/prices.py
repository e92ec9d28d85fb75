"""What an exchange costs, said so that nobody takes a rate the wrong way round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeAlias

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext_noop as _

from payments.checks.funds import NOTHING, Committed, committed, estimated_fee_from
from payments.checks.results import figure
from payments.models import Balance, Trade, TradeOrder
from payments.trading import currencies
from staff.texts import Sayable, Text
from upstreams.enums import Upstream

DIGITS: Final = 8  # of a rate: more tell nobody anything
_ROUNDING: Final = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN)


Priced: TypeAlias = Trade | TradeOrder


def in_words(priced: Priced) -> str:
    """The price of one unit, `1 USD = 18.27 ZAR`; "" where it is not known.

    By both amounts where they are known: the documents do not say which way a rate counts.
    It is said the way that is above one.
    """
    if priced.sold and priced.bought:
        bought_for_one = _ROUNDING.divide(priced.bought, priced.sold)
        if bought_for_one >= 1:
            return _said(priced.from_currency, bought_for_one, priced.to_currency)
        sold_for_one = _ROUNDING.divide(priced.sold, priced.bought)
        return _said(priced.to_currency, sold_for_one, priced.from_currency)
    if not priced.rate:
        return ""
    if priced.is_rate_inverted:
        return _said(priced.to_currency, priced.rate, priced.from_currency)
    return _said(priced.from_currency, priced.rate, priced.to_currency)


def _said(one: str, rate: Decimal, other: str) -> str:
    plain = _ROUNDING.create_decimal(rate).normalize()
    places = max(0, -int(plain.as_tuple().exponent))
    return f"1 {one} = {number_format(plain, places, force_grouping=True)} {other}"


@dataclass(frozen=True)
class Purse:
    """What is on one account, what of it is promised, and what is left after the exchange."""

    currency: str
    available: Decimal
    ahead: Committed
    promised: Decimal  # with the fees that will probably be taken
    after: Decimal
    as_of: datetime

    @property
    def is_short(self) -> bool:
        return self.after < 0


def purses(order: TradeOrder) -> list[Purse]:
    """Both accounts, the one that is sold from first; none of which nothing is known."""
    rows = currencies.accounts().filter(currency__in=[order.from_currency, order.to_currency])
    known = {row.currency: row for row in rows}
    moves = {order.from_currency: -order.sold, order.to_currency: order.bought}
    return [_purse(known[currency], by) for currency, by in moves.items() if currency in known]


def _purse(balance: Balance, by: Decimal) -> Purse:
    ahead, promised = committed(balance), Decimal(0)
    if ahead != NOTHING:
        promised = ahead.with_fee(estimated_fee_from(balance), balance.currency)
    return Purse(
        balance.currency,
        balance.available,
        ahead,
        promised,
        balance.available - promised + by,
        balance.as_of,
    )


def against(order: TradeOrder, purses: Sequence[Purse]) -> Sayable:
    """Why the account that is sold from does not allow it, as far as we know; "" if it does."""
    currency = order.from_currency
    purse = next((purse for purse in purses if purse.currency == currency), None)
    if purse is None:
        return Text(
            _("The %(currency)s balance at %(provider)s is not known."),
            currency=currency,
            provider=Upstream(order.upstream).label,
        )
    if not purse.is_short:
        return ""
    if purse.ahead == NOTHING:
        return Text(_("There is not enough %(currency)s for it."), currency=currency)
    return Text(
        _(
            "There is not enough %(currency)s for it: of %(available)s, %(promised)s are "
            "promised to %(ahead)s."
        ),
        currency=currency,
        available=figure(purse.available, currency),
        promised=figure(purse.promised, currency),
        ahead=purse.ahead.words,
    )


def needs_proof(order: TradeOrder) -> bool:
    """Whether so much is sold that whoever confirms it proves anew who they are."""
    bound: Decimal | None = settings.TRADE_WITHOUT_PROOF.get(order.from_currency)
    return bound is None or order.sold > bound
