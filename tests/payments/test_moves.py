"""Every state to every state: what the table allows happens, nothing else does."""

import itertools
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from payments.enums import Status
from payments.models import MOVES, Withdrawal, WithdrawalNotMovable
from payments.moves import move
from staff.journal import Journal
from staff.models import AuditEvent
from tests.payments.factories import NOW, WithdrawalFactory

pytestmark = pytest.mark.django_db

ENDS = {
    Status.COMPLETED,
    Status.FAILED,
    Status.CANCELLED,
    Status.REFUSED,
    Status.REJECTED,
    Status.RETRACTED,
    Status.LAPSED,
}
ALLOWED = {
    (Status.AWAITING_APPROVAL, Status.APPROVED),
    (Status.AWAITING_APPROVAL, Status.REJECTED),
    (Status.AWAITING_APPROVAL, Status.RETRACTED),
    (Status.AWAITING_APPROVAL, Status.LAPSED),
    (Status.APPROVED, Status.SENDING),
    (Status.APPROVED, Status.SENT),
    (Status.APPROVED, Status.AWAITING_APPROVAL),
    (Status.SENDING, Status.SENT),
    (Status.SENDING, Status.REFUSED),
    (Status.SENDING, Status.UNKNOWN),
    (Status.SENDING, Status.APPROVED),
    (Status.UNKNOWN, Status.SENT),
    (Status.UNKNOWN, Status.REFUSED),
    (Status.SENT, Status.COMPLETED),
    (Status.SENT, Status.FAILED),
    (Status.SENT, Status.CANCELLED),
}


class TestMove:
    @pytest.mark.parametrize(("current", "wanted"), [*itertools.product(Status, Status)])
    def test_follows_the_table_and_nothing_else(self, current: Status, wanted: Status) -> None:
        withdrawal = WithdrawalFactory(status=current)
        journal = Journal(by=None, at=NOW)

        if (current, wanted) in ALLOWED:
            with transaction.atomic():
                move(withdrawal, wanted, journal=journal, settled_at=NOW)
                journal.write()
            withdrawal.refresh_from_db()
            assert (withdrawal.status, withdrawal.settled_at) == (wanted, NOW)
            event = AuditEvent.objects.get()
            assert event.before == {"status": current}
            assert event.after["status"] == wanted
        else:
            with pytest.raises(WithdrawalNotMovable, match="cannot become"):
                move(withdrawal, wanted, journal=journal, settled_at=NOW)
            withdrawal.refresh_from_db()
            assert (withdrawal.status, withdrawal.settled_at) == (current, None)
            assert journal.write() == []

    def test_table_names_every_state_and_leaves_no_end(self) -> None:
        assert set(MOVES) == set(Status)
        assert {status for status in Status if not MOVES[status]} == ENDS


class TestDatabase:
    def test_refuses_a_state_nobody_knows(self) -> None:
        withdrawal = WithdrawalFactory()

        with pytest.raises(IntegrityError), transaction.atomic():
            Withdrawal.objects.filter(pk=withdrawal.pk).update(status="paid")

    def test_refuses_an_amount_of_nothing(self) -> None:
        withdrawal = WithdrawalFactory()

        with pytest.raises(IntegrityError), transaction.atomic():
            Withdrawal.objects.filter(pk=withdrawal.pk).update(amount=0)

    def test_refuses_two_withdrawals_of_ours_under_one_reference(self) -> None:
        first = WithdrawalFactory()

        with pytest.raises(IntegrityError), transaction.atomic():
            WithdrawalFactory(
                merchant_reference=first.merchant_reference,
                created_at=NOW + timedelta(days=1),
            )
