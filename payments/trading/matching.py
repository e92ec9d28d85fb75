"""Finding out which of Lumetrade's trades is ours, when the answer to ours was lost.

There is no reference to look for: only the two currencies, both amounts and the time. What is not
certain is left to two people, who see here what it may be. Amounts that are not told yet exclude
nothing.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from payments.enums import OrderStatus
from payments.matching import MOST, window
from payments.models import Trade, TradeOrder
from upstreams.models import Command


def answered_with(command: Command) -> str:
    """The id of the trade that they answered us with, where it is not what was quoted; or ""."""
    if command.outcome.get("outcome") != "mismatch":
        return ""
    return str(command.outcome["data"].get("trade", ""))


def answer(command: Command) -> Trade | None:
    """That trade, as we hold it."""
    rows = Trade.objects.filter(upstream=command.upstream, upstream_id=answered_with(command))
    return rows.first()


def candidates(order: TradeOrder, command: Command) -> list[Trade]:
    """What may be it: this pair and the amount that was asked for, in its window, nobody's yet."""
    return list(_fitting(order, command).order_by("created_at", "pk")[:MOST])


def evidence(order: TradeOrder, command: Command) -> list[Trade]:
    """What people look at: first the trade that we were answered with, then what else may be it."""
    there = candidates(order, command)
    if (answered := answer(command)) is None:
        return there
    return [answered, *(trade for trade in there if trade != answered)]


def is_nameable(order: TradeOrder, command: Command, trade: Trade) -> bool:
    """Whether people may say that it became this trade: after an answer, only the one in it."""
    if answered := answered_with(command):
        return trade.upstream_id == answered
    return _fitting(order, command).filter(pk=trade.pk).exists()


def _fitting(order: TradeOrder, command: Command) -> QuerySet[Trade]:
    name, amount = ("bought", order.bought) if order.fixes_bought else ("sold", order.sold)
    return Trade.objects.filter(
        Q(**{name: amount}) | Q(**{name: None}),
        upstream=order.upstream,
        from_currency=order.from_currency,
        to_currency=order.to_currency,
        created_at__range=window(command),
        first_seen_at__gte=command.first_sent_at or command.created_at,  # seen before: not it
        order=None,
    )


def certain(order: TradeOrder, there: list[Trade]) -> Trade | None:
    """The one that is it beyond doubt: the only one, of both amounts, and asked for once."""
    if len(there) != 1 or not is_equal(order, there[0]) or _has_rival(order):
        return None
    return there[0]


def is_equal(order: TradeOrder, trade: Trade) -> bool:
    """Whether it is the very exchange that was quoted: both amounts, and made from a quote."""
    return (trade.sold, trade.bought, trade.is_rfq) == (order.sold, order.bought, True)


def may_be_equal(order: TradeOrder, trade: Trade) -> bool:
    """Whether it is that very exchange, or may turn out to be once its amounts are told."""
    amounts = [(trade.sold, order.sold), (trade.bought, order.bought)]
    if all(theirs is not None for theirs, _ in amounts):
        return is_equal(order, trade)
    return all(theirs is None or theirs == ours for theirs, ours in amounts)


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
