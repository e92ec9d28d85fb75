"""How a quote is confirmed at Lumetrade: once, and never again (upstreams.md §4.3).

They know no key by which a repeat could be told from a second exchange. So an answer that is lost
is looked for among their trades, and where that does not say, two people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from payments import mirror
from payments.enums import OrderStatus
from payments.matching import may_be_unread, window
from payments.mirror import TradeSeen
from payments.models import Trade, TradeOrder
from payments.references import TRADE
from payments.senders import CannotTell
from payments.trading import matching
from payments.trading.moves import move
from staff.journal import Journal
from upstreams import clock
from upstreams.enums import Upstream
from upstreams.errors import Conflict
from upstreams.http import Priority
from upstreams.lumetrade.client import get_client
from upstreams.lumetrade.schemas import TradeRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    Mismatch,
    MustNotSend,
    Outcome,
    Postponed,
    Refused,
    RefusedRepeat,
    Repeat,
    Sender,
    Uncertain,
    register,
)
from upstreams.records import RefusedItem

BY_LABEL: Final = "Lightdesk"
LOOK_SECONDS: Final = 15.0  # with the sending, well within the minute that a claim lasts
EXPIRED: Final = "QUOTE_EXPIRED"
CONFLICT: Final = "CONFLICT"


@dataclass(frozen=True)
class Contradicted(Uncertain):
    """They said 409: expired, not enough money, or another thing that they did not want to do."""


def register_sender() -> None:
    register(
        Sender(
            kind=TRADE,
            upstream=Upstream.LUMETRADE,
            send=send,
            find=find,
            starting=start,
            settle=settle,
            repeat=Repeat.NEVER,
        )
    )


def start(command: Command, at: datetime) -> None:
    """Move the order to `sending`; raises MustNotSend when it may not leave."""
    order = _locked(command)
    if order.status != OrderStatus.QUEUED:
        raise MustNotSend(f"{order.code} is {order.status}, not queued.")
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(order, OrderStatus.SENDING, journal=journal)
    journal.write()


def send(command: Command) -> Outcome:
    """POST the stored bytes, while the quote holds: after that they are not even sent."""
    order = order_of(command)
    asked_at = clock.database_now()
    if order.has_expired(now=asked_at):
        return Refused(code=EXPIRED, message="The quote expired before it could be sent.")
    try:
        record = get_client(priority=Priority.OPERATOR).confirm_quote(command.request_bytes)
    except Conflict as conflict:
        return Contradicted(conflict.message)
    seen = TradeSeen(record, asked_at)
    data = {"trade": record.id, "status": record.status}
    if found := _differences(order, record):
        return Mismatch(differences=found, data=data, record=seen)
    return Done(reference=record.id, data=data, record=seen)


def find(command: Command) -> Outcome | None:
    """Look for it among their trades. None when nothing there can be it.

    After a 409 their list is believed: where two readings at least a minute apart (`RefusedRepeat`)
    show nothing that may be it, it was not carried out.
    """
    order = order_of(command)
    if order.trade is not None:
        return Done(reference=order.trade.upstream_id)
    if matching.answered_with(command):
        return _told_before(command)
    try:
        there = look(command, seconds=LOOK_SECONDS)
    except CannotTell as problem:
        return Uncertain(str(problem))
    if found := matching.certain(order, there):
        return Done(reference=found.upstream_id, data={"matched": True})
    if there:
        listed = ", ".join(trade.upstream_id for trade in there)
        return Uncertain(f"What Lumetrade shows may be it, and need not be: {listed}.")
    if order.error_code == CONFLICT:
        return RefusedRepeat(code=CONFLICT, message=order.status_reason)
    return None


def _told_before(command: Command) -> Mismatch:
    """What they answered to our own confirmation; no look at a list makes it unsaid."""
    told = command.outcome
    found = [(name, ours, theirs) for name, ours, theirs in told["differences"]]
    return Mismatch(differences=found, data=told["data"])


def look(command: Command, *, seconds: float) -> list[Trade]:
    """What may be it, read now; kept in our copy, where people see it too.

    Raises CannotTell when something in the list may be it and cannot be read or kept, and every
    UpstreamError.
    """
    asked_at = clock.database_now()
    begin, end = window(command)
    near: list[TradeSeen] = []
    client = get_client(priority=Priority.OPERATOR, deadline=seconds)
    for batch in client.list_trades():
        _refuse_unread(batch.refused, command)
        near += [
            TradeSeen(record, asked_at)
            for record in batch.items
            if begin <= record.created_at <= end
        ]
    stored = mirror.store_trades(near, at=asked_at)
    _refuse_unread(stored.refused, command)
    listed = {seen.id for seen in near}
    there = matching.candidates(order_of(command), command)
    return [trade for trade in there if trade.upstream_id in listed]


def _refuse_unread(refused: Sequence[RefusedItem], command: Command) -> None:
    for item in refused:
        if may_be_unread(item, command, Trade.objects.all()):
            raise CannotTell(f"{item.record_id} may be it, and cannot be read.")


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the order follow the outcome, after its trade."""
    journal = Journal(by=None, at=at, by_label=_said_by(command, outcome))
    match outcome:
        case Done(record=TradeSeen() as seen) | Mismatch(record=TradeSeen() as seen):
            mirror.store_trades([seen], at=at, journal=journal)
    match outcome:
        case Done(reference):
            _link(command, reference, journal)
        case Mismatch():
            why = "Lumetrade's answer differs from what was quoted: see both."
            _leave(command, OrderStatus.UNKNOWN, why, journal)
        case Refused(code, message):
            _refuse(command, code, message, journal)
        case Postponed(_, why):
            _leave(command, OrderStatus.QUEUED, why, journal)
        case Contradicted(why):
            _leave(command, OrderStatus.UNKNOWN, why, journal, error_code=CONFLICT)
        case Uncertain(why):
            _leave(command, OrderStatus.UNKNOWN, why, journal)
    journal.write()


def _said_by(command: Command, outcome: Outcome) -> str:
    """Who says so: the second of two people, Lumetrade in its answer, or the desk that looked."""
    if by := command.outcome.get("by"):
        return str(by)
    is_answer = isinstance(outcome, Done) and outcome.record is not None
    return Upstream.LUMETRADE.label if is_answer else BY_LABEL


def order_of(command: Command) -> TradeOrder:
    """The order that this command carries out, with its trade."""
    return TradeOrder.objects.select_related("trade").get(pk=int(command.subject_id))


def _differences(order: TradeOrder, record: TradeRecord) -> list[tuple[str, str, str]]:
    """What the trade is not as it was quoted; an amount that they leave out says nothing."""
    pairs: list[tuple[str, str, str]] = [
        ("from_currency", order.from_currency, record.from_currency),
        ("to_currency", order.to_currency, record.to_currency),
    ]
    for name, ours, theirs in (
        ("sold", order.sold, record.sold),
        ("bought", order.bought, record.bought),
    ):
        if theirs is not None and theirs.amount != ours:
            pairs.append((name, _plain(ours), _plain(theirs.amount)))
    return [(name, ours, theirs) for name, ours, theirs in pairs if ours != theirs]


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _locked(command: Command) -> TradeOrder:
    return TradeOrder.objects.locked().get(pk=int(command.subject_id))


def _link(command: Command, reference: str, journal: Journal) -> None:
    # The trade first, as the mirror does.
    rows = Trade.objects.select_for_update(of=("self",), no_key=True)
    trade = rows.filter(upstream=command.upstream, upstream_id=reference).first()
    if trade is None and "by" not in command.outcome:  # people may name one of another key
        raise Trade.DoesNotExist(reference)
    order = _locked(command)
    if order.trade_id is not None:
        return
    move(order, OrderStatus.MADE, journal=journal, trade=trade, settled_at=journal.at)
    if trade is not None:
        mirror.tell_if_undone(order, trade, journal=journal)


def _refuse(command: Command, code: str, message: str, journal: Journal) -> None:
    order = _locked(command)
    if order.can_become(OrderStatus.REFUSED):
        move(
            order,
            OrderStatus.REFUSED,
            journal=journal,
            reason=message,
            error_code=code[:80],
            settled_at=journal.at,
        )


def _leave(
    command: Command, wanted: OrderStatus, why: str, journal: Journal, error_code: str = ""
) -> None:
    """Move on from `sending`; told again of a doubt, nothing changes."""
    order = _locked(command)
    if order.status == OrderStatus.SENDING:
        move(order, wanted, journal=journal, reason=why, error_code=error_code)
