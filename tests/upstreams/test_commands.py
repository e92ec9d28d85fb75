"""The commands people and process managers run, and the tasks Celery runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django import Settings

from dashboard import celery_app
from staff import anchors
from tests.upstreams.test_feeds import NAME, Source
from tests.upstreams.world import LUXCORE, Clock, Provider, queued
from upstreams import feeds, outbox, schedule, tasks, webhooks
from upstreams.enums import CommandState, EventState, Upstream
from upstreams.errors import Unavailable
from upstreams.feeds import registry
from upstreams.management.commands import deliver
from upstreams.management.commands import sync as sync_command
from upstreams.models import Alarm, FeedState, WebhookEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Source:
    monkeypatch.setattr(registry, "_feeds", {})
    settings.LUXCORE_API_KEY = "qp_test_sk_1"
    two_pages = Source(["a", "b"], ["c"])
    feeds.register(two_pages.feed())
    return two_pages


def output(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


class TestSync:
    def test_shows_a_line_for_each_page(
        self, clock: Clock, source: Source, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("sync")

        assert output(capsys) == [
            f"{NAME}: page 1, 2 read, 2 new, 0 changed, 0 unchanged, 0 refused …",
            f"{NAME}: page 2, 3 read, 3 new, 0 changed, 0 unchanged, 0 refused …",
            f"{NAME}: page 2, 3 read, 3 new, 0 changed, 0 unchanged, 0 refused, done.",
        ]

    def test_reads_everything_again_when_full(self, clock: Clock, source: Source) -> None:
        call_command("sync", NAME)
        call_command("sync", NAME, "--full")

        assert source.stored == ["a", "b", "c", "a", "b", "c"]

    def test_says_why_a_feed_failed_and_fails_itself(
        self, clock: Clock, source: Source, capsys: pytest.CaptureFixture[str]
    ) -> None:
        source.error_at[1] = Unavailable("connection refused")

        with pytest.raises(CommandError, match=NAME):
            call_command("sync")

        assert "LuxCore did not answer" in output(capsys)[-1]

    def test_names_the_feeds_there_are_when_asked_for_another(
        self, clock: Clock, source: Source
    ) -> None:
        with pytest.raises(CommandError, match=f"no feed test.other. There are: {NAME}"):
            call_command("sync", "test.other")

    def test_has_nothing_to_do_when_nothing_is_configured(
        self, clock: Clock, source: Source, settings: Settings
    ) -> None:
        settings.LUXCORE_API_KEY = ""

        with pytest.raises(CommandError, match="No upstream is configured"):
            call_command("sync")

    def test_waits_until_a_run_that_was_killed_is_given_up(
        self,
        clock: Clock,
        source: Source,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        feeds.run(NAME)
        lease = clock.now + timedelta(seconds=90)
        FeedState.objects.update(lease_until=lease, cursor={"page": 1})
        monkeypatch.setattr(
            sync_command.time, "sleep", lambda seconds: clock.forward(seconds=seconds)
        )

        call_command("sync", NAME)

        assert clock.now == lease
        assert output(capsys)[0] == f"{NAME}: waiting for another run to end, or to be given up."
        assert source.stored == ["a", "b", "c", "c"]


class TestFeedsTable:
    def test_shows_where_each_feed_stands(
        self, source: Source, capsys: pytest.CaptureFixture[str]
    ) -> None:
        feeds.run(NAME)

        call_command("feeds")

        head, row = output(capsys)
        assert head.split() == [
            *("FEED", "EVERY", "LAST", "SUCCESS", "COMPLETE", "UNTIL", "BEHIND", "STATE")
        ]
        assert row.startswith(f"{NAME}  20 s ")
        assert row.endswith("waiting for its next run")

    def test_shows_a_feed_that_never_ran(
        self, source: Source, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("feeds")

        assert output(capsys)[1].endswith("has not run yet")

    def test_shows_what_is_not_configured(
        self, source: Source, settings: Settings, capsys: pytest.CaptureFixture[str]
    ) -> None:
        settings.LUXCORE_API_KEY = ""

        call_command("feeds")

        _, row, why = output(capsys)
        assert row.endswith("not configured")
        assert why == (
            "Looked in the environment and in .env, and found no LUXCORE_API_KEY. "
            "A desk that make run started has keys of its own."
        )

    def test_says_nothing_of_settings_that_are_there(
        self, source: Source, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call_command("feeds")

        assert len(output(capsys)) == 2

    def test_shows_the_last_error(self, source: Source, capsys: pytest.CaptureFixture[str]) -> None:
        source.error_at[0] = Unavailable("connection refused")
        feeds.run(NAME)

        call_command("feeds")

        assert "LuxCore did not answer" in output(capsys)[1]


@pytest.fixture
def unharmed_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def head_file(tmp_path: Any, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path


@pytest.mark.usefixtures("head_file")
class TestDeliver:
    def test_sweeps_outbox_and_inbox_once(
        self,
        clock: Clock,
        provider: Provider,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(webhooks.processing, "_handlers", {})
        queued(at=clock.now)
        WebhookEvent.objects.create(
            upstream=LUXCORE,
            event_id="evt_1",
            kind="x",
            body=b"{}",
            received_at=clock.now,
            next_at=clock.now,
        )

        call_command("deliver")

        assert output(capsys) == ["1 commands attempted, 1 events processed."]
        assert WebhookEvent.objects.get().state == EventState.UNHANDLED

    @pytest.mark.django_db(transaction=True)
    def test_goes_on_until_it_is_told_to_stop_and_finishes_what_it_is_sending(
        self, clock: Clock, provider: Provider, unharmed_signals: None
    ) -> None:
        def term_while_sending(command: Any) -> outbox.Outcome:
            os.kill(os.getpid(), signal.SIGTERM)
            return outbox.Done("pay_1")

        provider.plan = [term_while_sending]
        first, second = queued(at=clock.now), queued(at=clock.now)

        call_command("deliver", every=0.01)

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.state, second.state) == (CommandState.DONE, CommandState.QUEUED)

    @pytest.mark.django_db(transaction=True)
    def test_survives_a_database_that_goes_away(
        self,
        clock: Clock,
        provider: Provider,
        unharmed_signals: None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        rounds = []

        def sweep(**options: Any) -> int:
            rounds.append(len(rounds))
            if len(rounds) <= 2:
                raise OperationalError("the server closed the connection")
            os.kill(os.getpid(), signal.SIGTERM)
            return 0

        monkeypatch.setattr(deliver.outbox, "sweep", sweep)
        monkeypatch.setattr(deliver.connection, "close", lambda: None)

        call_command("deliver", every=0.01)

        assert len(rounds) == 3

    def test_stops_all_sending_after_an_old_backup_was_restored(
        self, clock: Clock, provider: Provider
    ) -> None:
        """M-12."""
        anchors.path().write_text(
            '{"sequence": 99, "hash": "abc", "written_at": "2026-03-02T11:00:00+00:00"}'
        )
        command = queued(at=clock.now)

        call_command("deliver")

        command.refresh_from_db()
        assert (command.state, provider.sent) == (CommandState.QUEUED, [])
        assert not any(outbox.sending_is_on(upstream) for upstream in Upstream.values)
        alarm = Alarm.objects.filter(upstream=LUXCORE).get()
        assert (alarm.code, "restored" in alarm.text) == ("sending-stopped", True)
        outbox.resume_sending(LUXCORE, reason="compared", by_label="lead", at=clock.now)


class TestTasks:
    def test_take_what_later_releases_may_add(self, clock: Clock, provider: Provider) -> None:
        command = queued(at=clock.now)

        tasks.deliver_command(command_id=command.pk, added_later=1)

        command.refresh_from_db()
        assert command.state == CommandState.DONE

    def test_run_a_feed_of_a_configured_upstream_only(
        self, clock: Clock, source: Source, settings: Settings
    ) -> None:
        tasks.run_feed(name=NAME)
        settings.LUXCORE_API_KEY = ""
        tasks.run_feed(name=NAME)

        assert len(source.starts) == 1

    def test_do_nothing_about_rows_that_are_gone(self, clock: Clock) -> None:
        tasks.deliver_command(command_id=404)
        tasks.process_event(event_id=404)

    def test_sweep_what_nobody_rang_for(self, clock: Clock, provider: Provider) -> None:
        command = queued(at=clock.now)

        tasks.sweep()

        command.refresh_from_db()
        assert command.state == CommandState.DONE


class TestSchedule:
    def test_drives_every_feed_by_its_own_clock(
        self, source: Source, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(schedule, "_tasks", {})
        schedule.register("test.tasks.look", every=timedelta(minutes=1))

        entries = schedule.beat_schedule()

        assert set(entries) == {NAME, "sweep", "test.tasks.look"}
        assert entries[NAME] == {
            "task": "upstreams.tasks.run_feed",
            "schedule": timedelta(seconds=20),
            "kwargs": {"name": NAME},
            "options": {"expires": 20.0},
        }

    def test_names_tasks_that_exist(self) -> None:
        celery_app.loader.import_default_modules()

        named = {entry["task"] for entry in schedule.beat_schedule().values()}

        assert named <= set(celery_app.tasks)
