"""The doorbell: heard when Redis is there, cheap when it is not, never needed."""

from __future__ import annotations

import pytest
import redis as redis_py
from django.db import transaction
from pytest_django import Settings

from tests.support.patience import Patience, patience
from tests.support.redis import RedisServer
from tests.upstreams.world import Clock, Provider, queued
from upstreams import doorbell, outbox, redis
from upstreams.enums import CommandState
from upstreams.tasks import deliver_command, sweep

ENOUGH = 2.5  # seconds; unbounded, a hung Redis holds a click for minutes (proof m7, A-12)


def heard(server: RedisServer, queue: str) -> int:
    with redis_py.Redis.from_url(server.url) as client:
        return int(client.llen(queue))  # type: ignore[arg-type]


def ring_watched() -> Patience:
    with patience() as watched:
        doorbell.ring(sweep)
    return watched


@pytest.fixture
def server(redis_server: RedisServer, settings: Settings) -> RedisServer:
    settings.CELERY_BROKER_URL = redis_server.url
    return redis_server


@pytest.mark.django_db
class TestRing:
    def test_is_heard_on_the_tasks_own_queue(self, server: RedisServer) -> None:
        doorbell.ring(deliver_command, command_id=7)
        doorbell.ring("upstreams.tasks.process_event", event_id=8)

        assert (heard(server, "interactive"), heard(server, "webhooks")) == (1, 1)

    def test_waits_for_the_commit(self, server: RedisServer) -> None:
        with transaction.atomic():
            doorbell.ring(deliver_command, command_id=7)
            assert heard(server, "interactive") == 0

        assert heard(server, "interactive") == 1

    def test_is_silent_after_a_rollback(self, server: RedisServer) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            doorbell.ring(deliver_command, command_id=7)
            raise ZeroDivisionError

        assert heard(server, "interactive") == 0

    @pytest.mark.parametrize("is_connected", [True, False])
    def test_costs_little_once_when_redis_hangs_and_then_nothing(
        self, server: RedisServer, is_connected: bool
    ) -> None:
        if is_connected:
            doorbell.ring(sweep)
        server.freeze()

        first, second = ring_watched(), ring_watched()
        server.thaw()

        assert 0 < first.longest < ENOUGH
        assert not second.granted  # not even tried
        assert redis.redis_is_away()

    def test_costs_little_when_redis_is_gone(self, server: RedisServer) -> None:
        doorbell.ring(sweep)
        server.kill()

        assert ring_watched().longest < ENOUGH
        assert redis.redis_is_away()

    def test_is_heard_again_when_redis_is_back(self, server: RedisServer) -> None:
        doorbell.ring(sweep)
        server.kill()
        doorbell.ring(sweep)
        server.start()
        redis.forget_failure()  # thirty seconds pass

        doorbell.ring(sweep)

        assert heard(server, "default") == 1

    def test_never_raises(self, settings: Settings) -> None:
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

        doorbell.ring(sweep)

        assert redis.redis_is_away()


@pytest.mark.django_db
class TestWithoutRedis:
    @pytest.mark.parametrize("trouble", ["kill", "freeze"])
    def test_a_decision_is_quick_and_a_sweep_sends_it(
        self, server: RedisServer, clock: Clock, provider: Provider, trouble: str
    ) -> None:
        """A-12, B-1."""
        getattr(server, trouble)()

        with patience() as watched:
            command = queued(at=clock.now)

        assert watched.longest < ENOUGH
        assert outbox.sweep() == 1
        command.refresh_from_db()
        assert command.state == CommandState.DONE
        server.thaw() if trouble == "freeze" else None
