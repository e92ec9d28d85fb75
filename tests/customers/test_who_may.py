"""Who may work on a case and its documents: each door against every role.

Whoever may comes past the permission, to whatever stands against the deed then; nobody else does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from customers import actions
from customers.actions import documents, submissions
from customers.actions.documents import DocumentNotPossible
from customers.actions.errors import CaseNotPossible
from customers.enums import CaseStatus, SubmissionStatus
from customers.models import Document, KycCase, Submission
from staff.claims import ClaimedByOther, ClaimLost
from staff.models import AuditEvent, Draft, User
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    DocumentFactory,
    KycCaseFactory,
    SubmissionFactory,
)
from tests.customers.kyc.helpers import claimed, propose, reviewer, risky
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

Deed = Callable[[User], Any]
NOT_JUST_NOW = (
    CaseNotPossible,
    DocumentNotPossible,
    ClaimLost,
    ClaimedByOther,
    Document.DoesNotExist,
)


def case_for(by: User, **told: Any) -> KycCase:
    """A case that this person has claimed, whoever they are."""
    return claimed(KycCaseFactory(**told), by)


def proposal(**told: Any) -> dict[str, Any]:
    made = propose(risky(), **told)
    assert made.proposal.case.status == CaseStatus.PROPOSED
    return {"case_id": made.case.pk, "proposal_id": made.proposal.pk}


def submission() -> Submission:
    made: Submission = SubmissionFactory(status=SubmissionStatus.UNKNOWN)
    return made


DEEDS: dict[str, tuple[Permission, Deed]] = {
    "save_checklist": (
        Permission.PROPOSE_KYC,
        lambda by: actions.save_checklist(case_id=case_for(by).pk, ticked=[], by=by, at=NOW),
    ),
    "escalate_case": (
        Permission.PROPOSE_KYC,
        lambda by: actions.escalate_case(case_id=case_for(by).pk, reason="Odd.", by=by, at=NOW),
    ),
    "reopen_case that waits": (
        Permission.PROPOSE_KYC,
        lambda by: actions.reopen_case(
            case_id=KycCaseFactory(status="waiting").pk, reason="They wrote.", by=by, at=NOW
        ),
    ),
    "reopen_case that was escalated": (
        Permission.CONFIRM_KYC,
        lambda by: actions.reopen_case(
            case_id=KycCaseFactory(status="escalated").pk, reason="Not odd.", by=by, at=NOW
        ),
    ),
    "recall_decision": (
        Permission.PROPOSE_KYC,
        lambda by: actions.recall_decision(
            case_id=KycCaseFactory(status="queued").pk, reason="Wrong one.", by=by, at=NOW
        ),
    ),
    "look_for_decision": (
        Permission.PROPOSE_KYC,
        lambda by: actions.look_for_decision(
            case_id=KycCaseFactory(status="unknown").pk, by=by, at=NOW
        ),
    ),
    "keep_draft": (
        Permission.PROPOSE_KYC,
        lambda by: actions.keep_draft(case=KycCaseFactory(), data={"n": "x"}, by=by, at=NOW),
    ),
    "return_proposal": (
        Permission.CONFIRM_KYC,
        lambda by: actions.return_proposal(**proposal(), reason="Look again.", by=by, at=NOW),
    ),
    "withdraw_proposal": (
        Permission.PROPOSE_KYC,
        lambda by: actions.withdraw_proposal(**proposal(), reason="A slip.", by=by, at=NOW),
    ),
    "look_for_submission": (
        Permission.PROPOSE_KYC,
        lambda by: submissions.look_for_submission(code=submission().code, by=by, at=NOW),
    ),
    "settle_submission": (
        Permission.PROPOSE_KYC,
        lambda by: submissions.settle_submission(
            code=submission().code, is_there=True, reason="I looked.", by=by, at=NOW
        ),
    ),
    "take_original": (
        Permission.SEE_KYC_DOCUMENTS,
        lambda by: documents.take_original(document_key=uuid.uuid4(), by=by, at=NOW),
    ),
    "note_looking": (
        Permission.SEE_KYC_DOCUMENTS,
        lambda by: documents.note_looking(
            customer=CustomerFactory(), documents=[DocumentFactory()], by=by, at=NOW
        ),
    ),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", DEEDS)
def test_each_door_asks_for_its_permission(name: str, role: Role) -> None:
    permission, deed = DEEDS[name]
    person = UserFactory(roles=[role])

    try:
        deed(person)
    except NotPermitted:
        assert permission not in ROLES[role]
        assert not AuditEvent.objects.filter(by=person).exists()
        assert not Draft.objects.exists()
    except NOT_JUST_NOW:
        assert permission in ROLES[role]  # permitted, and not possible just now
    else:
        assert permission in ROLES[role]


@pytest.mark.parametrize("name", DEEDS)
def test_each_door_is_shut_to_who_has_no_role(name: str) -> None:
    _permission, deed = DEEDS[name]

    with pytest.raises(NotPermitted):
        deed(UserFactory(roles=[]))


def test_a_proposal_is_withdrawn_by_who_made_it() -> None:
    person = reviewer()

    case = actions.withdraw_proposal(**proposal(by=person), reason="A slip.", by=person, at=NOW)

    assert case.status == CaseStatus.OPEN
