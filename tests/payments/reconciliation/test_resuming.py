"""A run that is interrupted, taken over, put off; long windows; and what is not shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from payments import feeds as payment_feeds
from payments.models import DayTotal, Drift, Payment, Reconciliation
from payments.reconciliation import readers, running, starting
from tests.payments.conftest import Line
from tests.payments.reconciliation.conftest import Run, today
from tests.sandbox.helpers import Bench
from upstreams import feeds
from upstreams.enums import RunState, Upstream
from upstreams.errors import Unavailable
from upstreams.feeds import FeedPage
from upstreams.luxcore import windows
from upstreams.records import RefusedItem

FIGURES = ("ours_number", "ours_sum", "theirs_number", "theirs_sum", "matched", "different")


def started(**changes: Any) -> Reconciliation:
    given: dict[str, Any] = {
        "upstream": Upstream.LUXCORE,
        "first_day": today() - timedelta(days=5),
        "last_day": today(),
        "by": None,
        "at": timezone.now(),
    }
    return starting.start(**given | changes)


def totals(run: Reconciliation) -> list[tuple[Any, ...]]:
    return sorted(run.totals.values_list("day", "currency", "kind", *FIGURES))


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "MAX_ROWS", 4)


class Interrupted(BaseException):
    """As a worker that is killed: nothing of ours catches it."""


def test_goes_on_after_the_last_window_that_was_kept(
    run: Run, small_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Payment.objects.order_by("created_at")[0]
    Payment.objects.filter(pk=gone.pk).delete()
    undisturbed = totals(run())
    interrupted = started()

    def die(place: str) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(running, "reach", die)
        with pytest.raises(Interrupted):
            running.work(interrupted.pk)
    interrupted.refresh_from_db()
    assert interrupted.since_at < interrupted.read_until < interrupted.until_at
    assert running.work(interrupted.pk) is None  # its lease has not run out
    Reconciliation.objects.update(lease_until=None)

    done = running.work(interrupted.pk)

    assert done is not None
    assert (done.state, done.read) == (RunState.DONE, 12)
    assert totals(done) == undisturbed
    assert Drift.objects.get().subject == gone.upstream_id


def test_works_in_slices(books: Bench, small_windows: None) -> None:
    slices, run = 0, started()
    while run.is_running:
        slices += 1
        worked = running.work(run.pk, seconds=0)
        assert worked is not None
        run = worked

    assert slices > 2
    assert (run.state, run.read, run.lease_until) == (RunState.DONE, 12, None)


def test_stops_when_another_worker_took_over(
    books: Bench, small_windows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = started()

    def overtaken(place: str) -> None:
        Reconciliation.objects.update(fence=99)

    monkeypatch.setattr(running, "reach", overtaken)
    running.work(run.pk)

    run.refresh_from_db()
    assert run.state == RunState.RUNNING
    assert run.read < 12


def test_is_put_off_while_the_provider_does_not_answer(books: Bench, line: Line) -> None:
    run = started()
    client, line.client = line.client, None

    put_off = running.work(run.pk)

    assert put_off is not None
    assert (put_off.state, put_off.failures) == (RunState.RUNNING, 1)
    assert "no key" in put_off.error
    waiting = Reconciliation.objects.to_be_worked_on
    assert not waiting(now=timezone.now()).exists()
    later = put_off.next_at + timedelta(seconds=1)
    assert waiting(now=later).get() == run

    line.client = client
    done = running.work(run.pk)
    assert done is not None
    assert (done.state, done.error) == (RunState.DONE, "")


def test_gives_up_after_an_hour_of_trying(books: Bench, line: Line) -> None:
    run = started()
    Reconciliation.objects.update(failures=running.MOST_FAILURES - 1)
    line.client = None

    given_up = running.work(run.pk)

    assert given_up is not None
    assert given_up.state == RunState.FAILED
    assert started(at=timezone.now()).pk != run.pk


def _shown(monkeypatch: pytest.MonkeyPatch, *pages: FeedPage) -> None:
    reader = readers.get(Upstream.LUXCORE)
    changed = readers.Reader(**{**vars(reader), "pages": lambda since, until: iter(pages)})
    monkeypatch.setitem(readers._readers, Upstream.LUXCORE, changed)


class TestWhatIsNotShown:
    def test_is_not_called_missing(self, books: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        run = started()
        _shown(monkeypatch, FeedPage(records=[], complete_until=run.until_at, remark="Short."))

        done = running.work(run.pk)

        assert done is not None
        assert (done.found, len(done.gaps)) == (0, 1)

    def test_closes_nothing(self, books: Bench, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = Payment.objects.order_by("pk")[0]
        Payment.objects.filter(pk=gone.pk).delete()
        run()
        again = started()
        _shown(monkeypatch, FeedPage(records=[], complete_until=again.until_at, remark="Short."))

        running.work(again.pk)

        assert Drift.objects.get().is_open

    def test_what_cannot_be_read_is_not_missing(
        self, books: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = Payment.objects.order_by("pk")[0]
        Payment.objects.exclude(pk=kept.pk).delete()
        run = started()
        garbled = [RefusedItem(kept.upstream_id, {}, "amount is missing")]
        _shown(monkeypatch, FeedPage(records=[], refused=garbled, complete_until=run.until_at))

        done = running.work(run.pk)

        assert done is not None
        assert (done.found, done.gaps) == (0, [])

    def test_a_provider_that_fails_half_way_leaves_the_rest_for_later(
        self, books: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = started()
        middle = run.since_at + timedelta(days=1)

        def pages(since: datetime, until: datetime) -> Any:
            yield FeedPage(records=[], complete_until=middle)
            raise Unavailable("no answer", upstream="luxcore")

        reader = readers.get(Upstream.LUXCORE)
        changed = readers.Reader(**{**vars(reader), "pages": pages})
        monkeypatch.setitem(readers._readers, Upstream.LUXCORE, changed)

        running.work(run.pk)

        run.refresh_from_db()
        assert (run.read_until, run.is_running) == (middle, True)


class TestNightly:
    NIGHT = datetime(2026, 4, 1, 2, 5, tzinfo=timezone.get_default_timezone())

    def test_begins_once_a_night(self, books: Bench) -> None:
        assert starting.start_nightly(at=self.NIGHT - timedelta(hours=1)) == []
        (run,) = starting.start_nightly(at=self.NIGHT)
        running.work(run.pk)

        assert starting.start_nightly(at=self.NIGHT + timedelta(minutes=1)) == []
        assert run.upstream == Upstream.LUXCORE
        assert (run.night_of, run.last_day) == (
            self.NIGHT.date(),
            self.NIGHT.date() - timedelta(days=1),
        )

    def test_waits_for_what_somebody_started(self, books: Bench) -> None:
        run = started(at=self.NIGHT)

        assert starting.start_nightly(at=self.NIGHT) == []
        running.work(run.pk)
        assert len(starting.start_nightly(at=self.NIGHT)) == 1


def test_a_hundred_more_payments_cost_a_few_more_queries(books: Bench, run: Run) -> None:
    def cost() -> int:
        DayTotal.objects.all().delete()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            run()
        return len(queries)

    few = cost()
    batch = {"payments": 300, "spread_seconds": 86_400, "status": "completed", "seed": 2}
    books.control("/seed", batch)
    feeds.run(payment_feeds.PAYMENTS, at=timezone.now(), full=True)
    many = cost()
    assert Payment.objects.count() == 312
    assert many - few <= 3 * 4  # per page of a hundred: our rows, and holding the run


def test_everything_missing_is_kept_in_batches(books: Bench, run: Run) -> None:
    Payment.objects.all().delete()
    batch = {"payments": 700, "spread_seconds": 86_400, "status": "completed", "seed": 3}
    books.control("/seed", batch)

    with CaptureQueriesContext(connection) as queries:
        done = run()

    assert (done.found, Drift.objects.open().count()) == (712, 712)
    assert len(queries) < 90
