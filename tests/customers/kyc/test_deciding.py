"""Proposing and confirming: who, when, and on what evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from customers import actions
from customers.actions.errors import (
    AlreadyMoved,
    Blocked,
    CaseNotPossible,
    EvidenceChanged,
    EvidenceIsYours,
    Incomplete,
    ProposerCannotConfirm,
)
from customers.enums import CaseStatus, DocumentVerdict, HitState, HoldKind, Outcome, ProposalState
from customers.kyc import checklist, evidence, standing
from customers.models import Customer, Document, KycCase, Profile, Screening
from staff import audit, claims, drafts
from staff.models import AuditEvent, Draft
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    DocumentFactory,
    HitFactory,
    HoldFactory,
    KycCaseFactory,
    ProfileFactory,
    ScreeningFactory,
)
from tests.customers.kyc.helpers import (
    ask_again,
    claimed,
    confirm,
    lead,
    propose,
    reject,
    reviewer,
    risky,
)
from tests.staff.factories import UserFactory
from upstreams.models import Command

pytestmark = pytest.mark.django_db


def ready(**told: Any) -> KycCase:
    return KycCaseFactory(ready=True, **told)


class TestProposing:
    def test_one_person_approves_where_the_risk_is_low(self) -> None:
        receipt = propose(ready())

        receipt.case.refresh_from_db()
        assert receipt.case.status == CaseStatus.DECIDED
        assert receipt.case.outcome == Outcome.APPROVE
        assert receipt.proposal.state == ProposalState.ALONE
        assert "Lux Financial" in receipt.case.status_reason  # nothing is sent by default
        assert receipt.audit.verb == "customers.case.decided"
        assert audit.verify().ok

    @pytest.mark.parametrize(
        ("risk", "two"), [("low", False), ("medium", False), ("high", True), ("odd", True)]
    )
    def test_two_decide_where_the_risk_is_high_or_unheard_of(self, risk: str, two: bool) -> None:
        receipt = propose(ready(profile__risk_rating=risk))

        assert receipt.case.status == (CaseStatus.PROPOSED if two else CaseStatus.DECIDED)

    def test_the_setting_says_at_which_risk(self, settings: Any) -> None:
        settings.KYC_SECOND_PERSON = ["medium"]

        assert propose(ready(profile__risk_rating="medium")).case.status == CaseStatus.PROPOSED
        assert (
            propose(ready(profile__risk_rating="high", profile__email="b@example.com")).case.status
            == CaseStatus.DECIDED
        )

    def test_every_rejection_takes_two(self) -> None:
        assert reject(KycCaseFactory()).case.status == CaseStatus.PROPOSED

    def test_what_was_escalated_takes_two(self) -> None:
        case, person = ready(), reviewer()
        claimed(case, person)
        actions.escalate_case(case_id=case.pk, reason="Odd.", by=person, at=NOW)

        receipt = propose(case, by=person)

        assert receipt.case.status == CaseStatus.PROPOSED

    def test_asking_again_waits_for_the_customer(self) -> None:
        receipt = ask_again(KycCaseFactory())

        assert receipt.case.status == CaseStatus.WAITING
        assert receipt.proposal.customer_text == "Please send a valid one."

    def test_the_same_click_twice_decides_once(self) -> None:
        case, person = risky(), reviewer()
        first = propose(case, by=person)

        again = propose(case, by=person)

        assert again.repeated
        assert again.proposal == first.proposal

    def test_brings_its_ticks_along_in_one_event(self) -> None:
        case = ready()
        codes = sorted(case.checklist)
        KycCase.objects.update(checklist={})

        receipt = propose(case, ticked=codes)

        receipt.case.refresh_from_db()
        assert sorted(receipt.case.checklist) == codes
        assert AuditEvent.objects.filter(verb="customers.case.ticked").count() == 1

    def test_forgets_the_draft_and_gives_the_claim_back(self) -> None:
        case, person = ready(), reviewer()
        actions.keep_draft(case=case, data={"internal_note": "Hm."}, by=person, at=NOW)

        propose(case, by=person)

        assert drafts.of(subject=case, by=person) is None
        assert claims.for_subjects("customers.kyccase", [case.pk], NOW) == {}

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        person = UserFactory(roles=[role])
        if Permission.PROPOSE_KYC in ROLES[role]:
            assert propose(ready(), by=person).proposal.proposed_by == person
            return
        with pytest.raises(NotPermitted):
            propose(ready(), by=person)

    def test_needs_a_claim_of_ones_own(self) -> None:
        case, person = ready(), reviewer()
        told: dict[str, Any] = {
            "case_id": case.pk,
            "outcome": Outcome.APPROVE,
            "codes": [],
            "customer_text": "",
            "internal_note": "",
            "by": person,
        }
        with pytest.raises(claims.ClaimLost):
            actions.propose_decision(**told, at=NOW)
        claimed(case, person)
        with pytest.raises(claims.ClaimLost):
            actions.propose_decision(**told, at=NOW + timedelta(minutes=11))
        claims.claim(subject=case, by=reviewer(), at=NOW + timedelta(minutes=11))
        with pytest.raises(claims.ClaimedByOther):
            actions.propose_decision(**told, at=NOW + timedelta(minutes=12))

        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN

    @pytest.mark.parametrize(
        ("told", "field"),
        [
            ({"outcome": Outcome.REJECT, "internal_note": "x", "customer_text": "x"}, "codes"),
            ({"outcome": Outcome.REJECT, "codes": ["forged"], "customer_text": "x"}, "internal"),
            ({"outcome": Outcome.REJECT, "codes": ["forged"], "internal_note": "x"}, "customer"),
            ({"outcome": Outcome.ASK_AGAIN, "customer_text": "x"}, "codes"),
            (
                {
                    "outcome": Outcome.ASK_AGAIN,
                    "codes": ["forged"],
                    "customer_text": "x",
                },
                "codes",
            ),
            ({"codes": ["forged"]}, "codes"),
        ],
    )
    def test_says_what_is_missing(self, told: dict[str, Any], field: str) -> None:
        with pytest.raises(Incomplete) as refusal:
            propose(ready(), **told)

        assert any(name.startswith(field) for name in refusal.value.errors)

    def test_refuses_what_does_not_follow_there(self) -> None:
        case = KycCaseFactory(profile__kyc_status="awaiting_ubo")

        person = reviewer()
        with pytest.raises(CaseNotPossible, match="awaiting_ubo"):
            reject(case, by=person)
        assert ask_again(case, by=person).case.status == CaseStatus.WAITING

    @pytest.mark.parametrize("status", set(CaseStatus) - {CaseStatus.OPEN, CaseStatus.ESCALATED})
    def test_refuses_a_case_that_is_not_to_be_reviewed(self, status: CaseStatus) -> None:
        case = ready()
        KycCase.objects.update(status=status)

        with pytest.raises(AlreadyMoved):
            propose(case)


def _untick(case: KycCase) -> None:
    case.checklist.popitem()
    case.save()


def _screened_elsewhere(case: KycCase) -> None:
    Screening.objects.all().delete()
    ScreeningFactory(customer=CustomerFactory(merged_into=case.customer))


# What makes an approval impossible, one thing at a time.
BLOCKS: dict[str, Callable[[KycCase], object]] = {
    "a point that nobody ticked": _untick,
    "an open hit": lambda case: HitFactory(screening__customer=case.customer),
    "a hit nobody is sure of": lambda case: HitFactory(
        screening__customer=case.customer,
        state=HitState.UNSURE,
        judged_by=lead(),
        judged_at=NOW,
        judged_reason="?",
    ),
    "a hit that is them": lambda case: HitFactory(
        screening__customer=case.customer,
        state=HitState.TRUE,
        judged_by=lead(),
        judged_at=NOW,
        judged_reason="It is.",
    ),
    "no screening": lambda case: Screening.objects.all().delete(),
    "another name than was screened": lambda case: Profile.objects.update(last_name="Doe"),
    "another birthday than was screened": lambda case: Profile.objects.update(
        date_of_birth="1961-01-15"
    ),
    "a screening under way": lambda case: actions.screen_now(
        customer=case.customer, by=reviewer(), at=NOW
    ),
    "a screening of another row alone": _screened_elsewhere,
    "a profile of theirs that nobody screened": lambda case: ProfileFactory(
        customer__merged_into=case.customer
    ),
    "no document": lambda case: Document.objects.all().delete(),
    "an erased document": lambda case: Document.objects.update(erased_at=NOW),
    "a document nobody judged": lambda case: Document.objects.update(
        verdict="", verdict_by=None, verdict_at=None
    ),
    "a document that was rejected": lambda case: Document.objects.update(
        verdict=DocumentVerdict.REJECTED
    ),
    "a newer picture of the same": lambda case: DocumentFactory(
        customer=case.customer, added_at=NOW + timedelta(hours=1)
    ),
    "another hold": lambda case: HoldFactory(customer=case.customer),
    "a hold on who is the same": lambda case: HoldFactory(
        customer=CustomerFactory(merged_into=case.customer)
    ),
    "their rules": lambda case: Profile.objects.update(kyc_status="incomplete"),
    "a word of theirs that nobody knows": lambda case: Profile.objects.update(kyc_status="moon"),
}


class TestApproving:
    @pytest.mark.parametrize(
        ("what", "says"),
        [
            ("another name than was screened", "changed since they were screened"),
            ("a screening under way", "A screening is under way"),
            ("a screening of another row alone", "never screened"),
            ("a profile of theirs that nobody screened", "each of their profiles"),
        ],
    )
    def test_says_what_is_wrong_with_the_screening(self, what: str, says: str) -> None:
        case = ready()
        BLOCKS[what](case)
        case.refresh_from_db()

        (check,) = standing.blocks(case, Profile.objects.get(customer=case.customer))

        assert says in check.text

    def test_is_possible_again_once_they_are_screened_as_they_are(self) -> None:
        case = ready()
        Profile.objects.update(last_name="Doe")
        case.refresh_from_db()
        ScreeningFactory(customer=Customer.objects.get(), asked_at=NOW + timedelta(hours=1))

        assert propose(case).case.status == CaseStatus.DECIDED

    @pytest.mark.parametrize("what", BLOCKS)
    def test_is_impossible_with(self, what: str) -> None:
        case = ready()
        BLOCKS[what](case)
        case.refresh_from_db()

        with pytest.raises(Blocked) as refusal:
            propose(case)

        assert refusal.value.checks
        case.refresh_from_db()
        assert case.status == CaseStatus.OPEN

    def test_is_not_hindered_by_the_hold_of_the_review_itself(self) -> None:
        case = ready()
        HoldFactory(customer=case.customer, kind=HoldKind.KYC)

        assert propose(case).case.status == CaseStatus.DECIDED

    def test_needs_both_sides_of_a_card(self) -> None:
        case, person = ready(), reviewer()
        Document.objects.update(kind="national_id")
        with pytest.raises(Blocked, match="Back: missing"):
            propose(case, by=person)
        DocumentFactory(customer=case.customer, kind="national_id", side="back", accepted=True)

        assert propose(case, by=person).case.status == CaseStatus.DECIDED

    def test_asks_of_a_business_for_its_registration(self) -> None:
        case, person = ready(profile__business_kind=True), reviewer()
        assert "owners" in case.checklist
        Document.objects.update(kind="passport")
        with pytest.raises(Blocked, match="Company registration"):
            propose(case, by=person)
        Document.objects.update(kind="registration")

        assert propose(case, by=person).case.status == CaseStatus.DECIDED

    @pytest.mark.parametrize("decide", [propose, reject])
    def test_is_not_for_who_brought_the_evidence(self, decide: Callable[..., object]) -> None:
        case, person = ready(), reviewer()
        DocumentFactory(customer=case.customer, kind="other", added_by=person)

        with pytest.raises(EvidenceIsYours):
            decide(case, by=person)
        assert ask_again(case, by=person).case.status == CaseStatus.WAITING


class TestConfirming:
    def test_decides(self) -> None:
        proposal = propose(risky()).proposal
        person = lead()

        receipt = confirm(proposal, by=person)

        proposal.refresh_from_db()
        assert (proposal.state, proposal.closed_by) == (ProposalState.CONFIRMED, person)
        assert receipt.case.status == CaseStatus.DECIDED
        assert audit.verify().ok

    def test_the_same_click_twice_decides_once(self) -> None:
        proposal, person = propose(risky()).proposal, lead()
        confirm(proposal, by=person)

        assert confirm(proposal, by=person).repeated
        assert AuditEvent.objects.filter(verb="customers.case.confirmed").count() == 1

    @pytest.mark.parametrize("is_superuser", [False, True])
    def test_is_not_for_who_proposed_it(self, is_superuser: bool) -> None:
        person = UserFactory(roles=["compliance_lead"], is_superuser=is_superuser)
        proposal = propose(risky(), by=person).proposal

        with pytest.raises(ProposerCannotConfirm):
            confirm(proposal, by=person)

        proposal.refresh_from_db()
        assert proposal.state == ProposalState.OPEN
        assert AuditEvent.objects.filter(verb="customers.case.confirmation_refused").exists()

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        proposal, person = reject(KycCaseFactory()).proposal, UserFactory(roles=[role])
        if Permission.CONFIRM_KYC in ROLES[role]:
            assert confirm(proposal, by=person).case.status == CaseStatus.DECIDED
            return
        with pytest.raises(NotPermitted):
            confirm(proposal, by=person)

    def test_a_superuser_without_a_role_may_not(self) -> None:
        proposal = reject(KycCaseFactory()).proposal

        with pytest.raises(NotPermitted):
            confirm(proposal, by=UserFactory(is_superuser=True))

    def test_is_not_for_who_brought_the_evidence(self) -> None:
        case, person = risky(), lead()
        DocumentFactory(customer=case.customer, kind="other", added_by=person)
        proposal = propose(case).proposal

        with pytest.raises(EvidenceIsYours):
            confirm(proposal, by=person)

    def test_waits_for_who_is_looking_at_it(self) -> None:
        proposal = propose(risky()).proposal
        claims.claim(subject=proposal.case, by=lead(), at=NOW)

        with pytest.raises(claims.ClaimedByOther):
            confirm(proposal)


# What makes a proposal void, and what the difference is called.
CHANGES: dict[str, Callable[[KycCase], object]] = {
    "Date of birth": lambda case: Profile.objects.update(date_of_birth="1961-01-15"),
    "First name": lambda case: Profile.objects.update(first_name="John"),
    "Address": lambda case: Profile.objects.update(address={"line1": "Elsewhere"}),
    "Risk": lambda case: Profile.objects.update(risk_rating="medium"),
    "KYC status at Lux Financial": lambda case: Profile.objects.update(kyc_status="manual_review"),
    "Passport, Front": lambda case: Document.objects.update(sha256="f" * 64),
    "Passport, Selfie": lambda case: DocumentFactory(customer=case.customer, side="selfie"),
    "Screening": lambda case: Screening.objects.update(asked_digest="a" * 64),
    "Screening hit": lambda case: HitFactory(screening__customer=case.customer),
    "Hold": lambda case: HoldFactory(customer=case.customer),
    "Checklist": lambda case: KycCase.objects.update(checklist={}),
}


SCREENED = ("Date of birth", "First name")  # what they were screened by


class TestEvidence:
    @pytest.mark.parametrize("label", CHANGES)
    def test_that_changed_voids_the_proposal_and_says_what(self, label: str) -> None:
        case = risky()
        proposal = propose(case).proposal
        CHANGES[label](case)

        with pytest.raises(EvidenceChanged) as refusal:
            confirm(proposal)

        said = [str(one.label) for one in refusal.value.differences]
        assert said == [label, *(["Screening"] if label in SCREENED else [])]
        proposal.refresh_from_db()
        case.refresh_from_db()
        assert (proposal.state, case.status) == (ProposalState.VOID, CaseStatus.OPEN)
        assert not Command.objects.exists()

    def test_holds_no_personal_value_in_clear(self) -> None:
        proposal = propose(risky()).proposal
        profile = Profile.objects.get()

        kept = str(proposal.evidence)
        trail = str(list(AuditEvent.objects.values_list("before", "after", "reason")))
        for value in (
            profile.date_of_birth,
            profile.email,
            profile.phone,
            profile.last_name,
            profile.address["line1"],
        ):
            assert value not in kept
            assert value not in trail

    def test_names_a_change_whose_mask_is_the_same(self) -> None:
        case = risky()
        proposal = propose(case).proposal
        Profile.objects.update(date_of_birth="1990-01-16")

        with pytest.raises(EvidenceChanged) as refusal:
            confirm(proposal)

        change, screening = refusal.value.differences
        assert str(change.after) == "•••• (another one)"
        assert (str(screening.before), str(screening.after)) == (
            "screened as they are",
            "not screened as they are",
        )

    def test_costs_for_fifty_what_it_costs_for_one(self, django_assert_num_queries: Any) -> None:
        case = risky()
        profile = Profile.objects.get()
        with django_assert_num_queries(6):
            evidence.gather(case, profile)
        for _ in range(49):
            DocumentFactory(customer=case.customer)
        with django_assert_num_queries(6):
            evidence.gather(case, profile)


class TestGivingBack:
    def test_returns_it_to_the_reviewers(self) -> None:
        proposal = reject(KycCaseFactory()).proposal

        case = actions.return_proposal(
            case_id=proposal.case_id, proposal_id=proposal.pk, reason="Ask.", by=lead(), at=NOW
        )

        proposal.refresh_from_db()
        assert (case.status, proposal.state) == (CaseStatus.OPEN, ProposalState.RETURNED)

    def test_only_who_proposed_takes_it_back(self) -> None:
        person = reviewer()
        proposal = reject(KycCaseFactory(), by=person).proposal
        told: dict[str, Any] = {
            "case_id": proposal.case_id,
            "proposal_id": proposal.pk,
            "reason": "Wrong one.",
            "at": NOW,
        }
        with pytest.raises(CaseNotPossible, match="Only who proposed"):
            actions.withdraw_proposal(by=reviewer(), **told)

        assert actions.withdraw_proposal(by=person, **told).status == CaseStatus.OPEN

    def test_an_escalated_case_goes_back_to_where_it_was(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        claimed(case, person)
        actions.escalate_case(case_id=case.pk, reason="Odd.", by=person, at=NOW)
        proposal = reject(case, by=person).proposal

        case = actions.withdraw_proposal(
            case_id=case.pk, proposal_id=proposal.pk, reason="No.", by=person, at=NOW
        )

        assert case.status == CaseStatus.ESCALATED


class TestReopening:
    def test_only_a_lead_hands_an_escalated_case_back_and_it_takes_two_still(self) -> None:
        case, person, by = ready(), reviewer(), lead()
        claimed(case, person)
        actions.escalate_case(case_id=case.pk, reason="Odd.", by=person, at=NOW)
        with pytest.raises(NotPermitted):
            actions.reopen_case(case_id=case.pk, reason="Fine.", by=person, at=NOW)

        case = actions.reopen_case(case_id=case.pk, reason="Fine.", by=by, at=NOW)

        assert (case.status, case.desk) == (CaseStatus.OPEN, CaseStatus.OPEN)
        assert propose(case, by=by).case.status == CaseStatus.PROPOSED

    def test_takes_up_what_waits_for_the_customer(self) -> None:
        case = KycCaseFactory(status="waiting")

        assert (
            actions.reopen_case(case_id=case.pk, reason="By post.", by=reviewer(), at=NOW).status
            == CaseStatus.OPEN
        )


class TestChecklist:
    def test_keeps_whose_tick_it_is(self) -> None:
        case, first, second = KycCaseFactory(), reviewer(), reviewer()
        claimed(case, first)
        actions.save_checklist(case_id=case.pk, ticked=["name"], by=first, at=NOW)
        claims.release(subject=case, by=first, at=NOW)
        claimed(case, second)

        saved = actions.save_checklist(case_id=case.pk, ticked=["name", "born"], by=second, at=NOW)

        told = {code: mark["by"] for code, mark in saved.checklist.items()}
        assert told == {"name": first.email, "born": second.email}

    def test_knows_no_point_that_is_not_asked_for(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        claimed(case, person)

        saved = actions.save_checklist(case_id=case.pk, ticked=["owners", "x"], by=person, at=NOW)

        assert saved.checklist == {}
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("business", [True, False])
    @pytest.mark.parametrize("risk", ["low", "medium", "high", "odd"])
    def test_asks_for_more_where_the_risk_is_high(self, business: bool, risk: str) -> None:
        case = KycCaseFactory(profile__business_kind=business, profile__risk_rating=risk)

        codes = {point.code for point in checklist.needed(case.customer.profile)}

        assert ({"funds", "media"} <= codes) == (risk in {"high", "odd"})
        assert ("owners" in codes) == business == ("selfie" not in codes)


class TestDrafts:
    def test_are_for_who_wrote_them(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        actions.keep_draft(case=case, data={"internal_note": "Hm."}, by=person, at=NOW)
        actions.keep_draft(case=case, data={"internal_note": "Hm, hm."}, by=person, at=NOW)

        kept = drafts.of(subject=case, by=person)

        assert kept is not None
        assert kept.data == {"internal_note": "Hm, hm."}
        assert drafts.of(subject=case, by=reviewer()) is None

    def test_keep_no_nul(self) -> None:
        """PostgreSQL would take no row that has one."""
        case, person = KycCaseFactory(), reviewer()
        typed = {"internal_note": "a\x00b", "ticked": ["x\x00", "name"]}

        actions.keep_draft(case=case, data=typed, by=person, at=NOW)

        kept = drafts.of(subject=case, by=person)
        assert kept is not None
        assert kept.data == {"internal_note": "ab", "ticked": ["x", "name"]}

    def test_are_forgotten_in_the_end(self) -> None:
        case, person = KycCaseFactory(), reviewer()
        actions.keep_draft(case=case, data={}, by=person, at=NOW)

        drafts.forget_old(at=NOW + timedelta(days=30))
        assert Draft.objects.exists()
        drafts.forget_old(at=NOW + timedelta(days=31))
        assert not Draft.objects.exists()
