"""Deciding a KYC case: one person proposes, where it takes two another one confirms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.actions.cases import refuse_unless_reviewed, tick
from customers.actions.common import (
    Receipt,
    last_event,
    refusal_is_recorded,
    stated,
    under_locks,
)
from customers.actions.errors import (
    AlreadyMoved,
    Blocked,
    CaseNotPossible,
    EvidenceChanged,
    EvidenceIsYours,
    Incomplete,
    ProposerCannotConfirm,
)
from customers.enums import CaseStatus, Outcome, ProposalState
from customers.kyc import evidence, reasons, sending, standing, statuses
from customers.kyc.moves import move, note
from customers.models import KycCase, Profile, Proposal
from staff import audit, claims, drafts
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text

CARRY_OUT: Final = _("Carry it out at Lux Financial: the desk does not send decisions there.")
ASKED: Final = _("The customer is asked for more.")
CHANGED: Final = _("The evidence changed after it was proposed.")


def propose_decision(
    *,
    case_id: int,
    outcome: Outcome,
    codes: Sequence[str],
    customer_text: str,
    internal_note: str,
    by: User,
    at: datetime,
    ticked: Iterable[str] | None = None,
) -> Receipt:
    """Propose a decision, or make it where one person may: the evidence is frozen as it is now.

    `ticked` replaces the checklist first. Raises NotPermitted, Incomplete, AlreadyMoved, ClaimLost,
    ClaimedByOther, Blocked, EvidenceIsYours, CaseNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    _refuse_incomplete(outcome, codes, customer_text, internal_note)
    with transaction.atomic():
        case, profile = under_locks(case_id)
        if again := _same_again(case, outcome, by):
            return again
        refuse_unless_reviewed(case, by=by, at=at)
        journal = Journal(by=by, at=at)
        if ticked is not None:
            tick(case, profile, ticked, journal=journal)
        audit.take_chain_lock()
        _refuse_impossible(case, profile, outcome, by=by)
        takes_two = standing.takes_two(case, profile, outcome)
        gathered = evidence.gather(case, profile)
        proposal = Proposal.objects.create(
            case=case,
            outcome=outcome,
            reason_codes=list(codes),
            customer_text=customer_text.strip(),
            internal_note=internal_note.strip(),
            evidence=gathered,
            digest=evidence.digest(gathered),
            state=ProposalState.OPEN if takes_two else ProposalState.ALONE,
            proposed_by=by,
            proposed_at=at,
        )
        if takes_two:
            move(
                case,
                CaseStatus.PROPOSED,
                journal=journal,
                after=_told(proposal),
                reason=proposal.internal_note,
            )
        else:
            note(
                journal, "decided_alone", case, after=_told(proposal), reason=proposal.internal_note
            )
            _carry_out(case, profile, proposal, journal=journal)
        drafts.discard(subject=case, by=by)
        claims.release(subject=case, by=by, at=at)
        event = journal.write()[-1]
    return Receipt(case, proposal, event)


def confirm_decision(*, case_id: int, proposal_id: int, by: User, at: datetime) -> Receipt:
    """Make the decision that somebody else proposed, on the very evidence that they saw.

    Raises NotPermitted, AlreadyMoved, ProposerCannotConfirm, EvidenceIsYours, ClaimedByOther,
    Blocked; and EvidenceChanged, after which the proposal is void. Every refusal is on the journal.
    """
    with refusal_is_recorded("confirmation_refused", case_id, by=by, at=at):
        by.forget_roles()
        require(by, Permission.CONFIRM_KYC)
        with transaction.atomic():
            case, profile = under_locks(case_id)
            proposal = _proposal(case, proposal_id)
            if proposal.state == ProposalState.CONFIRMED and proposal.closed_by_id == by.pk:
                return Receipt(case, proposal, last_event(case), repeated=True)
            _refuse_unless_open(case, proposal)
            _refuse_own(case, proposal, by=by)
            claims.claim(subject=case, by=by, at=at)
            audit.take_chain_lock()
            journal = Journal(by=by, at=at)
            gathered = evidence.gather(case, profile)
            changed = evidence.digest(gathered) != proposal.digest
            if changed:
                differences = evidence.differences(proposal.evidence, gathered)
                _close(proposal, ProposalState.VOID, by=by, at=at, reason=CHANGED)
                told = {"fields": [one.field for one in differences]}
                move(case, case.desk, journal=journal, verb="voided", reason=CHANGED, after=told)
            else:
                if proposal.outcome == Outcome.APPROVE:
                    _refuse_blocked(case, profile)
                _close(proposal, ProposalState.CONFIRMED, by=by, at=at)
                note(journal, "confirmed", case, after=_told(proposal))
                _carry_out(case, profile, proposal, journal=journal)
            claims.release(subject=case, by=by, at=at)
            event = journal.write()[-1]
        if changed:
            raise EvidenceChanged(differences)
    return Receipt(case, proposal, event)


def return_proposal(
    *, case_id: int, proposal_id: int, reason: str, by: User, at: datetime
) -> KycCase:
    """Give a proposal back to the reviewers, with a word why.

    Raises NotPermitted, Incomplete, AlreadyMoved, ProposerCannotConfirm, ClaimedByOther.
    """
    require(by, Permission.CONFIRM_KYC)
    reason = stated(reason)
    with transaction.atomic():
        case, _profile = under_locks(case_id)
        proposal = _proposal(case, proposal_id)
        _refuse_unless_open(case, proposal)
        if proposal.proposed_by_id == by.pk:
            raise ProposerCannotConfirm
        claims.claim(subject=case, by=by, at=at)
        _take_apart(case, proposal, ProposalState.RETURNED, reason=reason, by=by, at=at)
        claims.release(subject=case, by=by, at=at)
    return case


def withdraw_proposal(
    *, case_id: int, proposal_id: int, reason: str, by: User, at: datetime
) -> KycCase:
    """Take back what one proposed oneself, while nobody has confirmed it.

    Raises NotPermitted, Incomplete, AlreadyMoved, CaseNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    reason = stated(reason)
    with transaction.atomic():
        case, _profile = under_locks(case_id)
        proposal = _proposal(case, proposal_id)
        _refuse_unless_open(case, proposal)
        if proposal.proposed_by_id != by.pk:
            raise CaseNotPossible(Text(_("Only who proposed it takes it back.")))
        _take_apart(case, proposal, ProposalState.WITHDRAWN, reason=reason, by=by, at=at)
    return case


def against_deciding(case: KycCase, profile: Profile, outcome: Outcome, *, by: User) -> Sayable:
    """Why this person cannot decide so; "" if they can, as far as the evidence goes."""
    try:
        _refuse_impossible(case, profile, outcome, by=by)
    except CaseNotPossible as refusal:
        return refusal.says
    return ""


# --- What stands against it -----------------------------------------------------------------------


def _refuse_incomplete(
    outcome: Outcome, codes: Sequence[str], customer_text: str, internal_note: str
) -> None:
    errors: dict[str, Sayable] = {}
    allowed = {reason.code for reason in reasons.for_outcome(outcome)}
    if outcome != Outcome.APPROVE:
        if not codes:
            errors["codes"] = Text(_("Choose a reason."))
        if not customer_text.strip():
            errors["customer_text"] = Text(_("Write what the customer is to read."))
    if set(codes) - allowed:
        errors["codes"] = Text(_("These reasons do not belong to this outcome."))
    if outcome == Outcome.REJECT and not internal_note.strip():
        errors["internal_note"] = Text(_("Say why, in a few words: it is kept with the case."))
    if errors:
        raise Incomplete(errors)


def _refuse_impossible(case: KycCase, profile: Profile, outcome: Outcome, *, by: User) -> None:
    if outcome == Outcome.APPROVE:
        _refuse_blocked(case, profile)
    elif statuses.needs_telling(profile, outcome) and not statuses.leads_to(profile, outcome):
        raise CaseNotPossible(
            Text(
                _("At Lux Financial they are “%(status)s”, from where that does not follow."),
                status=profile.kyc_status,
            )
        )
    if outcome != Outcome.ASK_AGAIN and standing.brought_evidence(case, by):
        raise EvidenceIsYours


def _refuse_blocked(case: KycCase, profile: Profile) -> None:
    if blocks := standing.blocks(case, profile):
        raise Blocked(blocks)


def _refuse_unless_open(case: KycCase, proposal: Proposal) -> None:
    if case.status != CaseStatus.PROPOSED or proposal.state != ProposalState.OPEN:
        raise AlreadyMoved(case)


def _refuse_own(case: KycCase, proposal: Proposal, *, by: User) -> None:
    if proposal.proposed_by_id == by.pk:
        raise ProposerCannotConfirm
    if standing.brought_evidence(case, by):
        raise EvidenceIsYours


# --- Carrying it out ------------------------------------------------------------------------------


def _carry_out(case: KycCase, profile: Profile, proposal: Proposal, *, journal: Journal) -> None:
    """Queue it for Lux Financial; where nothing is sent there, it ends here."""
    outcome = Outcome(proposal.outcome)
    told: dict[str, Any] = {"outcome": outcome, "decided_at": journal.at}
    if settings.LUX_PUSH_KYC_DECISION and statuses.needs_telling(profile, outcome):
        sending.put(case, outcome=outcome, customer_text=proposal.customer_text, at=journal.at)
        move(case, CaseStatus.QUEUED, journal=journal, after={"outcome": outcome}, **told)
        return
    is_asked = outcome == Outcome.ASK_AGAIN
    by_hand = statuses.needs_telling(profile, outcome)
    move(
        case,
        CaseStatus.WAITING if is_asked else CaseStatus.DECIDED,
        journal=journal,
        reason=CARRY_OUT if by_hand else ASKED,
        after={"outcome": outcome},
        **told,
    )


def _take_apart(
    case: KycCase, proposal: Proposal, state: ProposalState, *, reason: str, by: User, at: datetime
) -> None:
    journal = Journal(by=by, at=at)
    _close(proposal, state, by=by, at=at, reason=reason)
    move(case, case.desk, journal=journal, verb=f"proposal_{state.value}", reason=reason)
    journal.write()


def _close(
    proposal: Proposal, state: ProposalState, *, by: User, at: datetime, reason: str = ""
) -> None:
    proposal.state, proposal.closed_by, proposal.closed_at = state, by, at
    proposal.closed_reason = reason
    proposal.save(update_fields=["state", "closed_by", "closed_at", "closed_reason"])


def _proposal(case: KycCase, proposal_id: int) -> Proposal:
    """The proposal that was shown; raises AlreadyMoved where it is none of this case's."""
    proposal = case.proposals.filter(pk=proposal_id).select_related("proposed_by").first()
    if proposal is None:
        raise AlreadyMoved(case)
    return proposal


def _same_again(case: KycCase, outcome: Outcome, by: User) -> Receipt | None:
    """What this person has just decided: the same click twice decides once."""
    newest = case.proposals.order_by("-proposed_at", "-pk").first()
    if newest is None or case.status in (CaseStatus.OPEN, CaseStatus.ESCALATED):
        return None
    if (newest.proposed_by_id, newest.outcome) != (by.pk, outcome):
        return None
    if newest.state not in (ProposalState.OPEN, ProposalState.ALONE):
        return None
    return Receipt(case, newest, last_event(case), repeated=True)


def _told(proposal: Proposal) -> dict[str, object]:
    """What the trail keeps of a proposal: no text for the customer, which may name them."""
    return {
        "outcome": proposal.outcome,
        "reasons": list(proposal.reason_codes),
        "evidence": proposal.digest,
        "proposed_by": proposal.proposed_by.email,
    }
