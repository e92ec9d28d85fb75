"""Asking for the price of an exchange, and confirming it while it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.columns import keeps
from payments.actions.common import refusal_is_recorded
from payments.actions.errors import InvalidDraft, ProofTooOld, QuoteExpired, QuoteNotPossible
from payments.decision import is_proved
from payments.enums import OrderStatus
from payments.models import TradeOrder
from payments.references import TRADE, key_for
from payments.rules import inexact
from payments.trading import currencies, prices
from payments.trading.moves import move
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import Rejected, UpstreamError
from upstreams.http import Priority
from upstreams.lumetrade.calls.trades import Exchange
from upstreams.lumetrade.client import get_client
from upstreams.lumetrade.schemas import QuoteRecord
from upstreams.money import Money, as_stored

# Their names for what was typed, and ours.
_FIELDS: Final = {
    "fromCurrency": "from_currency",
    "toCurrency": "to_currency",
    "fromAmount": "amount",
    "toAmount": "amount",
}


@dataclass(frozen=True)
class Wish:
    """What somebody wants to exchange: so much of one currency, or one currency for so much."""

    from_currency: str
    to_currency: str
    amount: Decimal
    fixes_bought: bool

    @property
    def exchange(self) -> Exchange:
        fixed = self.to_currency if self.fixes_bought else self.from_currency
        return Exchange(self.from_currency, self.to_currency, Money(self.amount, fixed))


def request_quote(*, wish: Wish, by: User, at: datetime) -> TradeOrder:
    """Ask Lumetrade for a price that can be confirmed, and keep it with its end.

    A price holds for half a minute and somebody waits for it, so a queue would be of no use: it is
    asked for here and now, as at an approval within the time a click may wait and with the
    operator's share of the call budget. It binds nobody and may be asked for again, and no row is
    locked meanwhile. Raises NotPermitted, InvalidDraft, QuoteNotPossible.
    """
    require(by, Permission.ASK_QUOTES)
    quote = _asked(wish)
    _refuse_other(wish, quote)
    _refuse_inexact(quote)
    assert quote.expires_at is not None  # the client knows an end where they name none
    with transaction.atomic():
        order = TradeOrder.objects.create(
            upstream=Upstream.LUMETRADE,
            from_currency=wish.from_currency,
            to_currency=wish.to_currency,
            sold=quote.sold.amount,
            bought=quote.bought.amount,
            fixes_bought=wish.fixes_bought,
            rate=None if quote.rate is None else as_stored(quote.rate),
            is_rate_inverted=quote.is_rate_inverted,
            reference=quote.reference,
            expires_at=quote.expires_at,
            created_by=by,
            created_at=at,
        )
        journal = Journal(by=by, at=at)
        journal.add("payments.tradeorder.quoted", order, after=_told(order))
        journal.write()
    return order


def confirm_quote(
    *, order_id: int, proved_at: datetime | None, by: User, at: datetime
) -> TradeOrder:
    """Exchange the money at the price that was quoted: it is queued, and sent at once.

    Where so much is sold that a setting asks for it, `proved_at` is when they last proved who they
    are. Raises NotPermitted, ProofTooOld, QuoteExpired, QuoteNotPossible; the same click again
    returns the order.
    """
    subject = (TradeOrder._meta.label_lower, str(order_id))
    with refusal_is_recorded("payments.tradeorder.confirmation_refused", subject, by=by, at=at):
        require(by, Permission.TRADE)
        return _confirm(order_id, proved_at=proved_at, by=by, at=at)


def _confirm(order_id: int, *, proved_at: datetime | None, by: User, at: datetime) -> TradeOrder:
    with transaction.atomic():
        order = TradeOrder.objects.locked().get(pk=order_id)
        if order.status != OrderStatus.QUOTED:
            if order.confirmed_by_id == by.pk:
                return order
            raise QuoteNotPossible(
                Text(_("Somebody else has confirmed %(code)s."), code=order.code)
            )
        if order.has_expired(now=at):
            raise QuoteExpired
        if prices.needs_proof(order) and not is_proved(proved_at, now=at):
            raise ProofTooOld
        _wait_for_others(order)
        if why := prices.against(order, prices.purses(order)):
            raise QuoteNotPossible(why)
        journal = Journal(by=by, at=at)
        outbox.put(
            kind=TRADE,
            upstream=order.upstream,
            subject=audit.subject_of(order),
            attempt_no=1,
            request=_confirmation(order),
            idempotency_key=key_for(order),
            at=at,
        )
        move(order, OrderStatus.QUEUED, journal=journal, confirmed_by=by, confirmed_at=at)
        journal.write()
    return order


def _wait_for_others(order: TradeOrder) -> None:
    """Wait until nobody else decides about the same money: whoever comes later counts this one."""
    rows = currencies.accounts().filter(currency=order.from_currency)
    list(rows.select_for_update().values_list("pk"))


def _asked(wish: Wish) -> QuoteRecord:
    seconds = settings.APPROVAL_READ_SECONDS
    try:
        client = get_client(priority=Priority.OPERATOR, deadline=seconds)
        return client.quote(wish.exchange, confirmable=True)
    except Rejected as refusal:
        raise InvalidDraft(_by_field(refusal)) from refusal
    except UpstreamError as problem:
        raise QuoteNotPossible(
            Text(
                _("No price could be had: %(problem)s. Nothing was exchanged. Try again."),
                problem=problem.message.rstrip("."),
            )
        ) from problem


def _by_field(refusal: Rejected) -> dict[str, Sayable]:
    """Their objections by our fields; what names none of them, for the whole form."""
    found: dict[str, Sayable] = {}
    for name, said in refusal.field_errors.items():
        text = Text(_("Lumetrade says: %(said)s"), said=said)
        found.setdefault(_FIELDS.get(name, "provider"), text)
    return found or {"provider": Text(_("Lumetrade says: %(said)s"), said=refusal.message)}


def _refuse_other(wish: Wish, quote: QuoteRecord) -> None:
    """A price for something else, or one that nobody could confirm, is none."""
    fixed = quote.bought if wish.fixes_bought else quote.sold
    is_asked = (quote.sold.currency, quote.bought.currency, fixed.amount) == (
        wish.from_currency,
        wish.to_currency,
        wish.amount,
    )
    is_usable = quote.reference and quote.sold.amount > 0 and quote.bought.amount > 0
    if not is_asked or not is_usable or len(quote.reference) > _longest_reference():
        raise QuoteNotPossible(
            Text(_("Lumetrade answered with a price for something else. Nothing was exchanged."))
        )


def _refuse_inexact(quote: QuoteRecord) -> None:
    """What is confirmed is made of what we keep, so that must be the amounts of the quote."""
    for money in (quote.sold, quote.bought):
        if not keeps(money.amount):
            raise QuoteNotPossible(inexact(money.amount))


def _longest_reference() -> int:
    return TradeOrder._meta.get_field("reference").max_length or 0


def _confirmation(order: TradeOrder) -> bytes:
    """The exact body that confirms it; the same order gives the same bytes for ever."""
    wish = Wish(
        order.from_currency,
        order.to_currency,
        order.bought if order.fixes_bought else order.sold,
        order.fixes_bought,
    )
    return wish.exchange.body(quoteStr=order.reference)


def _told(order: TradeOrder) -> dict[str, object]:
    return {
        "sold": f"{order.sold.normalize():f} {order.from_currency}",
        "bought": f"{order.bought.normalize():f} {order.to_currency}",
        "expires_at": order.expires_at.isoformat(),
    }
