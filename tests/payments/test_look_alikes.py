"""Payouts that look alike, and amounts that are not usual."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from customers.models import Customer
from payments import actions, checks
from payments.actions.errors import (
    AlreadyDecided,
    IntroducerCannotSign,
    MakerCannotSign,
    ReasonMissing,
)
from payments.checks import Check
from payments.enums import Level, PaymentStatus
from payments.models import NotDuplicate, NotPossible, Withdrawal
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PaymentFactory,
    WithdrawalFactory,
    approver,
    maker,
)

pytestmark = pytest.mark.django_db


def found(withdrawal: Withdrawal, code: str) -> Check:
    (check,) = [check for check in checks.run(withdrawal, now=NOW) if check.code == code]
    return check


def say(withdrawal: Withdrawal, other: str, **changes: Any) -> NotDuplicate:
    wanted = {"reason": "Two invoices.", "by": approver(), "at": NOW} | changes
    return actions.mark_not_duplicate(withdrawal_id=withdrawal.pk, other=other, **wanted)


class TestNotDuplicate:
    def test_takes_the_warning_away_from_both(self) -> None:
        one, other = WithdrawalFactory(), WithdrawalFactory()
        assert found(one, "duplicate").level == Level.WARN

        say(one, other.code)

        assert found(one, "duplicate").level == Level.PASS
        assert found(other, "duplicate").level == Level.PASS

    def test_keeps_the_warning_about_a_third(self) -> None:
        one, other, third = WithdrawalFactory(), WithdrawalFactory(), WithdrawalFactory()

        say(one, other.code)

        assert [label for label, _ in found(one, "duplicate").links] == [third.code]

    def test_is_said_of_a_payment_at_the_provider(self) -> None:
        one = WithdrawalFactory()
        payment = PaymentFactory(
            account_key=one.account_key, amount=one.amount, currency=one.currency, created_at=NOW
        )

        say(one, payment.upstream_id)

        assert found(one, "duplicate").level == Level.PASS

    def test_is_recorded_once_with_who_and_why(self) -> None:
        one, other, judge = WithdrawalFactory(), WithdrawalFactory(), approver()

        first = say(one, other.code, by=judge)
        again = say(one, other.code, by=judge)

        assert first == again
        subject_type, subject_id = audit.subject_of(one)
        event = AuditEvent.objects.about(subject_type=subject_type, subject_id=subject_id).get(
            verb="payments.withdrawal.not_duplicate"
        )
        assert (event.by, event.reason) == (judge, "Two invoices.")

    def test_is_for_those_who_sign_and_did_not_write_it(self) -> None:
        writer = maker()
        one, other = WithdrawalFactory(created_by=writer), WithdrawalFactory()

        with pytest.raises(NotPermitted):
            say(one, other.code, by=writer)
        writer_who_signs = approver()
        Withdrawal.objects.filter(pk=one.pk).update(last_edited_by=writer_who_signs)
        with pytest.raises(MakerCannotSign):
            say(one, other.code, by=writer_who_signs)
        bringer = approver()
        Withdrawal.objects.filter(pk=one.pk).update(
            last_edited_by=None, beneficiary=BeneficiaryFactory(first_asked_by=bringer)
        )
        with pytest.raises(IntroducerCannotSign):
            say(one, other.code, by=bringer)

    def test_needs_a_reason_and_a_pair_that_looks_alike(self) -> None:
        one, other = WithdrawalFactory(), WithdrawalFactory(amount=Decimal("7.00"))

        with pytest.raises(ReasonMissing):
            say(one, other.code, reason=" ")
        with pytest.raises(NotPossible):
            say(one, other.code)
        with pytest.raises(AlreadyDecided):
            say(WithdrawalFactory(approved=True), other.code)

    def test_is_said_on_the_page(self, client: Client) -> None:
        one, other = WithdrawalFactory(), WithdrawalFactory()
        client.force_login(approver())
        address = f"/withdrawals/{one.code}/not-duplicate/{other.code}/"
        assert address in client.get(one.get_absolute_url()).content.decode()

        answer = client.post(address, {"reason": "Two invoices."})

        assert answer.status_code == 302
        assert address not in client.get(one.get_absolute_url()).content.decode()


class TestOutlier:
    def paid(self, withdrawal: Withdrawal, *amounts: str, **fields: Any) -> None:
        for amount in amounts:
            PaymentFactory(
                status=PaymentStatus.COMPLETED,
                currency=withdrawal.currency,
                amount=Decimal(amount),
                **{"account_key": withdrawal.account_key, **fields},
            )

    def test_warns_above_three_times_the_largest_to_this_account(self) -> None:
        withdrawal = WithdrawalFactory(amount=Decimal("301.00"))
        self.paid(withdrawal, "10", "20", "30", "40", "100")

        check = found(withdrawal, "outlier")

        assert check.level == Level.WARN
        assert check.text == "3.0 times the largest of 5 payouts to this account (100.00 AUD)."

    def test_warns_for_the_customer_too(self) -> None:
        customer = Customer.objects.create(name="James Smith", created_at=NOW)
        withdrawal = WithdrawalFactory(amount=Decimal("301.00"), customer=customer)
        self.paid(withdrawal, "10", "20", "30", "40", "100", account_key="x", customer=customer)

        assert "to this customer" in found(withdrawal, "outlier").text

    @pytest.mark.parametrize("amounts", [["100"] * 4, ["100.34"] * 5])
    def test_passes_what_is_usual_or_too_new_to_tell(self, amounts: list[str]) -> None:
        withdrawal = WithdrawalFactory(amount=Decimal("301.00"))
        self.paid(withdrawal, *amounts)

        assert found(withdrawal, "outlier").level == Level.PASS

    def test_compares_within_a_currency(self) -> None:
        withdrawal = WithdrawalFactory(amount=Decimal("301.00"))
        for _ in range(5):
            PaymentFactory(
                status=PaymentStatus.COMPLETED,
                currency="ARS",
                amount=Decimal("1"),
                account_key=withdrawal.account_key,
            )

        assert found(withdrawal, "outlier").level == Level.PASS
