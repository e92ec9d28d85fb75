"""What the rules allow per customer, beneficiary and approver."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import actions, checks, decision
from payments.checks import Check
from payments.enums import Level, PaymentStatus, Status
from payments.models import Policy, Withdrawal
from tests.payments.deciding import nothing_happened_to, sign, status_of
from tests.payments.factories import (
    NOW,
    PolicyFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]

DAY = timedelta(hours=24)


def found(withdrawal: Withdrawal) -> Check:
    (check,) = [check for check in checks.run(withdrawal, now=NOW) if check.code == "limits"]
    return check


def other(amount: int, **fields: Any) -> Withdrawal:
    """A payout to somebody else, of whom only what is told here is the same."""
    known: dict[str, Any] = {
        "payid": "someone@example.com",
        "customer_email": "",
        "customer_phone": "",
        "customer_name": "",
    }
    made = WithdrawalFactory(amount=Decimal(amount), **(known | fields))
    assert isinstance(made, Withdrawal)
    return made


class TestBeneficiaryLimit:
    @pytest.fixture(autouse=True)
    def _limit(self, ready: None) -> None:
        Policy.objects.update(beneficiary_limit=Decimal(6000))

    def test_says_what_is_left(self) -> None:
        WithdrawalFactory(approved=True, amount=Decimal(1000))

        check = found(WithdrawalFactory())

        assert (check.level, check.text) == (
            Level.PASS,
            "2,500.00 AUD left of 6,000.00 AUD per beneficiary in 24 hours: "
            "1,000.00 AUD stand ahead of it (1 approved).",
        )

    def test_blocks_from_the_first_cent_and_names_what_stands_ahead(self) -> None:
        WithdrawalFactory(status=Status.COMPLETED, approved_at=NOW, amount=Decimal(1000))
        WithdrawalFactory(approved=True, amount=Decimal(1500))
        WithdrawalFactory(amount=Decimal("1000.01"), created_at=NOW - timedelta(hours=1))

        check = found(WithdrawalFactory())

        assert (check.level, check.text) == (
            Level.BLOCK,
            "The limit of 6,000.00 AUD per beneficiary in 24 hours is passed by 0.01 AUD: "
            "3,500.01 AUD stand ahead of it (1 sent, 1 approved, 1 waiting).",
        )

    def test_lets_through_what_reaches_it_exactly(self) -> None:
        WithdrawalFactory(approved=True, amount=Decimal(3500))

        assert found(WithdrawalFactory()).level == Level.PASS

    @pytest.mark.parametrize(
        "fields",
        [
            {"approved": True, "approved_at": NOW - DAY},
            {"approved": True, "currency": "MXN"},
            {"approved": True, "payid": "jim@example.com"},
            {"status": Status.REJECTED},
            {"status": Status.FAILED, "approved_at": NOW},
            {"created_at": NOW},  # it waits behind this one
        ],
    )
    def test_counts_nothing_that_is_no_part_of_it(self, fields: dict[str, Any]) -> None:
        WithdrawalFactory(**({"amount": Decimal(5000)} | fields))

        assert "nothing stands ahead" in found(WithdrawalFactory()).text

    def test_counts_what_the_provider_paid_without_us(self) -> None:
        WithdrawalFactory(
            seen_upstream=True,
            status=Status.LAPSED,
            payment__status=PaymentStatus.COMPLETED,
            amount=Decimal(5000),
        )

        assert "(1 sent)" in found(WithdrawalFactory()).text

    def test_reserves_no_place_for_what_would_not_fit_itself(self) -> None:
        first, large, last = (
            WithdrawalFactory(amount=Decimal(amount), created_at=NOW - timedelta(hours=hours))
            for amount, hours in ((4000, 3), (3000, 2), (2000, 1))
        )

        assert found(first).level == Level.PASS
        assert found(large).level == Level.BLOCK
        assert found(last).text.startswith("0.00 AUD left")

    def test_looks_as_far_back_as_it_says(self) -> None:
        Policy.objects.update(beneficiary_window=168)
        WithdrawalFactory(approved=True, approved_at=NOW - 6 * DAY, amount=Decimal(5000))

        check = found(WithdrawalFactory())

        assert check.level == Level.BLOCK
        assert "in 7 days" in check.text

    def test_blocks_what_it_cannot_count(self) -> None:
        withdrawal = WithdrawalFactory(account_key="")

        assert found(withdrawal).text == (
            "The limit of 6,000.00 AUD per beneficiary in 24 hours cannot be counted: "
            "the beneficiary is not known."
        )

    def test_refuses_the_signature(self) -> None:
        WithdrawalFactory(approved=True, amount=Decimal(5000))
        withdrawal = WithdrawalFactory()

        with pytest.raises(actions.Blocked, match="is passed by 1,500.00 AUD"):
            sign(withdrawal, approver())

        assert nothing_happened_to(withdrawal)


class TestCustomerLimit:
    @pytest.fixture(autouse=True)
    def _limit(self, ready: None) -> None:
        Policy.objects.update(customer_limit=Decimal(6000))

    @pytest.mark.parametrize(
        "same",
        [
            {"customer_email": "JAMES@example.com"},
            {"customer_phone": "+61412345678"},
            {"customer_external_id": "C-7"},
            {"payid": "james@example.com"},
        ],
    )
    def test_knows_a_customer_by_anything_that_names_them(self, same: dict[str, str]) -> None:
        other(5000, approved=True, **same)

        assert found(WithdrawalFactory(customer_external_id="C-7")).level == Level.BLOCK

    def test_does_not_take_two_people_without_data_for_one(self) -> None:
        other(5000, approved=True)

        check = found(other(5000, payid="else@example.com"))

        assert check.level == Level.PASS


class TestApproverLimit:
    @pytest.fixture(autouse=True)
    def _limit(self, ready: None) -> None:
        Policy.objects.update(approver_limit=Decimal(6000))

    def test_stops_one_person_and_not_the_next(self) -> None:
        ada, abel = approver(), approver()
        for number in range(2):
            sign(WithdrawalFactory(payid=f"p{number}@example.com"), ada)
        third = WithdrawalFactory(payid="p3@example.com")

        with pytest.raises(actions.SignedTooMuch) as refusal:
            sign(third, ada)

        assert str(refusal.value) == (
            "You have signed 5,000.00 AUD in 24 hours, and one person signs at most 6,000.00 AUD: "
            "somebody else signs this one."
        )
        assert decision.review(third, viewer=ada, now=NOW).cannot_sign == str(refusal.value)
        sign(third, abel)
        assert status_of(third) == Status.APPROVED

    def test_counts_valid_signatures_within_the_window(self) -> None:
        ada = approver()
        for fields in ({"voided_at": NOW}, {"at": NOW - DAY}, {"verdict": "reject"}):
            SignatureFactory(by=ada, withdrawal=WithdrawalFactory(amount=Decimal(5000)), **fields)

        sign(WithdrawalFactory(amount=Decimal(6000)), ada)


class TestWithoutLimits:
    def test_passes_and_says_so(self) -> None:
        assert found(WithdrawalFactory()).text == "No limit is set for a payout like this one."

    def test_holds_for_the_tier_that_was_reached(self) -> None:
        PolicyFactory(from_amount=10_000, beneficiary_limit=Decimal(1))

        assert found(WithdrawalFactory()).level == Level.PASS
        assert found(WithdrawalFactory(amount=Decimal(10_000))).level == Level.BLOCK
