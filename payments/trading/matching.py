"""Finding out which of Lumetrade's trades is ours, when the answer to ours was lost.

There is no reference to look for: only the two currencies, both amounts and the time. What is not
certain is left to two people, who see here what it may be.
"""

from __future__ import annotations

from payments.enums import OrderStatus
from payments.matching import MOST, window
from payments.models import Trade, TradeOrder
from upstreams.models import Command


def candidates(order: TradeOrder, command: Command) -> list[Trade]:
    """What may be it: this pair and the amount that was asked for, in its window, nobody's yet."""
    asked = {"bought": order.bought} if order.fixes_bought else {"sold": order.sold}
    rows = Trade.objects.filter(
        upstream=order.upstream,
        from_currency=order.from_currency,
        to_currency=order.to_currency,
        created_at__range=window(command),
        first_seen_at__gte=command.first_sent_at or command.created_at,  # seen before: not it
        order=None,
        **asked,
    )
    return list(rows.order_by("created_at", "pk")[:MOST])


def certain(order: TradeOrder, there: list[Trade]) -> Trade | None:
    """The one that is it beyond doubt: the only one, of both amounts, and asked for once."""
    if len(there) != 1 or not is_equal(order, there[0]) or _has_rival(order):
        return None
    return there[0]


def is_equal(order: TradeOrder, trade: Trade) -> bool:
    """Whether it is the very exchange that was quoted: both amounts, and made from a quote."""
    return (trade.sold, trade.bought, trade.is_rfq) == (order.sold, order.bought, True)


def _has_rival(order: TradeOrder) -> bool:
    """Whether another order of ours, just like it, may be the one that is seen there."""
    return (
        TradeOrder.objects.filter(
            upstream=order.upstream,
            from_currency=order.from_currency,
            to_currency=order.to_currency,
            sold=order.sold,
            bought=order.bought,
            status__in=[OrderStatus.SENDING, OrderStatus.UNKNOWN],
        )
        .exclude(pk=order.pk)
        .exists()
    )
