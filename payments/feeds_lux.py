"""What payments reads from Lux Financial, and what of the day's calls it may cost.

Transfers come newest first and are found by no change. So the newest page is read every minute,
with what is young and still open in it; what is open and older is read one by one, a few a minute.
Webhooks bring changes before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from django.conf import settings
from django.utils.dateparse import parse_datetime

from payments import mirror
from payments.enums import SeenBy
from payments.models import Payment
from payments.models.payments import PaymentQuerySet
from upstreams.enums import Upstream
from upstreams.errors import NotFound, Rejected
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.lux.calls.base import MAX_LIMIT, EndlessList, every_page
from upstreams.lux.client import get_client
from upstreams.lux.schemas import CursorPage, TransferRecord

TRANSFERS: Final = "lux.transfers"
OPEN: Final = "lux.transfers.open"

EVERY: Final = timedelta(minutes=1)
OVERLAP: Final = timedelta(minutes=10)  # what was created while it was read, and clocks that differ
SHARE: Final = 0.15  # of the day's calls, for older transfers that are still open
MINUTES: Final = 24 * 60


def register_feeds() -> None:
    for name, label, pages in (
        (TRANSFERS, "Transfers", read_new),
        (OPEN, "Older transfers that are still open", read_open),
    ):
        register(
            Feed(
                name=name,
                upstream=Upstream.LUX,
                label=label,
                every=EVERY,
                pages=pages,
                store=store_transfers,
            )
        )


def read_new(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """The newest page, and further back until what was read before; everything with `full`.

    A run that broke off goes on where it was, before what came since.
    """
    known = None if full else _moment(cursor, "until")
    if not full and cursor.get("list"):
        until = _moment(cursor, "reading_until") or now
        try:
            yield from _read_back(until=until, known=known, start=str(cursor["list"]))
            known = until
        except Rejected as problem:
            remark = f"The list could not be read on and begins anew: {problem}."
            yield FeedPage(records=[], cursor=_cursor(known), remark=remark)
    yield from _read_back(until=now, known=known)


def read_open(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """A few of those that are open and too old for the newest page, each in its turn."""
    client = get_client()
    most = None if full else max(1, int(settings.LUX_RATE_LIMIT_RPD * SHARE / MINUTES))
    for pk, upstream_id in _older(after=0 if full else int(cursor.get("after", 0)), most=most):
        try:
            page = FeedPage(records=[client.get_transfer(upstream_id)], cursor={"after": pk})
        except NotFound:
            remark = f"{upstream_id} is there no more."
            page = FeedPage(records=[], cursor={"after": pk}, remark=remark)
        yield page


def store_transfers(records: Sequence[TransferRecord], at: datetime) -> StoreCounts:
    return mirror.store_payments(records, seen_by=SeenBy.POLL, at=at, source=mirror.LUX)


def _read_back(*, until: datetime, known: datetime | None, start: str = "") -> Iterator[FeedPage]:
    """Pages from the newest one (created until then) back to what is known.

    A list without an end is read no further, and anew the next time.
    """
    client = get_client()

    def fetch(cursor: str) -> CursorPage[TransferRecord]:
        return client.list_transfers(until=until, cursor=cursor)

    back_to = known - OVERLAP if known else None
    try:
        for page in every_page(fetch, cursor=start):
            is_last = not page.has_more or _reaches(page, back_to)
            following: dict[str, Any] = _cursor(until if is_last else known)
            if not is_last:
                following |= {"list": page.cursor, "reading_until": until.isoformat()}
            yield FeedPage(
                records=page.items,
                refused=page.refused,
                cursor=following,
                complete_until=until if is_last else None,
            )
            if is_last:
                return
    except EndlessList as problem:
        yield FeedPage(records=[], cursor=_cursor(known), remark=f"{problem}.")


def _reaches(page: CursorPage[TransferRecord], back_to: datetime | None) -> bool:
    return back_to is not None and any(one.created_at < back_to for one in page.items)


def _older(*, after: int, most: int | None) -> list[tuple[int, str]]:
    """Those behind this one, and then from the beginning again."""
    ours = Payment.objects.filter(upstream=Upstream.LUX)
    newest = set(ours.newest_first().values_list("pk", flat=True)[:MAX_LIMIT])
    waiting = list(_not_over(ours).order_by("pk").values_list("pk", "upstream_id"))
    older = [one for one in waiting if one[0] not in newest]
    behind = [one for one in older if one[0] > after]
    before = [one for one in older if one[0] <= after]
    return list(islice([*behind, *before], most))


def _not_over(rows: PaymentQuerySet) -> PaymentQuerySet:
    return rows.open() | rows.coming_back()


def _moment(cursor: Cursor, name: str) -> datetime | None:
    return parse_datetime(str(cursor.get(name, "")))


def _cursor(until: datetime | None) -> dict[str, Any]:
    return {"until": until.isoformat()} if until else {}
