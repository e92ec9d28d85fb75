"""Feeds: read page by page, resumed where they stopped, one run at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DataError

from staff import audit
from staff.models import AuditEvent
from tests.upstreams.world import LUXCORE, Clock, in_transaction
from upstreams import feeds
from upstreams.enums import RunState
from upstreams.errors import (
    BadPayload,
    Forbidden,
    NotConfigured,
    RateLimited,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from upstreams.feeds import Feed, FeedPage, StoreCounts, registry
from upstreams.models import FeedRun, FeedState, RefusedRecord
from upstreams.records import RefusedItem

pytestmark = pytest.mark.django_db

NAME = "test.things"


@dataclass(frozen=True)
class Thing:
    id: str
    raw: dict[str, Any] = field(default_factory=dict)


class Source:
    """An upstream list of numbered pages, and a store that writes them down."""

    def __init__(self, *pages: Sequence[str]) -> None:
        self.pages_of_ids = [list(page) for page in pages]
        self.stored: list[str] = []
        self.bad: set[str] = set()
        self.error_at: dict[int, Exception] = {}
        self.refused: Sequence[RefusedItem] = ()
        self.remark = ""
        self.starts: list[tuple[dict[str, Any], bool]] = []
        self.at_page: dict[int, Any] = {}

    def feed(self) -> Feed:
        return Feed(
            name=NAME,
            upstream=LUXCORE,
            label="Things",
            every=timedelta(seconds=20),
            pages=self.pages,
            store=self.store,
        )

    def pages(self, cursor: Any, now: datetime, full: bool) -> Iterator[FeedPage]:
        self.starts.append((dict(cursor), full))
        start = 0 if full else cursor.get("page", 0)
        for number in range(start, len(self.pages_of_ids)):
            assert not in_transaction(), "an upstream is called inside a transaction"
            if number in self.at_page:
                self.at_page[number]()
            if number in self.error_at:
                raise self.error_at[number]
            yield FeedPage(
                records=[Thing(id, raw={"id": id}) for id in self.pages_of_ids[number]],
                refused=self.refused,
                cursor={"page": number + 1},
                complete_until=now,
                remark=self.remark,
            )

    def store(self, records: Sequence[Any], at: datetime) -> StoreCounts:
        assert in_transaction()
        for record in records:
            audit.record("test.stored", ("test.thing", record.id), by=None, at=at)
        for record in records:
            if record.id in self.bad:
                raise DataError(f"a value that does not fit, {record.id}")
        self.stored.extend(record.id for record in records)
        return StoreCounts(created=len(records))


def written() -> list[str]:
    """What is really in the database."""
    return list(AuditEvent.objects.order_by("sequence").values_list("subject_id", flat=True))


@pytest.fixture
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_feeds", {})


@pytest.fixture
def source(nothing_registered: None) -> Source:
    three_pages = Source(["a", "b"], ["c"], ["d"])
    feeds.register(three_pages.feed())
    return three_pages


def run(**options: Any) -> FeedRun:
    result = feeds.run(NAME, **options)
    assert result is not None
    return result


def state() -> FeedState:
    return FeedState.objects.get(name=NAME)


class TestRun:
    def test_stores_every_page_and_counts(self, clock: Clock, source: Source) -> None:
        finished = run()

        assert written() == ["a", "b", "c", "d"]
        assert (finished.state, finished.pages, finished.read, finished.created) == (
            RunState.DONE,
            3,
            4,
            4,
        )
        assert state().cursor == {"page": 3}
        assert state().last_success_at == state().complete_until == clock.now
        assert state().lease_until is None

    def test_tells_the_counts_after_each_page(self, clock: Clock, source: Source) -> None:
        counts = []

        run(on_page=lambda running: counts.append((running.pages, running.read)))

        assert counts == [(1, 2), (2, 3), (3, 4)]

    def test_goes_on_from_the_cursor_the_next_time(self, clock: Clock, source: Source) -> None:
        run()
        source.pages_of_ids.append(["e"])

        run()

        assert written() == ["a", "b", "c", "d", "e"]

    def test_starts_over_when_full(self, clock: Clock, source: Source) -> None:
        run()

        run(full=True)

        assert source.starts[1] == ({"page": 3}, True)
        assert written() == [*"abcd", *"abcd"]

    def test_never_takes_back_how_far_it_was_complete(self, clock: Clock, source: Source) -> None:
        run()
        complete_until = state().complete_until

        run(full=True, at=clock.now - timedelta(days=400))

        assert state().complete_until == complete_until

    def test_refuses_an_unknown_name(self, clock: Clock, nothing_registered: None) -> None:
        with pytest.raises(feeds.UnknownFeed):
            feeds.run(NAME)

    def test_keeps_a_remark(self, clock: Clock, source: Source) -> None:
        source.remark = "One is missing."

        finished = run()

        assert (finished.state, finished.error) == (
            RunState.DONE,
            "One is missing.\nOne is missing.\nOne is missing.",
        )

    def test_forgets_runs_after_a_week(self, clock: Clock, source: Source) -> None:
        run()
        clock.forward(days=8)

        run()

        assert FeedRun.objects.count() == 1


class TestFailure:
    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (NotConfigured("LuxCore needs an API key"), "LuxCore needs an API key."),
            (Unauthorized("-"), "LuxCore refused our key"),
            (Forbidden("-"), "may not read this"),
            (RateLimited("-", retry_after=9), "rate limit is used up"),
            (Unavailable("timed out"), "did not answer"),
            (BadPayload("not JSON"), "nobody can read"),
            (UpstreamError("odd"), "LuxCore: odd"),
            (ZeroDivisionError("secret detail"), "A fault of ours: ZeroDivisionError"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
    )
    def test_ends_the_run_with_words_and_keeps_what_was_read(
        self, clock: Clock, source: Source, error: Exception, words: str
    ) -> None:
        source.error_at[1] = error

        failed = run()

        assert failed.state == RunState.FAILED
        assert words in failed.error
        assert "secret" not in failed.error
        assert state().last_error == failed.error
        assert state().last_success_at is None
        assert written() == ["a", "b"]
        source.error_at.clear()
        assert run().state == RunState.DONE
        assert written() == ["a", "b", "c", "d"]
        assert state().last_error == ""


class TestBadRecords:
    def test_are_refused_alone(self, clock: Clock, source: Source) -> None:
        source.bad = {"b"}

        finished = run()

        assert (finished.state, finished.created, finished.refused) == (RunState.DONE, 3, 1)
        assert written() == ["a", "c", "d"]
        refused = RefusedRecord.objects.get()
        assert (refused.record_id, refused.payload) == ("b", '{"id": "b"}')
        assert "DataError" in refused.reason
        assert "does not fit" not in refused.reason  # it may quote the record

    def test_that_nobody_could_parse_are_kept_too(self, clock: Clock, source: Source) -> None:
        source.pages_of_ids = [["a"]]
        source.refused = [
            RefusedItem("x\x00", {"note": "\x00 \ud800", "deep": [1]}, "amount is missing")
        ]

        finished = run()

        assert (finished.read, finished.refused) == (2, 1)
        assert RefusedRecord.objects.get().reason == "amount is missing"

    def test_seen_again_are_counted_not_repeated(self, clock: Clock, source: Source) -> None:
        source.bad = {"b"}
        run()
        clock.forward(hours=1)

        run(full=True)

        refused = RefusedRecord.objects.get()
        assert (refused.times_seen, refused.last_seen_at) == (2, clock.now)
        assert refused.first_seen_at == clock.now - timedelta(hours=1)

    def test_are_resolved_once_they_can_be_stored(self, clock: Clock, source: Source) -> None:
        source.bad = {"b"}
        run()
        source.bad = set()

        run(full=True)

        assert RefusedRecord.objects.get().resolved_at == clock.now

    def test_all_over_a_page_stop_the_feed_rather_than_pass_them_by(
        self, clock: Clock, source: Source
    ) -> None:
        many = [f"r{number}" for number in range(12)]
        source.pages_of_ids = [["a"], many]
        source.bad = set(many)

        failed = run()

        assert failed.state == RunState.FAILED
        assert "None of 12 records" in failed.error
        assert state().cursor == {"page": 1}


class TestLease:
    def test_keeps_a_second_run_away(self, clock: Clock, source: Source) -> None:
        seen: list[FeedRun | None] = []
        source.at_page[1] = lambda: seen.append(feeds.run(NAME))

        run()

        assert seen == [None]
        assert FeedRun.objects.count() == 1

    def test_is_renewed_at_every_page(self, clock: Clock, source: Source) -> None:
        seen: list[FeedRun | None] = []
        source.at_page = {1: lambda: clock.forward(seconds=100)}
        source.at_page[2] = lambda: (clock.forward(seconds=100), seen.append(feeds.run(NAME)))

        assert run().state == RunState.DONE

        assert seen == [None]

    def test_of_a_killed_run_ends_and_the_next_goes_on_where_it_stopped(
        self, clock: Clock, source: Source
    ) -> None:
        source.at_page[1] = lambda: (_ for _ in ()).throw(KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run()
        source.at_page.clear()
        assert feeds.run(NAME) is None

        clock.forward(minutes=2)
        finished = run()

        assert (finished.state, finished.pages) == (RunState.DONE, 2)
        assert written() == ["a", "b", "c", "d"]
        old = FeedRun.objects.order_by("pk").first()
        assert old is not None
        assert (old.state, old.pages) == (RunState.ABANDONED, 1)

    def test_once_lost_lets_the_slow_run_write_nothing_more(
        self, clock: Clock, source: Source
    ) -> None:
        def sleep_too_long() -> None:
            source.at_page.clear()
            clock.forward(minutes=3)
            run()

        source.at_page[1] = sleep_too_long

        slow = run()

        assert slow.state == RunState.ABANDONED
        assert written() == ["a", "b", "c", "d"]
        assert state().lease_until is None


class TestRegister:
    def test_refuses_a_second_feed_of_one_name(self, source: Source) -> None:
        with pytest.raises(ValueError, match=NAME):
            feeds.register(source.feed())

    def test_lists_feeds_by_name(self, source: Source) -> None:
        assert [feed.name for feed in feeds.registered()] == [NAME]
