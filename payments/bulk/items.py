"""One withdrawal of a run: looked at in the dry run, then decided, each with a note of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Count, Q, Sum
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from payments import decision, facts
from payments.actions import decisions
from payments.actions.common import Receipt, first_receipt
from payments.actions.errors import FactsChanged, TooManyAtOnce
from payments.bulk import alone
from payments.bulk.causes import Refusal, cause_of, words_of
from payments.checks.funds import Committed
from payments.enums import BulkState, Cause, Level, Outcome, Plan, RejectCode, Verdict
from payments.models import BulkItem, BulkRun, NotPossible, Withdrawal
from staff import audit, masking
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from staff.texts import Sayable, Text, packed
from upstreams.errors import RateLimited

logger = structlog.get_logger(__name__)

Done = TypeVar("Done")

# What PostgreSQL calls a wait that was too long, and one in a circle.
_BUSY_STATES = ("55P03", "40P01")
# What the dry run keeps of an item.
_SHOWN = ("plan", "upstream", "amount", "currency", "method", "recipient_name", "account",
          "digest", "seen", "warned", "warnings", "asks_proof", "cause", "said")  # fmt: skip
_PAYS_OR_SIGNS = (Plan.SEND, Plan.RELEASE, Plan.SIGN)


@dataclass(frozen=True)
class _No:
    """Why it was not decided."""

    cause: Cause
    says: Sayable
    differences: list[dict[str, Any]] = field(default_factory=list)


def look(run: BulkRun, item: BulkItem) -> None:
    """Dry run: keep what would come of it now, and all that is shown of it."""
    rows = Withdrawal.objects.select_related("payment", "customer", "created_by", "beneficiary")
    withdrawal = rows.get(pk=item.withdrawal_id)
    show(item, withdrawal)
    found = _attempt(lambda: _rehearse(run, item, withdrawal), item)
    if isinstance(found, _No):
        item.plan, item.cause, item.said = Plan.LEAVE, found.cause, packed(found.says)
    else:
        item.plan = _plan(run, withdrawal, found)
        item.asks_proof = found.requirement.reauthenticate and run.verdict == Verdict.APPROVE
        warnings = [check for check in found.found if check.level == Level.WARN]
        item.warned = [check.code for check in warnings]
        item.warnings = [packed(check.says) for check in warnings]
        item.seen = decision.seal(
            withdrawal, viewer=run.by, requirement=found.requirement, found=found.found
        )
    # Only once: what somebody has seen and confirmed stays as it was shown, and what was discarded
    # meanwhile stays empty.
    BulkItem.objects.filter(pk=item.pk, plan="", run__state=BulkState.LOOKING).update(
        **{name: getattr(item, name) for name in _SHOWN}
    )


def decide(run: BulkRun, item: BulkItem) -> None:
    """Decide about it as for a single one, on what the dry run showed, and note the receipt.

    What a worker decided and did not live to note has its receipt already, whatever this person may
    do by now. Raises RateLimited when the provider has to be asked and it is not yet our turn.
    """
    at = timezone.now()
    if receipt := _receipt(run, item):
        _note_receipt(item, receipt, at=at)
        return
    done = _attempt(lambda: _decide(run, item, at=at), item)
    if isinstance(done, _No):
        _note_refusal(run, item, done, at=at)
    else:
        _note_receipt(item, done, at=at)


def leave(run: BulkRun, item: BulkItem) -> None:
    """Note that the run was stopped before this one; or its receipt, if it was decided already."""
    at = timezone.now()
    if receipt := _receipt(run, item):
        _note_receipt(item, receipt, at=at)
    else:
        stopped = Text(_("The run was stopped before its turn came."))
        _note_refusal(run, item, _No(Cause.STOPPED, stopped), at=at)


def show(item: BulkItem, withdrawal: Withdrawal) -> None:
    """Keep the facts that the dry run lists, as they are now."""
    item.upstream, item.method = withdrawal.upstream, withdrawal.method
    item.amount, item.currency = withdrawal.amount, withdrawal.currency
    item.recipient_name = withdrawal.recipient_name or withdrawal.customer_name
    item.account = masking.mask_payid(
        withdrawal.payid, withdrawal.payid_type
    ) or masking.mask_account(withdrawal.bank_account)
    item.digest = facts.digest(facts.of(withdrawal))


def _rehearse(run: BulkRun, item: BulkItem, withdrawal: Withdrawal) -> decisions.Rehearsal:
    now = timezone.now()
    if run.verdict == Verdict.REJECT:
        return decisions.rehearse_rejection(withdrawal, by=run.by, at=now)
    # What the items before it would take is gone when its turn comes.
    ahead = run.items.filter(position__lt=item.position, currency=item.currency).aggregate(
        total=Sum("amount", filter=Q(plan=Plan.SEND, upstream=item.upstream)),
        number=Count("pk", filter=Q(plan=Plan.SEND, upstream=item.upstream)),
        signed=Sum("amount", filter=Q(plan__in=_PAYS_OR_SIGNS)),
    )
    found = decisions.rehearse_signature(
        withdrawal,
        by=run.by,
        at=now,
        planned=Committed(ahead["total"] or Decimal(0), ahead["number"]),
        signed=ahead["signed"] or Decimal(0),
    )
    alone.refuse_among_many(withdrawal, found.found)
    return found


def _plan(run: BulkRun, withdrawal: Withdrawal, found: decisions.Rehearsal) -> Plan:
    if run.verdict == Verdict.REJECT:
        return Plan.REJECT
    if not found.is_last:
        return Plan.SIGN
    return Plan.SEND if withdrawal.is_ours else Plan.RELEASE


def _decide(run: BulkRun, item: BulkItem, *, at: datetime) -> Receipt:
    if run.verdict == Verdict.REJECT:
        return decisions.reject_withdrawal(
            withdrawal_id=item.withdrawal_id,
            seen=item.seen,
            code=RejectCode(run.reject_code),
            reason=run.reason,
            by=run.by,
            at=at,
        )
    return decisions.sign_withdrawal(
        withdrawal_id=item.withdrawal_id,
        seen=item.seen,
        reason=run.reason,
        proved_at=run.proved_at,
        by=run.by,
        at=at,
        among_many=True,
    )


def _receipt(run: BulkRun, item: BulkItem) -> Receipt | None:
    return first_receipt(item.withdrawal, by=run.by, verdict=Verdict(run.verdict))


def _attempt(deed: Callable[[], Done], item: BulkItem) -> Done | _No:
    """Do it; where it is refused, or fails by itself, return why. One item stops no other."""
    try:
        return deed()
    except (NotPossible, NotPermitted) as refusal:
        return _no(refusal)
    except OperationalError as problem:
        if not _is_busy(problem):
            raise
        return _no(TooManyAtOnce())
    except (InterfaceError, RateLimited):
        raise
    except Exception as problem:
        # Its text may quote somebody's data.
        name = type(problem).__name__
        logger.error("payments.bulk.broken", item=item.pk, problem=name)
        return _No(Cause.FAULT, Text(_("A fault of ours: %(fault)s. See the log."), fault=name))


def _no(refusal: Refusal) -> _No:
    changed = refusal.differences if isinstance(refusal, FactsChanged) else []
    return _No(
        cause_of(refusal),
        words_of(refusal),
        [
            {
                "label": packed(one.label),
                "before": packed(one.before),
                "after": packed(one.after),
            }
            for one in changed
        ],
    )


def _is_busy(problem: OperationalError) -> bool:
    state = getattr(problem.__cause__, "sqlstate", "")
    return state in _BUSY_STATES or "database is locked" in str(problem)


def _note_receipt(item: BulkItem, receipt: Receipt, *, at: datetime) -> None:
    """Keep the receipt whatever another worker noted meanwhile: the signature exists."""
    BulkItem.objects.filter(pk=item.pk).update(
        outcome=_outcome(receipt),
        cause="",
        said={},
        audit_number=receipt.audit.sequence,
        decided_at=at,
        seen="",
    )


def _note_refusal(run: BulkRun, item: BulkItem, no: _No, *, at: datetime) -> None:
    told = AuditEvent.objects.filter(by=run.by, at=at)
    subject_type, subject_id = audit.subject_of(item.withdrawal)
    event = told.about(subject_type=subject_type, subject_id=subject_id).last()
    BulkItem.objects.filter(pk=item.pk, outcome="").update(
        outcome=Outcome.NOT_DONE,
        cause=no.cause,
        said=packed(no.says),
        differences=no.differences,
        audit_number=event.sequence if event else None,
        decided_at=at,
        seen="",
    )


def _outcome(receipt: Receipt) -> Outcome:
    if receipt.signature.verdict == Verdict.REJECT:
        return Outcome.REJECTED
    return Outcome.SIGNED if receipt.withdrawal.approved_at is None else Outcome.APPROVED
