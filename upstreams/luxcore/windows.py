"""Reading LuxCore's payments completely, although its offset pages shift while rows arrive.

A window of creation times that lies in the past has a fixed membership: statuses change, members
do not. So payments are read window by window, each checked against the count LuxCore gives.

A call may wait a minute for the rate budget, and a feed's lease outlives one such call, not two:
so every call is followed by a page, and storing that renews the lease.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from django.utils.dateparse import parse_datetime

from upstreams.errors import BadPayload, NotFound
from upstreams.feeds import Cursor, FeedPage
from upstreams.luxcore.client import LuxCoreClient, get_client
from upstreams.luxcore.schemas import Page, PaymentRecord
from upstreams.records import RefusedItem

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
SETTLING = timedelta(seconds=2)  # what is younger may still be on its way into their list
OVERLAP = timedelta(minutes=5)  # read again, for rows that came late or at an edge
NARROWEST = timedelta(seconds=1)
PAGE = 100
MAX_ROWS = 10_000
RE_READS = 3

Span: TypeAlias = tuple[datetime, datetime]
Listing: TypeAlias = Page[PaymentRecord]


@dataclass(frozen=True)
class _Place:
    """Where reading stands: all before `until` is read, and of `window` the first `offset` rows."""

    until: datetime
    window: Span | None = None
    offset: int = 0
    total: int = 0

    @classmethod
    def from_cursor(cls, cursor: Cursor) -> _Place | None:
        until = _moment(cursor.get("until"))
        if until is None:
            return None
        start, end = _moment(cursor.get("window_from")), _moment(cursor.get("window_to"))
        if start is None or end is None:
            return cls(until=until)
        return cls(until, (start, end), int(cursor.get("offset", 0)), int(cursor.get("total", 0)))

    def as_cursor(self) -> Cursor:
        if self.window is None:
            return {"until": self.until.isoformat()}
        return {
            "until": self.until.isoformat(),
            "window_from": self.window[0].isoformat(),
            "window_to": self.window[1].isoformat(),
            "offset": self.offset,
            "total": self.total,
        }


def read_windows(
    *, cursor: Cursor, now: datetime, full: bool = False, client: LuxCoreClient | None = None
) -> Iterator[FeedPage]:
    """Read every payment created since the cursor, up to two seconds ago.

    Without a cursor, or with `full`, from the beginning. A cursor that stands inside a window
    resumes after its last stored page. Waits within the background rate budget.
    """
    client = client or get_client()
    upper = now - SETTLING
    place = None if full else _Place.from_cursor(cursor)
    start = BEGINNING
    if place is not None and place.window is None:
        start = max(place.until - OVERLAP, BEGINNING)
    elif place is not None and place.window is not None:
        start, end = place.window
        if place.offset:
            yield from _read_window(client, (start, end), resumed=place)
            start = end
    yield from _read_span(client, (start, upper))


def read_spans(spans: Iterable[Span], *, client: LuxCoreClient | None = None) -> Iterator[FeedPage]:
    """Read again what was created in these spans of time; no cursor is kept."""
    client = client or get_client()
    for span in spans:
        for page in _read_span(client, span):
            yield replace(page, cursor={}, complete_until=None)


def read_closed(span: Span, *, client: LuxCoreClient | None = None) -> Iterator[FeedPage]:
    """Read what was created in a span that lies in the past; `complete_until` ends each window.

    A page may come again when its window changed under the reading. With a span of whole seconds
    every window begins and ends on one: LuxCore shows its moments so.
    """
    yield from _read_span(client or get_client(), span)


def read_ids(ids: Iterable[str], *, client: LuxCoreClient | None = None) -> Iterator[FeedPage]:
    """Read these payments one by one; those LuxCore does not know or garbles are refused."""
    client = client or get_client()
    for payment_id in ids:
        yield _read_id(client, payment_id)


def _read_id(client: LuxCoreClient, payment_id: str) -> FeedPage:
    try:
        return FeedPage(records=[client.get_payment(payment_id)])
    except NotFound:
        reason = "LuxCore does not know it."
    except BadPayload as problem:
        reason = str(problem)
    return FeedPage(records=[], refused=[RefusedItem(payment_id, {}, reason)])


def _read_span(client: LuxCoreClient, span: Span) -> Iterator[FeedPage]:
    """Read a span of any size as windows, each small enough to be read in one go."""
    start, end = span
    while start < end:
        window, first = yield from _open(client, (start, end))
        yield from _read_window(client, window, first=first)
        start = window[1]


def _open(client: LuxCoreClient, window: Span) -> Generator[FeedPage, None, tuple[Span, Listing]]:
    """Halve the window from its end until it is small enough; return it with its first page.

    The first page of one that is too large is yielded: its rows are read, and its window is not.
    """
    start, end = window
    while True:
        page = _list(client, (start, end), offset=0)
        if page.total <= MAX_ROWS or end - start <= NARROWEST:
            return (start, end), page
        yield _feed_page(page, _Place(start, (start, end)))
        end = start + max(NARROWEST, _whole_seconds((end - start) / 2))


def _read_window(
    client: LuxCoreClient,
    window: Span,
    *,
    first: Listing | None = None,
    resumed: _Place | None = None,
) -> Iterator[FeedPage]:
    """Read one window, and again when its rows do not add up to the total LuxCore gives."""
    seen: set[str] = set()
    reading = _Reading(client, window, seen, first=first)
    if resumed is not None:
        reading = _Reading(client, window, seen, offset=resumed.offset, total=resumed.total)
    for _ in range(RE_READS):
        if (yield from reading.pages()):
            return
        reading = _Reading(client, window, seen)
    yield from replace(reading, is_last=True).pages()


@dataclass
class _Reading:
    """One pass over one window. `seen` is shared by all passes: together they must be complete."""

    client: LuxCoreClient
    window: Span
    seen: set[str]
    first: Listing | None = None
    offset: int = 0
    total: int | None = None  # what the run before this one was told
    is_last: bool = False

    def pages(self) -> Generator[FeedPage, None, bool]:
        """Yield the pages. True: the window is done with. False: it must be read again."""
        stored_before = offset = self.offset
        total = self.total if stored_before else None
        page = self.first or _list(self.client, self.window, offset=offset)
        while True:
            if total not in {None, page.total} and not self.is_last:
                # It changed under us: its offsets mean something else now.
                yield _feed_page(page, _Place(self.window[0], self.window))
                return False
            total = page.total
            self.seen.update(_names(page, offset))
            rows = len(page.items) + len(page.refused)
            offset += rows
            if rows == 0 or offset >= total or offset > 2 * MAX_ROWS:
                break
            yield _feed_page(page, _Place(self.window[0], self.window, offset, total))
            page = _list(self.client, self.window, offset=offset)
        is_complete = stored_before + len(self.seen) >= total
        if not is_complete and not self.is_last:
            yield _feed_page(page, _Place(self.window[0], self.window))
            return False
        yield replace(
            _feed_page(page, _Place(self.window[1])),
            complete_until=self.window[1],
            remark="" if is_complete else self._shortfall(total),
        )
        return True

    def _shortfall(self, total: int) -> str:
        start, end = self.window
        return (
            f"LuxCore counts {total} payments created from {start:%Y-%m-%d %H:%M:%S} to "
            f"{end:%Y-%m-%d %H:%M:%S} UTC, and shows {len(self.seen)} of them."
        )


def _list(client: LuxCoreClient, window: Span, *, offset: int) -> Listing:
    return client.list_payments(
        created_from=window[0], created_to=window[1], limit=PAGE, offset=offset
    )


def _names(page: Listing, offset: int) -> set[str]:
    """What tells the rows of a page apart, also those that could not be read."""
    refused = {
        item.record_id or f"row {offset + number}" for number, item in enumerate(page.refused)
    }
    return refused | {record.id for record in page.items}


def _feed_page(page: Listing, place: _Place) -> FeedPage:
    return FeedPage(records=page.items, refused=page.refused, cursor=place.as_cursor())


def _whole_seconds(span: timedelta) -> timedelta:
    return span - span % NARROWEST


def _moment(value: Any) -> datetime | None:
    return parse_datetime(value) if isinstance(value, str) else None
