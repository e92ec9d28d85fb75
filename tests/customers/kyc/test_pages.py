"""The queue and the review page: who sees what, and nothing that was typed is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from customers import actions
from customers.documents import viewing
from customers.enums import CaseStatus, Outcome
from customers.models import Document, KycCase, Profile
from staff import claims, drafts
from staff.models import AuditEvent, Draft, User
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    DocumentFactory,
    HitFactory,
    HoldFactory,
    KycCaseFactory,
    ScreeningFactory,
)
from tests.customers.kyc.helpers import claimed, lead, propose, reject, reviewer, risky
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.staff.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_then")]


@pytest.fixture(name="_then")
def then() -> Any:
    with at(NOW):
        yield


def page(case: KycCase, part: str = "") -> str:
    return f"/kyc/{case.code}/{part}"


def decide(client: Client, case: KycCase, **typed: Any) -> Any:
    wanted = {"do": "decide", "outcome": "approve", "ticked": sorted(case.checklist)}
    return client.post(page(case, "decide/"), wanted | typed)


def other(number: int) -> dict[str, Any]:
    """Somebody else: the same contact data would make them one person."""
    return {
        "profile__customer__email": f"{number}@example.com",
        "profile__customer__phone": f"+6140000{number:04}",
    }


class TestQueue:
    def test_shows_what_is_to_be_reviewed_due_first(self) -> None:
        late = KycCaseFactory(due_at=NOW - timedelta(hours=1), **other(1))
        KycCaseFactory(due_at=NOW + timedelta(hours=1), **other(2))
        KycCaseFactory(status="waiting", **other(3))

        text = text_of(as_role("reviewer").get("/kyc/"))

        assert text.count('class="id open"') == 2
        assert "Next for you:" in text
        assert (
            f'<a href="/kyc/{late.code}/">{late.code}</a> <span class="quiet">It is late.' in text
        )

    @pytest.mark.parametrize(
        ("tab", "status"),
        [
            ("review", "open"),
            ("second", "proposed"),
            ("escalated", "escalated"),
            ("customer", "waiting"),
            ("flight", "unknown"),
            ("all", "closed"),
        ],
    )
    def test_has_a_tab_for_each_state(self, tab: str, status: str) -> None:
        case = KycCaseFactory(status=status)
        KycCaseFactory(status="decided", **other(1))

        assert case.code in text_of(as_role("reviewer").get(f"/kyc/?tab={tab}"))

    @pytest.mark.parametrize(
        "query",
        [
            "theirs=under_review",
            "risk=low",
            "kind=individual",
            "claimed=nobody",
            "due=late",
            "q=James",
        ],
    )
    def test_narrows(self, query: str) -> None:
        wanted = KycCaseFactory(due_at=NOW)
        unwanted = KycCaseFactory(
            profile__kyc_status="manual_review",
            profile__risk_rating="high",
            profile__kind="business",
            profile__customer__name="Ana",
            **other(1),
        )
        claims.claim(subject=unwanted, by=reviewer(), at=NOW)

        text = text_of(as_role("reviewer").get(f"/kyc/?tab=all&{query}"))

        assert wanted.code in text
        assert f">{unwanted.code}</a><" not in text

    def test_tells_who_looks_and_passes_them_over(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        claims.claim(subject=case, by=person, at=NOW)

        text = text_of(as_role("reviewer").get("/kyc/"))

        assert f"{person.name}, 10 min left" in text
        assert "Next for you" not in text

    def test_shows_hits_holds_and_an_unknown_word(self) -> None:
        case = KycCaseFactory(profile__kyc_status="sent_to_the_moon")
        HitFactory(screening__customer=case.customer)
        HoldFactory(customer=case.customer)

        text = text_of(as_role("reviewer").get("/kyc/"))

        assert "1 open hit" in text
        assert "held" in text
        assert "Sent to the moon" in text

    def test_costs_for_fifty_what_it_costs_for_one(
        self, django_assert_max_num_queries: Any
    ) -> None:
        client = as_role("reviewer")
        KycCaseFactory(ready=True)
        client.get("/kyc/?size=50")
        with django_assert_max_num_queries(40) as one:
            client.get("/kyc/?size=50")
        for number in range(49):
            KycCaseFactory(ready=True, **other(number))
        with django_assert_max_num_queries(len(one)):
            client.get("/kyc/?size=50")


class TestReviewPage:
    @pytest.mark.parametrize("looks", [False, True])
    def test_costs_for_sixteen_documents_and_hits_what_it_costs_for_one(
        self, looks: bool, django_assert_max_num_queries: Any
    ) -> None:
        case, person = KycCaseFactory(), reviewer()
        client = client_of(person)
        screening = ScreeningFactory(customer=case.customer, status="potential_match")

        def more(number: int) -> None:
            for _ in range(number):
                DocumentFactory(
                    customer=case.customer, accepted=True, origin="desk", added_by=UserFactory()
                )
                DocumentFactory(customer=case.customer)
                HitFactory(screening=screening)

        def address() -> str:
            if not looks:
                return page(case)
            word = viewing.begin(case.customer, person=person, at=NOW)
            return f"{page(case)}?{viewing.PARAMETER}={word}"

        more(1)
        client.get(address())
        with django_assert_max_num_queries(80) as one:
            client.get(address())
        more(15)
        with django_assert_max_num_queries(len(one)):
            answer = client.get(address())
        pictures = [
            reverse("customers:document-page", args=[one.key, 1]) for one in Document.objects.all()
        ]
        assert len(pictures) == 32
        assert all((picture in answer.content.decode()) == looks for picture in pictures)

    def test_lays_facts_before_whoever_compares_documents(self) -> None:
        case = KycCaseFactory()

        text = text_of(as_role("reviewer").get(page(case)))

        assert "James Smith" in text
        assert "1990-01-31" in text
        assert "1 King Street" in text
        assert "james@example.com" not in text
        assert "+61412345678" not in text

    def test_shows_the_auditor_the_case_and_no_document(self) -> None:
        case = KycCaseFactory()
        DocumentFactory(customer=case.customer)

        text = text_of(as_role("auditor").get(page(case)))

        assert case.code in text
        assert "1990-01-31" not in text
        assert "Reviewers look at it" in text
        assert 'name="outcome"' not in text

    def test_says_why_somebody_cannot_be_approved(self) -> None:
        case, person = KycCaseFactory(ready=True), reviewer()
        claimed(case, person)
        Document.objects.all().delete()

        text = text_of(client_of(person).get(page(case)))

        assert "A passport, a driving licence or an identity card is missing." in text
        assert 'value="approve" disabled' in text

    def test_shows_whoever_shares_contact_data(self) -> None:
        case = KycCaseFactory()
        CustomerFactory(name="Jim Smith")

        text = text_of(as_role("reviewer").get(page(case)))

        assert "Others with the same contact data" in text
        assert "Jim Smith" in text

    def test_shows_ours_and_theirs_while_they_differ(self) -> None:
        case = KycCaseFactory(ready=True)
        propose(case)

        assert "Ours and theirs differ" in text_of(as_role("reviewer").get(page(case)))
        Profile.objects.update(kyc_status="approved")
        assert "Ours and theirs differ" not in text_of(as_role("reviewer").get(page(case)))

    @pytest.mark.parametrize("status", CaseStatus)
    def test_can_be_read_in_every_status(self, status: CaseStatus) -> None:
        case = KycCaseFactory(status=status, outcome="reject", status_reason="Because.")

        assert as_role("compliance_lead").get(page(case)).status_code == 200

    def test_can_be_read_when_they_tell_nothing_any_more(self) -> None:
        case = KycCaseFactory()
        Profile.objects.all().delete()

        assert "tells nothing" in text_of(as_role("reviewer").get(page(case)))

    def test_writes_nothing(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        before = AuditEvent.objects.count(), Draft.objects.count()

        client_of(person).get(page(case))

        assert (AuditEvent.objects.count(), Draft.objects.count()) == before
        assert not claims.for_subjects("customers.kyccase", [case.pk], NOW)


class TestOnTheCustomersPage:
    def test_is_told_to_those_who_see_cases_alone(self) -> None:
        case = KycCaseFactory()
        reject(case, internal_note="The font is wrong.")
        address = case.customer.get_absolute_url()

        seen = text_of(as_role("reviewer").get(address))
        unseen = text_of(as_role("agent").get(address))

        assert case.code in seen
        assert "The font is wrong." in seen
        assert case.code not in unseen
        assert "The font is wrong." not in unseen


class TestDeciding:
    def test_hands_out_a_receipt_and_the_next_case(self) -> None:
        case, following, person = KycCaseFactory(ready=True), KycCaseFactory(**other(1)), reviewer()
        claimed(case, person)
        client = client_of(person)

        answer = decide(client, case)

        case.refresh_from_db()
        assert answer.status_code == 302
        assert case.status == CaseStatus.DECIDED
        text = text_of(client.get(page(case)))
        assert f"{case.code} is approved." in text
        assert "Audit #" in text
        assert f"Next: {following.code}" in text

    @pytest.mark.parametrize(
        "break_it",
        [
            lambda case: HitFactory(screening__customer=case.customer),
            lambda case: Document.objects.all().delete(),
            lambda case: HoldFactory(customer=case.customer),
        ],
    )
    def test_refuses_an_approval_that_is_not_possible(self, break_it: Any) -> None:
        case, person = KycCaseFactory(ready=True), reviewer()
        claimed(case, person)
        break_it(case)

        answer = decide(client_of(person), case, internal_note="All fine.")

        case.refresh_from_db()
        assert (answer.status_code, case.status) == (409, CaseStatus.OPEN)
        assert "Nothing was decided." in text_of(answer)
        assert "All fine." in text_of(answer)

    def test_refuses_an_approval_with_a_point_unticked(self) -> None:
        case, person = KycCaseFactory(ready=True), reviewer()
        claimed(case, person)

        answer = decide(client_of(person), case, ticked=["name"])

        case.refresh_from_db()
        assert (answer.status_code, case.status) == (409, CaseStatus.OPEN)
        assert "Not ticked yet" in text_of(answer)

    def test_saves_the_checklist_alone(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        claimed(case, person)

        decide(client_of(person), case, do="save", ticked=["name", "born"])

        case.refresh_from_db()
        assert set(case.checklist) == {"name", "born"}
        assert case.status == CaseStatus.OPEN

    def test_writes_the_usual_text_where_there_is_none_and_asks_to_read_it(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        claimed(case, person)
        typed = {"outcome": "ask_again", "ask_again": ["expired", "selfie"]}

        answer = decide(client_of(person), case, **typed)

        assert answer.status_code == 422
        assert "Your document has expired." in text_of(answer)
        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN

    def test_an_expired_claim_loses_no_text(self) -> None:
        case, person = KycCaseFactory(ready=True), reviewer()
        claimed(case, person)
        client = client_of(person)
        with at(NOW + timedelta(minutes=11)):
            answer = decide(client, case, internal_note="The corner was folded.")

            assert answer.status_code == 409
            assert "claim it again" in text_of(answer)
            assert "The corner was folded." in text_of(answer)
            assert "The corner was folded." in text_of(client.get(page(case)))
        kept = drafts.of(subject=case, by=person)
        assert kept is not None

    def test_who_comes_second_is_told_who_and_until_when(self) -> None:
        case, first = KycCaseFactory(), reviewer()
        claimed(case, first)
        client = as_role("reviewer")

        client.post(page(case, "claim/"))

        assert f"{first.name} is looking at this until 10:40 UTC." in text_of(
            client.get(page(case))
        )

    def test_keeps_a_draft_while_it_is_typed(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        client = client_of(person)

        answer = client.post(page(case, "draft/"), {"internal_note": "Hm.", "ticked": ["name"]})

        assert answer.json() == {"kept": True}
        assert "Hm." in text_of(client.get(page(case)))
        assert "Hm." not in text_of(as_role("reviewer").get(page(case)))


class TestSecondPerson:
    def confirm(self, person: User, case: KycCase) -> Any:
        proposal = case.proposals.get()
        return client_of(person).post(page(case, "confirm/"), {"proposal": proposal.pk})

    def test_confirms(self) -> None:
        case = risky()
        propose(case)
        person = lead()

        assert "Approve <b>James Smith</b>" in text_of(
            client_of(person).get(page(case, "confirm/"))
        )
        assert self.confirm(person, case).status_code == 302
        case.refresh_from_db()
        assert (case.status, case.outcome) == (CaseStatus.DECIDED, Outcome.APPROVE)

    def test_sees_the_difference_where_the_evidence_changed(self) -> None:
        case, person = risky(), lead()
        propose(case)
        client = client_of(person)
        assert "Evidence unchanged since" in text_of(client.get(page(case)))
        Profile.objects.update(date_of_birth="1961-01-15")
        assert "The evidence has changed since" in text_of(client.get(page(case)))

        answer = self.confirm(person, case)

        assert answer.status_code == 409
        assert "Date of birth" in text_of(answer)
        assert "1961" not in text_of(answer)
        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN

    def test_is_not_who_proposed(self) -> None:
        case, person = risky(), lead()
        propose(case, by=person)

        assert "You proposed it" in text_of(client_of(person).get(page(case)))
        assert self.confirm(person, case).status_code == 403

    def test_returns_it_with_a_reason(self) -> None:
        case = KycCaseFactory()
        reject(case)

        client_of(lead()).post(
            page(case, "return/"), {"proposal": case.proposals.get().pk, "reason": "Ask first."}
        )

        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN
        assert "Ask first." in text_of(as_role("reviewer").get(page(case)))

    def test_a_stale_proposal_is_not_confirmed(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        proposal = reject(case, by=person).proposal
        actions.withdraw_proposal(
            case_id=case.pk, proposal_id=proposal.pk, reason="No.", by=person, at=NOW
        )

        assert self.confirm(lead(), case).status_code == 409
