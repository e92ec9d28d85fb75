"""What tests of the three flows share: a set clock, a provider of their own, a quiet doorbell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.upstreams.world import Clock, Provider
from upstreams import clock as database_clock
from upstreams import redis
from upstreams.outbox import Repeat, register, senders


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The database's clock, standing at noon until a test moves it."""
    standing = Clock(datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    monkeypatch.setattr(database_clock, "database_now", standing)
    return standing


@pytest.fixture
def nobody_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the senders that the test registers are known."""
    monkeypatch.setattr(senders, "_senders", {})


@pytest.fixture
def provider(request: pytest.FixtureRequest, nobody_sends: None) -> Provider:
    """A provider whose kind may be repeated as `indirect` parametrisation says (SAME_KEY)."""
    made_up = Provider()
    register(made_up.sender(getattr(request, "param", Repeat.SAME_KEY)))
    return made_up


@pytest.fixture(autouse=True)
def _redis_is_not_known_to_be_away() -> Iterator[None]:
    redis.forget_failure()
    yield
    redis.forget_failure()
