"""Reading LuxCore's payments: completely, whatever its pages do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from tests.upstreams.wire import payment
from tests.upstreams.world import Clock
from upstreams import feeds
from upstreams.enums import RunState
from upstreams.errors import BadPayload, NotFound, Unavailable
from upstreams.feeds import Feed, FeedPage, StoreCounts, registry
from upstreams.http.client import BACKGROUND_WAIT, TOTAL_SECONDS
from upstreams.luxcore import windows
from upstreams.luxcore.schemas import Page, PaymentRecord, parse_payment
from upstreams.luxcore.windows import read_ids, read_spans, read_windows
from upstreams.records import RefusedItem

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def record(number: int, created_at: datetime) -> PaymentRecord:
    return parse_payment(
        payment(transaction_id=f"pay_{number:05}", created_at=created_at.isoformat())
    )


class Lists:
    """LuxCore's list of payments. `order` sorts it at each call, as drift would."""

    def __init__(self, *moments: datetime) -> None:
        self.rows = [record(number, moment) for number, moment in enumerate(moments)]
        self.calls: list[tuple[datetime, datetime, int]] = []
        self.order: Callable[[list[PaymentRecord]], list[PaymentRecord]] = list
        self.before_call: Callable[[int], None] = lambda number: None
        self.number_of_calls = 0
        self.total_is_off_by = 0
        self.refused: list[RefusedItem] = []

    def list_payments(
        self, *, created_from: datetime, created_to: datetime, limit: int, offset: int
    ) -> Page[PaymentRecord]:
        self._called()
        self.calls.append((created_from, created_to, offset))
        found = self.order(
            [row for row in self.rows if created_from <= row.created_at <= created_to]
        )
        refused = self.refused if offset == 0 else []
        shown = found[max(offset - len(self.refused), 0) :][: limit - len(refused)]
        return Page(
            items=shown,
            refused=list(refused),
            total=len(found) + len(self.refused) + self.total_is_off_by,
            limit=limit,
            offset=offset,
        )

    def _called(self) -> None:
        self.before_call(self.number_of_calls)
        self.number_of_calls += 1

    def get_payment(self, payment_id: str) -> PaymentRecord:
        self._called()
        if payment_id == "garbled":
            raise BadPayload("not JSON")
        for row in self.rows:
            if row.id == payment_id:
                return row
        raise NotFound("no such payment")


def minutes_ago(*minutes: float) -> list[datetime]:
    return [NOW - timedelta(minutes=minute) for minute in minutes]


def ids(pages: list[FeedPage]) -> list[str]:
    return [row.id for page in pages for row in page.records]


def read(luxcore: Lists, cursor: dict[str, Any] | None = None, **options: Any) -> list[FeedPage]:
    return list(read_windows(cursor=cursor or {}, now=NOW, client=luxcore, **options))


class TestReadWindows:
    def test_reads_the_whole_history_at_first(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 251)), datetime(2020, 5, 5, tzinfo=UTC))

        pages = read(luxcore)

        assert sorted(ids(pages)) == sorted(row.id for row in luxcore.rows)
        assert [len(page.records) for page in pages] == [100, 100, 51]
        assert pages[-1].cursor == {"until": (NOW - timedelta(seconds=2)).isoformat()}
        assert pages[-1].complete_until == NOW - timedelta(seconds=2)
        assert len(luxcore.calls) == 3

    def test_leaves_the_last_two_seconds_to_the_next_run(self) -> None:
        luxcore = Lists(NOW - timedelta(seconds=1), NOW - timedelta(seconds=3))

        assert ids(read(luxcore)) == ["pay_00001"]

    def test_reads_only_what_is_new_and_a_little_overlap_later(self) -> None:
        luxcore = Lists(*minutes_ago(60, 11, 9, 1))

        pages = read(luxcore, {"until": (NOW - timedelta(minutes=5)).isoformat()})

        assert ids(pages) == ["pay_00002", "pay_00003"]

    def test_says_that_an_empty_window_is_complete(self) -> None:
        pages = read(Lists(), {"until": (NOW - timedelta(minutes=5)).isoformat()})

        assert [len(page.records) for page in pages] == [0]
        assert pages[-1].complete_until == NOW - timedelta(seconds=2)

    def test_starts_over_when_told(self) -> None:
        luxcore = Lists(*minutes_ago(60, 1))

        assert len(ids(read(luxcore, {"until": NOW.isoformat()}, full=True))) == 2

    def test_resumes_after_the_last_stored_page(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 301)))
        first, second = islice(read_windows(cursor={}, now=NOW, client=luxcore), 2)
        luxcore.calls.clear()

        rest = read(luxcore, dict(second.cursor))

        assert luxcore.calls[0][2] == 200
        assert sorted(ids([first, second, *rest])) == sorted(row.id for row in luxcore.rows)
        assert rest[-1].cursor == {"until": (NOW - timedelta(seconds=2)).isoformat()}

    def test_begins_the_window_again_when_it_changed_since_the_run_that_stopped(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 301)))
        [first] = islice(read_windows(cursor={}, now=NOW, client=luxcore), 1)
        luxcore.rows.insert(0, record(999, NOW - timedelta(minutes=400)))

        rest = read(luxcore, dict(first.cursor))

        assert set(ids(rest)) == {row.id for row in luxcore.rows}

    def test_reads_again_what_moved_between_two_pages(self) -> None:
        """U-8: the order changes under us, so the second page repeats rows of the first."""
        luxcore = Lists(*minutes_ago(*range(1, 151)))
        luxcore.order = lambda rows: rows[50:] + rows[:50] if len(luxcore.calls) == 2 else rows

        pages = read(luxcore)

        assert set(ids(pages)) == {row.id for row in luxcore.rows}
        assert [page.remark for page in pages if page.remark] == []
        assert len(luxcore.calls) == 4

    def test_reads_again_when_a_row_came_into_the_window_late(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 151)))

        def late(call: int) -> None:
            if call == 1:
                luxcore.rows.insert(0, record(999, NOW - timedelta(minutes=30)))

        luxcore.before_call = late

        assert set(ids(read(luxcore))) == {row.id for row in luxcore.rows}

    def test_goes_on_with_a_remark_when_the_total_is_never_reached(self) -> None:
        luxcore = Lists(*minutes_ago(1, 2, 3))
        luxcore.total_is_off_by = 1

        pages = read(luxcore)

        assert len(luxcore.calls) == 2 * (1 + windows.RE_READS)  # each asks once past the end
        assert "counts 4 payments" in pages[-1].remark
        assert "shows 3" in pages[-1].remark
        assert pages[-1].complete_until is not None

    def test_stops_when_every_page_is_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """U-8: an upstream that ignores the offset."""
        luxcore = Lists(*minutes_ago(*range(1, 301)))
        original = luxcore.list_payments
        monkeypatch.setattr(
            luxcore,
            "list_payments",
            lambda *, offset, **rest: original(offset=0, **rest),
        )

        pages = read(luxcore)

        assert "shows 100" in pages[-1].remark
        assert len(luxcore.calls) <= 3 * (1 + windows.RE_READS)

    def test_ends_when_the_list_grows_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "MAX_ROWS", 200)
        luxcore = Lists()
        monkeypatch.setattr(
            luxcore,
            "list_payments",
            lambda *, offset, limit, **rest: Page(
                items=[record(offset + n, NOW) for n in range(limit)],
                refused=[],
                total=min(offset + 10 * limit, 200) if offset < 100 else offset + 10 * limit,
                limit=limit,
                offset=offset,
            ),
        )

        pages = list(
            windows._read_window(
                luxcore,
                (NOW - timedelta(hours=1), NOW),  # type: ignore[arg-type]
            )
        )

        assert len(ids(pages)) < 4 * 600
        assert pages[-1].remark

    def test_halves_a_window_that_is_too_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "MAX_ROWS", 100)
        luxcore = Lists(*minutes_ago(*range(1, 351)))

        pages = read(luxcore, {"until": (NOW - timedelta(minutes=400)).isoformat()})

        assert set(ids(pages)) == {row.id for row in luxcore.rows}
        untils = [page.complete_until for page in pages if page.complete_until]
        assert untils == sorted(untils)
        assert len(untils) > 3

    def test_does_not_halve_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(windows, "MAX_ROWS", 2)
        luxcore = Lists(*minutes_ago(5, 5, 5, 5))

        assert len(set(ids(read(luxcore)))) == 4

    def test_counts_rows_that_could_not_be_read(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 121)))
        luxcore.refused = [
            RefusedItem("pay_bad", {}, "amount is missing"),
            RefusedItem("", {}, "?"),
        ]

        pages = read(luxcore)

        assert sum(len(page.refused) for page in pages) == 2
        assert len(luxcore.calls) == 2
        assert pages[-1].remark == ""

    def test_has_handed_out_all_it_read_when_the_upstream_fails(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 301)))

        def fail(call: int) -> None:
            if call == 2:
                raise Unavailable("down")

        luxcore.before_call = fail
        pages = []

        with pytest.raises(Unavailable):
            for page in read_windows(cursor={}, now=NOW, client=luxcore):
                pages.append(page)

        assert [page.cursor["offset"] for page in pages] == [100, 200]


class TestReadSpans:
    def test_reads_the_given_spans_and_keeps_no_cursor(self) -> None:
        luxcore = Lists(*minutes_ago(1, 10, 20, 30))
        spans = [
            (NOW - timedelta(minutes=11), NOW - timedelta(minutes=9)),
            (NOW - timedelta(minutes=31), NOW - timedelta(minutes=29)),
        ]

        pages = list(read_spans(spans, client=luxcore))

        assert ids(pages) == ["pay_00001", "pay_00003"]
        assert all(page.cursor == {} and page.complete_until is None for page in pages)


class TestReadIds:
    def test_reads_each_and_refuses_what_is_not_there(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 26)))
        wanted = [*(row.id for row in luxcore.rows), "pay_unknown", "garbled"]

        pages = list(read_ids(wanted, client=luxcore))

        assert ids(pages) == [row.id for row in luxcore.rows]
        refused = {item.record_id: item.reason for page in pages for item in page.refused}
        assert refused == {"pay_unknown": "LuxCore does not know it.", "garbled": "not JSON"}


class TestEveryCall:
    """Storing a page renews the feed's lease, which outlives one call that had to wait."""

    @staticmethod
    def most_between_pages(luxcore: Lists, pages: Iterator[FeedPage]) -> int:
        """How many calls were made, at most, before the next page came."""
        most, seen = 0, 0
        for _page in pages:
            most, seen = max(most, luxcore.number_of_calls - seen), luxcore.number_of_calls
        return most

    def test_of_ids_is_followed_by_a_page(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 26)))
        wanted = [*(row.id for row in luxcore.rows), "pay_unknown", "garbled"]

        assert self.most_between_pages(luxcore, read_ids(wanted, client=luxcore)) == 1

    def test_that_halves_a_window_is_followed_by_a_page(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "MAX_ROWS", 100)
        luxcore = Lists(*minutes_ago(*range(1, 351)))

        pages = read_windows(cursor={}, now=NOW, client=luxcore)

        assert self.most_between_pages(luxcore, pages) == 1

    def test_that_finds_the_window_changed_is_followed_by_a_page(self) -> None:
        luxcore = Lists(*minutes_ago(*range(1, 151)))

        def late(call: int) -> None:
            if call == 1:
                luxcore.rows.insert(0, record(999, NOW - timedelta(minutes=30)))

        luxcore.before_call = late

        pages = read_windows(cursor={}, now=NOW, client=luxcore)

        assert self.most_between_pages(luxcore, pages) == 1

    def test_may_be_the_last_of_a_run_and_the_next_one_goes_on_there(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(windows, "MAX_ROWS", 100)
        luxcore = Lists(*minutes_ago(*range(1, 351)))
        start = NOW - timedelta(minutes=400)
        [halved] = islice(
            read_windows(cursor={"until": start.isoformat()}, now=NOW, client=luxcore), 1
        )

        rest = read(luxcore, dict(halved.cursor))

        assert luxcore.calls[1][0] == luxcore.calls[0][0]  # no second overlap before the first
        assert set(ids(rest)) == {row.id for row in luxcore.rows}

    @pytest.mark.django_db
    def test_may_wait_long_and_the_feed_stays_ours(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "_feeds", {})
        luxcore = Lists(*minutes_ago(*range(1, 26)))
        luxcore.before_call = lambda number: clock.forward(seconds=BACKGROUND_WAIT + TOTAL_SECONDS)
        wanted = [row.id for row in luxcore.rows]
        feed = Feed(
            name="test.open",
            upstream="luxcore",
            label="Open",
            every=timedelta(minutes=1),
            pages=lambda cursor, now, full: read_ids(wanted, client=luxcore),
            store=lambda records, at: StoreCounts(created=len(records)),
        )
        feeds.register(feed)
        others = []

        run = feeds.run(feed.name, on_page=lambda run: others.append(feeds.run(feed.name)))

        assert run is not None
        assert (run.state, run.created) == (RunState.DONE, 25)
        assert others == [None] * 25
