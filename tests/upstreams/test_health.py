"""How an upstream is called by what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from upstreams import circuit, feeds, health, redis
from upstreams.circuit import circuit_of
from upstreams.enums import CommandState, EventState, Upstream
from upstreams.feeds import Feed, registry
from upstreams.health import State
from upstreams.models import Command, FeedState, WebhookEvent

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _redis_is_away() -> Iterator[None]:
    redis.note_failure()
    yield
    redis.forget_failure()


@pytest.fixture(autouse=True)
def _feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two feeds that run often and one that runs hourly."""
    paces = {
        "fast": timedelta(seconds=20),
        "other": timedelta(seconds=60),
        "rare": timedelta(hours=1),
    }
    known = {
        name: Feed(name, Upstream.LUXCORE, name.title(), every, _unused, _unused)
        for name, every in paces.items()
    }
    monkeypatch.setattr(registry, "_feeds", known)
    assert [feed.name for feed in feeds.registered()] == ["fast", "other", "rare"]


def _unused(*_: Any) -> Any:
    raise AssertionError("health reads no feed")


@pytest.fixture
def configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(circuit, "_circuits", {})
    settings.LUXCORE_API_KEY = "qp_test_sk_health"
    return settings


def read(name: str, *, ago: timedelta | None, error: str = "") -> FeedState:
    return FeedState.objects.create(
        name=name,
        upstream=Upstream.LUXCORE,
        last_started_at=NOW,
        last_success_at=None if ago is None else NOW - ago,
        last_error=error,
    )


def all_fresh() -> None:
    read("fast", ago=timedelta(seconds=15))
    read("other", ago=timedelta(seconds=50))
    read("rare", ago=timedelta(minutes=55))


def luxcore() -> health.Health:
    return health.status("luxcore", NOW)


def command(number: int, state: CommandState, upstream: str = "luxcore") -> Command:
    return Command.objects.create(
        kind="test", upstream=upstream, subject_type="test", subject_id=str(number), attempt_no=1,
        request=b"{}", request_hash="0" * 64, idempotency_key=f"{upstream}-{number}", state=state,
        created_at=NOW,
    )  # fmt: skip


def event(number: int, state: EventState) -> WebhookEvent:
    return WebhookEvent.objects.create(
        upstream="luxcore", event_id=f"evt_{number}", body=b"{}", received_at=NOW, state=state
    )


class TestState:
    def test_is_not_configured_without_a_key(self) -> None:
        for upstream in health.all(NOW):
            assert upstream.state == State.NOT_CONFIGURED
            assert upstream.as_of is None and upstream.budget_left is None

    @pytest.mark.usefixtures("configured")
    def test_is_never_synced_before_the_first_success(self) -> None:
        assert luxcore().state == State.NEVER_SYNCED

        read("fast", ago=None, error="no answer")

        assert luxcore().state == State.NEVER_SYNCED

    @pytest.mark.usefixtures("configured")
    def test_is_fresh_when_every_feed_keeps_its_own_pace(self) -> None:
        all_fresh()

        found = luxcore()

        assert found.state == State.FRESH
        assert found.as_of == NOW - timedelta(seconds=50)  # the oldest that runs often
        assert (found.label, found.circuit, found.words) == ("LuxCore", "closed", "Up to date")

    @pytest.mark.usefixtures("configured")
    def test_is_late_when_one_feed_lags(self) -> None:
        all_fresh()
        FeedState.objects.filter(name="other").update(last_success_at=NOW - timedelta(minutes=9))

        found = luxcore()

        assert found.state == State.LATE
        assert found.words == "Other: not read for 9 min"
        assert found.as_of == NOW - timedelta(minutes=9)

    @pytest.mark.usefixtures("configured")
    def test_is_late_when_a_feed_has_never_worked(self) -> None:
        all_fresh()
        FeedState.objects.filter(name="rare").update(last_success_at=None, last_error="Broken")

        assert luxcore().state == State.LATE

    @pytest.mark.usefixtures("configured")
    def test_is_not_late_for_a_run_or_two_that_were_missed(self) -> None:
        all_fresh()
        FeedState.objects.filter(name="fast").update(last_success_at=NOW - timedelta(seconds=65))

        assert luxcore().state == State.FRESH

    @pytest.mark.usefixtures("configured")
    def test_is_down_when_nothing_was_read_for_long(self) -> None:
        read("fast", ago=timedelta(minutes=11))
        read("rare", ago=timedelta(minutes=180))

        found = luxcore()

        assert found.state == State.DOWN
        assert found.words == "Nothing read for 11 min"

    @pytest.mark.usefixtures("configured")
    def test_is_down_while_the_circuit_is_open(self) -> None:
        all_fresh()
        for _ in range(circuit.FAILURES_TO_OPEN):
            circuit_of("luxcore").failed()

        found = luxcore()

        assert (found.state, found.circuit) == (State.DOWN, "open")

    def test_is_configured_with_signatures_alone(self, configured: Settings) -> None:
        configured.LUXCORE_API_KEY = ""
        configured.LUXCORE_MERCHANT_ID, configured.LUXCORE_HMAC_SECRET = "77", "secret"

        assert luxcore().state == State.NEVER_SYNCED


class TestFacts:
    @pytest.mark.usefixtures("configured")
    def test_count_what_waits(self) -> None:
        for number, command_state in enumerate(CommandState):
            command(number, command_state)
        command(99, CommandState.QUEUED, upstream="lux")
        for number, event_state in enumerate(EventState):
            event(number, event_state)

        assert luxcore().backlog == 5  # queued, sending, unknown; received, retrying
        assert [found.backlog for found in health.all(NOW)] == [5, 1, 0]

    @pytest.mark.usefixtures("configured")
    def test_tell_the_budget_of_this_process_while_redis_is_away(self) -> None:
        assert luxcore().budget_left == 12  # an eighth of 100

    @pytest.mark.usefixtures("configured")
    def test_cost_three_queries(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        all_fresh()
        for number in range(50):
            command(number, CommandState.QUEUED)

        with django_assert_num_queries(3):
            health.all(NOW)
        with django_assert_num_queries(3):
            health.status("luxcore", NOW)

    @pytest.mark.usefixtures("configured")
    def test_agree_for_one_and_for_all(self) -> None:
        all_fresh()
        command(1, CommandState.QUEUED)

        assert health.all(NOW)[0] == luxcore()
        assert [found.upstream for found in health.all(NOW)] == list(Upstream.values)

    def test_come_from_redis_when_it_is_there(self, configured: Settings, redis_url: str) -> None:
        configured.REDIS_URL = redis_url
        redis.forget_failure()
        all_fresh()
        worker = circuit.Circuit("luxcore")

        assert luxcore().budget_left == 100
        for _ in range(circuit.FAILURES_TO_OPEN):
            worker.failed()

        assert luxcore().circuit == "open"
