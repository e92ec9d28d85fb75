"""Requests that nobody decides."""

from datetime import timedelta

import pytest

from payments import lapsing
from payments.enums import Status
from payments.models import Withdrawal
from staff.models import AuditEvent
from tests.payments.factories import NOW, WithdrawalFactory

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

    def test_leaves_what_was_decided_and_what_lies_at_the_provider(self) -> None:
        WithdrawalFactory(due_at=NOW - WEEK, approved=True)
        WithdrawalFactory(due_at=NOW - WEEK, seen_upstream=True)

        assert lapsing.lapse_forgotten(at=NOW) == 0
        assert not Withdrawal.objects.filter(status=Status.LAPSED).exists()
