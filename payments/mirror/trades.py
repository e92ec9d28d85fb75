"""Storing the exchanges that Lumetrade showed (upstreams.md §2.10), at the cost of what changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.columns import longest
from payments.enums import TradeStatus
from payments.mirror.alerts import Alerts
from payments.models import OPEN_TRADES, Fill, OrderSettlement, Trade, TradeOrder
from staff import audit
from staff.journal import Journal
from staff.texts import Lowered, Text
from upstreams import alarms
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import TradeRecord
from upstreams.money import as_stored
from upstreams.records import RefusedItem

PAGE: Final = 100
STATUSES: Final[Mapping[str, TradeStatus]] = {
    status.value.upper(): status for status in TradeStatus if status != TradeStatus.UNKNOWN
}
# What may still follow. A word nobody documented is open, and changes nothing that has ended.
_FOLLOWS: Final[Mapping[TradeStatus, frozenset[TradeStatus]]] = {
    TradeStatus.PENDING: frozenset(TradeStatus),
    TradeStatus.UNKNOWN: frozenset(TradeStatus),
    TradeStatus.COMPLETED: frozenset({TradeStatus.COMPLETED, TradeStatus.REVERSED}),
    TradeStatus.CANCELLED: frozenset({TradeStatus.CANCELLED}),
    TradeStatus.REVERSED: frozenset({TradeStatus.REVERSED}),
}
_UNDONE: Final = (TradeStatus.CANCELLED, TradeStatus.REVERSED)
_TOLD: Final = (
    *("from_currency", "to_currency", "sold", "bought", "rate", "is_rate_inverted", "is_rfq"),
    *("status", "upstream_status", "created_at", "completed_at", "raw", "digest", "asked_at"),
)
_EXACT: Final = ("upstream_id", "upstream_status", "from_currency", "to_currency")
_PART_TOLD: Final = (
    *("from_currency", "to_currency", "sold", "bought"),
    *("upstream_status", "created_at", "modified_at"),
)


@dataclass(frozen=True)
class TradeSeen:
    """A trade, and when Lumetrade was asked: of two answers about one, the later is true."""

    record: TradeRecord
    asked_at: datetime

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def raw(self) -> dict[str, Any]:
        return self.record.raw


def trade_status(record: TradeRecord) -> TradeStatus:
    """Lumetrade's word as ours; a word nobody documented is UNKNOWN."""
    return STATUSES.get(record.status, TradeStatus.UNKNOWN)


def store_trades(
    seen: Sequence[TradeSeen], *, at: datetime, journal: Journal | None = None
) -> StoreCounts:
    """Merge what Lumetrade showed into our copy.

    May be called again with the same trades, in any order: a trade that has ended never opens
    again. Each page of 100 is a transaction of its own unless the caller has one. A trade that
    does not fit is refused, the rest goes on; what has not changed costs no write. A caller with
    more rows to lock afterwards gives a `journal`, and writes it at last.
    """
    created = changed = unchanged = 0
    refused: list[RefusedItem] = []
    for start in range(0, len(seen), PAGE):
        with transaction.atomic():
            notes = journal or Journal(by=None, at=at, by_label=Upstream.LUMETRADE.label)
            counts = _store_page(seen[start : start + PAGE], at=at, journal=notes)
            if journal is None:
                notes.write()
        created += counts.created
        changed += counts.changed
        unchanged += counts.unchanged
        refused.extend(counts.refused)
    return StoreCounts(created=created, changed=changed, unchanged=unchanged, refused=refused)


def _store_page(page: Sequence[TradeSeen], *, at: datetime, journal: Journal) -> StoreCounts:
    latest = {one.record.id: one for one in sorted(page, key=lambda one: one.asked_at)}
    digests = dict(_theirs().filter(upstream_id__in=latest).values_list("upstream_id", "digest"))
    fitting: dict[str, TradeSeen] = {}
    refused: list[RefusedItem] = []
    for key, one in latest.items():
        if digests.get(key) == one.record.digest:
            continue
        if reason := _misfit(one.record):
            refused.append(RefusedItem(key[:120], one.record.raw, reason))
        else:
            fitting[key] = one
    rows = {
        row.upstream_id: row
        for row in _theirs()
        .filter(upstream_id__in=fitting)
        .select_for_update(of=("self",), no_key=True)
        .order_by("pk")
    }
    new = [
        Trade(upstream=Upstream.LUMETRADE, upstream_id=key, first_seen_at=at, changed_at=at)
        for key in sorted(fitting.keys() - rows.keys())
    ]
    changed = [row for key, row in rows.items() if _may_take(row, fitting[key], journal)]
    before = {row.pk: (row.status, row.upstream_status) for row in changed}
    for row in [*new, *changed]:
        _take(row, fitting[row.upstream_id])
        row.changed_at = at
    moved = [
        row for row in [*new, *changed] if before.get(row.pk) != (row.status, row.upstream_status)
    ]
    for row in moved:
        if row.status == TradeStatus.UNKNOWN:
            _tell_of_word(row, journal)
    # Somebody may store the same new trade at this moment: theirs stands, ours is read again soon.
    Trade.objects.bulk_create(new, ignore_conflicts=True)
    if changed:
        Trade.objects.bulk_update(changed, [*_TOLD, "changed_at"])
    _tell_of_ends([row for row in moved if row.pk], journal)
    _store_fills({row.upstream_id: fitting[row.upstream_id].record for row in [*new, *changed]})
    _link_named(latest.keys(), journal)
    return StoreCounts(
        created=len(new),
        changed=len(changed),
        unchanged=len(latest) - len(new) - len(changed) - len(refused),
        refused=refused,
    )


def tell_if_undone(order: TradeOrder, trade: Trade, *, journal: Journal) -> None:
    """Note on an order that its exchange was cancelled or taken back, and call a person."""
    if trade.status not in _UNDONE:
        return
    journal.add(
        f"payments.tradeorder.{trade.status}",
        order,
        after={"trade": trade.upstream_id},
        by_label=Upstream.LUMETRADE.label,
    )
    alerts = Alerts(at=journal.at, upstream=Upstream.LUMETRADE)
    alerts.not_exchanged(order, trade)
    journal.afterwards(alerts.raise_all)


def _tell_of_ends(ended: Sequence[Trade], journal: Journal) -> None:
    """Tell of what ended just now and was asked for here; its other ends speak for themselves."""
    trades = {row.pk: row for row in ended if row.status in _UNDONE}
    if not trades:
        return
    for order in TradeOrder.objects.filter(trade__in=trades).order_by("pk"):
        assert order.trade_id is not None
        tell_if_undone(order, trades[order.trade_id], journal=journal)


def _tell_of_word(row: Trade, journal: Journal) -> None:
    alerts = Alerts(at=journal.at, upstream=Upstream.LUMETRADE)
    alerts.unknown_word(row)
    journal.afterwards(alerts.raise_all)


def _link_named(shown: Collection[str], journal: Journal) -> None:
    """Two people named one by Lumetrade's written word; now it shows itself."""
    named = OrderSettlement.objects.filter(
        order__trade=None, confirmed_at__isnull=False, upstream_id__in=shown
    )
    ids = dict(named.values_list("order_id", "upstream_id"))
    if not ids:
        return
    nobodys = _theirs().filter(upstream_id__in=ids.values(), order=None)
    locked = nobodys.select_for_update(of=("self",), no_key=True).order_by("pk")
    trades = {trade.upstream_id: trade for trade in locked}
    for order in TradeOrder.objects.locked().filter(pk__in=ids, trade=None).order_by("pk"):
        if (trade := trades.pop(ids[order.pk], None)) is None:
            continue
        order.trade = trade
        order.save(update_fields=["trade"])
        journal.add("payments.tradeorder.trade_seen", order, after={"trade": trade.upstream_id})
        tell_if_undone(order, trade, journal=journal)


def _theirs() -> Any:
    return Trade.objects.filter(upstream=Upstream.LUMETRADE)


def _misfit(record: TradeRecord) -> str:
    """Why it fits our columns not; "" when it does."""
    told = {
        "upstream_id": record.id,
        "upstream_status": record.status,
        "from_currency": record.from_currency,
        "to_currency": record.to_currency,
    }
    too_long = [name for name in _EXACT if len(told[name]) > (longest(Trade, name) or 0)]
    return f"{too_long[0]} is too long" if too_long else ""


def _may_take(row: Trade, seen: TradeSeen, journal: Journal) -> bool:
    """Whether this is news: nothing older, and nothing that undoes an end."""
    wanted, current = trade_status(seen.record), TradeStatus(row.status)
    if wanted not in _FOLLOWS[current]:
        if wanted not in OPEN_TRADES:  # an open word is merely late; two ends contradict each other
            journal.afterwards(partial(_call_a_person, row, wanted, at=journal.at))
        return False
    is_end = wanted != current and wanted not in OPEN_TRADES
    return is_end or seen.asked_at >= row.asked_at


def _call_a_person(row: Trade, wanted: TradeStatus, *, at: datetime) -> None:
    text = Text(
        _("Lumetrade said that trade %(trade)s is %(first)s, and now that it is %(second)s."),
        trade=row.upstream_id,
        first=Lowered(TradeStatus(row.status).label),
        second=Lowered(wanted.label),
    )
    alarms.raise_alarm(
        upstream=Upstream.LUMETRADE,
        code="payment-conflict",
        text=text,
        at=at,
        subject=audit.subject_of(row),
    )


def _take(row: Trade, seen: TradeSeen) -> None:
    """Take the record over, but for what it leaves out: an answer to us is shorter than a list."""
    record = seen.record
    row.from_currency, row.to_currency = record.from_currency, record.to_currency
    row.sold = record.sold.amount if record.sold else row.sold
    row.bought = record.bought.amount if record.bought else row.bought
    row.rate = row.rate if record.rate is None else as_stored(record.rate)
    row.is_rate_inverted, row.is_rfq = record.is_rate_inverted, record.is_rfq
    row.status, row.upstream_status = trade_status(record), record.status
    row.created_at = record.created_at
    row.completed_at = record.completed_at or row.completed_at
    row.raw, row.digest, row.asked_at = record.raw, record.digest, seen.asked_at


def _store_fills(records: Mapping[str, TradeRecord]) -> None:
    """Keep the parts that were carried out; none is forgotten because an answer leaves them out."""
    with_fills = [key for key, record in records.items() if record.fills]
    if not with_fills:
        return
    keys = dict(_theirs().filter(upstream_id__in=with_fills).values_list("upstream_id", "pk"))
    Fill.objects.bulk_create(
        [fill for key in sorted(keys) for fill in _fills(keys[key], records[key])],
        update_conflicts=True,
        unique_fields=["trade", "upstream_id"],
        update_fields=[*_PART_TOLD],
    )


def _fills(trade_id: int, record: TradeRecord) -> Iterator[Fill]:
    for part in {part.id: part for part in record.fills}.values():
        yield Fill(
            trade_id=trade_id,
            upstream_id=part.id[: longest(Fill, "upstream_id")],
            from_currency=part.sold.currency[: longest(Fill, "from_currency")],
            to_currency=part.bought.currency[: longest(Fill, "to_currency")],
            sold=part.sold.amount,
            bought=part.bought.amount,
            upstream_status=part.status[: longest(Fill, "upstream_status")],
            created_at=part.created_at,
            modified_at=part.modified_at,
        )
