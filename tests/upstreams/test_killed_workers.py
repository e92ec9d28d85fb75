"""M-1: a worker is killed at each step, for real, and the money still moves once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections

from staff import audit
from staff.models import AuditEvent
from tests.upstreams.world import KIND, LUXCORE, queued
from upstreams import outbox, webhooks
from upstreams.clock import database_now
from upstreams.crashpoints import reach
from upstreams.enums import CommandState, EventState
from upstreams.errors import Unknown
from upstreams.models import Alarm, Command, WebhookEvent
from upstreams.outbox import Done, Outcome, Repeat, Sender
from upstreams.webhooks import processing

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = [
    "outbox.claiming",
    "outbox.claimed",
    "outbox.sending",
    "provider.asked",
    "provider.paid",
    "outbox.answered",
    "outbox.recording",
    "outbox.recorded",
]
PAID_ALREADY = STEPS[4:]


class Ledger:
    """A provider that outlives our workers: one line in a file per payment it made."""

    def __init__(self, file: Path, *, knows_keys: bool) -> None:
        self.file, self.knows_keys = file, knows_keys

    @property
    def paid(self) -> list[str]:
        return self.file.read_text().splitlines() if self.file.exists() else []

    def send(self, command: Command) -> Outcome:
        reach("provider.asked")
        key = command.idempotency_key
        if not (self.knows_keys and key in self.paid):
            with self.file.open("a") as ledger:
                ledger.write(f"{key}\n")
        reach("provider.paid")
        return Done(reference=f"pay_{key}")

    def find(self, command: Command) -> Outcome | None:
        key = command.idempotency_key
        return Done(reference=f"pay_{key}") if key in self.paid else None


def settle(command: Command, outcome: Outcome, at: object) -> None:
    if isinstance(outcome, Done):
        audit.record("test.paid", (command.subject_type, command.subject_id), by=None, at=at)


def in_a_worker(work: Callable[[], object], *, crash_at: str = "") -> int:
    """Do the work in a process of its own; return the signal that ended it (0: none)."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        settings.CRASH_AT = crash_at
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the worker failed"
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def after_the_lease() -> None:
    """Let a minute pass for every command."""
    past = database_now() - timedelta(seconds=1)
    Command.objects.filter(lease_until__isnull=False).update(lease_until=past)
    Command.objects.filter(next_at__isnull=False).update(next_at=past)


class TestKilledWorker:
    @pytest.mark.parametrize("step", STEPS)
    @pytest.mark.parametrize(
        ("repeat", "knows_keys"), [(Repeat.SAME_KEY, True), (Repeat.LOOK_FIRST, False)]
    )
    def test_pays_once(
        self, step: str, repeat: Repeat, knows_keys: bool, tmp_path: Path, nobody_sends: None
    ) -> None:
        ledger = Ledger(tmp_path / "ledger", knows_keys=knows_keys)
        outbox.register(Sender(KIND, LUXCORE, ledger.send, settle, ledger.find, repeat=repeat))
        command = queued(at=database_now())

        killed = in_a_worker(lambda: outbox.deliver(command.pk), crash_at=step)
        after_the_lease()
        in_a_worker(outbox.sweep)

        command.refresh_from_db()
        assert killed == signal.SIGKILL
        assert ledger.paid == [command.idempotency_key]
        assert command.state == CommandState.DONE
        assert AuditEvent.objects.filter(verb="test.paid").count() == 1

    @pytest.mark.parametrize("step", STEPS)
    def test_pays_at_most_once_where_nothing_may_be_repeated(
        self, step: str, tmp_path: Path, nobody_sends: None
    ) -> None:
        ledger = Ledger(tmp_path / "ledger", knows_keys=False)
        outbox.register(
            Sender(KIND, LUXCORE, ledger.send, settle, ledger.find, repeat=Repeat.NEVER)
        )
        command = queued(at=database_now())

        in_a_worker(lambda: outbox.deliver(command.pk), crash_at=step)
        for _ in range(7):
            after_the_lease()
            in_a_worker(outbox.sweep)

        command.refresh_from_db()
        if step == "outbox.claiming" or step in PAID_ALREADY:  # not begun, or found again
            assert (command.state, len(ledger.paid)) == (CommandState.DONE, 1)
        else:  # nobody can know: it waits for a person
            assert (command.state, len(ledger.paid)) == (CommandState.UNKNOWN, 0)
            assert Alarm.objects.open().filter(code="outcome-unknown").exists()

    def test_that_is_killed_every_time_leaves_it_to_a_person(
        self, tmp_path: Path, nobody_sends: None
    ) -> None:
        ledger = Ledger(tmp_path / "ledger", knows_keys=True)
        outbox.register(Sender(KIND, LUXCORE, ledger.send, settle))
        command = queued(at=database_now())

        for _ in range(8):
            in_a_worker(lambda: outbox.deliver(command.pk), crash_at="provider.paid")
            after_the_lease()

        command.refresh_from_db()
        assert (command.state, command.next_at) == (CommandState.UNKNOWN, None)
        assert ledger.paid == [command.idempotency_key]

    def test_keeps_the_key_of_an_unknown_outcome(self, tmp_path: Path, nobody_sends: None) -> None:
        ledger = Ledger(tmp_path / "ledger", knows_keys=True)

        def lose_the_answer(command: Command) -> Outcome:
            ledger.send(command)
            raise Unknown("the line broke")

        outbox.register(Sender(KIND, LUXCORE, lose_the_answer, settle))
        command = queued(at=database_now())

        for _ in range(4):
            in_a_worker(outbox.sweep)
            after_the_lease()

        assert ledger.paid == [command.idempotency_key]


class TestKilledEventWorker:
    """W-8: processed once, lost never."""

    @pytest.mark.parametrize("step", ["handler", "webhooks.handled"])
    def test_applies_the_event_once(self, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processing, "_handlers", {})

        def handle(message: webhooks.WebhookMessage) -> None:
            audit.record("test.applied", ("test.event", message.event_id), by=None, at=now)
            reach("handler")

        webhooks.register(LUXCORE, "payment.", handle)
        now = database_now()
        event = WebhookEvent.objects.create(
            upstream=LUXCORE,
            event_id="evt_1",
            kind="payment.completed",
            body=b"{}",
            received_at=now,
            next_at=now,
        )

        killed = in_a_worker(lambda: webhooks.process(event.pk), crash_at=step)
        assert AuditEvent.objects.filter(verb="test.applied").count() == 0
        WebhookEvent.objects.update(next_at=now)  # the lease has ended
        in_a_worker(webhooks.sweep)

        event.refresh_from_db()
        assert killed == signal.SIGKILL
        assert (event.state, event.attempts) == (EventState.APPLIED, 2)
        assert AuditEvent.objects.filter(verb="test.applied").count() == 1
