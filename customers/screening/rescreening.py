"""Who is due to be screened again, a hundred with one call; and how fresh the lists are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F, Q, QuerySet

from customers.columns import longest
from customers.enums import ScreeningReason
from customers.models import Profile, SanctionsList
from customers.screening import asking
from customers.screening.asking import Asked
from customers.screening.storing import Answer, store_screenings
from upstreams.enums import Upstream
from upstreams.errors import RateLimited, Rejected
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.lux.calls.base import fresh_key
from upstreams.lux.calls.sanctions import MAX_BATCH
from upstreams.lux.client import LuxClient, get_client
from upstreams.lux.schemas import SourceRecord
from upstreams.records import RefusedItem

SCREENINGS: Final = "lux.screenings"
LISTS: Final = "lux.sanctions_lists"
MOST_IN_A_RUN: Final = 5_000
IN_REVIEW: Final = ("pending", "incomplete", "under_review", "manual_review", "awaiting_ubo")
_NO_ROOM: Final = "The rate limit has no room for more: the next run goes on from here."
_TOLD: Final = ("name", "country", "status", "records", "published_at", "downloaded_at")


def register_feeds() -> None:
    register(
        Feed(
            name=SCREENINGS,
            upstream=Upstream.LUX,
            label="Screening again",
            every=timedelta(minutes=5),  # what is due by then
            pages=screen_due,
            store=store,
        )
    )
    register(
        Feed(
            name=LISTS,
            upstream=Upstream.LUX,
            label="Sanctions lists",
            every=timedelta(hours=1),
            pages=read_lists,
            store=store_lists,
        )
    )


# --- Screening again ------------------------------------------------------------------------------


def due(*, now: datetime, everybody: bool = False) -> dict[int, str]:
    """The customers who are to be screened, the most pressing first, with the reason.

    Those in review whom nobody was asked about yet; whose data changed since; the other new ones;
    and those who were last asked about SCREENING_EVERY_DAYS ago, or before now with `everybody`.
    """
    known = Profile.objects.filter(Q(status="active") | Q(kyc_status__in=IN_REVIEW))
    known = known.exclude(status="deleted")
    new = known.filter(customer__standing=None).order_by("pk")
    last = now if everybody else now - timedelta(days=settings.SCREENING_EVERY_DAYS)
    old = known.filter(customer__standing__asked_at__lte=last)
    old = old.order_by("customer__standing__asked_at", "pk")
    found: dict[int, str] = {}
    for rows, reason in (
        (_keys(new.filter(kyc_status__in=IN_REVIEW)), ScreeningReason.FIRST),
        (_changed(known), ScreeningReason.CHANGED),
        (_keys(new), ScreeningReason.FIRST),
        (_keys(old), ScreeningReason.PERIODIC),
    ):
        for key in rows:
            found.setdefault(key, reason.value)
    return found


def screen_due(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Ask about whoever is due, as far as the background's share of the rate limit goes."""
    client = get_client()
    waiting = list(due(now=now, everybody=full).items())[:MOST_IN_A_RUN]
    for start in range(0, len(waiting), MAX_BATCH):
        reasons = dict(waiting[start : start + MAX_BATCH])
        customers = asking.by_key(reasons)
        told = [(key, asking.about(customers[key])) for key in reasons if key in customers]
        asked = {key: facts for key, facts in told if facts is not None}
        try:
            page = _ask(client, asked, reasons, now)
        except RateLimited:
            yield FeedPage(records=[], remark=_NO_ROOM)
            return
        yield page


def store(records: Sequence[Answer], at: datetime) -> StoreCounts:
    return store_screenings(records, at=at)


def _ask(
    client: LuxClient, asked: dict[int, Asked], reasons: dict[int, str], at: datetime
) -> FeedPage:
    """Ask about so many at once. One they refuse spoils its batch: it is searched by halves."""
    if not asked:
        return FeedPage(records=[])
    entities = [facts.entity for facts in asked.values()]
    try:
        records = client.screen_batch(entities, idempotency_key=fresh_key())
    except Rejected as refusal:
        if len(asked) == 1:
            return FeedPage(records=[], refused=[_refused(next(iter(asked)), refusal)])
        first = dict(list(asked.items())[: len(asked) // 2])
        second = {key: facts for key, facts in asked.items() if key not in first}
        halves = [_ask(client, half, reasons, at) for half in (first, second)]
        return FeedPage(
            records=[record for half in halves for record in half.records],
            refused=[item for half in halves for item in half.refused],
        )
    return FeedPage(
        records=[
            Answer(
                customer_id=key, asked=asked[key], asked_at=at, reason=reasons[key], record=record
            )
            for key, record in zip(asked, records, strict=True)
        ]
    )


def _refused(customer_id: int, refusal: Rejected) -> RefusedItem:
    """What they refuse to be asked; their words may repeat whom they were asked about."""
    record_id = f"customer {customer_id}"
    return RefusedItem(record_id, {"customer": customer_id}, f"It is refused: {refusal.code}.")


def _keys(rows: QuerySet[Profile]) -> list[int]:
    return list(rows.values_list("customer", flat=True)[:MOST_IN_A_RUN])


def _changed(known: QuerySet[Profile]) -> list[int]:
    """Those about whom other facts would be told by now. Written to since, not all have changed."""
    touched = known.filter(seen_at__gte=F("customer__standing__asked_at"))
    touched = touched.order_by("-seen_at", "pk")  # the newest first: none waits behind old ones
    last = dict(
        touched.values_list("customer", "customer__standing__screening__asked_digest")[
            :MOST_IN_A_RUN
        ]
    )
    now_told: dict[int, Any] = {
        key: asking.about(customer) for key, customer in asking.by_key(last).items()
    }
    return [key for key, facts in now_told.items() if facts and facts.digest != last[key]]


# --- The lists ------------------------------------------------------------------------------------


def read_lists(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Every list, as one page: only the whole says which are no longer used."""
    found = get_client().list_sources()
    yield FeedPage(records=[found.items] if not found.refused else [], refused=found.refused)


def store_lists(records: Sequence[list[SourceRecord]], at: datetime) -> StoreCounts:
    rows = [_list(record, at) for listed in records for record in listed]
    if not rows:
        return StoreCounts()
    SanctionsList.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=[*_TOLD, "is_listed", "seen_at"],
    )
    gone = SanctionsList.objects.filter(is_listed=True, seen_at__lt=at)
    return StoreCounts(created=len(rows), changed=gone.update(is_listed=False))


def _list(record: SourceRecord, at: datetime) -> SanctionsList:
    row = SanctionsList(code=record.code[: longest(SanctionsList, "code")], seen_at=at)
    for name in _TOLD:
        value = getattr(record, name)
        most = longest(SanctionsList, name)
        setattr(row, name, value[:most] if isinstance(value, str) else value)
    return row
