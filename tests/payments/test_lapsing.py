"""Requests that nobody decides."""

from datetime import timedelta

import pytest

from payments import lapsing
from payments.enums import Status
from payments.models import Withdrawal
from staff.models import AuditEvent
from tests.payments.factories import NOW, PolicyFactory, WithdrawalFactory

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


class TestLapseForgotten:
    def test_ends_what_was_due_a_week_ago(self) -> None:
        forgotten = WithdrawalFactory(due_at=NOW - WEEK)
        WithdrawalFactory(due_at=NOW - WEEK + timedelta(seconds=1))

        assert lapsing.lapse_forgotten(at=NOW) == 1

        forgotten.refresh_from_db()
        assert (forgotten.status, forgotten.settled_at) == (Status.LAPSED, NOW)
        assert AuditEvent.objects.get().by_label == "Lightdesk"

    def test_waits_as_long_as_the_tier_says(self) -> None:
        PolicyFactory(lapse_hours=36)
        PolicyFactory(from_amount=1000, lapse_hours=720)
        large = WithdrawalFactory(due_at=NOW - WEEK * 4)
        soon = WithdrawalFactory(amount=1, due_at=NOW - timedelta(hours=35, minutes=59))
        small = WithdrawalFactory(amount=1, due_at=NOW - timedelta(hours=36))

        assert lapsing.lapse_forgotten(at=NOW) == 1

        small.refresh_from_db()
        assert small.status_reason == "Nobody decided within 36 hours after it was due."
        assert set(Withdrawal.objects.awaiting()) == {large, soon}
        assert lapsing.lapse_forgotten(at=NOW + timedelta(days=2)) == 2

    def test_is_not_held_up_by_those_that_may_wait(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lapsing, "_BATCH", 2)
        PolicyFactory(lapse_hours=36)
        PolicyFactory(from_amount=1000, lapse_hours=720)
        for _ in range(3):
            WithdrawalFactory(due_at=NOW - WEEK)
        for _ in range(3):
            WithdrawalFactory(amount=1, due_at=NOW - timedelta(hours=36))

        assert lapsing.lapse_forgotten(at=NOW) == 2
        assert lapsing.lapse_forgotten(at=NOW) == 1

    def test_leaves_what_was_decided_and_what_lies_at_the_provider(self) -> None:
        WithdrawalFactory(due_at=NOW - WEEK, approved=True)
        WithdrawalFactory(due_at=NOW - WEEK, seen_upstream=True)

        assert lapsing.lapse_forgotten(at=NOW) == 0
        assert not Withdrawal.objects.filter(status=Status.LAPSED).exists()
