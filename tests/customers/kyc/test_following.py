"""Cases follow Lux Financial: every status (upstreams.md §1.5), every transition of LF-A5."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from customers.enums import CaseStatus, ProposalState
from customers.kyc import following, statuses
from customers.models import KycCase, Profile
from staff.models import AuditEvent
from tests.customers.factories import NOW, KycCaseFactory, ProfileFactory
from tests.customers.kyc.helpers import follow, reject, sent_more
from upstreams.lux import words

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=5)
OPENS = {"under_review", "manual_review", "awaiting_ubo"}
TRANSITIONS = [
    (before, after)
    for before, following_ones in settings.LUX_KYC_TRANSITIONS.items()
    for after in following_ones
]


def becomes(profile: Profile, kyc_status: str, *, at: Any = LATER) -> None:
    """Lux Financial tells that the customer stands there now."""
    profile.kyc_status = kyc_status
    profile.save()
    follow([profile], at=at)


def statuses_of(profile: Profile) -> list[str]:
    cases = KycCase.objects.filter(customer=profile.customer).order_by("pk")
    return list(cases.values_list("status", flat=True))


class TestEveryStatus:
    @pytest.mark.parametrize("status", [*words.KYC_STATUSES, "sent_to_the_moon"])
    def test_opens_a_case_where_people_work(self, status: str) -> None:
        profile = ProfileFactory(in_review=True, kyc_status=status)

        follow([profile], at=NOW)

        assert statuses_of(profile) == (["open"] if status in OPENS else [])

    def test_is_in_one_set_at_most_and_the_documented_ones_in_one(self) -> None:
        sets = [statuses.WORKED, statuses.WITH_CUSTOMER, statuses.FINAL]

        assert sorted(word for one in sets for word in one) == sorted(words.KYC_STATUSES)

    @pytest.mark.parametrize("status", CaseStatus)
    def test_an_unknown_word_is_kept_and_moves_nothing(self, status: CaseStatus) -> None:
        case = KycCaseFactory(status=status, outcome="approve")

        becomes(case.customer.profile, "sent_to_the_moon")

        case.refresh_from_db()
        assert (case.status, case.theirs) == (status, "sent_to_the_moon")


# Where they came from, where they are now: what becomes of the case that stood there.
EXPECTED: dict[tuple[str, str], list[str]] = {
    ("not_started", "pending"): [],
    ("pending", "incomplete"): [],
    ("pending", "under_review"): ["open"],
    ("pending", "awaiting_ubo"): ["open"],
    ("incomplete", "under_review"): ["open"],
    ("incomplete", "rejected"): [],
    ("awaiting_ubo", "under_review"): ["open"],
    ("under_review", "approved"): ["closed"],
    ("under_review", "manual_review"): ["open"],
    ("under_review", "incomplete"): ["waiting"],
    ("under_review", "rejected"): ["closed"],
    ("manual_review", "approved"): ["closed"],
    ("manual_review", "rejected"): ["closed"],
    ("manual_review", "incomplete"): ["waiting"],
}


class TestEveryTransition:
    def test_is_in_the_table(self) -> None:
        assert set(EXPECTED) == set(TRANSITIONS)

    @pytest.mark.parametrize(("before", "after"), TRANSITIONS)
    def test_does_what_the_table_says(self, before: str, after: str) -> None:
        profile = ProfileFactory(in_review=True, kyc_status=before)
        follow([profile], at=NOW)

        becomes(profile, after)

        assert statuses_of(profile) == EXPECTED[before, after]
        case = KycCase.objects.filter(customer=profile.customer).first()
        assert case is None or case.theirs == after


class TestOpening:
    @pytest.mark.parametrize(
        ("risk", "hours"), [("high", 24), ("medium", 48), ("low", 72), ("", 24), ("odd", 24)]
    )
    def test_is_due_by_risk(self, risk: str, hours: int) -> None:
        profile = ProfileFactory(in_review=True, risk_rating=risk)

        follow([profile], at=NOW)

        assert KycCase.objects.get().due_at == NOW + timedelta(hours=hours)

    def test_twice_opens_one(self) -> None:
        profile = ProfileFactory(in_review=True)

        follow([profile], at=NOW)
        follow([profile], at=LATER)

        assert statuses_of(profile) == ["open"]
        assert AuditEvent.objects.filter(verb="customers.case.opened").count() == 1

    def test_loses_a_race_quietly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        case = KycCaseFactory()
        monkeypatch.setattr(following, "_newest_settled", lambda customers: {})
        monkeypatch.setattr(
            type(KycCase.objects.all()), "under_way", lambda self: self.filter(pk=None)
        )

        follow([case.customer.profile], at=NOW)

        assert KycCase.objects.get() == case

    def test_costs_for_fifty_what_it_costs_for_one(self, django_assert_num_queries: Any) -> None:
        profiles = [
            ProfileFactory(
                in_review=True, customer__email=f"{n}@example.com", kyc_status="approved"
            )
            for n in range(50)
        ]
        with django_assert_num_queries(4):
            follow(profiles[:1], at=NOW)
        with django_assert_num_queries(4):
            follow(profiles, at=NOW)


class TestFollowing:
    def test_a_customer_who_sends_what_was_asked_for_is_reviewed_again(self) -> None:
        profile = ProfileFactory(in_review=True)
        follow([profile], at=NOW)
        becomes(profile, "incomplete")

        becomes(profile, "under_review", at=LATER)

        case = KycCase.objects.get()
        assert (case.status, case.due_at) == ("open", LATER + timedelta(hours=72))

    def test_what_they_decide_voids_what_was_proposed(self) -> None:
        case = KycCaseFactory()
        proposal = reject(case).proposal

        becomes(Profile.objects.get(), "approved")

        case.refresh_from_db()
        proposal.refresh_from_db()
        assert (case.status, proposal.state) == (CaseStatus.CLOSED, ProposalState.VOID)
        assert "Lux Financial" in case.status_reason

    def test_a_decision_that_they_have_not_carried_out_stands(self) -> None:
        case = KycCaseFactory(status="decided", outcome="approve", closed_at=NOW)

        becomes(case.customer.profile, "manual_review")

        assert statuses_of(case.customer.profile) == ["decided"]

    def test_who_was_elsewhere_meanwhile_is_reviewed_anew(self) -> None:
        case = KycCaseFactory(status="closed", closed_at=NOW)
        profile = case.customer.profile
        becomes(profile, "incomplete")

        becomes(profile, "under_review")

        assert statuses_of(profile) == ["closed", "open"]

    def test_nobody_reviews_whom_they_deleted(self) -> None:
        profile = ProfileFactory(in_review=True)
        follow([profile], at=NOW)
        profile.status = "deleted"

        becomes(profile, "under_review")
        becomes(profile, "manual_review")

        assert statuses_of(profile) == ["closed"]
        assert "deleted" in KycCase.objects.get().status_reason

    @pytest.mark.parametrize("status", ["queued", "sending"])
    def test_what_is_on_its_way_is_left_to_its_answer(self, status: str) -> None:
        case = KycCaseFactory(status=status, outcome="approve")

        becomes(case.customer.profile, "approved")

        case.refresh_from_db()
        assert (case.status, case.theirs) == (status, "approved")


class TestSendingMore:
    def test_takes_up_what_waits(self) -> None:
        case = KycCaseFactory(status="waiting")

        sent_more(case.customer, at=LATER)

        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN

    @pytest.mark.parametrize("status", words.KYC_STATUSES)
    def test_opens_a_case_for_whom_they_asked(self, status: str) -> None:
        profile = ProfileFactory(in_review=True, kyc_status=status)

        sent_more(profile.customer, at=LATER)

        assert statuses_of(profile) == (["open"] if status == "incomplete" else [])


class TestDocumentsThatCome:
    @pytest.mark.parametrize("status", ["open", "escalated", "waiting"])
    def test_clear_what_was_ticked_without_them(self, status: str) -> None:
        case = KycCaseFactory(status=status, checklist={"name": {"by": "rene@x", "at": "now"}})

        sent_more(case.customer, at=LATER)

        case.refresh_from_db()
        assert case.checklist == {}
        event = AuditEvent.objects.get(verb="customers.case.unticked")
        assert event.before == {"ticked": ["name"]}

    @pytest.mark.parametrize("status", ["proposed", "queued", "sending", "unknown", "decided"])
    def test_leave_alone_what_is_decided_on(self, status: str) -> None:
        case = KycCaseFactory(
            status=status, outcome="approve", checklist={"name": {"by": "rene@x", "at": "now"}}
        )

        sent_more(case.customer, at=LATER)

        case.refresh_from_db()
        assert case.checklist
