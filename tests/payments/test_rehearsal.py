"""The last thirty days under other rules, counted by hand beside it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import policies
from payments.enums import LimitPer, PaymentStatus, Status
from payments.models import Policy, Withdrawal
from payments.policies import rehearsal
from payments.policies.rehearsal import Finding, Rehearsal
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PolicyFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
)
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

DRAFT = 9


def rule(**fields: Any) -> Policy:
    """A tier of the rules to be rehearsed."""
    policy = PolicyFactory(version=DRAFT, published_at=NOW + timedelta(days=1), **fields)
    assert isinstance(policy, Policy)
    return policy


def rehearsed() -> Rehearsal:
    tiers = list(Policy.objects.filter(version=DRAFT))
    return rehearsal.rehearse(tiers, in_force=policies.published(NOW), now=NOW)


def payout(amount: object, *, days: float = 1, **fields: Any) -> Withdrawal:
    """One that was asked for so many days ago and completed, to an account of its own."""
    number = Withdrawal.objects.count()
    known: dict[str, Any] = {
        "status": Status.COMPLETED,
        "signed": 0,
        "payid": f"p{number}@example.com",
        "customer_email": f"p{number}@example.com",
        "customer_phone": "",
    }
    made = WithdrawalFactory(
        amount=Decimal(str(amount)), created_at=NOW - timedelta(days=days), **(known | fields)
    )
    assert isinstance(made, Withdrawal)
    return made


def codes(finding: Finding) -> list[str]:
    return [withdrawal.code for withdrawal in finding.examples]


@pytest.fixture(autouse=True)
def _in_force(db: None) -> None:
    PolicyFactory(version=1, signatures=1)


class TestSignatures:
    def test_are_counted_under_both_sets_of_rules(self) -> None:
        """0 / 1,000 / 50,000 for 1 / 2 / 3, exactly on a bound counts; counted by hand."""
        for bound, signatures in ((0, 1), (1_000, 2), (50_000, 3)):
            rule(from_amount=bound, signatures=signatures)
        for amount in ("0.01", "999.99", "1000", "1000.01", "49999.99", "50000", "70000"):
            payout(amount)
        payout(5, days=29.9)
        payout(70_000, days=30)  # too long ago

        told = rehearsed()

        assert told.withdrawals == 8
        assert [(line.signatures, line.before, line.after) for line in told.asked] == [
            (1, 8, 3),
            (2, 0, 3),
            (3, 0, 2),
        ]

    def test_of_what_no_tier_covers_are_the_default(self) -> None:
        rule(currency="AUD", signatures=1)
        payout(10)
        payout(10, currency="MXN")

        told = rehearsed()

        assert dict(told.after) == {1: 1, 2: 1}
        assert told.lines[None].withdrawals == 1


class TestLimits:
    def test_stop_what_comes_after_the_window_is_full(self) -> None:
        rule(beneficiary_limit=Decimal(1000))
        same = {"payid": "james@example.com"}
        payout(600, days=5, **same)
        stopped = payout(500, days=4.5, **same)  # 1,100 within 24 hours
        payout(400, days=4.4, **same)  # what was stopped makes room: 1,000
        payout(600, days=3.5, **same)  # 400 is within the day, 600 is not
        payout(900, days=3.4)  # another account

        told = rehearsed()

        assert told.stopped[LimitPer.BENEFICIARY].number == 1
        assert codes(told.stopped[LimitPer.BENEFICIARY]) == [stopped.code]

    def test_count_what_was_approved_late_when_it_was_approved(self) -> None:
        rule(beneficiary_limit=Decimal(1000))
        same = {"payid": "james@example.com"}
        late = payout(600, days=9, approved_at=NOW - timedelta(days=2), **same)
        payout(600, days=2.5, **same)

        assert codes(rehearsed().stopped[LimitPer.BENEFICIARY]) == [late.code]

    def test_look_back_further_than_the_days_that_are_replayed(self) -> None:
        rule(beneficiary_limit=Decimal(1000), beneficiary_window=720)
        same = {"payid": "james@example.com"}
        payout(600, days=35, **same)
        payout(600, days=10, **same)

        told = rehearsed()

        assert (told.withdrawals, told.stopped[LimitPer.BENEFICIARY].number) == (1, 1)

    def test_leave_out_what_went_unpaid(self) -> None:
        rule(beneficiary_limit=Decimal(1000))
        same = {"payid": "james@example.com"}
        payout(600, days=2, status=Status.REJECTED, **same)
        payout(600, days=1.9, **same)
        payout(2000, status=Status.FAILED, **same)
        paid_there = payout(
            500,
            days=1.8,
            seen_upstream=True,
            status=Status.LAPSED,
            payment__status=PaymentStatus.COMPLETED,
            **same,
        )

        assert codes(rehearsed().stopped[LimitPer.BENEFICIARY]) == [paid_there.code]

    def test_know_a_customer_by_anything_that_names_them(self) -> None:
        rule(customer_limit=Decimal(1000))
        payout(600, days=3, customer_email="J@example.com", customer_phone="+61412345678")
        by_email = payout(600, days=2.9, customer_email="j@EXAMPLE.com")
        by_phone = payout(600, days=2.8, customer_phone="+61412345678")
        payout(600, days=2.7)

        stopped = rehearsed().stopped[LimitPer.CUSTOMER]

        assert codes(stopped) == [by_email.code, by_phone.code]

    def test_add_up_what_one_person_signed(self) -> None:
        rule(approver_limit=Decimal(1000))
        ada, abel = approver(), approver()
        for amount, days, person in (
            (600, 3, ada),
            (600, 2.9, abel),
            (500, 2.8, ada),  # past her limit
            (400, 2.7, ada),
            (600, 1.9, ada),
        ):
            SignatureFactory(
                withdrawal=payout(amount, days=days), by=person, at=NOW - timedelta(days=days)
            )

        assert rehearsed().stopped[LimitPer.APPROVER].number == 1


class TestPeople:
    def test_are_those_who_work_here_and_hold_the_roles(self) -> None:
        rule(signatures=1)
        leads = rule(from_amount=1000, signatures=1, roles=["ops_lead"])
        ada = approver(email="ada@lightdesk.test")
        olga = UserFactory(roles=["ops_lead"], email="olga@lightdesk.test")
        UserFactory(roles=["ops_lead"], is_active=False)

        lines = rehearsed().lines

        assert lines[leads.pk].people == [olga.email]
        assert [line.people for line in lines.values()][0] == [ada.email, olga.email]

    def test_who_wrote_it_are_left_out(self) -> None:
        """Ada is the only one who signs; she wrote some of them, and brought one's beneficiary."""
        rule(signatures=1)
        ada = approver()
        made = payout(1, created_by=ada)
        edited = payout(2, last_edited_by=ada)
        once = payout(3)
        once.revisions.create(number=2, by=ada, at=NOW - timedelta(days=1))
        brought = payout(4, beneficiary=BeneficiaryFactory(first_asked_by=ada))
        payout(5)

        told = rehearsed()

        assert set(codes(told.nobody)) == {made.code, edited.code, once.code, brought.code}
        assert told.too_few.number == 0

    def test_may_be_too_few(self) -> None:
        rule(signatures=2)
        ada, _ = approver(), approver()
        hers = payout(1, created_by=ada)
        payout(2)

        told = rehearsed()

        assert (told.nobody.number, codes(told.too_few)) == (0, [hers.code])


class TestCost:
    def test_is_the_same_for_many_as_for_one(self, django_assert_num_queries: Any) -> None:
        rule(approver_limit=Decimal(1), customer_limit=Decimal(1))
        approver()
        payout(1)
        tiers, in_force = list(Policy.objects.filter(version=DRAFT)), policies.published(NOW)
        with django_assert_num_queries(4):
            rehearsal.rehearse(tiers, in_force=in_force, now=NOW)

        for number in range(20):
            SignatureFactory(withdrawal=payout(number + 1))
        with django_assert_num_queries(4):
            rehearsal.rehearse(tiers, in_force=in_force, now=NOW)

    def test_is_bounded_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rehearsal, "MOST", 2)
        rule(signatures=1)
        for days in (1, 2, 3):
            payout(days, days=days)

        told = rehearsed()

        assert (told.withdrawals, told.is_cut) == (2, True)
