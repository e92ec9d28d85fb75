"""After a run: what was only on its way closes by itself, and somebody is called about the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from payments import tasks
from payments.enums import DriftState
from payments.models import DayTotal, Drift, Payment, Reconciliation
from payments.reconciliation import aftermath, report
from tests.payments.factories import DriftFactory
from tests.payments.pages.helpers import as_role, text_of
from tests.payments.reconciliation.conftest import Run, today
from tests.sandbox.helpers import Bench
from upstreams import alarms
from upstreams.enums import RunState
from upstreams.models import Alarm

LATER = aftermath.SETTLES_WITHIN


def night(**changes: Any) -> Reconciliation:
    """A nightly run that ended just now."""
    now = timezone.now()
    given: dict[str, Any] = {
        "upstream": "luxcore",
        "first_day": today(),
        "last_day": today(),
        "since_at": now,
        "until_at": now,
        "read_until": now,
        "night_of": today(),
        "started_at": now,
        "finished_at": now,
        "next_at": now,
        "state": RunState.DONE,
    }
    return Reconciliation.objects.create(**given | changes)


def told() -> list[str]:
    return list(Alarm.objects.open().values_list("code", flat=True))


@pytest.mark.django_db
class TestCallPeople:
    def test_calls_once_the_finding_had_time_to_go_by_itself(self) -> None:
        drift = DriftFactory(last_run=night())

        aftermath.call_people(at=timezone.now())
        assert told() == []
        aftermath.call_people(at=timezone.now() + LATER)

        assert told() == ["reconciliation-differs"]
        assert "LuxCore found differences that still stand" in Alarm.objects.get().text
        Drift.objects.filter(pk=drift.pk).update(
            state=DriftState.RESOLVED, closed_at=timezone.now()
        )
        aftermath.call_people(at=timezone.now() + LATER)
        assert told() == []

    def test_does_not_call_again_after_somebody_looked(self) -> None:
        DriftFactory(last_run=night())
        at = timezone.now() + LATER
        aftermath.call_people(at=at)
        alarms.close(
            upstream="luxcore", code="reconciliation-differs", at=at, by_label="Ana", reason="Seen"
        )

        aftermath.call_people(at=at + timedelta(minutes=1))

        assert told() == []

    def test_calls_for_a_run_that_broke_off(self) -> None:
        ended = timezone.now() - LATER
        night(state=RunState.FAILED, error="LuxCore refused our key.", finished_at=ended)

        tasks.reconcile()

        assert told() == ["reconciliation-broke-off"]
        assert "LuxCore refused our key." in Alarm.objects.get().text

    def test_calls_though_somebody_compared_again_meanwhile(self) -> None:
        night()
        by_hand = night(night_of=None)
        DriftFactory(last_run=by_hand, seen_at=timezone.now())

        aftermath.call_people(at=timezone.now() + LATER)

        assert told() == ["reconciliation-differs"]

    def test_closes_the_call_about_a_broken_night_after_a_good_one(self) -> None:
        night(state=RunState.FAILED, night_of=today() - timedelta(days=1))
        aftermath.call_people(at=timezone.now() + LATER)
        night(night_of=None)
        aftermath.call_people(at=timezone.now() + LATER)
        assert told() == ["reconciliation-broke-off"]

        night()
        aftermath.call_people(at=timezone.now() + LATER)

        assert told() == []

    @pytest.mark.parametrize(
        "changes", [{}, {"night_of": None}, {"finished_at": timezone.now() - timedelta(days=2)}]
    )
    def test_is_silent_otherwise(self, changes: dict[str, Any]) -> None:
        run = night(**changes)
        if changes:
            DriftFactory(last_run=run)

        aftermath.call_people(at=timezone.now() + LATER)

        assert told() == []


def left_behind(payment: Payment) -> None:
    """It has ended there, and an hour ago it was still open here."""
    an_hour_ago = timezone.now() - timedelta(hours=1)
    rows = Payment.objects.filter(pk=payment.pk)
    rows.update(status="in_progress", changed_at=an_hour_ago, expires_at=None)


class TestCloseWhatMovedOn:
    def test_closes_what_was_only_on_its_way(self, books: Bench, run: Run) -> None:
        status, late = Payment.objects.order_by("pk")[:2]
        left_behind(status)
        Payment.objects.filter(pk=late.pk).delete()
        run()
        assert Drift.objects.open().count() == 2
        assert aftermath.close_what_moved_on(at=timezone.now()) == 0

        later = timezone.now() + timedelta(minutes=1)
        Payment.objects.filter(pk=status.pk).update(status="completed", changed_at=later)
        late.pk = None
        late.save()
        assert aftermath.close_what_moved_on(at=later) == 2

        assert not Drift.objects.open().exists()
        assert {*Drift.objects.values_list("state", flat=True)} == {DriftState.GONE}

    def test_goes_round_those_that_still_hold(
        self, monkeypatch: pytest.MonkeyPatch, db: None
    ) -> None:
        monkeypatch.setattr(aftermath, "AT_ONCE", 2)
        asked = []

        def still_holds(drift: Drift, *, at: datetime) -> bool:
            asked.append(drift.pk)
            return False

        monkeypatch.setattr(aftermath, "_close_if_gone", still_holds)
        held = [DriftFactory().pk for _ in range(3)]
        now = timezone.now()
        Payment.objects.update(changed_at=now)

        for minutes in range(2):
            aftermath.close_what_moved_on(at=now + timedelta(minutes=minutes))

        assert asked == [held[0], held[1], held[2], held[0]]

    def test_leaves_what_ended_otherwise(self, books: Bench, run: Run) -> None:
        payment = Payment.objects.order_by("pk")[0]
        left_behind(payment)
        run()
        assert Drift.objects.open().get().fields == ["status"]

        later = timezone.now() + timedelta(minutes=1)
        Payment.objects.filter(pk=payment.pk).update(status="failed", changed_at=later)
        aftermath.close_what_moved_on(at=later)

        assert Drift.objects.open().exists()


@pytest.mark.django_db
def test_says_that_not_every_day_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_TOTALS", 2)
    run = night()
    DayTotal.objects.bulk_create(
        DayTotal(run=run, day=today(), currency=currency, kind="deposit", different=1)
        for currency in ("AUD", "MXN", "UYU")
    )

    shown = text_of(as_role("viewer").get("/reconciliation/"))

    assert "Only the newest 2 days of each sort are shown." in shown
    assert "UYU" not in shown.partition("Totals of each day")[2]
