"""What people do with a KYC case before they decide it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.actions.common import stated, under_locks
from customers.actions.errors import AlreadyMoved, CaseNotPossible
from customers.enums import CaseStatus
from customers.kyc import checklist, following, sending
from customers.kyc.moves import move, note
from customers.models import REVIEWABLE, KycCase, Profile
from staff import claims, drafts
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox

_REOPENABLE: Final = (CaseStatus.WAITING, CaseStatus.ESCALATED)


def save_checklist(*, case_id: int, ticked: Iterable[str], by: User, at: datetime) -> KycCase:
    """Keep exactly these points ticked: one event, whatever changed.

    Raises NotPermitted, AlreadyMoved, ClaimLost, ClaimedByOther.
    """
    require(by, Permission.PROPOSE_KYC)
    with transaction.atomic():
        case, profile = under_locks(case_id)
        refuse_unless_reviewed(case, by=by, at=at)
        journal = Journal(by=by, at=at)
        tick(case, profile, ticked, journal=journal)
        journal.write()
    return case


def tick(case: KycCase, profile: Profile, wanted: Iterable[str], *, journal: Journal) -> None:
    """Write the list of a locked case and note what changed, if anything did."""
    assert journal.by is not None
    before = case.checklist
    after = checklist.ticked(before, wanted, profile, by=journal.by, at=journal.at)
    if set(after) == set(before):
        return
    case.checklist = after
    case.save(update_fields=["checklist"])
    note(
        journal, "ticked", case, before={"points": sorted(before)}, after={"points": sorted(after)}
    )


def escalate_case(*, case_id: int, reason: str, by: User, at: datetime) -> KycCase:
    """Hand a case up to the leads: from now on every decision about it takes two people.

    Raises NotPermitted, Incomplete, AlreadyMoved, ClaimLost, ClaimedByOther.
    """
    require(by, Permission.PROPOSE_KYC)
    reason = stated(reason)
    with transaction.atomic():
        case, _profile = under_locks(case_id)
        if case.status == CaseStatus.ESCALATED:
            raise AlreadyMoved(case)
        refuse_unless_reviewed(case, by=by, at=at)
        journal = Journal(by=by, at=at)
        move(
            case,
            CaseStatus.ESCALATED,
            journal=journal,
            reason=reason,
            escalated_at=at,
            was_escalated=True,
        )
        claims.release(subject=case, by=by, at=at)
        journal.write()
    return case


def reopen_case(*, case_id: int, reason: str, by: User, at: datetime) -> KycCase:
    """Take up again what waits for the customer, or hand an escalated case back to the reviewers.

    The latter is for those who confirm, and to decide it takes two people still. Raises
    NotPermitted, Incomplete, AlreadyMoved.
    """
    require(by, Permission.PROPOSE_KYC)
    reason = stated(reason)
    with transaction.atomic():
        case, profile = under_locks(case_id)
        if case.status not in _REOPENABLE:
            raise AlreadyMoved(case)
        if case.status == CaseStatus.ESCALATED:
            require(by, Permission.CONFIRM_KYC)
        journal = Journal(by=by, at=at)
        move(
            case,
            CaseStatus.OPEN,
            journal=journal,
            verb="reopened",
            reason=reason,
            escalated_at=None if case.status == CaseStatus.ESCALATED else case.escalated_at,
            due_at=following.due_at(profile, at=at),
        )
        journal.write()
    return case


def recall_decision(*, case_id: int, reason: str, by: User, at: datetime) -> KycCase:
    """Take back a decision that has not left yet: the case is reviewed anew.

    What two people decided takes two again.

    Raises NotPermitted, Incomplete, AlreadyMoved once it is being sent.
    """
    require(by, Permission.PROPOSE_KYC)
    reason = stated(reason)
    with transaction.atomic():
        unlocked = KycCase.objects.get(pk=case_id)
        subject = (unlocked._meta.label_lower, str(case_id))
        # The command first, as workers do. No profile: nothing of it is read.
        taken = outbox.take_back(subject=subject, kind=sending.KIND, at=at)
        case = KycCase.objects.locked().select_related("customer").get(pk=case_id)
        if not taken or case.status != CaseStatus.QUEUED:
            raise AlreadyMoved(case)
        journal = Journal(by=by, at=at)
        move(
            case,
            case.desk,
            journal=journal,
            verb="recalled",
            reason=reason,
            outcome="",
            decided_at=None,
        )
        journal.write()
    return case


def look_for_decision(*, case_id: int, by: User, at: datetime) -> KycCase:
    """Let the desk look once more whether Lux Financial has a decision that got no clear answer.

    Raises NotPermitted, CaseNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    case = KycCase.objects.get(pk=case_id)
    command = sending.newest_command(case)
    if case.status != CaseStatus.UNKNOWN or command is None:
        raise AlreadyMoved(case)
    if why := outbox.why_not_again(command):
        raise CaseNotPossible(why)
    with transaction.atomic():
        if not outbox.try_again(command, at=at):
            raise CaseNotPossible(Text(_("It has moved meanwhile: look at it again.")))
        journal = Journal(by=by, at=at)
        note(journal, "looked_for", case)
        journal.write()
    return case


def keep_draft(*, case: KycCase, data: dict[str, object], by: User, at: datetime) -> None:
    """Keep what a reviewer has typed about a case: no claim is needed for that.

    Raises NotPermitted.
    """
    require(by, Permission.PROPOSE_KYC)
    drafts.keep(subject=case, data=data, by=by, at=at)


def refuse_unless_reviewed(case: KycCase, *, by: User, at: datetime) -> None:
    """Let only who has claimed a case work on it, and only while it is to be reviewed.

    Prolongs their claim. Raises AlreadyMoved, ClaimLost, ClaimedByOther.
    """
    if case.status not in REVIEWABLE:
        raise AlreadyMoved(case)
    claims.renew(subject=case, by=by, at=at)
