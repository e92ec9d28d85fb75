"""A sandbox with a history that the desk has read, and a clock that both share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from payments import feeds as payment_feeds
from payments.models import Reconciliation
from payments.reconciliation import running, starting
from tests.sandbox.helpers import NOON, Bench
from upstreams import feeds
from upstreams.enums import Upstream

Run = Callable[..., Reconciliation]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An hour after all that the sandbox holds, for the database too."""
    monkeypatch.setattr("upstreams.clock.database_now", timezone.now)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def books(sandbox: Bench, clock: Any, settings: Any, db: None) -> Bench:
    """Twelve payments there that have ended, and all of them here."""
    settings.LUXCORE_API_KEY = "qp_test_sk_sandbox"
    sandbox.control("/seed", {"payments": 12, "spread_seconds": 86_400, "status": "completed"})
    feeds.run(payment_feeds.PAYMENTS, at=datetime.now(tz=NOON.tzinfo))
    return sandbox


@pytest.fixture
def run(books: Bench) -> Run:
    """Compare the last days, to the end."""

    def compare(**changes: Any) -> Reconciliation:
        now = datetime.now(tz=NOON.tzinfo)
        given: dict[str, Any] = {
            "upstream": Upstream.LUXCORE,
            "first_day": now.date() - timedelta(days=5),
            "last_day": now.date(),
            "by": None,
            "at": now,
        }
        started = starting.start(**given | changes)
        done = running.work(started.pk)
        assert done is not None
        return done

    return compare


def today() -> date:
    return datetime.now(tz=NOON.tzinfo).date()
