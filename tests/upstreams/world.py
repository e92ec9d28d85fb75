"""A clock that is set, and a provider that does as it is told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from upstreams import outbox
from upstreams.models import Command
from upstreams.outbox import Done, Outcome, Repeat, Sender

KIND = "test.payout"
LUXCORE = "luxcore"

Step = Callable[[Command], Outcome] | Outcome | Exception


class Clock:
    """The database's clock, as far as the code under test can tell."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class Provider:
    """What was sent to a provider, what it did each time, and what the domain was told."""

    def __init__(self) -> None:
        self.plan: list[Step] = []  # one step per sending; then it says Done
        self.shows: list[Step | None] = []  # one per look; then it shows nothing
        self.sent: list[tuple[str, bytes]] = []
        self.looks = 0
        self.started: list[int] = []
        self.told: list[Outcome] = []
        self.hold: Exception | None = None
        self.on_settle: Callable[[], None] = lambda: None

    def sender(self, repeat: Repeat = Repeat.SAME_KEY) -> Sender:
        return Sender(
            kind=KIND,
            upstream=LUXCORE,
            send=self.send,
            find=self.find,
            starting=self.starting,
            settle=self.settle,
            repeat=repeat,
        )

    def send(self, command: Command) -> Outcome:
        assert not in_transaction(), "a call to a provider inside a transaction"
        self.sent.append((command.idempotency_key, command.request_bytes))
        return _take(self.plan.pop(0) if self.plan else Done(reference="pay_1"), command)

    def find(self, command: Command) -> Outcome | None:
        assert not in_transaction(), "a call to a provider inside a transaction"
        self.looks += 1
        step = self.shows.pop(0) if self.shows else None
        return None if step is None else _take(step, command)

    def starting(self, command: Command, at: datetime) -> None:
        assert in_transaction(), "the domain moves within the claim's transaction"
        if self.hold is not None:
            raise self.hold
        self.started.append(command.pk)

    def settle(self, command: Command, outcome: Outcome, at: datetime) -> None:
        assert in_transaction(), "the domain moves within the outcome's transaction"
        self.on_settle()
        self.told.append(outcome)


def in_transaction() -> bool:
    """Whether the code under test has opened a transaction (a test's own does not count)."""
    return any(not block._from_testcase for block in connection.atomic_blocks)


_numbers = itertools.count(1)


def queued(*, at: datetime, **facts: Any) -> Command:
    """Put a command of the made-up kind, ready to be sent."""
    number = next(_numbers)
    arguments: dict[str, Any] = {
        "kind": KIND,
        "upstream": LUXCORE,
        "subject": ("test.withdrawal", str(number)),
        "attempt_no": 1,
        "request": b'{"amount": 12500}',
        "idempotency_key": f"key-{number}",
        "at": at,
    }
    with transaction.atomic():
        return outbox.put(**arguments | facts)


def _take(step: Step, command: Command) -> Outcome:
    if isinstance(step, Exception):
        raise step
    return step(command) if callable(step) else step
