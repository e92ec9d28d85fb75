"""Scenarios U-1 and U-2: the shared budget on a real Redis, and each process alone without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from sandbox.app import create_app
from sandbox.config import Config, LuxCoreConfig
from sandbox.delivery import Outcome
from sandbox.server import serve
from tests.support.redis import RedisServer
from tests.upstreams.wire import Answers, answer, luxcore, payment
from upstreams import redis
from upstreams.budget import Budget, Priority, Rate
from upstreams.errors import RateLimited

OPERATOR, BACKGROUND = Priority.OPERATOR, Priority.BACKGROUND


@pytest.fixture(autouse=True)
def _redis_is_tried_again() -> Iterator[None]:
    redis.forget_failure()
    yield
    redis.forget_failure()


@pytest.fixture
def shared(redis_url: str, settings: Settings) -> None:
    settings.REDIS_URL = redis_url


@pytest.fixture
def away() -> None:
    redis.note_failure()


def budget(limit: int = 10, seconds: float = 60.0, *, share: int = 8, slack: float = 0.0) -> Budget:
    rates = {"standard": (Rate(limit, seconds, slack),)}
    return Budget(upstream="luxcore", credential="test", rates=rates, share=share)


def taken(budget: Budget, priority: Priority, *, most: int = 200) -> int:
    """How many calls are given at once."""
    for count in range(most):
        try:
            budget.acquire("standard", priority)
        except RateLimited:
            return count
    return most


def busiest(moments: list[float], seconds: float) -> int:
    """The most calls in any stretch of this length."""
    moments = sorted(moments)
    return max(
        sum(1 for other in moments[place:] if other < start + seconds)
        for place, start in enumerate(moments)
    )


def busiest_for_certain(calls: list[tuple[float, float]], seconds: float) -> int:
    """The most calls of which all must have been given within a stretch of this length.

    Each was given at some moment between being asked for and having it: however slow the machine,
    calls that were spread wide enough never look closer together than they were.
    """
    return max(
        sum(1 for asked, had in calls if asked >= start and had < start + seconds)
        for start, _ in calls
    )


@pytest.mark.usefixtures("shared")
class TestShared:
    def test_gives_an_operator_all_and_background_work_four_fifths(self) -> None:
        desk = budget(10)

        assert taken(desk, BACKGROUND) == 8
        assert taken(desk, OPERATOR) == 2
        assert taken(desk, OPERATOR) == 0

    def test_is_one_for_all_processes_with_the_same_credential(self) -> None:
        assert taken(budget(10), OPERATOR) == 10
        assert taken(budget(10), OPERATOR) == 0

    def test_is_another_for_another_credential(self) -> None:
        taken(budget(10), OPERATOR)
        other = Budget(upstream="luxcore", credential="new", rates={"standard": (Rate(10, 60),)})

        assert taken(other, OPERATOR) == 10

    def test_tells_how_long_to_wait(self) -> None:
        desk = budget(1, 3000)
        desk.acquire("standard", OPERATOR)

        with pytest.raises(RateLimited) as caught:
            desk.acquire("standard", OPERATOR)

        assert 2000 < caught.value.retry_after <= 3000
        assert caught.value.upstream == "luxcore"

    def test_waits_for_room_when_told_to(self) -> None:
        desk = budget(2, 0.3)

        for _ in range(5):
            desk.acquire("standard", OPERATOR, wait=60)

    def test_never_gives_more_than_the_limit_in_any_stretch_of_time(self) -> None:
        limit, seconds = 20, 0.5
        desks = [budget(limit, seconds) for _ in range(8)]
        given: list[tuple[float, float]] = []

        def work(desk: Budget) -> None:
            while len(given) < 4 * limit:
                asked = time.monotonic()
                try:
                    desk.acquire("standard", OPERATOR)
                except RateLimited as full:
                    time.sleep(full.retry_after)
                else:
                    given.append((asked, time.monotonic()))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, desks))

        assert busiest_for_certain(given, seconds) <= limit

    def test_holds_the_tighter_of_two_windows(self) -> None:
        rates = {"creation": (Rate(50, 60), Rate(5, 10))}
        desk = Budget(upstream="luxcore", credential="test", rates=rates)

        for _ in range(5):
            desk.acquire("creation", OPERATOR)

        with pytest.raises(RateLimited) as caught:
            desk.acquire("creation", OPERATOR)
        assert caught.value.retry_after <= 11

    def test_counts_a_little_longer_than_the_upstream(self) -> None:
        desk = budget(1, 0.1, slack=60)
        desk.acquire("standard", OPERATOR)

        with pytest.raises(RateLimited) as caught:
            desk.acquire("standard", OPERATOR)
        assert caught.value.retry_after > 50

    def test_shows_what_is_left_without_taking_it(self) -> None:
        desk = budget(10)
        taken(desk, BACKGROUND)

        assert desk.left("standard") == desk.left("standard") == 2

    def test_adds_what_others_used_under_the_same_key(self) -> None:
        desk = budget(10)
        desk.acquire("standard", OPERATOR)

        desk.correct("standard", limit=10, remaining=3, seconds=30)

        assert desk.left("standard") == 3
        with pytest.raises(RateLimited) as caught:
            for _ in range(4):
                desk.acquire("standard", OPERATOR)
        assert caught.value.retry_after <= 30

    def test_is_not_widened_by_what_the_upstream_says(self) -> None:
        desk = budget(10)
        taken(desk, OPERATOR)

        desk.correct("standard", limit=10, remaining=10, seconds=30)

        assert taken(desk, OPERATOR) == 0

    def test_closes_for_all_after_a_refusal(self) -> None:
        budget(10).pause("standard", 20)

        with pytest.raises(RateLimited) as caught:
            budget(10).acquire("standard", OPERATOR)
        assert 0 < caught.value.retry_after <= 20

    @pytest.mark.parametrize(("asked", "kept"), [(86_400, 60), (-5, 1), (0, 1)])
    def test_does_not_believe_every_pause(self, asked: float, kept: float) -> None:
        desk = budget(10)
        desk.pause("standard", asked)

        with pytest.raises(RateLimited) as caught:
            desk.acquire("standard", OPERATOR)
        assert kept - 1 < caught.value.retry_after <= kept

    def test_keeps_the_later_end_of_two_pauses(self) -> None:
        desk = budget(10)
        desk.pause("standard", 50)
        desk.pause("standard", 2)

        with pytest.raises(RateLimited) as caught:
            desk.acquire("standard", OPERATOR)
        assert caught.value.retry_after > 40

    def test_survives_numbers_as_large_as_a_real_limit(self) -> None:
        desk = budget(5000)

        assert taken(desk, BACKGROUND, most=5001) == 4000


class TestAlone:
    @pytest.fixture(autouse=True)
    def _away(self, away: None) -> None: ...

    def test_gives_a_share_of_the_limit(self) -> None:
        assert taken(budget(80, share=8), OPERATOR) == 10
        assert taken(budget(80, share=8), BACKGROUND) == 8

    def test_always_gives_something(self) -> None:
        assert taken(budget(4, share=8), BACKGROUND) == 1

    def test_slides(self) -> None:
        desk = budget(16, 0.2, share=8)
        assert taken(desk, OPERATOR) == 2

        desk.acquire("standard", OPERATOR, wait=5)

    def test_shows_what_is_left(self) -> None:
        desk = budget(80, share=8)
        taken(desk, BACKGROUND)

        assert desk.left("standard") == 2

    def test_pauses_after_a_refusal(self) -> None:
        desk = budget(80)
        desk.pause("standard", 30)

        assert desk.left("standard") == 0
        with pytest.raises(RateLimited):
            desk.acquire("standard", OPERATOR)

    def test_holds_with_many_threads(self) -> None:
        desk = budget(80, share=2)

        with ThreadPoolExecutor(8) as pool:
            counts = list(pool.map(lambda _: taken(desk, OPERATOR), range(8)))

        assert sum(counts) == 40


class TestComingAndGoing:
    @pytest.mark.usefixtures("shared")
    def test_adds_no_share_on_top_of_what_was_already_used(self) -> None:
        desk = budget(80, share=8)
        assert taken(desk, OPERATOR, most=10) == 10

        redis.note_failure()

        assert taken(desk, OPERATOR) == 0

    @pytest.mark.usefixtures("shared")
    def test_reports_what_was_used_alone(self) -> None:
        desk = budget(80, share=8)
        redis.note_failure()
        assert taken(desk, OPERATOR) == 10
        redis.forget_failure()

        desk.acquire("standard", OPERATOR)

        assert budget(80).left("standard") == 69
        desk.acquire("standard", OPERATOR)
        assert budget(80).left("standard") == 68  # and reports it once

    def test_costs_one_short_wait_when_redis_hangs(
        self, redis_server: RedisServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.REDIS_URL = redis_server.url
        desk = budget(80, share=1)
        desk.acquire("standard", OPERATOR)
        asked: list[object] = []
        ask = redis.get_redis
        monkeypatch.setattr(redis, "get_redis", lambda: asked.append(1) or ask())
        redis_server.freeze()

        for _ in range(20):
            desk.acquire("standard", OPERATOR)
        desk.left("standard")
        desk.pause("standard", 1)

        assert len(asked) == 1
        assert redis.redis_is_away()
        timeouts = ask().get_connection_kwargs()
        assert max(timeouts["socket_timeout"], timeouts["socket_connect_timeout"]) <= 0.3
        assert timeouts["retry"].get_retries() == 0

    def test_goes_on_when_redis_dies(self, redis_server: RedisServer, settings: Settings) -> None:
        settings.REDIS_URL = redis_server.url
        desk = budget(80)
        desk.acquire("standard", OPERATOR)

        redis_server.kill()

        desk.acquire("standard", OPERATOR)
        desk.correct("standard", limit=80, remaining=0, seconds=30)
        assert redis.redis_is_away()
        assert desk.left("standard") == 8

    def test_uses_redis_again_when_the_pause_is_over(
        self, redis_server: RedisServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.REDIS_URL = redis_server.url
        monkeypatch.setattr(redis, "AWAY_SECONDS", 0.0)
        redis.note_failure()

        budget(80).acquire("standard", OPERATOR)

        assert redis.get_redis().dbsize() == 1


class RecordingBudget(Budget):
    """Gives everything and keeps how long each caller would have waited."""

    def __init__(self, waits: list[float]) -> None:
        super().__init__(upstream="luxcore", credential="test", rates={})
        self.waits = waits

    def acquire(self, cls: str, priority: Priority, wait: float = 0.0) -> int:
        self.waits.append(wait)
        return 1


@pytest.mark.usefixtures("shared")
class TestClient:
    def make(self, *answers: object, desk: Budget) -> Callable[[], object]:
        client = luxcore(Answers(*answers), budget=desk, deadline=0.5)  # type: ignore[arg-type]
        return lambda: client.get_payment("pay_1")

    def test_takes_one_call_per_try(self) -> None:
        desk = budget(10)
        call = self.make(answer(200, payment()), desk=desk)

        call()

        assert desk.left("standard") == 9

    def test_learns_from_the_headers_of_an_answer(self) -> None:
        desk = budget(100)
        reset = str(int(time.time()) + 30)
        told = answer(
            200, payment(), x_ratelimit_limit="100", x_ratelimit_remaining="7",
            x_ratelimit_reset=reset,
        )  # fmt: skip

        self.make(told, desk=desk)()

        assert desk.left("standard") == 7

    @pytest.mark.parametrize("remaining", ["-3", "many", "", "9" * 30])
    def test_does_not_learn_nonsense(self, remaining: str) -> None:
        desk = budget(100)
        told = answer(
            200, payment(), x_ratelimit_limit="100", x_ratelimit_remaining=remaining,
            x_ratelimit_reset="9999999999",
        )  # fmt: skip

        self.make(told, desk=desk)()

        assert desk.left("standard") == 99

    def test_closes_the_class_after_a_429_and_sends_nothing_more(self) -> None:
        desk = budget(100)
        answers = Answers(answer(429, b"", retry_after="20"))
        client = luxcore(answers, budget=desk, deadline=0.5)

        for _ in range(3):
            with pytest.raises(RateLimited) as caught:
                client.get_payment("pay_1")

        assert len(answers.requests) == 1
        assert 0 < caught.value.retry_after <= 20

    @pytest.mark.parametrize("priority", Priority)
    def test_gives_up_on_a_write_before_its_lease_ends(self, priority: Priority) -> None:
        waits: list[float] = []
        client = luxcore(Answers(answer(201, payment())), budget=RecordingBudget(waits))

        client.tuned(priority=priority).create_payment(b"{}")
        client.tuned(priority=priority, deadline=1.0).get_payment("pay_1")

        assert waits[0] <= 2.0
        assert waits[1] <= 1.0

    def test_never_meets_a_429_with_many_workers(self) -> None:
        limit, seconds = 20, 1.0
        settings = LuxCoreConfig(rate_standard=limit, rate_window=seconds)
        sandbox = create_app(Config(luxcore=settings), sender=lambda *_: Outcome(200))
        key = settings.api_keys[0].key

        def work(_: int) -> None:
            desk = budget(limit, seconds, slack=2)  # a call may be as late as that
            client = luxcore(base_url=f"{server.url}/api/v1", api_key=key, budget=desk)
            background = client.tuned(priority=BACKGROUND)
            while len(sandbox.requests) <= limit:
                background.list_payments(limit=1)
            client.close()

        with sandbox, serve(sandbox) as server, ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))

            assert {call["status"] for call in sandbox.requests} == {200}
            moments = [call["at"] for call in sandbox.requests]
        assert busiest(moments, seconds) <= limit

    def test_sends_nothing_when_the_budget_is_spent(self) -> None:
        desk = budget(1)
        answers = Answers(answer(200, payment()))
        client = luxcore(answers, budget=desk, deadline=0.5)
        client.get_payment("pay_1")

        with pytest.raises(RateLimited):
            client.get_payment("pay_1")

        assert len(answers.requests) == 1
