"""Decisions about many withdrawals at once: start a run, confirm it, stop it, try again.

A worker looks at and decides each of them (`payments.bulk`), by the action of a single decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from payments import decision
from payments.actions.common import stated
from payments.actions.errors import BulkNotPossible, ProofTooOld
from payments.bulk import discarding, totals
from payments.bulk.moves import move
from payments.enums import BulkState, Outcome, Plan, RejectCode, Verdict
from payments.models import BulkItem, BulkRun, Withdrawal
from payments.models.bulk import ENDED, MOST_AT_ONCE
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import doorbell

TASK = "payments.tasks.work_on_bulk_run"


def start_bulk_run(
    *,
    withdrawal_ids: Sequence[int],
    verdict: Verdict,
    by: User,
    at: datetime,
    is_cut: bool = False,
) -> BulkRun:
    """Let a worker look what would come of this decision about each of them; nothing is decided.

    They are decided in this order later. `is_cut`: these are the first of more. Raises
    NotPermitted, and BulkNotPossible for none or too many.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    return _start(withdrawal_ids, verdict, by=by, at=at, is_cut=is_cut)


def confirm_bulk_run(
    *,
    run_id: int,
    by: User,
    at: datetime,
    proved_at: datetime | None = None,
    reason: str = "",
    code: RejectCode | None = None,
) -> BulkRun:
    """Let a worker decide all that the dry run says can be decided, in this person's name.

    `proved_at` is when they last proved who they are, `code` and `reason` are why they reject.
    Again, it changes nothing. Raises NotPermitted, BulkNotPossible, ProofTooOld, ReasonMissing.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    with transaction.atomic():
        run = BulkRun.objects.locked().get(pk=run_id)
        _refuse_others(run, by)
        if run.state in (BulkState.DECIDING, *ENDED):
            return run  # the same click again
        if run.state != BulkState.READY:
            raise BulkNotPossible(Text(_("It is not ready: the dry run goes on, or it has ended.")))
        _refuse_unready(run, at=at, proved_at=proved_at, code=code)
        if run.verdict == Verdict.REJECT:
            reason = stated(reason)
        told = totals.told(run)
        run.items.filter(plan=Plan.LEAVE).update(outcome=Outcome.LEFT_OUT, decided_at=at)
        journal = Journal(by=by, at=at)
        move(
            run,
            BulkState.DECIDING,
            journal=journal,
            told=told,
            confirmed_at=at,
            proved_at=proved_at,
            reason=reason,
            reject_code=code or "",
            next_at=at,
        )
        journal.write()
    doorbell.ring(TASK, run_id=run.pk)
    return run


def drop_bulk_run(*, run_id: int, by: User, at: datetime) -> BulkRun:
    """Discard a dry run, or stop a run before its next item. What is decided stays decided.

    Whoever signs may stop a run that decides, whoever began it: who began it may be out of reach.
    Raises NotPermitted, BulkNotPossible, BulkRunNotMovable.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    with transaction.atomic():
        run = BulkRun.objects.locked().get(pk=run_id)
        if run.state in (BulkState.STOPPING, BulkState.STOPPED, BulkState.DROPPED):
            return run  # the same click again
        journal = Journal(by=by, at=at)
        if run.state in discarding.UNCONFIRMED:
            _refuse_others(run, by)
            discarding.discard(run, journal=journal)
        else:
            move(run, BulkState.STOPPING, journal=journal, told=totals.told(run), next_at=at)
        journal.write()
    doorbell.ring(TASK, run_id=run.pk)
    return run


def retry_bulk_run(*, run_id: int, by: User, at: datetime) -> BulkRun:
    """Begin a new run with what another dry run may show otherwise. Nothing is decided by that.

    Raises NotPermitted, and BulkNotPossible for a run that has not ended or left nothing to retry.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    run = BulkRun.objects.get(pk=run_id)
    _refuse_others(run, by)
    if not run.has_ended:
        raise BulkNotPossible(Text(_("It has not ended yet.")))
    again = list(run.items.retryable().values_list("withdrawal_id", flat=True))
    return _start(again, Verdict(run.verdict), by=by, at=at, retry_of=run)


def _start(
    withdrawal_ids: Sequence[int],
    verdict: Verdict,
    *,
    by: User,
    at: datetime,
    is_cut: bool = False,
    retry_of: BulkRun | None = None,
) -> BulkRun:
    if not withdrawal_ids:
        raise BulkNotPossible(Text(_("Nothing was selected.")))
    if len(withdrawal_ids) > MOST_AT_ONCE:
        raise BulkNotPossible(
            Text(_("At most %(most)s go at once. Select fewer."), most=MOST_AT_ONCE)
        )
    found = Withdrawal.objects.in_bulk(withdrawal_ids)
    with transaction.atomic():
        run = BulkRun.objects.create(
            verdict=verdict, by=by, started_at=at, next_at=at, is_cut=is_cut, retry_of=retry_of
        )
        BulkItem.objects.bulk_create(
            _item(run, found[pk], position)
            for position, pk in enumerate(dict.fromkeys(withdrawal_ids), start=1)
        )
        journal = Journal(by=by, at=at)
        told: dict[str, object] = {"verdict": verdict, "items": len(found), "is_cut": is_cut}
        if retry_of is not None:
            told["retry_of"] = retry_of.pk
        journal.add("payments.bulkrun.started", run, after=told)
        journal.write()
    doorbell.ring(TASK, run_id=run.pk)
    return run


def _item(run: BulkRun, withdrawal: Withdrawal, position: int) -> BulkItem:
    return BulkItem(
        run=run,
        withdrawal=withdrawal,
        position=position,
        upstream=withdrawal.upstream,
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        method=withdrawal.method,
        recipient_name=withdrawal.recipient_name or withdrawal.customer_name,
    )


def _refuse_others(run: BulkRun, by: User) -> None:
    if not run.is_of(by):
        raise BulkNotPossible(Text(_("Only the person who began this run goes on with it.")))


def _refuse_unready(
    run: BulkRun, *, at: datetime, proved_at: datetime | None, code: RejectCode | None
) -> None:
    """Refuse a confirmation that decides nothing, or lacks what the decisions need."""
    planned = run.items.planned()
    if not planned.exists():
        raise BulkNotPossible(Text(_("Nothing of it can be decided.")))
    if run.verdict == Verdict.REJECT and code is None:
        raise BulkNotPossible(Text(_("Choose why it is rejected.")))
    if planned.filter(asks_proof=True).exists() and not decision.is_proved(proved_at, now=at):
        raise ProofTooOld
