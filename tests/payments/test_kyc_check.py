"""Whether the customer of a payout may move money, as far as Lux Financial says."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from customers.models import Customer
from payments.checks.kyc import kyc_is_approved
from payments.enums import Level
from tests.customers.factories import CustomerFactory, ProfileFactory
from tests.payments.factories import NOW, WithdrawalFactory
from upstreams.lux.words import KYC_STATUSES

pytestmark = pytest.mark.django_db

MAIL = "James@Example.com"  # the factory's customer, written in another way


class TestAStatus:
    @pytest.mark.parametrize("status", [*KYC_STATUSES, "in_limbo"])
    @pytest.mark.parametrize("must", [False, True])
    def test_passes_only_when_it_is_approved(
        self, settings: Settings, status: str, must: bool
    ) -> None:
        settings.PAYOUTS_NEED_KYC = must
        ProfileFactory(kyc_status=status)

        check = kyc_is_approved(WithdrawalFactory(customer_email=MAIL), NOW)

        doubtful = Level.BLOCK if must else Level.WARN
        assert check.level == (Level.PASS if status == "approved" else doubtful)
        assert check.as_of == NOW

    def test_is_told_in_words_and_an_unknown_one_as_it_came(self) -> None:
        profile = ProfileFactory(kyc_status="under_review")
        withdrawal = WithdrawalFactory(customer_email=MAIL)

        known = kyc_is_approved(withdrawal, NOW).text
        profile.kyc_status = "in_limbo"
        profile.save()

        assert known == "KYC of this customer is not approved: under review."
        assert kyc_is_approved(withdrawal, NOW).text.endswith("not approved: in_limbo.")

    @pytest.mark.parametrize("status", ["suspended", "deleted"])
    def test_of_somebody_who_was_stopped_there_is_not_enough(self, status: str) -> None:
        ProfileFactory(kyc_status="approved", status=status)

        check = kyc_is_approved(WithdrawalFactory(customer_email=MAIL), NOW)

        assert check.level == Level.WARN
        assert status in check.text


class TestSomebodyUnknown:
    def test_passes_and_says_that_nothing_was_looked_at(self) -> None:
        check = kyc_is_approved(WithdrawalFactory(customer_email="mona@example.com"), NOW)

        assert check.level == Level.PASS
        assert check.text.startswith("KYC is not asked for")

    @pytest.mark.parametrize("email", ["mona@example.com", ""])
    def test_is_blocked_where_payouts_need_it(self, settings: Settings, email: str) -> None:
        settings.PAYOUTS_NEED_KYC = True

        check = kyc_is_approved(WithdrawalFactory(customer_email=email), NOW)

        assert check.level == Level.BLOCK


class TestAPersonOfSeveralRows:
    @pytest.fixture
    def luxcore(self) -> Customer:
        return CustomerFactory(email="j.smith@example.com", phone="")

    def test_is_known_by_any_of_them(self, luxcore: Customer) -> None:
        profile = ProfileFactory(kyc_status="rejected")
        luxcore.merged_into = profile.customer
        luxcore.save()

        check = kyc_is_approved(WithdrawalFactory(customer_email=luxcore.email), NOW)

        assert check.level == Level.WARN

    def test_is_approved_only_when_all_of_them_are(self, luxcore: Customer) -> None:
        ProfileFactory(customer=luxcore, kyc_status="pending")
        other = ProfileFactory(kyc_status="approved")
        luxcore.merged_into = other.customer
        luxcore.save()

        assert kyc_is_approved(WithdrawalFactory(customer_email=MAIL), NOW).level == Level.WARN
