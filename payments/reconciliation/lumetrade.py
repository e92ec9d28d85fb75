"""Lumetrade's books: whole lists, sorted into days on disk, because no day can be asked for.

A withdrawal belongs to the day of its `createdAt`. Of a deposit nobody is told when it was made
(LT-A11): one that we hold belongs to the day on which we first saw it, on both sides; another one
to the day of its completion, and while that is not told either to the last day that is compared.
"""

from __future__ import annotations

import json
import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import IO, Any, Final, TypeAlias

import structlog
from django.conf import settings
from django.utils.translation import gettext_noop as _

from payments import mirror
from payments.enums import Kind, PaymentStatus, SeenBy
from payments.mirror import Sighting
from payments.mirror.merging import Observation
from payments.models import PAID_STATUSES, Payment
from payments.reconciliation import readers
from payments.reconciliation.readers import Movement
from staff.texts import Text
from upstreams import clock
from upstreams.enums import Upstream
from upstreams.errors import NotFound
from upstreams.feeds import FeedPage, StoreCounts
from upstreams.lumetrade.client import FEED_LEASE, get_client
from upstreams.lumetrade.schemas import (
    DepositRecord,
    FillRecord,
    TradeRecord,
    WithdrawalRecord,
    parse_deposit,
    parse_withdrawal,
    with_numbers,
)
from upstreams.money import Money
from upstreams.records import BadRecord, Batch, Fields, RefusedItem

logger = structlog.get_logger(__name__)

PAGE: Final = 500
# Their lists are polled: what is younger than a poll and its run may simply not be here yet.
SLACK: Final = timedelta(minutes=5)
REMARK: Final = Text(
    _(
        "Lumetrade does not tell when a deposit was made: it counts on the day the desk first saw "
        "it. What was there before the desk counts on the desk's first day."
    )
)

Record: TypeAlias = WithdrawalRecord | DepositRecord


def register() -> None:
    readers.register(
        readers.Reader(
            upstream=Upstream.LUMETRADE,
            pages=pages,
            fetch=fetch,
            parse=parse,
            observe=observe,
            store=store,
            movements=movements,
            lease=FEED_LEASE,
            lag=timedelta(seconds=settings.LUMETRADE_POLL_FULL) + SLACK,
            remark=REMARK,
        )
    )


@dataclass(frozen=True)
class Dated:
    """A movement as it was shown, and the moment by which it belongs to a day."""

    seen: Sighting
    created_at: datetime

    @property
    def id(self) -> str:
        return self.seen.id


def pages(since: datetime, until: datetime) -> Iterator[FeedPage]:
    """Both lists, each read once, a window for each day."""
    client = get_client()
    with tempfile.TemporaryFile() as file:
        days = _Days(file, since, until)
        for listed in (client.list_withdrawals(), client.list_deposits()):
            asked_at = clock.database_now()
            for batch in listed:
                days.sort_in(batch, asked_at=asked_at)
                yield FeedPage(records=())
        yield from days.pages()


def fetch(upstream_id: str) -> Dated | None:
    """Ask for a withdrawal, then for a deposit: an id does not say which it is."""
    client, asked_at = get_client(), clock.database_now()
    for get in (client.get_withdrawal, client.get_deposit):
        try:
            return _dated_alone(Sighting(get(upstream_id), asked_at))
        except NotFound:
            continue
    return None


def parse(raw: Mapping[str, Any], kind: str) -> Dated:
    return _dated_alone(Sighting(_parsed(raw, kind), clock.database_now()))


def observe(record: Dated) -> Observation:
    seen = mirror.LUMETRADE.observe(record.seen, None)
    return replace(seen, values={**seen.values, "created_at": record.created_at})


def store(records: Sequence[Dated], at: datetime) -> StoreCounts:
    return mirror.store_payments(
        [record.seen for record in records], seen_by=SeenBy.CLICK, at=at, source=mirror.LUMETRADE
    )


def movements(after: datetime, until: datetime) -> Iterator[Movement]:
    """Payments as we hold them, and trades as Lumetrade shows them now (LT-A5).

    An account is counted with what is locked in it, so an open withdrawal moves nothing yet.
    """
    yield from _payments(after)
    for batch in get_client().list_trades():
        for trade in batch.items:
            yield from _trade(trade)
        for item in batch.refused:
            yield from _unread(item)


class _Days:
    """Movements sorted by day into a file: in memory is only where each of them stands."""

    def __init__(self, file: IO[bytes], since: datetime, until: datetime) -> None:
        self._file, self._since, self._until = file, since, until
        self._places: dict[date, array[int]] = defaultdict(lambda: array("Q"))
        self._refused: dict[date, list[RefusedItem]] = defaultdict(list)
        self._nameless: list[RefusedItem] = []

    def sort_in(self, batch: Batch[Any], *, asked_at: datetime) -> None:
        ids = [record.id for record in batch.items] + [item.record_id for item in batch.refused]
        ours = dict(
            Payment.objects.filter(upstream=Upstream.LUMETRADE, upstream_id__in=ids).values_list(
                "upstream_id", "created_at"
            )
        )
        for record in batch.items:
            at = _moment_of(record, ours.get(record.id)) or self._last_moment
            if self._since <= at < self._until:
                self._places[_day(at)].append(self._file.tell())
                line = [at.isoformat(), asked_at.isoformat(), _kind_of(record), record.raw]
                self._file.write(json.dumps(line).encode() + b"\n")
        for item in batch.refused:
            if not item.record_id:
                self._nameless.append(item)  # it may belong to any day
            elif item.record_id in ours:
                self._refused[_day(ours[item.record_id])].append(item)

    def pages(self) -> Iterator[FeedPage]:
        """Every day in turn, those too on which they show nothing."""
        day, last = _day(self._since), _day(self._last_moment)
        while day <= last:
            end = min(_midnight(day + timedelta(days=1)), self._until)
            places = self._places.pop(day, array("Q"))
            for start in range(0, len(places), PAGE):
                yield FeedPage(records=[self._read(at) for at in places[start : start + PAGE]])
            refused = [*self._nameless, *self._refused[day]]
            yield FeedPage(records=(), refused=refused, complete_until=end)
            day += timedelta(days=1)

    @property
    def _last_moment(self) -> datetime:
        return self._until - timedelta(microseconds=1)

    def _read(self, place: int) -> Dated:
        self._file.seek(place)
        at, asked_at, kind, raw = json.loads(self._file.readline())
        seen = Sighting(_parsed(raw, kind), datetime.fromisoformat(asked_at))
        return Dated(seen, datetime.fromisoformat(at))


def _kind_of(record: Record) -> Kind:
    return Kind.WITHDRAWAL if isinstance(record, WithdrawalRecord) else Kind.DEPOSIT


def _parsed(raw: Mapping[str, Any], kind: str) -> Record:
    """A stored record again. Only the list that it stood in tells its kind."""
    shown = with_numbers(raw, "amount", "fee")
    return parse_withdrawal(shown) if kind == Kind.WITHDRAWAL else parse_deposit(shown)


def _moment_of(record: Record, ours: datetime | None) -> datetime | None:
    """The moment by which it belongs to a day, `ours` being that of the row that we hold."""
    if isinstance(record, WithdrawalRecord):
        return record.created_at
    return ours or record.completed_at


def _dated_alone(seen: Sighting) -> Dated:
    held = Payment.objects.filter(upstream=Upstream.LUMETRADE, upstream_id=seen.id)
    ours = held.values_list("created_at", flat=True).first()
    return Dated(seen, _moment_of(seen.record, ours) or seen.asked_at)


def _payments(after: datetime) -> Iterator[Movement]:
    """Deposits add their net, payouts take their amount and fee, a reversal gives either back.

    When it was reversed Lumetrade never tells: it counts from when we last saw a change. Of one
    that was reversed and does not say when it was completed, nobody knows whether it ever was.
    """
    rows = (
        Payment.objects.filter(
            upstream=Upstream.LUMETRADE, status__in=PAID_STATUSES, changed_at__gt=after - _SKEW
        )
        .order_by()
        .values_list("currency", "kind", "amount", "fee", "status", "completed_at", "changed_at")
        .iterator(chunk_size=2000)
    )
    for currency, kind, amount, fee, status, completed_at, changed_at in rows:
        is_reversed = status == PaymentStatus.RETURNED
        if fee is None or (is_reversed and completed_at is None):
            yield Movement(currency, completed_at or changed_at, None)
            continue
        moved = amount - fee if kind == Kind.DEPOSIT else -amount - fee
        yield Movement(currency, completed_at or changed_at, moved)
        if is_reversed:
            yield Movement(currency, changed_at, -moved)


def _trade(trade: TradeRecord) -> Iterator[Movement]:
    """What its fills moved; of a trade without fills, the whole once it is completed."""
    for fill in trade.fills:
        yield from _fill(fill, trade.completed_at or trade.created_at)
    if trade.fills or trade.status not in ("COMPLETED", "REVERSED"):
        return
    at = trade.completed_at or trade.created_at
    is_told = trade.status == "COMPLETED"  # when it was reversed is not
    yield Movement(trade.from_currency, at, _amount(trade.sold, sign=-1) if is_told else None)
    yield Movement(trade.to_currency, at, _amount(trade.bought) if is_told else None)


def _unread(item: RefusedItem) -> Iterator[Movement]:
    """Nobody knows what a trade moved that cannot be read: nothing is said of where it may have."""
    logger.warning("payments.reconciliation.trade_unread", trade=item.record_id, reason=item.reason)
    told = item.payload if isinstance(item.payload, dict) else {}
    currencies = [told.get(name) for name in ("fromCurrency", "toCurrency")]
    moments = [_moment(told, name) for name in ("createdAt", "completedAt")]
    for currency in currencies if all(isinstance(one, str) for one in currencies) else [""]:
        for at in moments if all(moments) else [None]:
            yield Movement(str(currency), at, None)


def _moment(told: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return Fields(told).moment(name)
    except BadRecord:
        return None


def _fill(fill: FillRecord, otherwise_at: datetime) -> Iterator[Movement]:
    at = fill.created_at or otherwise_at
    yield Movement(fill.sold.currency, at, -fill.sold.amount)
    yield Movement(fill.bought.currency, at, fill.bought.amount)
    if fill.status == "REVERSED":
        at = fill.modified_at or at
        yield Movement(fill.sold.currency, at, fill.sold.amount)
        yield Movement(fill.bought.currency, at, -fill.bought.amount)


def _amount(money: Money | None, *, sign: int = 1) -> Any:
    return None if money is None else sign * money.amount


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


_SKEW: Final = timedelta(hours=1)
