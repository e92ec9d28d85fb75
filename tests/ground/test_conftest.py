"""The rules every other test relies on."""

import socket

import pytest
import redis
from django.db import transaction
from django.db.utils import IntegrityError

from tests.support.redis import RedisServer


class TestNetwork:
    def test_refuses_to_leave_the_machine(self) -> None:
        with socket.socket() as outside, pytest.raises(RuntimeError, match="192.0.2.1"):
            outside.connect(("192.0.2.1", 443))

    def test_lets_loopback_through(self, redis_url: str) -> None:
        with redis.Redis.from_url(redis_url) as client:
            assert client.ping()


@pytest.mark.django_db
class TestCommitHooks:
    def test_run_when_the_outermost_block_ends(self) -> None:
        heard: list[str] = []

        with transaction.atomic():
            with transaction.atomic():
                transaction.on_commit(lambda: heard.append("inner"))
            assert heard == []

        assert heard == ["inner"]

    def test_run_at_once_outside_a_block(self) -> None:
        heard: list[str] = []

        transaction.on_commit(lambda: heard.append("now"))

        assert heard == ["now"]

    def test_are_dropped_by_a_block_that_fails(self) -> None:
        heard: list[str] = []

        with pytest.raises(IntegrityError), transaction.atomic():
            transaction.on_commit(lambda: heard.append("never"))
            raise IntegrityError

        assert heard == []


class TestRedisServer:
    def test_comes_back_empty_after_being_killed(self, redis_server: RedisServer) -> None:
        with redis.Redis.from_url(redis_server.url) as client:
            client.set("doorbell", "rung")
        redis_server.kill()

        redis_server.start()

        with redis.Redis.from_url(redis_server.url) as client:
            assert client.get("doorbell") is None
