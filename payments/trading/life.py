"""Where an exchange that we asked for stands, in words: what is known and what happens next."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext

from payments import words
from payments.enums import OrderStatus, TradeStatus
from payments.life import Life
from payments.models import TradeOrder
from payments.trading import matching
from payments.trading.sending import CONFLICT, EXPIRED
from staff import audit
from upstreams.models import Command, SendingSwitch
from upstreams.outbox import waits_for_people


def is_moving(order: TradeOrder, *, now: datetime) -> bool:
    """Whether it can still change by itself, so that its page keeps looking."""
    if order.status == OrderStatus.QUOTED:
        return not order.has_expired(now=now)
    if order.status == OrderStatus.MADE:
        return order.trade is not None and order.trade.is_open
    return order.status != OrderStatus.REFUSED


def newest_command(order: TradeOrder) -> Command | None:
    subject_type, subject_id = audit.subject_of(order)
    return Command.objects.about(subject_type=subject_type, subject_id=subject_id).last()


def tell(order: TradeOrder, *, now: datetime) -> Life:
    """Return where it stands (at most 2 queries)."""
    match OrderStatus(order.status):
        case OrderStatus.QUOTED:
            return _quoted(order, now)
        case OrderStatus.QUEUED:
            return _queued(order)
        case OrderStatus.SENDING:
            return Life(
                tone="flow",
                known=gettext("The confirmation is on its way to Lumetrade."),
                money=gettext("The money may be exchanged at this moment."),
                next=gettext("The answer comes within a minute. There is nothing to do."),
            )
        case OrderStatus.UNKNOWN:
            return _unknown(order)
        case OrderStatus.REFUSED:
            return _refused(order)
    return _made(order)


def _quoted(order: TradeOrder, now: datetime) -> Life:
    if order.has_expired(now=now):
        return Life(
            tone="warn",
            known=gettext("The quote has expired: ask again."),
            money=gettext("Nothing was exchanged."),
            next="",
        )
    return Life(
        tone="wait",
        known=gettext("Lumetrade has named a price. Nobody has confirmed it."),
        money=gettext("Nothing is exchanged yet."),
        next=gettext("An ops lead confirms it before it expires."),
    )


def _queued(order: TradeOrder) -> Life:
    money = gettext("Nothing is exchanged yet.")
    switch = SendingSwitch.objects.filter(upstream=order.upstream, is_on=False).first()
    if switch is None:
        return Life(
            tone="flow",
            known=gettext("It is confirmed and waits to be sent."),
            money=money,
            next=gettext("It is sent within a few seconds, or not at all: the quote expires."),
        )
    said = gettext("Sending to Lumetrade is stopped: %(reason)s") % {"reason": switch.reason}
    return Life(
        tone="warn",
        known=said,
        money=money,
        next=gettext("When it is resumed after the quote has expired, it is not sent any more."),
    )


def _unknown(order: TradeOrder) -> Life:
    command = newest_command(order)
    known = gettext("Lumetrade was asked and gave no clear answer.")
    if command is not None and (trade := matching.answered_with(command)):
        known = gettext("Lumetrade exchanged otherwise than quoted: %(trade)s.") % {"trade": trade}
        return Life(
            tone="bad",
            known=known,
            money=gettext("What became of the money is told by that trade. It is not asked again."),
            next=gettext("Compare both: two people say what became of it."),
        )
    if order.error_code == CONFLICT:
        known = gettext("Lumetrade objected: %(said)s") % {"said": order.status_reason}
    money = gettext("The money may be exchanged, or not. It is never asked for a second time.")
    if command is not None and not waits_for_people(command):
        return Life(
            tone="warn",
            known=known,
            money=money,
            next=gettext("There is nothing to do: we look for it among their trades again"),
            next_at=command.next_at,
        )
    return Life(
        tone="bad",
        known=known,
        money=money,
        next=gettext("No machine asks again: two people say what became of it."),
    )


def _refused(order: TradeOrder) -> Life:
    known = gettext("Lumetrade refused it: %(said)s") % {"said": order.status_reason}
    if order.error_code == EXPIRED:
        known = gettext("The quote expired before it could be sent. Lumetrade was not asked.")
    if order.error_code == "SETTLED_BY_PEOPLE":
        known = gettext("Two people found that it was not carried out.")
    return Life(
        tone="bad",
        known=known,
        money=gettext("Nothing was exchanged, and nothing will be."),
        next=gettext("If it is still wanted, ask for a new quote."),
    )


def _made(order: TradeOrder) -> Life:
    trade = order.trade
    if trade is None:
        return Life(
            tone="warn",
            known=gettext("Two people settled it by the written word of %(provider)s.")
            % {"provider": order.get_upstream_display()},
            money=gettext("This desk has not seen the trade itself."),
            next=gettext("Its end shows here once the desk sees the trade they named."),
        )
    says = gettext("Lumetrade has it and says: %(status)s.") % {
        "status": words.theirs(trade.upstream_status)
    }
    match TradeStatus(trade.status):
        case TradeStatus.COMPLETED:
            return Life("good", says, gettext("The money is exchanged."), next="")
        case TradeStatus.CANCELLED:
            return Life("bad", says, gettext("Nothing was exchanged."), next="")
        case TradeStatus.REVERSED:
            return Life("warn", says, gettext("The exchange was taken back."), next="")
    return Life(
        tone="flow",
        known=says,
        money=gettext("It is being carried out, perhaps in parts."),
        next=gettext("This page tells when it is done."),
    )
