"""Two people, or a person and the world, at the same moment: decided once, on what was seen."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from customers import actions
from customers.actions.errors import AlreadyMoved, EvidenceChanged
from customers.enums import CaseStatus, HoldKind, Outcome, ProposalState
from customers.models import Hold, KycCase, Profile
from staff import audit, claims
from staff.models import AuditEvent, User
from tests.customers.factories import NOW, KycCaseFactory, ProfileFactory
from tests.customers.kyc.helpers import confirm, follow, lead, propose, reviewer, risky
from tests.payments.test_races import at_once, refusals
from tests.support.rounds import rounds
from upstreams.models import Command

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _decisions_are_sent(settings: Any) -> None:
    settings.LUX_PUSH_KYC_DECISION = True


def somebody(number: int) -> dict[str, str]:
    return {
        "profile__customer__email": f"{number}@example.com",
        "profile__customer__phone": f"+6140000{number:04}",
    }


def test_two_claim_at_once() -> None:
    rita, ron = reviewer(), reviewer()
    for number in range(rounds(20)):
        case = KycCaseFactory(**somebody(number))

        def claiming(by: User, case: KycCase = case) -> Any:
            return claims.claim(subject=case, by=by, at=NOW)

        results = at_once(lambda: claiming(rita), lambda: claiming(ron))  # noqa: B023

        assert len(refusals(results, claims.ClaimedByOther)) == 1


def test_two_workers_open_one_case() -> None:
    for number in range(rounds(20)):
        profile = ProfileFactory(in_review=True, customer__email=f"{number}@example.com")

        results = at_once(
            lambda: follow([profile], at=NOW),  # noqa: B023
            lambda: follow([profile], at=NOW),  # noqa: B023
        )

        assert not refusals(results)
        assert KycCase.objects.filter(customer=profile.customer).count() == 1
    assert audit.verify().ok


def test_two_confirm_at_once() -> None:
    cora, carl = lead(), lead()
    for number in range(rounds(20)):
        proposal = propose(risky(**somebody(number))).proposal

        results = at_once(
            lambda: confirm(proposal, by=cora),  # noqa: B023
            lambda: confirm(proposal, by=carl),  # noqa: B023
        )

        refused = refusals(results, AlreadyMoved, claims.ClaimedByOther)
        assert len(refused) == 1
        assert Command.objects.filter(subject_id=str(proposal.case_id)).count() == 1
    assert audit.verify().ok


def test_a_hold_placed_during_the_confirmation() -> None:
    cora, rita = lead(), reviewer()
    for number in range(rounds(20)):
        case = risky(**somebody(number))
        proposal = propose(case).proposal

        confirmed, held = at_once(
            lambda: confirm(proposal, by=cora),  # noqa: B023
            lambda: actions.place_hold(
                customer=case.customer,  # noqa: B023
                kind=HoldKind.MANUAL,
                reason="Asked for by the police.",
                by=rita,
                at=NOW,
            ),
        )

        assert isinstance(held, Hold), held
        refusals([confirmed], EvidenceChanged)
        confirmed_at = _number("customers.case.confirmed", case.pk)
        held_at = AuditEvent.objects.get(
            verb="customers.hold.placed", subject_id=str(case.customer_id)
        ).sequence
        proposal.refresh_from_db()
        # Whichever came first on the trail: it is void, or was confirmed before there was a hold.
        assert (proposal.state == ProposalState.VOID) == (confirmed_at is None)
        assert confirmed_at is None or confirmed_at < held_at


def test_a_profile_that_changes_during_the_confirmation() -> None:
    cora = lead()
    for number in range(rounds(20)):
        case = risky(**somebody(number))
        proposal = propose(case).proposal

        def change(customer: int = case.customer_id) -> int:
            return Profile.objects.filter(customer=customer).update(first_name="John")

        confirmed, changed = at_once(lambda: confirm(proposal, by=cora), change)  # noqa: B023

        assert changed == 1
        refusals([confirmed], EvidenceChanged)
        case.refresh_from_db()
        proposal.refresh_from_db()
        if proposal.state == ProposalState.VOID:
            assert case.status == CaseStatus.OPEN
            assert not Command.objects.filter(subject_id=str(case.pk)).exists()
        else:
            assert (case.status, case.outcome) == (CaseStatus.QUEUED, Outcome.APPROVE)


def test_what_they_decide_during_the_confirmation() -> None:
    cora = lead()
    for number in range(rounds(20)):
        case = risky(**somebody(number))
        proposal = propose(case).proposal
        profile = Profile.objects.get(customer=case.customer)
        profile.kyc_status = "rejected"

        def tell(profile: Profile = profile) -> None:
            with transaction.atomic():
                profile.save()
                follow([profile], at=NOW)

        results = at_once(lambda: confirm(proposal, by=cora), tell)  # noqa: B023

        refusals(results, AlreadyMoved)
        case.refresh_from_db()
        assert case.status in (CaseStatus.CLOSED, CaseStatus.QUEUED)
    assert audit.verify().ok


def _number(verb: str, case_id: int) -> int | None:
    events = AuditEvent.objects.filter(verb=verb, subject_id=str(case_id))
    return events.values_list("sequence", flat=True).first()
