"""Alarms: one row while open, one e-mail, one log line."""

from __future__ import annotations

import pytest
from django.core import mail
from django.db import transaction
from django.utils import translation
from pytest_django import Settings
from structlog.testing import capture_logs

from staff.texts import Text
from tests.upstreams.world import LUXCORE, Clock
from upstreams import alarms
from upstreams.models import Alarm

pytestmark = pytest.mark.django_db


def ring_it(clock: Clock, **facts: object) -> Alarm:
    values = {"upstream": LUXCORE, "code": "test", "text": "Look.", "at": clock.now}
    return alarms.raise_alarm(**values | facts)  # type: ignore[arg-type]


class TestRaiseAlarm:
    def test_opens_one_however_often_it_is_raised(self, clock: Clock) -> None:
        with capture_logs() as lines:
            first = ring_it(clock)
            second = ring_it(clock, text="Look again.")

        assert first.pk == second.pk
        assert [line["log_level"] for line in lines] == ["error"]
        assert Alarm.objects.get().text == "Look."

    def test_is_read_by_each_in_their_language_whoever_raised_it(self, clock: Clock) -> None:
        text = Text("Audit event #%(number)s: %(why)s.", number=7, why="x")
        with translation.override("es"):
            alarm = ring_it(clock, text=text)

        alarm.refresh_from_db()

        assert alarm.text == alarm.words == "Audit event #7: x."
        with translation.override("es"):
            assert alarm.words == "Evento de auditoría n.º 7: x."

    def test_shows_a_persons_own_words_as_they_are(self, clock: Clock) -> None:
        old = Alarm.objects.create(upstream=LUXCORE, code="old", text="Look.", raised_at=clock.now)

        with translation.override("es"):
            assert (ring_it(clock, text="Look.").words, old.words) == ("Look.", "Look.")

    def test_tells_subjects_codes_and_upstreams_apart(self, clock: Clock) -> None:
        ring_it(clock)
        ring_it(clock, subject=("payments.withdrawal", "7"))
        ring_it(clock, code="other")
        ring_it(clock, upstream="lux")

        assert Alarm.objects.open().count() == 4

    def test_opens_a_new_one_after_the_old_was_closed(self, clock: Clock) -> None:
        ring_it(clock)
        assert alarms.close(
            upstream=LUXCORE, code="test", at=clock.now, by_label="ana", reason="seen"
        )

        ring_it(clock)

        assert (Alarm.objects.count(), Alarm.objects.open().count()) == (2, 1)

    def test_sends_an_e_mail_after_the_commit(self, clock: Clock, settings: Settings) -> None:
        settings.ALARM_EMAILS = ["ops@example.com"]

        with transaction.atomic():
            ring_it(clock)
            assert mail.outbox == []
        ring_it(clock)

        [letter] = mail.outbox
        assert (letter.to, letter.subject, letter.body) == (
            ["ops@example.com"],
            "[Lightdesk] LuxCore: test",
            "Look.",
        )

    def test_stays_open_when_the_mail_server_fails(
        self, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.ALARM_EMAILS = ["ops@example.com"]

        def fail(**letter: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr(alarms, "send_mail", fail)

        ring_it(clock)

        assert Alarm.objects.open().count() == 1


class TestClose:
    def test_says_when_there_was_nothing_to_close(self, clock: Clock) -> None:
        assert not alarms.close(
            upstream=LUXCORE, code="test", at=clock.now, by_label="ana", reason="seen"
        )

    def test_keeps_who_closed_it_and_why(self, clock: Clock) -> None:
        ring_it(clock)

        alarms.close(upstream=LUXCORE, code="test", at=clock.now, by_label="ana", reason="seen")

        closed = Alarm.objects.get()
        assert (closed.closed_at, closed.closed_by_label, closed.closed_reason) == (
            clock.now,
            "ana",
            "seen",
        )
