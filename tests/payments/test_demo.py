"""The payouts to try the desk with."""

from typing import Any

import pytest
from django.utils import timezone

from payments import checks, demo, policies
from payments.models import Policy, Withdrawal
from staff import demo as demonstration
from tests.customers.factories import ExternalAccountFactory, ProfileFactory

pytestmark = pytest.mark.django_db


class TestDemo:
    @pytest.fixture(autouse=True)
    def _debug(self, settings: Any) -> None:
        settings.DEBUG = True

    def test_asks_for_payouts_on_every_rail(self) -> None:
        _, lines = demonstration.build(at=timezone.now())

        assert "sample policy v1" in lines
        assert Withdrawal.objects.count() == 10
        assert set(Withdrawal.objects.values_list("currency", "method")) == {
            ("AUD", "payid"),
            ("AUD", "bank_transfer"),
            ("ARS", "bank_transfer"),
            ("MXN", "spei"),
            ("UYU", "bank_transfer"),
        }

    def test_has_payouts_in_every_tier_and_a_pair_that_looks_like_one(self) -> None:
        demonstration.build(at=timezone.now())
        published = policies.published(timezone.now())
        rows = list(Withdrawal.objects.all())

        needed = [policies.requirement_for(row, policies=published).signatures for row in rows]
        doubles = [
            row
            for row, flags in ((row, checks.flags_for(rows)[row.pk]) for row in rows)
            if "duplicate" in {flag.code for flag in flags}
        ]

        assert sorted(needed) == [1] * 3 + [2] * 4 + [3] * 3
        assert len(doubles) == 2

    def test_makes_nothing_twice(self) -> None:
        demonstration.build(at=timezone.now())

        _, lines = demonstration.build(at=timezone.now())

        assert lines == []
        assert Withdrawal.objects.count() == 10
        assert Policy.objects.count() == len(demo.SAMPLE_TIERS)

    def test_asks_for_transfers_once_customers_of_lux_financial_are_known(self) -> None:
        for number in range(len(demo._TRANSFERS)):
            profile = ProfileFactory(upstream_id=f"cus_{number}")
            ExternalAccountFactory(customer=profile.customer, status="verified")

        demonstration.build(at=timezone.now())
        demonstration.build(at=timezone.now())

        assert demo.has_transfers()
        rails = Withdrawal.objects.filter(upstream="lux").values_list("method", flat=True)
        assert sorted(rails) == ["ach_same_day", "polygon", "wire"]
