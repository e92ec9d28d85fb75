"""What two people do when no machine can find out whether our money was exchanged."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from payments.actions.common import NOT_SEEN, has_word, refuse_unproven, stated, waiting_command
from payments.actions.errors import SettlementNotPossible
from payments.enums import TradeStatus
from payments.models import OrderSettlement, Trade, TradeOrder
from payments.references import TRADE
from payments.senders import CannotTell
from payments.trading import matching, sending
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, can, require
from staff.texts import Text
from upstreams import outbox
from upstreams.errors import UpstreamError
from upstreams.models import Command


def propose_order_settlement(
    *,
    order_id: int,
    trade: Trade | None,
    upstream_id: str = "",
    written_word: str = "",
    reason: str,
    by: User,
    at: datetime,
) -> OrderSettlement:
    """Say what became of an unknown exchange: that trade, or (None) that it was not carried out.

    Where the key was changed since it was sent, no list that is read now proves anything: then
    `written_word` is needed, what the provider said and where that stands, and with it a trade that
    nobody here has seen may be named by its `upstream_id`.
    It decides nothing; a second person confirms it, and everything is looked at again then.
    Raises NotPermitted, ReasonMissing, SettlementNotPossible.
    """
    require(by, Permission.RECONCILE)
    order = TradeOrder.objects.get(pk=order_id)
    command = waiting_command(order, kinds=[TRADE])
    settlement = OrderSettlement(
        order=order,
        trade=trade,
        upstream_id=trade.upstream_id if trade else upstream_id.strip(),
        written_word=written_word.strip(),
        fence=command.fence,
        reason=stated(reason),
        proposed_by=by,
        proposed_at=at,
    )
    _refuse_untrue(settlement, command)
    with transaction.atomic():
        try:
            with transaction.atomic():
                settlement.save()
        except IntegrityError:
            raise SettlementNotPossible(
                Text(
                    _(
                        "Somebody proposed an outcome for %(code)s already: confirm or drop "
                        "that first."
                    ),
                    code=order.code,
                )
            ) from None
        _note("proposed", settlement, by=by, at=at)
    return settlement


def confirm_order_settlement(
    *, order_id: int, settlement_id: int, by: User, at: datetime
) -> OrderSettlement:
    """Confirm what somebody else proposed; the order moves and its command is closed.

    `settlement_id` is the proposal that was looked at: no other is confirmed in its place.
    "It was not carried out" is held against Lumetrade's trades once more first, for as long as a
    click may wait. Whoever confirmed the quote is not the second person. Raises NotPermitted,
    SettlementNotPossible; the proposal then stays.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    settlement = _proposal(OrderSettlement.objects.all(), order_id, settlement_id)
    if settlement.confirmed_by_id == by.pk:
        return settlement  # the same click again
    _refuse_confirming(settlement, by)
    command = waiting_command(settlement.order, kinds=[TRADE])
    if settlement.fence != command.fence:
        raise SettlementNotPossible(
            Text(
                _(
                    "The desk has asked the provider again since that was proposed, so it "
                    "may be untrue by now: drop it, and look at the provider once more."
                )
            )
        )
    if not settlement.upstream_id:
        _refuse_when_it_is_there(command)
    with transaction.atomic():
        settlement = _proposal(_to_change(), order_id, settlement_id)
        _refuse_confirming(settlement, by)
        settlement.trade = settlement.trade or _seen_since(settlement)
        _refuse_untrue(settlement, command)
        settlement.confirmed_by, settlement.confirmed_at = by, at
        settlement.save(update_fields=["trade", "confirmed_by", "confirmed_at"])
        outcome: outbox.Done | outbox.Refused
        if settlement.upstream_id:
            outcome = outbox.Done(reference=settlement.upstream_id)
        else:
            outcome = outbox.Refused(code="SETTLED_BY_PEOPLE", message="It was not carried out.")
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise SettlementNotPossible(
                Text(_("The provider has answered meanwhile: look at the exchange again."))
            ) from late
        except IntegrityError:
            _refuse_anothers(settlement)  # whose settling was faster
            raise
        _note("confirmed", settlement, by=by, at=at)
    return settlement


def drop_order_settlement(
    *, order_id: int, settlement_id: int, by: User, at: datetime
) -> OrderSettlement:
    """Put the proposal aside that was looked at. Raises NotPermitted, SettlementNotPossible."""
    if not can(by, Permission.SIGN_WITHDRAWALS):
        require(by, Permission.RECONCILE)
    with transaction.atomic():
        settlement = _proposal(_to_change(), order_id, settlement_id)
        if settlement.dropped_at is not None:
            return settlement
        if settlement.confirmed_at is not None:
            raise SettlementNotPossible(Text(_("It was confirmed already.")))
        settlement.dropped_at = at
        settlement.save(update_fields=["dropped_at"])
        _note("dropped", settlement, by=by, at=at)
    return settlement


def _to_change() -> QuerySet[OrderSettlement]:
    return OrderSettlement.objects.select_for_update(of=("self",))


def _proposal(
    rows: QuerySet[OrderSettlement], order_id: int, settlement_id: int
) -> OrderSettlement:
    """The proposal that somebody looked at; raises SettlementNotPossible where there is none."""
    seen = rows.filter(order_id=order_id, pk=settlement_id)
    if found := seen.select_related("order", "trade", "proposed_by").first():
        return found
    raise SettlementNotPossible(Text(NOT_SEEN))


def _seen_since(settlement: OrderSettlement) -> Trade | None:
    """The trade that was named while nobody here had seen it."""
    return Trade.objects.filter(
        upstream=settlement.order.upstream, upstream_id=settlement.upstream_id
    ).first()


def _refuse_untrue(settlement: OrderSettlement, command: Command) -> None:
    """What we hold must not speak against it; where it cannot, the provider's word is needed."""
    if not settlement.upstream_id:
        _refuse_unsaying(command)
        refuse_unproven(command, settlement.written_word)
        return
    _refuse_anothers(settlement)
    if settlement.trade is None:
        if not has_word(command, settlement.written_word):
            raise SettlementNotPossible(Text(_("Name a trade that this desk has seen.")))
        return
    if not matching.is_nameable(settlement.order, command, settlement.trade):
        raise SettlementNotPossible(
            Text(
                _(
                    "That trade cannot be it: it exchanged something else, or at another time, "
                    "or Lumetrade answered with another one."
                )
            )
        )


def _refuse_unsaying(command: Command) -> None:
    """What they answered with was carried out, unless it is cancelled by now."""
    told = matching.answered_with(command)
    trade = matching.answer(command)
    if told and (trade is None or trade.status != TradeStatus.CANCELLED):
        raise SettlementNotPossible(
            Text(
                _(
                    "Lumetrade answered with the trade %(trade)s, which is not cancelled: say that "
                    "it became that one."
                ),
                trade=told,
            )
        )


def _refuse_anothers(settlement: OrderSettlement) -> None:
    named = Q(trade__upstream_id=settlement.upstream_id) | Q(
        settlements__upstream_id=settlement.upstream_id, settlements__confirmed_at__isnull=False
    )
    others = TradeOrder.objects.filter(named, upstream=settlement.order.upstream)
    if others.exclude(pk=settlement.order_id).exists():
        raise SettlementNotPossible(Text(_("That trade belongs to another order.")))


def _refuse_confirming(settlement: OrderSettlement, by: User) -> None:
    if settlement.dropped_at is not None:
        raise SettlementNotPossible(Text(_("It was dropped: propose it anew.")))
    if settlement.confirmed_at is not None:
        raise SettlementNotPossible(Text(_("Somebody else confirmed it already.")))
    if settlement.proposed_by_id == by.pk:
        raise SettlementNotPossible(Text(_("You proposed it, so somebody else confirms it.")))
    if settlement.order.confirmed_by_id == by.pk:
        raise SettlementNotPossible(
            Text(_("You confirmed the quote, so somebody else says what became of it."))
        )


def _refuse_when_it_is_there(command: Command) -> None:
    """Look at Lumetrade's trades, now: "it was not carried out" must not be wrong.

    Under another key a list that does not show it, or cannot be read, proves nothing: the
    provider's written word stands for it.
    """
    seconds = settings.APPROVAL_READ_SECONDS
    try:
        there = sending.look(command, seconds=seconds)
    except (UpstreamError, CannotTell) as problem:
        if outbox.has_another_key(command):
            return
        raise SettlementNotPossible(
            Text(
                _(
                    "The provider's list cannot be read now (within %(seconds)s seconds), "
                    "so nobody can say that. The proposal is kept: confirm it a little "
                    "later. %(problem)s"
                ),
                seconds=f"{seconds:g}",
                problem=problem,
            )
        ) from problem
    order = sending.order_of(command)
    for trade in there:
        if trade.status == TradeStatus.CANCELLED or not matching.may_be_equal(order, trade):
            continue
        if None in (trade.sold, trade.bought):
            raise SettlementNotPossible(
                Text(
                    _(
                        "The provider shows %(trade)s at that time and does not tell its amounts "
                        "yet (%(status)s): it may be this one."
                    ),
                    trade=trade.upstream_id,
                    status=trade.upstream_status,
                )
            )
        raise SettlementNotPossible(
            Text(
                _("The provider shows %(trade)s with these amounts at that time (%(status)s)."),
                trade=trade.upstream_id,
                status=trade.upstream_status,
            )
        )


def _note(verb: str, settlement: OrderSettlement, *, by: User, at: datetime) -> None:
    journal = Journal(by=by, at=at)
    journal.add(
        f"payments.ordersettlement.{verb}",
        settlement.order,
        after={
            "settlement": settlement.pk,
            "trade": settlement.upstream_id,
            "written_word": settlement.written_word,
            "proposed_by": settlement.proposed_by.email,
        },
        reason=settlement.reason if verb != "dropped" else "",
    )
    journal.write()
