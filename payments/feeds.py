"""What payments reads from LuxCore, how often, and in what order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Min

from payments import mirror
from payments.enums import SeenBy
from payments.models import PAID_STATUSES, Payment
from upstreams.enums import Upstream
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.luxcore.client import get_client
from upstreams.luxcore.schemas import BalanceRecord, PaymentRecord
from upstreams.luxcore.windows import Span, read_ids, read_spans, read_windows

PAYMENTS: Final = "luxcore.payments"
OPEN_PAYMENTS: Final = "luxcore.payments.open"
REFUNDS: Final = "luxcore.payments.refunds"
BALANCES: Final = "luxcore.balances"
METHODS: Final = "luxcore.methods"

REFUNDED_WITHIN: Final = timedelta(days=30)
_INSTANT: Final = timedelta(seconds=1)
_PAGE: Final = 100  # rows per call of a list
_GAP: Final = timedelta(minutes=5)  # open payments closer than this are read in one span


def register_feeds() -> None:
    for name, label, seconds, pages in (
        (PAYMENTS, "Payments", 20, read_new),
        (OPEN_PAYMENTS, "Payments that are still open", 60, read_open),
        (REFUNDS, "Refunds of the last 30 days", 3600, read_refunds),
    ):
        register(
            Feed(
                name=name,
                upstream=Upstream.LUXCORE,
                label=label,
                every=timedelta(seconds=seconds),
                pages=pages,
                store=store_payments,
            )
        )
    register(
        Feed(
            name=BALANCES,
            upstream=Upstream.LUXCORE,
            label="Balances",
            every=timedelta(seconds=30),
            pages=read_balances,
            store=store_balances,
        )
    )
    register(
        Feed(
            name=METHODS,
            upstream=Upstream.LUXCORE,
            label="Payment methods",
            every=timedelta(minutes=10),
            pages=read_methods,
            store=store_methods,
        )
    )


def read_new(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Everything created since the last run, window by window."""
    return read_windows(cursor=cursor, now=now, full=full)


def read_open(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Everything that has not ended, again, in as few calls as that takes."""
    spans, ids = cheapest_reading(
        list(
            Payment.objects.filter(upstream=Upstream.LUXCORE)
            .open()
            .order_by("created_at", "pk")
            .values_list("created_at", "upstream_id")
        )
    )
    yield from read_spans(spans)
    yield from read_ids(ids)


def read_refunds(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """What was paid within 30 days, again: a refund may come without a webhook."""
    paid = Payment.objects.filter(
        upstream=Upstream.LUXCORE,
        status__in=PAID_STATUSES,
        created_at__gte=now - REFUNDED_WITHIN,
        created_at__lt=now,
    ).aggregate(first=Min("created_at"), last=Max("created_at"))
    if paid["first"] is not None:
        yield from read_spans([(paid["first"], paid["last"] + _INSTANT)])


def read_balances(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every balance. They count from before the call, not from when it was answered."""
    page = get_client().balances_page()
    yield FeedPage(records=[(now, record) for record in page.items], refused=page.refused)


def read_methods(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every method, as one record: only the whole list says which are no longer offered."""
    page = get_client().payment_methods()
    listing = mirror.Listing(page.items, is_complete=not page.refused)
    yield FeedPage(records=[listing], refused=page.refused)


def store_payments(records: Sequence[PaymentRecord], at: datetime) -> StoreCounts:
    return mirror.store_payments(records, seen_by=SeenBy.POLL, at=at)


def store_balances(records: Sequence[tuple[datetime, BalanceRecord]], at: datetime) -> StoreCounts:
    if not records:
        return StoreCounts()
    return mirror.store_balances([record for _, record in records], at=records[0][0])


def store_methods(records: Sequence[mirror.Listing], at: datetime) -> StoreCounts:
    return mirror.store_methods(records[0], at=at) if records else StoreCounts()


def cheapest_reading(open_payments: list[tuple[datetime, str]]) -> tuple[list[Span], list[str]]:
    """How to read these payments again, sorted by creation: spans of the list, or one by one.

    Neighbours in time are read as one span of the list, which costs one call to count and one per
    hundred rows that lie there, ended ones too. Where that is dearer than a call for each, they
    are read by id.
    """
    spans: list[Span] = []
    ids: list[str] = []
    for group in _neighbours(open_payments):
        start, end = group[0][0], group[-1][0] + _INSTANT
        if len(group) <= 2 or len(group) <= _calls_for(start, end):
            ids.extend(upstream_id for _, upstream_id in group)
        else:
            spans.append((start, end))
    return spans, ids


def _neighbours(payments: list[tuple[datetime, str]]) -> Iterator[list[tuple[datetime, str]]]:
    group: list[tuple[datetime, str]] = []
    for payment in payments:
        if group and payment[0] - group[-1][0] > _GAP:
            yield group
            group = []
        group.append(payment)
    if group:
        yield group


def _calls_for(start: datetime, end: datetime) -> int:
    rows = Payment.objects.filter(
        upstream=Upstream.LUXCORE, created_at__gte=start, created_at__lt=end
    ).count()
    return 2 + rows // _PAGE
