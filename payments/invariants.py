"""What must always be true of the money that leaves (proof §3.9). Checked every minute.

A breach stops the provider's sending and calls a person. Once it did, the open alarm says so: a
person who looked may switch sending on again while the alarm stays open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count, F, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Lower
from django.utils.translation import gettext_noop as _

from payments import policies
from payments.checks.history import WENT_UNPAID
from payments.enums import PAID_OUT, LimitPer, PaymentStatus, Status
from payments.intent import differences
from payments.models import (
    PAID_STATUSES,
    UNPAID_STATUSES,
    Limit,
    Payment,
    Policy,
    Signature,
    Withdrawal,
)
from payments.queues import WithdrawalQuerySet
from payments.references import PAYOUTS
from staff import anchors, audit
from staff.models import AuditEvent
from staff.texts import Lowered, Text
from upstreams import alarms, outbox
from upstreams.enums import CommandState, EventState, Upstream
from upstreams.models import Command, WebhookEvent

logger = structlog.get_logger(__name__)

RECENT: Final = timedelta(days=30)  # what was asked for before that ended long ago
SETTLED_WITHIN: Final = timedelta(hours=1)
GRACE: Final = timedelta(minutes=1)
EVENT_LATE: Final = timedelta(hours=1)
BY_LABEL: Final = "Lightdesk"

_UNDER_WAY: Final = (Status.APPROVED, Status.SENDING, Status.UNKNOWN)
# Where nobody comes without having been signed.
_SIGNED: Final = (
    *_UNDER_WAY,
    Status.SENT,
    Status.COMPLETED,
    Status.FAILED,
    Status.CANCELLED,
    Status.REFUSED,
)


@dataclass(frozen=True)
class Breach:
    """Something that must never be. `text` holds no personal data. `stops`: sending ends."""

    code: str
    upstream: str
    subject: tuple[str, str]
    text: Text
    stops: bool = True


def check(*, now: datetime) -> list[Breach]:
    """Check everything, raise an alarm per breach and stop the providers concerned."""
    breaches = [breach for invariant in INVARIANTS for breach in invariant(now)]
    for breach in breaches:
        _call(breach, now=now)
    return breaches


def verify_chain(*, now: datetime, whole: bool = False) -> audit.Verdict:
    """I7: walk the audit chain, its new part or the whole. A broken one stops every provider."""
    verdict = audit.verify() if whole else anchors.verify_new(at=now)
    if not verdict.ok:
        for upstream in Upstream:
            text = Text(
                _("Audit event #%(number)s: %(why)s."),
                number=verdict.first_broken_sequence,
                why=verdict.reason,
            )
            _call(Breach("i7-chain", upstream, ("", ""), text), now=now)
    return verdict


def paid_once(now: datetime) -> Iterable[Breach]:
    """I1: at most one payment there, of those that moved or may move money, per reference."""
    payments = (
        Payment.objects.filter(
            kind__in=PAID_OUT,
            upstream=OuterRef("upstream"),
            merchant_reference=OuterRef("merchant_reference"),
        )
        .exclude(status__in=UNPAID_STATUSES)
        .order_by()
        .values("upstream")
        .annotate(number=Count("pk"))
        .values("number")
    )
    doubled = _recent(now).ours().annotate(payments=Subquery(payments)).filter(payments__gt=1)
    for withdrawal in doubled.order_by("pk"):
        text = Text(_("More than one payment exists for %(code)s."), code=withdrawal.code)
        yield _breach("i1-paid-once", withdrawal, text)


def nothing_is_forgotten(now: datetime) -> Iterable[Breach]:
    """I2: what was approved has a command that a worker or a person still attends to."""
    waiting = list(
        Withdrawal.objects.ours()
        .filter(status__in=_UNDER_WAY, approved_at__lte=now - GRACE)
        .order_by("pk")
    )
    attended = set(
        Command.objects.filter(
            kind__in=PAYOUTS.values(),
            subject_id__in=[str(withdrawal.pk) for withdrawal in waiting],
            state__in=[CommandState.QUEUED, CommandState.SENDING, CommandState.UNKNOWN],
        ).values_list("subject_id", flat=True)
    )
    for withdrawal in waiting:
        if str(withdrawal.pk) not in attended and _is_still(withdrawal):
            text = _told(_("%(code)s is %(status)s and nothing will send it."), withdrawal)
            yield _breach("i2-forgotten", withdrawal, text)


def signed_by_enough(now: datetime) -> Iterable[Breach]:
    """I3: enough distinct signers of the roles asked for, on one digest, none of whom wrote it."""
    signed = list(
        _watched(now).filter(status__in=_SIGNED).order_by("pk").prefetch_related("revisions")
    )
    by_withdrawal: dict[int, list[Signature]] = defaultdict(list)
    approvals_of = Signature.objects.valid().approvals().filter(withdrawal__in=signed)
    for signature in approvals_of.select_related("policy"):
        by_withdrawal[signature.withdrawal_id].append(signature)
    for withdrawal in signed:
        approvals = [
            signature
            for signature in by_withdrawal[withdrawal.pk]
            if signature.revision == withdrawal.revision
        ]
        writers = {withdrawal.created_by_id, withdrawal.last_edited_by_id}
        writers |= {revision.by_id for revision in withdrawal.revisions.all()}
        needed = withdrawal.signatures_required or 1
        if not policies.are_enough(approvals, needed=needed, writers=writers):
            text = _told(_("%(code)s is %(status)s without the signatures it needs."), withdrawal)
            yield _breach("i3-signatures", withdrawal, text)


def paid_as_asked(now: datetime) -> Iterable[Breach]:
    """I4: the payment has the amount, currency and account that were asked for.

    One that two people settled by hand was compared by them.
    """
    differs = (
        ~Q(payment__amount=F("amount"))
        | ~Q(payment__currency=F("currency"))
        | ~Q(payment__kind__in=PAID_OUT)
        | ~Q(payment__hosted=F("hosted"))
        | ~Q(payment__account_key=F("account_key")) & ~Q(payment__account_key="")
    )
    different = (
        _recent(now)
        .ours()
        .filter(differs, payment__isnull=False)
        .exclude(settlements__confirmed_at__isnull=False)
        .select_related("payment")
        .order_by("pk")
    )
    for withdrawal in different:
        # An account key may differ because the provider told less of the account.
        if withdrawal.payment and differences(withdrawal, withdrawal.payment):
            text = Text(
                _("The payment of %(code)s is not what was asked for."), code=withdrawal.code
            )
            yield _breach("i4-intent", withdrawal, text)


def no_end_is_reversed(now: datetime) -> Iterable[Breach]:
    """I5: a withdrawal that ended has a payment that ended the same way."""
    reversed_ends = (
        Q(status=Status.COMPLETED) & ~Q(payment__status__in=PAID_STATUSES)
        | Q(status=Status.FAILED)
        & ~Q(payment__status__in=[PaymentStatus.FAILED, PaymentStatus.EXPIRED])
        | Q(status=Status.CANCELLED) & ~Q(payment__status=PaymentStatus.CANCELLED)
    )
    for withdrawal in _recent(now).filter(reversed_ends).order_by("pk"):
        text = _told(_("%(code)s is %(status)s and its payment is not."), withdrawal)
        yield _breach("i5-reversal", withdrawal, text)


def every_move_is_audited(now: datetime) -> Iterable[Breach]:
    """I6: the newest audit event that tells a state tells the present one."""
    rows = list(_watched(now).order_by("pk"))
    told: dict[str, str] = {}
    events = (
        AuditEvent.objects.filter(
            subject_type=Withdrawal._meta.label_lower,
            subject_id__in=[str(row.pk) for row in rows],
        )
        .order_by("sequence")
        .values_list("subject_id", "after")
    )
    for subject_id, after in events:
        told[subject_id] = after.get("status", told.get(subject_id, ""))
    for row in rows:
        if told.get(str(row.pk)) != row.status and _is_still(row):
            text = _told(_("%(code)s is %(status)s, and the audit trail does not say so."), row)
            yield _breach("i6-audit", row, text)


def events_are_applied(now: datetime) -> Iterable[Breach]:
    """I8: verified events do not wait for hours. It stops nothing: polls see what they told."""
    late = WebhookEvent.objects.filter(
        state__in=[EventState.RECEIVED, EventState.RETRYING],
        received_at__lte=now - EVENT_LATE,
        next_at__lte=now - GRACE,
    )
    for row in late.order_by("upstream").values("upstream").annotate(number=Count("pk")):
        text = Text(_("%(number)s events have waited for more than an hour."), number=row["number"])
        yield Breach("i8-events", row["upstream"], ("", ""), text, stops=False)


def limits_are_kept(now: datetime) -> Iterable[Breach]:
    """I9: what was signed under one tier is within the limits of that tier.

    Each was held against the sum of all before it, so those of one tier fit together too. Only the
    tiers in force are looked at: what was signed under older ones was checked every minute.
    """
    for tier in policies.published(now):
        for limit in tier.limits:
            for upstream in _past_limit(tier, limit, now):
                text = Text(
                    _("More was signed than the limit per %(whom)s of policy %(version)s allows."),
                    whom=Text(limit.per.label),
                    version=str(tier.version),
                )
                yield Breach("i9-limits", upstream, audit.subject_of(tier), text)


def _past_limit(tier: Policy, limit: Limit, now: datetime) -> set[str]:
    """Providers by which more goes than the limit allows; none while it is kept.

    Customers are told apart by e-mail alone: it cannot change once it was signed.
    """
    since = now - limit.span
    signed = Signature.objects.valid().approvals().filter(policy=tier, at__gt=since)
    if limit.per == LimitPer.APPROVER:
        sums = signed.values("by", "withdrawal__currency").annotate(
            total=Sum("withdrawal__amount"), through=Min("withdrawal__upstream")
        )
        return {row["through"] for row in sums.filter(total__gt=limit.amount)}
    whose = "account_key" if limit.per == LimitPer.BENEFICIARY else "email"
    paid = (
        Withdrawal.objects.ours()
        .annotate(email=Lower("customer_email"))
        .filter(approved_at__gt=since, status__in=_SIGNED, pk__in=signed.values("withdrawal"))
        .exclude(WENT_UNPAID)
        .exclude(**{whose: ""})
    )
    totals = paid.values("currency", whose).annotate(total=Sum("amount"), through=Min("upstream"))
    return {row["through"] for row in totals.filter(total__gt=limit.amount)}


INVARIANTS: Final[tuple[Callable[[datetime], Iterable[Breach]], ...]] = (
    paid_once,
    nothing_is_forgotten,
    signed_by_enough,
    limits_are_kept,
    paid_as_asked,
    no_end_is_reversed,
    every_move_is_audited,
    events_are_applied,
)


def _recent(now: datetime) -> WithdrawalQuerySet:
    return Withdrawal.objects.filter(created_at__gte=now - RECENT)


def _watched(now: datetime) -> WithdrawalQuerySet:
    """What is under way or ended just now: the rest was checked every minute until it ended."""
    return _recent(now).exclude(settled_at__isnull=False, settled_at__lt=now - SETTLED_WITHIN)


def _is_still(withdrawal: Withdrawal) -> bool:
    """Whether it stands where it stood: somebody may have moved it between two of our reads."""
    return Withdrawal.objects.filter(pk=withdrawal.pk, status=withdrawal.status).exists()


def _told(english: str, withdrawal: Withdrawal) -> Text:
    return Text(english, code=withdrawal.code, status=Lowered(Status(withdrawal.status).label))


def _breach(code: str, withdrawal: Withdrawal, text: Text) -> Breach:
    return Breach(code, withdrawal.upstream, audit.subject_of(withdrawal), text)


def _call(breach: Breach, *, now: datetime) -> None:
    with transaction.atomic():
        alarm = alarms.raise_alarm(
            upstream=breach.upstream,
            code=breach.code,
            text=breach.text,
            at=now,
            subject=breach.subject,
        )
        is_new = alarm.raised_at == now
        if is_new and breach.stops:
            outbox.stop_sending(breach.upstream, reason=breach.text, by_label=BY_LABEL, at=now)
    logger.error("payments.invariant.broken", code=breach.code, subject=breach.subject)
