"""What may be done about a drift, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet

from payments.enums import DriftKind, Kind, PaymentStatus, Remedy, Status
from payments.mirror.merging import ends_otherwise
from payments.models import OPEN_STATUSES, Drift, Payment, Settlement, Withdrawal
from payments.reconciliation.facts import MOVING
from payments.references import PAYOUTS
from staff import audit
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command

NEAR: Final = timedelta(days=3)  # how far from its approval a payout is looked for among payments
MOST_CANDIDATES: Final = 20

_BY_KIND: Final = {
    DriftKind.MISSING_HERE: (Remedy.ACCEPT_THEIRS, Remedy.READ_AGAIN, Remedy.WRITE_OFF),
    DriftKind.MISSING_THERE: (Remedy.READ_AGAIN, Remedy.WRITE_OFF),
    DriftKind.DIFFERS: (Remedy.ACCEPT_THEIRS, Remedy.READ_AGAIN, Remedy.WRITE_OFF),
    DriftKind.UNMATCHED_EVENT: (Remedy.ACCEPT_THEIRS, Remedy.READ_AGAIN, Remedy.WRITE_OFF),
    DriftKind.BALANCE: (Remedy.READ_AGAIN, Remedy.WRITE_OFF),
}


@dataclass(frozen=True)
class Offer:
    """One way out. `refused` says why it cannot be taken now; "" when it can."""

    remedy: Remedy
    refused: str


def offers(drift: Drift) -> list[Offer]:
    """Everything that makes sense for its kind, possible at this moment or not."""
    return [Offer(remedy, _refusal(drift, remedy)) for remedy in _sensible(drift)]


def refusal(drift: Drift, remedy: Remedy) -> str:
    """Why this remedy cannot be taken; "" when it can."""
    if remedy not in _sensible(drift):
        return f"{remedy.label} does not help here."
    return _refusal(drift, remedy)


def candidates(withdrawal: Withdrawal) -> QuerySet[Payment]:
    """Payouts there that may be this one: its amount and account or reference, nobody else's."""
    since = withdrawal.approved_at or withdrawal.created_at
    same = Q(account_key=withdrawal.account_key) | Q(account_key="")
    return (
        Payment.objects.filter(
            same,
            upstream=withdrawal.upstream,
            kind=Kind.WITHDRAWAL,
            currency=withdrawal.currency,
            amount=withdrawal.amount,
            withdrawal=None,
            created_at__gte=since - NEAR,
            created_at__lte=since + NEAR,
        )
        .order_by("created_at", "pk")
        .defer("raw", "stamps")
    )


def live_command(withdrawal: Withdrawal) -> Command | None:
    """The command that sends this payout, as long as it is not settled."""
    subject_type, subject_id = audit.subject_of(withdrawal)
    return (
        Command.objects.about(subject_type=subject_type, subject_id=subject_id)
        .filter(kind__in=PAYOUTS.values())
        .exclude(state__in=[CommandState.DONE, CommandState.REFUSED, CommandState.WITHDRAWN])
        .last()
    )


def _sensible(drift: Drift) -> tuple[Remedy, ...]:
    if drift.kind != DriftKind.STUCK:
        return _BY_KIND[DriftKind(drift.kind)]
    if drift.withdrawal is None or drift.withdrawal.status == Status.SENT:
        return (Remedy.READ_AGAIN, Remedy.WRITE_OFF)
    return (Remedy.SEND_AGAIN, Remedy.LINK)


def _refusal(drift: Drift, remedy: Remedy) -> str:
    match remedy:
        case Remedy.ACCEPT_THEIRS if drift.kind == DriftKind.DIFFERS:
            return _against_accepting(drift)
        case Remedy.SEND_AGAIN:
            return _against_sending(drift)
        case Remedy.LINK:
            return _against_linking(drift)
    return ""


def _against_accepting(drift: Drift) -> str:
    """What ended never opens again, and what was signed is not rewritten."""
    payment = drift.payment
    assert payment is not None  # it is about ours
    theirs = PaymentStatus(drift.theirs["status"])
    if payment.status not in OPEN_STATUSES and theirs in OPEN_STATUSES:
        return "It has ended here, and they show it as open: read it again."
    if not Withdrawal.objects.filter(payment=payment).exists():
        return ""
    if not MOVING.issuperset(drift.fields) or ends_otherwise(payment.status, theirs):
        return "It pays a withdrawal of ours. What was signed and how it ended are not rewritten."
    return ""


def _against_sending(drift: Drift) -> str:
    assert drift.withdrawal is not None  # `_sensible`
    command = live_command(drift.withdrawal)
    if command is None:
        return "Nothing in the outbox sends it: undo the approval, or settle it."
    if _open_settlement(drift.withdrawal):
        return "Somebody proposed an outcome: confirm or drop that first."
    return outbox.why_not_again(command)


def _against_linking(drift: Drift) -> str:
    assert drift.withdrawal is not None  # `_sensible`
    command = live_command(drift.withdrawal)
    if drift.withdrawal.status != Status.UNKNOWN:
        return "Its outcome is not unknown."
    if command is None or not outbox.waits_for_people(command):
        return "The desk is still looking for it at the provider by itself."
    if _open_settlement(drift.withdrawal):
        return "Somebody proposed an outcome: confirm or drop that first."
    if not candidates(drift.withdrawal).exists():
        return "No payment there could be it."
    return ""


def _open_settlement(withdrawal: Withdrawal) -> bool:
    return Settlement.objects.filter(
        withdrawal=withdrawal, confirmed_at=None, dropped_at=None
    ).exists()
