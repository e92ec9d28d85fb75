"""Cases as the tests of the KYC desk need them, and people who have claimed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from customers import actions
from customers.actions import Receipt
from customers.enums import Outcome
from customers.kyc import following
from customers.models import Customer, KycCase, Profile, Proposal
from staff import claims
from staff.journal import Journal
from staff.models import User
from tests.customers.factories import NOW, KycCaseFactory
from tests.staff.factories import UserFactory


def reviewer() -> User:
    return UserFactory(roles=["reviewer"])


def lead() -> User:
    return UserFactory(roles=["compliance_lead"])


def claimed(case: KycCase, by: User) -> KycCase:
    claims.claim(subject=case, by=by, at=NOW)
    return case


def propose(case: KycCase, *, by: User | None = None, **told: Any) -> Receipt:
    """An approval by a reviewer who has claimed the case, unless told otherwise."""
    by = by or reviewer()
    claimed(case, by)
    wanted: dict[str, Any] = {
        "outcome": Outcome.APPROVE,
        "codes": [],
        "customer_text": "",
        "internal_note": "",
        "at": NOW,
    } | told
    return actions.propose_decision(case_id=case.pk, by=by, **wanted)


def reject(case: KycCase, **told: Any) -> Receipt:
    wanted = {"codes": ["forged"], "customer_text": "No.", "internal_note": "The font is wrong."}
    return propose(case, outcome=Outcome.REJECT, **(wanted | told))


def ask_again(case: KycCase, **told: Any) -> Receipt:
    wanted = {"codes": ["expired"], "customer_text": "Please send a valid one."}
    return propose(case, outcome=Outcome.ASK_AGAIN, **(wanted | told))


def confirm(proposal: Proposal, *, by: User | None = None) -> Receipt:
    return actions.confirm_decision(
        case_id=proposal.case_id, proposal_id=proposal.pk, by=by or lead(), at=NOW
    )


def risky(**told: Any) -> KycCase:
    """A case that two people decide and that could be approved now."""
    return KycCaseFactory(profile__risk_rating="high", ready=True, **told)


def follow(profiles: Iterable[Profile], *, at: datetime) -> None:
    """What the mirror does with profiles that it has just written."""
    with transaction.atomic():
        journal = Journal(by=None, at=at, by_label="Lux Financial")
        following.follow(profiles, journal=journal)
        journal.write()


def sent_more(customer: Customer, *, at: datetime) -> None:
    """What is done with documents that somebody has just put in."""
    with transaction.atomic():
        journal = Journal(by=None, at=at, by_label="Lux Financial")
        following.sent_more(customer, journal=journal)
        journal.write()
