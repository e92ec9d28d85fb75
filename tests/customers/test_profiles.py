"""Customers as Lux Financial tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from customers import mirror
from customers.mirror import profiles
from customers.models import Customer, Identity, Profile
from staff.journal import Journal
from tests.customers.factories import NOW, record
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import CustomerRecord

pytestmark = pytest.mark.django_db

LATER = "2026-01-17T10:00:00.000Z"
EARLIER = "2026-01-15T10:00:00.000Z"


def store(*records: CustomerRecord, at: datetime = NOW) -> StoreCounts:
    return mirror.store_profiles(records, at=at)


class TestSomebodyNew:
    def test_is_a_customer_an_identity_and_a_profile(self) -> None:
        counts = store(record())

        profile = Profile.objects.select_related("customer").get()
        identity = Identity.objects.get()
        assert (counts.created, counts.changed, counts.unchanged) == (1, 0, 0)
        assert (identity.upstream, identity.upstream_id) == (Upstream.LUX, "cus_1")
        assert identity.customer == profile.customer
        assert (profile.customer.name, profile.customer.kind) == ("Amara Okafor", "individual")
        assert profile.customer.email_key == "amara@example.com"
        assert profile.customer.phone_key == "2348012345678"
        assert profile.customer.created_at == profile.created_at
        assert profile.country == "NG"
        assert profile.is_approved

    def test_is_called_by_the_name_of_the_business(self) -> None:
        store(record(type="business", business_name="Marina Ltd", business_ein="12-3456789"))

        profile = Profile.objects.select_related("customer").get()
        assert profile.customer.name == "Marina Ltd"
        assert profile.business["ein"] == "12-3456789"
        assert profile.is_business

    def test_of_a_person_is_called_by_their_own_name_beside_that_of_a_business(self) -> None:
        store(record(business_name="Marina Ltd"))

        profile = Profile.objects.select_related("customer").get()
        assert (profile.name, profile.customer.name) == ("Amara Okafor", "Amara Okafor")

    def test_leaves_their_links_behind(self) -> None:
        links = {"kyc_link": "https://lux.example/kyc/s3cret", "tos_link": "https://lux.example/t"}

        store(record(**links))

        raw = Profile.objects.get().raw
        assert not links.keys() & raw.keys()
        assert "s3cret" not in str(raw)

    def test_may_be_told_of_twice_at_once(self) -> None:
        counts = store(record(updated_at=LATER, status="suspended"), record())

        assert counts.created == 1
        assert Profile.objects.get().status == "suspended"

    def test_was_known_by_a_wallet_before(self) -> None:
        mirror.learn([mirror.Told("cus_1")], upstream=Upstream.LUX, at=NOW)

        store(record())

        assert Customer.objects.get().name == "Amara Okafor"


class TestAgain:
    def test_the_same_costs_one_query_for_all(self, django_assert_num_queries: Any) -> None:
        everybody = [record(id=f"cus_{n}", email=f"{n}@example.com") for n in range(50)]
        store(*everybody)

        with django_assert_num_queries(1):
            counts = store(*everybody)

        assert counts.unchanged == 50

    def test_fifty_new_ones_cost_as_many_queries_as_two(
        self, django_assert_max_num_queries: Any
    ) -> None:
        with django_assert_max_num_queries(16):
            store(*(record(id=f"cus_{n}", email=f"{n}@example.com") for n in range(50)))

        assert Profile.objects.count() == 50

    def test_a_new_link_is_no_news(self) -> None:
        store(record(kyc_link="https://lux.example/kyc/1"))

        assert store(record(kyc_link="https://lux.example/kyc/2")).unchanged == 1

    def test_a_newer_word_wins_and_the_customer_follows(self) -> None:
        store(record())

        counts = store(
            record(updated_at=LATER, last_name="Okoro", email="new@example.com", phone=...)
        )

        customer = Customer.objects.select_related("profile").get()
        assert counts.changed == 1
        assert (customer.name, customer.email_key) == ("Amara Okoro", "new@example.com")
        assert customer.phone == "+2348012345678"  # nobody took it back
        assert customer.profile.phone == ""

    def test_an_older_word_changes_nothing(self) -> None:
        store(record(updated_at=LATER, kyc_status="rejected"))

        counts = store(record(updated_at=EARLIER, kyc_status="under_review"))

        assert counts.unchanged == 1
        assert Profile.objects.get().kyc_status == "rejected"

    def test_of_the_same_moment_the_last_word_counts(self) -> None:
        store(record(kyc_status="under_review"))

        store(record(kyc_status="approved"))

        assert Profile.objects.get().kyc_status == "approved"

    def test_a_word_without_a_moment_is_older_than_any(self) -> None:
        store(record())

        store(record(updated_at=None, created_at=None, status="suspended"))

        assert Profile.objects.get().status == "active"

    def test_who_was_deleted_stays_known(self) -> None:
        store(record())

        store(record(status="deleted", updated_at=LATER))

        assert Profile.objects.get().status == "deleted"
        assert Customer.objects.count() == 1


class TestWhatNobodyDocumented:
    def test_words_are_kept_and_harmless(self) -> None:
        counts = store(
            record(type="trust", kyc_status="paused", status="dormant", risk_rating="extreme")
        )

        profile = Profile.objects.select_related("customer").get()
        assert counts.created == 1
        assert (profile.kyc_status, profile.status) == ("paused", "dormant")
        assert not profile.is_approved
        assert profile.customer.kind == ""

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"id": "c" * 121}, "id is too long"),
            ({"kyc_status": "k" * 41}, "kyc_status is too long"),
            ({"email": "e" * 256}, "email is too long"),
            ({"type": "t" * 33}, "kind is too long"),
        ],
    )
    def test_what_does_not_fit_is_set_aside(self, changes: Any, reason: str) -> None:
        counts = store(record(**changes), record(id="cus_2", email="else@example.com"))

        assert [item.reason for item in counts.refused] == [reason]
        assert counts.created == 1

    def test_what_is_set_aside_has_no_links_either(self) -> None:
        counts = store(record(id="c" * 121, kyc_link="https://lux.example/kyc/s3cret"))

        assert "s3cret" not in str(counts.refused[0].payload)

    def test_long_names_are_cut(self) -> None:
        store(record(first_name="A" * 300))

        assert len(Profile.objects.get().first_name) == 255
        assert len(Customer.objects.get().name) == 255


class TestWhatFollows:
    @pytest.fixture
    def told(self, monkeypatch: pytest.MonkeyPatch) -> list[mirror.Changed]:
        seen: list[mirror.Changed] = []

        def note(changed: list[mirror.Changed], *, journal: Journal) -> None:
            seen.extend(changed)

        monkeypatch.setattr(profiles, "after", note)
        return seen

    def test_is_told_of_what_is_new(self, told: list[mirror.Changed]) -> None:
        store(record())

        (one,) = told
        assert one.is_new
        assert one.differs("kyc_status")
        assert one.now.pk is not None

    def test_is_told_of_what_changed(self, told: list[mirror.Changed]) -> None:
        store(record())
        told.clear()

        store(record(kyc_status="rejected", updated_at=LATER))

        (one,) = told
        assert one.before is not None
        assert (one.before.kyc_status, one.now.kyc_status) == ("approved", "rejected")
        assert one.differs("kyc_status")
        assert not one.differs("email", "phone")

    def test_is_not_told_of_what_stayed(self, told: list[mirror.Changed]) -> None:
        store(record())
        told.clear()

        store(record(), at=NOW + timedelta(hours=1))

        assert told == []
