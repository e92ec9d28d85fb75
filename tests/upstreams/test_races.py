"""What only a database with real concurrency shows: many at once, and one wins (PostgreSQL)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import RequestFactory
from pytest_django import Settings

from staff import audit
from staff.models import AuditEvent
from tests.support.rounds import rounds
from tests.upstreams.test_feeds import NAME, Source
from tests.upstreams.test_webhooks import ADDRESS, SECRET, event, sign
from tests.upstreams.world import KIND, LUXCORE, queued
from upstreams import alarms, feeds, outbox, views, webhooks
from upstreams.clock import database_now
from upstreams.enums import CommandState, EventState
from upstreams.feeds import registry
from upstreams.models import Alarm, Command, FeedRun, RefusedRecord, WebhookEvent
from upstreams.outbox import Done, Outcome, Repeat, Sender
from upstreams.webhooks import WebhookMessage, processing

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ROUNDS = 20
WORKERS = 8


def at_once(work: Callable[[int], Any], *, times: int = WORKERS) -> list[Any]:
    """Do the work in as many threads, all let go at one moment; return what each returned."""
    gate = threading.Barrier(min(times, 16))

    def worker(number: int) -> Any:
        try:
            if number < 16:
                gate.wait(timeout=10)
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=min(times, 16)) as pool:
        return list(pool.map(worker, range(times)))


class SlowProvider:
    """Takes a moment for each call, and counts them by key."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, command: Command) -> Outcome:
        self.sent.append(command.idempotency_key)
        time.sleep(0.02)
        return Done(reference="pay_1")

    def settle(self, command: Command, outcome: Outcome, at: datetime) -> None:
        audit.record("test.paid", ("test.withdrawal", command.subject_id), by=None, at=at)


@pytest.fixture
def slow_provider(nobody_sends: None) -> SlowProvider:
    provider = SlowProvider()
    outbox.register(Sender(KIND, LUXCORE, provider.send, provider.settle, repeat=Repeat.SAME_KEY))
    return provider


class TestOutbox:
    def test_is_sent_once_by_eight_workers(self, slow_provider: SlowProvider) -> None:
        """M-5."""
        for number in range(ROUNDS):
            command = queued(at=database_now())

            outcomes = at_once(lambda _, pk=command.pk: outbox.deliver(pk))

            assert sorted(outcomes, key=bool) == [None] * 7 + [CommandState.DONE]
            assert len(slow_provider.sent) == number + 1
        assert AuditEvent.objects.filter(verb="test.paid").count() == ROUNDS

    def test_is_swept_once_by_eight_sweeps(self, slow_provider: SlowProvider) -> None:
        keys = [queued(at=database_now()).idempotency_key for _ in range(40)]

        at_once(lambda _: outbox.sweep(limit=100))

        assert sorted(slow_provider.sent) == sorted(keys)

    def test_is_either_taken_back_or_sent(self, slow_provider: SlowProvider) -> None:
        for _ in range(ROUNDS):
            command = queued(at=database_now())
            before = len(slow_provider.sent)

            def race(number: int, command: Command = command) -> Any:
                if number % 2:
                    return outbox.deliver(command.pk)
                return outbox.take_back(
                    subject=("test.withdrawal", command.subject_id), kind=KIND, at=database_now()
                )

            results = at_once(race, times=2)

            command.refresh_from_db()
            sent = len(slow_provider.sent) - before
            assert (results[0], sent, command.state) in {
                (True, 0, CommandState.WITHDRAWN),
                (False, 1, CommandState.DONE),
            }

    def test_stays_when_the_switch_is_thrown_between_the_look_and_the_claim(
        self, nobody_sends: None
    ) -> None:
        provider, starting, thrown = SlowProvider(), threading.Event(), threading.Event()

        def wait_for_the_switch(command: Command, at: datetime) -> None:
            starting.set()
            assert thrown.wait(timeout=10)

        outbox.register(
            Sender(KIND, LUXCORE, provider.send, provider.settle, starting=wait_for_the_switch)
        )
        command = queued(at=database_now())

        def race(number: int) -> Any:
            if number:
                return outbox.deliver(command.pk)
            assert starting.wait(timeout=10)
            outbox.stop_sending(LUXCORE, reason="drill", by_label="lead", at=database_now())
            thrown.set()
            return None

        at_once(race, times=2)

        command.refresh_from_db()
        assert (command.state, command.attempts, provider.sent) == (CommandState.QUEUED, 0, [])

    def test_of_one_subject_is_queued_once(self, slow_provider: SlowProvider) -> None:
        def put(number: int) -> bool:
            try:
                queued(at=database_now(), subject=("test.withdrawal", "one"), attempt_no=1)
            except Exception:
                return False
            return True

        assert sorted(at_once(put)) == [False] * 7 + [True]


class TestDatabaseClock:
    def test_moves_within_a_transaction(self) -> None:
        with transaction.atomic():
            first = database_now()
            second = database_now()

        assert first < second
        assert first.tzinfo is not None


class TestWebhooks:
    def test_keeps_and_applies_one_of_a_hundred_copies(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """W-1."""
        settings.LUXCORE_WEBHOOK_SECRETS = [SECRET]
        monkeypatch.setattr(processing, "_handlers", {})
        handled: list[str] = []

        def handle(message: WebhookMessage) -> None:
            audit.record("test.applied", ("test.event", "1"), by=None, at=message.received_at)
            handled.append(message.event_id)

        webhooks.register(LUXCORE, "payment.", handle)
        body = event()

        def post(_: int) -> int:
            request = RequestFactory().post(
                ADDRESS,
                body,
                content_type="application/json",
                headers={"X-Webhook-Signature": sign(body)},
            )
            status = int(views.receive_luxcore(request).status_code)
            webhooks.sweep()
            return status

        statuses = at_once(post, times=100)

        assert statuses == [200] * 100
        assert WebhookEvent.objects.get().state == EventState.APPLIED
        assert AuditEvent.objects.filter(verb="test.applied").count() == 1

    def test_apply_an_event_while_somebody_replays_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "_handlers", {})

        def handle(message: WebhookMessage) -> None:
            audit.record("test.applied", ("test.event", "1"), by=None, at=message.received_at)
            time.sleep(0.02)

        webhooks.register(LUXCORE, "payment.", handle)
        for number in range(rounds(ROUNDS)):
            now = database_now()
            row = WebhookEvent.objects.create(
                upstream=LUXCORE,
                event_id=f"evt_{number}",
                kind="payment.completed",
                body=b"{}",
                received_at=now,
                next_at=now,
            )
            this = WebhookEvent.objects.filter(pk=row.pk)

            def race(turn: int, pk: int = row.pk, this: Any = this) -> Any:
                if turn:
                    return webhooks.process(pk)
                return webhooks.replay(this, by_label="lead", at=database_now())

            replayed, _ = at_once(race, times=2)

            assert replayed == 1
            webhooks.process(row.pk)
            row.refresh_from_db()
            assert row.state == EventState.APPLIED


class TestFeeds:
    def test_run_once_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "_feeds", {})
        source = Source(["a"], ["b"])
        source.at_page[1] = lambda: time.sleep(0.3)
        feeds.register(source.feed())

        runs = at_once(lambda _: feeds.run(NAME))

        assert [run is None for run in runs].count(False) == 1
        assert FeedRun.objects.count() == 1

    def test_keep_one_row_of_a_record_refused_by_all(self) -> None:
        item = feeds.refused.RefusedItem("r1", {"id": "r1"}, "no amount")

        at_once(
            lambda _: feeds.refuse(upstream=LUXCORE, source=NAME, items=[item], at=database_now())
        )

        assert RefusedRecord.objects.get().times_seen == WORKERS


class TestAlarms:
    def test_open_once(self) -> None:
        at_once(
            lambda _: alarms.raise_alarm(
                upstream=LUXCORE, code="test", text="Look.", at=database_now()
            )
        )

        assert Alarm.objects.count() == 1

    def test_stop_a_provider_once(self) -> None:
        changed = at_once(
            lambda _: outbox.stop_sending(
                LUXCORE, reason="drill", by_label="lead", at=database_now()
            )
        )

        assert changed.count(True) == 1
        assert AuditEvent.objects.filter(verb="upstreams.sending.stopped").count() == 1
