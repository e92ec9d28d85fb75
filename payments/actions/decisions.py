"""What approvers do: sign, reject, undo."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import OperationalError, transaction

from payments import checks, decision, facts, policies, rules
from payments.actions import reads
from payments.actions.common import (
    VERBS,
    Receipt,
    first_receipt,
    refusal_is_kept,
    refuse_askers,
    refuse_decided,
    stated,
    waited_too_long,
)
from payments.actions.errors import (
    AmountNotTyped,
    Blocked,
    FactsChanged,
    ProofTooOld,
    RoleCannotSign,
    RoleTooYoung,
    SignedAlready,
    SignedTooMuch,
    TooLateToUndo,
    TooManyAtOnce,
)
from payments.checks import limits
from payments.checks.funds import NOTHING, Committed, main_balance
from payments.enums import RejectCode, Status, Verdict
from payments.models import SIGNING_ROLES, Policy, Signature, Withdrawal, WithdrawalNotMovable
from payments.moves import move
from payments.references import CANCEL, PAYOUTS, cancel_key_for, reference_for
from staff import audit
from staff.journal import Journal
from staff.models import AuditEvent, User
from staff.permissions import Permission, require
from upstreams import outbox
from upstreams.enums import Upstream


def sign_withdrawal(
    *,
    withdrawal_id: int,
    seen: str,
    by: User,
    at: datetime,
    reason: str = "",
    typed_amount: Decimal | None = None,
    proved_at: datetime | None = None,
    among_many: bool = False,
) -> Receipt:
    """Approve exactly what `seen` was sealed over; the last signature needed queues the payout.

    `typed_amount` is what they typed and `proved_at` when they last proved who they are, where the
    tier asks for it. The provider is read again first, before any transaction; `among_many` says
    that a worker signs for many and takes its turn there. The same person again gets their first
    receipt. Raises, with nothing signed: NotPermitted, MakerCannotSign, IntroducerCannotSign,
    AlreadyDecided, FactsChanged, RoleCannotSign, RoleTooYoung, ProofTooOld, AmountNotTyped,
    TooManyAtOnce, Blocked, SignedTooMuch; among many ProviderUnread too. Every refusal is audited.
    """
    with refusal_is_kept("signature", withdrawal_id=withdrawal_id, by=by, at=at):
        require(by, Permission.SIGN_WITHDRAWALS)
        rows = Withdrawal.objects.select_related("payment", "beneficiary")
        withdrawal = rows.get(pk=withdrawal_id)
        if receipt := first_receipt(withdrawal, by=by, verdict=Verdict.APPROVE):
            return receipt
        refuse_askers(withdrawal, by)
        reread = reads.reread_among_many if among_many else reads.reread
        reread(withdrawal, at=at)
        with transaction.atomic():
            withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
            effort = _Effort(typed_amount, proved_at)
            return _sign(withdrawal, seen=seen, by=by, at=at, reason=reason, effort=effort)


def reject_withdrawal(
    *, withdrawal_id: int, seen: str, code: RejectCode, reason: str, by: User, at: datetime
) -> Receipt:
    """Say no, once and for all. One that lies at the provider is cancelled there too.

    Raises, with nothing decided: NotPermitted, ReasonMissing, MakerCannotSign,
    IntroducerCannotSign, AlreadyDecided, FactsChanged. Every refusal is audited.
    """
    with refusal_is_kept("rejection", withdrawal_id=withdrawal_id, by=by, at=at):
        require(by, Permission.SIGN_WITHDRAWALS)
        reason = stated(reason)
        with transaction.atomic():
            withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
            if receipt := first_receipt(withdrawal, by=by, verdict=Verdict.REJECT):
                return receipt
            _look_again(withdrawal, by)
            requirement = policies.requirement_for(withdrawal, policies=policies.published(at))
            _refuse_changes(withdrawal, seen, by, requirement)
            journal = Journal(by=by, at=at)
            signature = _put_signature(
                withdrawal, Verdict.REJECT, requirement.policy, journal, reason
            )
            move(
                withdrawal,
                Status.REJECTED,
                journal=journal,
                reason=reason,
                reject_code=RejectCode(code),
                settled_at=at,
            )
            if not withdrawal.is_ours:
                _cancel_there(withdrawal, at)
            return _receipt(withdrawal, signature, journal.write())


def undo_approval(*, withdrawal_id: int, by: User, at: datetime, reason: str) -> Withdrawal:
    """Take an approval back while nobody has begun to send it. All signatures become void.

    Raises NotPermitted, ReasonMissing, WithdrawalNotMovable, TooLateToUndo.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    reason = stated(reason)
    subject = audit.subject_of(Withdrawal(pk=withdrawal_id))
    kind = PAYOUTS[Upstream(Withdrawal.objects.get(pk=withdrawal_id).upstream)]
    with transaction.atomic():
        outbox.lock(subject=subject, kind=kind)
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        if withdrawal.status in (Status.SENDING, Status.UNKNOWN, Status.SENT):
            raise TooLateToUndo(withdrawal.code)
        if withdrawal.status != Status.APPROVED:
            raise WithdrawalNotMovable(
                code=withdrawal.code,
                current=Status(withdrawal.status),
                wanted=Status.AWAITING_APPROVAL,
            )
        if not outbox.take_back(subject=subject, kind=kind, at=at):
            raise TooLateToUndo(withdrawal.code)
        journal = Journal(by=by, at=at)
        withdrawal.signatures.valid().update(voided_at=at, voided_reason="Approval undone.")
        withdrawal.attempt_no += 1
        move(
            withdrawal,
            Status.AWAITING_APPROVAL,
            journal=journal,
            reason=reason,
            attempt_no=withdrawal.attempt_no,
            merchant_reference=reference_for(withdrawal),
            approved_at=None,
            signatures_required=None,
        )
        journal.write()
    return withdrawal


@dataclass(frozen=True)
class Rehearsal:
    """What a decision of one person would rest on now. `is_last`: it would approve the payout."""

    requirement: policies.Requirement
    found: list[checks.Check]
    is_last: bool


def rehearse_signature(
    withdrawal: Withdrawal, *, by: User, at: datetime, planned: Committed, signed: Decimal
) -> Rehearsal:
    """Look as a signature would look, without a lock, and write nothing.

    `planned` and `signed` are what would be approved and signed before it: the balance and the
    limit of the person are counted with them. Raises what `sign_withdrawal` would raise; whoever
    signs is taken to have proved who they are, and to have typed nothing.
    """
    _look_again(withdrawal, by)
    requirement = policies.requirement_for(withdrawal, policies=policies.published(at))
    found = checks.run(withdrawal, now=at)
    _refuse_signer(withdrawal, requirement, by, at, _Effort(typed_amount=None, proved_at=at))
    _refuse_counted(withdrawal, requirement, by, at, found=found, planned=planned, signed=signed)
    return Rehearsal(requirement, found, _is_last(withdrawal, requirement))


def rehearse_rejection(withdrawal: Withdrawal, *, by: User, at: datetime) -> Rehearsal:
    """The same for a rejection, which no check stops."""
    _look_again(withdrawal, by)
    requirement = policies.requirement_for(withdrawal, policies=policies.published(at))
    return Rehearsal(requirement, [], is_last=True)


@dataclass(frozen=True)
class _Effort:
    """What somebody did, beyond a click, to sign."""

    typed_amount: Decimal | None
    proved_at: datetime | None


def _sign(
    withdrawal: Withdrawal, *, seen: str, by: User, at: datetime, reason: str, effort: _Effort
) -> Receipt:
    """Sign a locked withdrawal, or raise."""
    if receipt := first_receipt(withdrawal, by=by, verdict=Verdict.APPROVE):
        return receipt
    _look_again(withdrawal, by)
    requirement = policies.requirement_for(withdrawal, policies=policies.published(at))
    is_last = _is_last(withdrawal, requirement)
    found = checks.run(withdrawal, now=at)
    _refuse_changes(withdrawal, seen, by, requirement, found)
    _refuse_signer(withdrawal, requirement, by, at, effort)
    # All that takes time was done before: nobody waits longer for the others than they must.
    _wait_for_others(withdrawal, requirement, is_last=is_last)
    _refuse_counted(withdrawal, requirement, by, at, found=found)
    journal = Journal(by=by, at=at)
    signature = _put_signature(withdrawal, Verdict.APPROVE, requirement.policy, journal, reason)
    if is_last:
        _approve(withdrawal, requirement.signatures, journal)
    _refuse_held(withdrawal, at)
    return _receipt(withdrawal, signature, journal.write())


def _look_again(withdrawal: Withdrawal, by: User) -> None:
    """Refuse what became impossible since the page was made, now that nobody can change it."""
    by.forget_roles()
    require(by, Permission.SIGN_WITHDRAWALS)
    refuse_askers(withdrawal, by)
    refuse_decided(withdrawal)
    if withdrawal.signatures.valid().filter(by=by, revision=withdrawal.revision).exists():
        raise SignedAlready


def _is_last(withdrawal: Withdrawal, requirement: policies.Requirement) -> bool:
    """Whether one more signature is all that it needs."""
    digest = facts.digest(facts.of(withdrawal))
    approvals = policies.valid_approvals(withdrawal, digest=digest)
    return len(policies.that_count(approvals, requirement)) + 1 >= requirement.signatures


def _wait_for_others(
    withdrawal: Withdrawal, requirement: policies.Requirement, *, is_last: bool
) -> None:
    """Wait until nobody else decides about the same limits, or about the same money.

    Whoever comes later counts this one. Raises TooManyAtOnce when the wait is too long.
    """
    try:
        if requirement.limits:
            limits.take_lock(withdrawal)
        if is_last:
            list(main_balance(withdrawal).select_for_update())
    except OperationalError as problem:
        if not waited_too_long(problem):
            raise
        raise TooManyAtOnce from problem


def _refuse_signer(
    withdrawal: Withdrawal,
    requirement: policies.Requirement,
    by: User,
    at: datetime,
    effort: _Effort,
) -> None:
    """Refuse whoever does not fulfil what the tier asks of those who sign."""
    if not decision.roles_that_sign(by, requirement=requirement):
        raise RoleCannotSign(decision.wrong_role(requirement))
    if decision.role_is_too_young(by, requirement=requirement, now=at):
        raise RoleTooYoung
    if requirement.reauthenticate and not decision.is_proved(effort.proved_at, now=at):
        raise ProofTooOld
    if requirement.typed_amount and effort.typed_amount != withdrawal.amount:
        raise AmountNotTyped


def _refuse_counted(
    withdrawal: Withdrawal,
    requirement: policies.Requirement,
    by: User,
    at: datetime,
    *,
    found: list[checks.Check],
    planned: Committed = NOTHING,
    signed: Decimal = limits.NOTHING,
) -> None:
    """Refuse what a check blocks, with those that count others counted at this moment."""
    counted = checks.count_again(found, withdrawal, now=at, planned=planned)
    if blocks := decision.blocking(counted):
        raise Blocked(blocks)
    if too_much := limits.against_signer(
        withdrawal, signer=by, requirement=requirement, now=at, planned=signed
    ):
        raise SignedTooMuch(too_much)


def _refuse_held(withdrawal: Withdrawal, at: datetime) -> None:
    """Look for holds once more, under the lock under which they are placed: none slips between."""
    audit.take_chain_lock()
    if blocks := decision.blocking([checks.no_hold(withdrawal, at)]):
        raise Blocked(blocks)


def _refuse_changes(
    withdrawal: Withdrawal,
    seen: str,
    by: User,
    requirement: policies.Requirement,
    found: Sequence[checks.Check] = (),
) -> None:
    changed = decision.differences(
        seen, withdrawal, viewer=by, requirement=requirement, found=found
    )
    if changed:
        raise FactsChanged(changed)


def _put_signature(
    withdrawal: Withdrawal,
    verdict: Verdict,
    policy: Policy | None,
    journal: Journal,
    reason: str,
) -> Signature:
    assert journal.by is not None  # only people sign
    digest = facts.digest(facts.of(withdrawal))
    signature = Signature.objects.create(
        withdrawal=withdrawal,
        revision=withdrawal.revision,
        by=journal.by,
        maker=withdrawal.created_by,
        editor=withdrawal.last_edited_by,
        introducer_id=withdrawal.introducer_id(),
        verdict=verdict,
        digest=digest,
        roles=[role for role in SIGNING_ROLES if role in journal.by.held_roles],
        policy=policy,
        at=journal.at,
        reason=reason,
    )
    journal.add(
        VERBS[verdict],
        withdrawal,
        after={
            "signature": signature.pk,
            "verdict": verdict,
            "revision": withdrawal.revision,
            "digest": digest,
            "policy": str(policy) if policy else "",
        },
        reason=reason,
    )
    return signature


def _approve(withdrawal: Withdrawal, required: int, journal: Journal) -> None:
    move(
        withdrawal,
        Status.APPROVED,
        journal=journal,
        approved_at=journal.at,
        signatures_required=required,
    )
    if not withdrawal.is_ours:
        # It lies at the provider, who releases it: there is no call by which we could.
        move(withdrawal, Status.SENT, journal=journal, sent_at=journal.at, verb="agreed")
        return
    outbox.put(
        kind=PAYOUTS[Upstream(withdrawal.upstream)],
        upstream=withdrawal.upstream,
        subject=audit.subject_of(withdrawal),
        attempt_no=withdrawal.attempt_no,
        request=rules.payload(withdrawal),
        idempotency_key=withdrawal.merchant_reference,
        at=journal.at,
        not_before=journal.at + timedelta(seconds=settings.UNDO_SECONDS),
    )


def _cancel_there(withdrawal: Withdrawal, at: datetime) -> None:
    assert withdrawal.payment is not None  # it was seen there
    outbox.put(
        kind=CANCEL,
        upstream=withdrawal.upstream,
        subject=audit.subject_of(withdrawal),
        attempt_no=withdrawal.attempt_no,
        request=json.dumps({"payment": withdrawal.payment.upstream_id}).encode(),
        idempotency_key=cancel_key_for(withdrawal),
        at=at,
    )


def _receipt(withdrawal: Withdrawal, signature: Signature, events: list[AuditEvent]) -> Receipt:
    """The first event noted is the signature itself: its number stands on the receipt."""
    return Receipt(withdrawal, signature, events[0])
