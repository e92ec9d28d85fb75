"""Lux Financial's two limits: by the second and by the day, in simulated time."""

from __future__ import annotations

import time
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_django import Settings

from sandbox.limits import RateLimiter
from upstreams import budget as budgets
from upstreams import redis
from upstreams.budget import STANDARD, Budget, Priority, Rate
from upstreams.errors import RateLimited
from upstreams.lux.client import DAY, rates

OPERATOR, BACKGROUND = Priority.OPERATOR, Priority.BACKGROUND
START = 1_800_000_000.0


class Watch:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = START

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Simulated time for budgets of a process alone."""
    made = Watch()
    monkeypatch.setattr(
        budgets, "time", SimpleNamespace(monotonic=made.monotonic, sleep=made.sleep)
    )
    monkeypatch.setattr(redis, "redis_is_away", lambda: True)
    return made


def desk(*, per_second: int = 10, per_day: int = 10_000, share: int = 1) -> Budget:
    planned = rates(per_second=per_second, per_day=per_day)
    return Budget(upstream="lux", credential="test", rates=planned, share=share)


class StrictWindows:
    """Refuses whenever any stretch of a second or a day would hold too many."""

    def __init__(self, *limits: tuple[int, float]) -> None:
        self._limits = limits
        self._taken: deque[float] = deque()

    def take(self, now: float) -> bool:
        self._taken.append(now)
        return not any(
            len(self._taken) > limit and self._taken[-limit - 1] > now - seconds
            for limit, seconds in self._limits
        )


@pytest.mark.parametrize("priority", Priority)
def test_ten_minutes_at_full_speed_meet_no_429(watch: Watch, priority: Priority) -> None:
    ours = desk(per_day=10**6)
    theirs = RateLimiter({STANDARD: ((10, 1.0), (10**6, DAY))}, watch.monotonic)
    strict = StrictWindows((10, 1.0))
    calls = refused = 0

    while watch.now < START + 600:
        ours.acquire(STANDARD, priority, wait=65)
        calls += 1
        refused += not theirs.take("key").passed or not strict.take(watch.now)

    assert refused == 0
    # Next to no room is left unused: a quarter of a second is for calls that are late.
    assert calls >= 600 * ours.rates[STANDARD][0].allowed(priority) / 1.35


def test_late_calls_meet_no_429_either(watch: Watch) -> None:
    """A call may arrive up to a quarter of a second after it left, the next one at once."""
    ours, strict = desk(), StrictWindows((10, 1.0))
    arrivals = []
    for number in range(600):
        ours.acquire(STANDARD, OPERATOR, wait=65)
        arrivals.append(watch.now + (0.24 if number % 20 < 10 else 0.0))

    assert all(strict.take(moment) for moment in sorted(arrivals))


class TestADay:
    def test_stops_background_work_before_operators_clicks(self, watch: Watch) -> None:
        ours = desk(per_second=1_000, per_day=100)
        for _ in range(80):
            ours.acquire(STANDARD, BACKGROUND, wait=65)

        with pytest.raises(RateLimited) as caught:
            ours.acquire(STANDARD, BACKGROUND, wait=65)
        for _ in range(20):
            ours.acquire(STANDARD, OPERATOR, wait=1)
        with pytest.raises(RateLimited):
            ours.acquire(STANDARD, OPERATOR, wait=1)

        assert caught.value.retry_after > 80_000
        assert ours.left(STANDARD) == 0
        watch.now += DAY + 2
        ours.acquire(STANDARD, BACKGROUND)

    def test_costs_little_memory_alone(self, watch: Watch) -> None:
        ours = desk(per_second=1_000, per_day=1_000)
        for _ in range(1_000):
            ours.acquire(STANDARD, OPERATOR)

        for _ in range(50):
            ours._alone[STANDARD].note_shared()

        assert len(ours._alone[STANDARD]._made) <= 1_001

    def test_reports_what_was_made_alone_a_part_at_a_time(self, watch: Watch) -> None:
        alone = desk(per_second=10**9, share=1)._alone[STANDARD]
        for _ in range(budgets.REPORTED_AT_ONCE + 10):
            assert alone.take(OPERATOR) == 0
            watch.now += 0.001
        first = alone.unreported()

        alone.reported(first)

        assert len(first) == budgets.REPORTED_AT_ONCE
        assert len(alone.unreported()) == 10


class TestByTheGrain:
    """The same counting in Redis, with a day that is short."""

    @pytest.fixture(autouse=True)
    def _shared(self, redis_url: str, settings: Settings) -> None:
        settings.REDIS_URL = redis_url
        redis.forget_failure()

    def budget(self, limit: int, seconds: float, grain: float) -> Budget:
        planned = {STANDARD: (Rate(limit, seconds, slack=0, grain=grain),)}
        return Budget(upstream="lux", credential="grain", rates=planned)

    def taken(self, ours: Budget, priority: Priority) -> int:
        for count in range(100):
            try:
                ours.acquire(STANDARD, priority)
            except RateLimited:
                return count
        return 100

    def test_leaves_a_fifth_to_operators(self) -> None:
        ours = self.budget(10, 3000, 30)

        assert self.taken(ours, BACKGROUND) == 8
        assert ours.left(STANDARD) == 2
        assert self.taken(ours, OPERATOR) == 2
        with pytest.raises(RateLimited) as caught:
            ours.acquire(STANDARD, BACKGROUND)
        assert 2900 < caught.value.retry_after <= 3030

    def test_gives_room_back_when_the_whole_grain_is_old(self) -> None:
        ours = self.budget(2, 0.3, 0.1)
        asked = time.monotonic()

        for _ in range(3):
            ours.acquire(STANDARD, OPERATOR, wait=60)

        assert time.monotonic() - asked >= 0.3

    def test_keeps_one_number_for_each_grain(self) -> None:
        ours = self.budget(50, 3000, 3000)
        for _ in range(50):
            ours.acquire(STANDARD, OPERATOR)

        store: Any = redis.get_redis()
        (name,) = store.keys("*grain*")
        assert store.hlen(name) <= 2

    def test_does_not_believe_headers_about_a_day(self) -> None:
        ours = self.budget(10, 3000, 30)

        ours.correct(STANDARD, limit=10, remaining=1, seconds=30)

        assert ours.left(STANDARD) == 10

    def test_hears_of_calls_that_were_made_alone(self) -> None:
        ours = self.budget(80, 3000, 30)
        redis.note_failure()
        assert self.taken(ours, OPERATOR) == 10
        redis.forget_failure()

        ours.acquire(STANDARD, OPERATOR)

        assert ours.left(STANDARD) == 69
