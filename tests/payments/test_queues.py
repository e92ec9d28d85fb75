"""What waits for whom."""

from datetime import timedelta
from typing import Any

import pytest

from payments.enums import Status
from payments.models import Withdrawal
from payments.queues import WithdrawalQuerySet
from staff.permissions import Role
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
    maker,
)
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db


def codes(rows: WithdrawalQuerySet) -> set[str]:
    return set(rows.values_list("code", flat=True))


class TestNeedsDecisionOf:
    def test_is_what_a_signer_neither_wrote_nor_signed(self, settings: Any) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True
        ada = UserFactory(roles=["maker", "approver"])
        fresh = WithdrawalFactory()
        WithdrawalFactory(created_by=ada)
        WithdrawalFactory(last_edited_by=ada)
        WithdrawalFactory().revisions.create(number=2, by=ada, at=NOW)
        signed = WithdrawalFactory()
        SignatureFactory(withdrawal=signed, by=ada)
        voided = WithdrawalFactory()
        SignatureFactory(withdrawal=voided, by=ada, voided_at=NOW)
        WithdrawalFactory(approved=True)

        mine = Withdrawal.objects.needs_decision_of(ada)
        others = Withdrawal.objects.waiting_for_others(ada)

        assert codes(mine) == {fresh.code, voided.code}
        assert codes(others) == codes(Withdrawal.objects.awaiting()) - codes(mine)

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.APPROVER, Role.OPS_LEAD}))
    def test_is_nothing_for_who_does_not_sign(self, role: Role) -> None:
        withdrawal = WithdrawalFactory()
        person = UserFactory(roles=[role])

        assert not Withdrawal.objects.needs_decision_of(person).exists()
        assert codes(Withdrawal.objects.waiting_for_others(person)) == {withdrawal.code}

    def test_has_those_without_a_maker(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        assert codes(Withdrawal.objects.needs_decision_of(approver())) == {withdrawal.code}


class TestTabs:
    def test_leave_what_somebody_brought_to_the_others(self) -> None:
        ada = approver()
        brought = WithdrawalFactory(beneficiary=BeneficiaryFactory(first_asked_by=ada))
        other = WithdrawalFactory(beneficiary=BeneficiaryFactory(payid="other@example.com"))

        assert codes(Withdrawal.objects.needs_decision_of(ada)) == {other.code}
        assert codes(Withdrawal.objects.waiting_for_others(ada)) == {brought.code}

    def test_put_every_state_somewhere(self) -> None:
        for status in Status:
            WithdrawalFactory(status=status, approved_at=NOW)
        rows = Withdrawal.objects

        somewhere = (
            codes(rows.awaiting())
            | codes(rows.in_flight())
            | codes(rows.needs_attention(now=NOW))
            | codes(rows.done())
        )

        assert somewhere == codes(rows.all())
        assert not codes(rows.needs_attention(now=NOW)) & codes(rows.done())

    def test_call_for_attention_when_an_approved_one_has_not_left_for_an_hour(self) -> None:
        """I2."""
        stuck = WithdrawalFactory(approved=True, approved_at=NOW - timedelta(hours=1))
        WithdrawalFactory(approved=True)

        assert codes(Withdrawal.objects.needs_attention(now=NOW)) == {stuck.code}

    def test_are_in_the_order_of_their_due_times(self) -> None:
        later = WithdrawalFactory(due_at=NOW + timedelta(hours=1))
        sooner = WithdrawalFactory(due_at=NOW)

        assert list(Withdrawal.objects.due_first()) == [sooner, later]


class TestQueueFacts:
    def test_count_the_signatures_that_count(self) -> None:
        withdrawal = WithdrawalFactory(revision=2)
        SignatureFactory(withdrawal=withdrawal)
        SignatureFactory(withdrawal=withdrawal, revision=1)
        SignatureFactory(withdrawal=withdrawal, voided_at=NOW)
        SignatureFactory(withdrawal=withdrawal, verdict="reject")

        (row,) = Withdrawal.objects.with_queue_facts()

        assert row.signed == 1

    def test_take_one_query_for_fifty_rows(self, django_assert_num_queries: Any) -> None:
        mara = maker()
        for _ in range(25):
            WithdrawalFactory(created_by=mara)
            WithdrawalFactory(seen_upstream=True)

        with django_assert_num_queries(1):
            for row in Withdrawal.objects.with_queue_facts().due_first():
                str(row.payment), str(row.customer), str(row.created_by)

        assert Withdrawal.objects.count() == 50
