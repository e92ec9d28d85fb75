"""Scenario U-3: an upstream that fails is left alone, and found again by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from upstreams import redis
from upstreams.circuit import Circuit, CircuitOpen, circuit_of, somebody_sees_it_open


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit("luxcore", clock=clock)


@pytest.fixture(autouse=True)
def _redis_is_tried_again() -> Iterator[None]:
    redis.forget_failure()
    yield
    redis.forget_failure()


def fail(circuit: Circuit, times: int = 1) -> None:
    for _ in range(times):
        circuit.enter()
        circuit.failed()


class TestCircuit:
    def test_opens_with_the_fifth_failure_in_a_row(self, circuit: Circuit) -> None:
        fail(circuit, 4)
        assert not circuit.is_open

        fail(circuit)

        assert circuit.is_open
        with pytest.raises(CircuitOpen) as caught:
            circuit.enter()
        assert caught.value.retry_after == 5

    def test_forgets_failures_after_a_success(self, circuit: Circuit) -> None:
        for _ in range(10):
            fail(circuit, 4)
            circuit.enter()
            circuit.succeeded()

        assert not circuit.is_open

    def test_lets_one_probe_through_when_the_pause_is_over(
        self, circuit: Circuit, clock: Clock
    ) -> None:
        fail(circuit, 5)
        clock.now += 5

        circuit.check()
        circuit.enter()

        with pytest.raises(CircuitOpen):
            circuit.enter()

    def test_closes_when_the_probe_succeeds(self, circuit: Circuit, clock: Clock) -> None:
        fail(circuit, 5)
        clock.now += 5
        circuit.enter()

        circuit.succeeded()

        circuit.enter()
        circuit.enter()

    def test_doubles_the_pause_up_to_a_minute(self, circuit: Circuit, clock: Clock) -> None:
        fail(circuit, 5)
        pauses = []
        for _ in range(6):
            with pytest.raises(CircuitOpen) as caught:
                circuit.enter()
            assert caught.value.retry_after is not None
            pauses.append(caught.value.retry_after)
            clock.now += caught.value.retry_after
            fail(circuit)

        assert pauses == [5, 10, 20, 40, 60, 60]

    def test_is_not_held_open_longer_by_calls_that_left_before(self, circuit: Circuit) -> None:
        for _ in range(20):
            circuit.enter()
        for _ in range(20):
            circuit.failed()

        with pytest.raises(CircuitOpen) as caught:
            circuit.enter()
        assert caught.value.retry_after == 5

    def test_tries_again_when_a_probe_never_reports(self, circuit: Circuit, clock: Clock) -> None:
        fail(circuit, 5)
        clock.now += 5
        circuit.enter()
        clock.now += 5

        circuit.enter()


class TestPublishing:
    def test_tells_other_processes(self, redis_url: str, settings: Settings) -> None:
        settings.REDIS_URL = redis_url
        worker = Circuit("luxcore")
        assert not somebody_sees_it_open("luxcore")

        fail(worker, 5)
        assert somebody_sees_it_open("luxcore")

        worker.succeeded()
        assert not somebody_sees_it_open("luxcore")

    def test_is_only_done_on_changes(self, redis_url: str, settings: Settings) -> None:
        settings.REDIS_URL = redis_url
        worker = Circuit("luxcore")

        for _ in range(50):
            worker.enter()
            worker.succeeded()
        fail(worker, 4)

        assert redis.get_redis().dbsize() == 0

    def test_is_skipped_while_redis_is_away(self) -> None:
        redis.note_failure()
        worker = Circuit("luxcore")

        fail(worker, 5)

        assert worker.is_open
        assert not somebody_sees_it_open("luxcore")

    def test_shows_our_own_without_redis(self) -> None:
        redis.note_failure()
        ours = circuit_of("lux")
        fail(ours, 5)

        assert somebody_sees_it_open("lux")
        ours.succeeded()
