"""What stands still on our side, and events about payments that we do not hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from payments.enums import DriftKind, Status
from payments.models import Drift, Payment, Withdrawal
from payments.queues import STUCK_AFTER, WithdrawalQuerySet
from payments.reconciliation import facts
from payments.reconciliation.drifts import Finding
from upstreams.enums import Upstream
from upstreams.models import WebhookEvent

SENT_FOR: Final = timedelta(days=1)  # a payout that left usually ends within half an hour
OPEN_FOR: Final = timedelta(days=2)
EXPIRED_FOR: Final = timedelta(hours=1)
PAYMENT_EVENTS: Final = "payment."

_CHUNK: Final = 500
# Their withdrawal is on a list of its own already: the queue, or the stuck withdrawals here.
_LOOKED_AFTER: Final = (Status.AWAITING_APPROVAL, Status.SENT)
_WAITS_FOR: Final = {
    Status.APPROVED: _("being sent"),
    Status.SENDING: _("an answer"),
    Status.UNKNOWN: _("a clear answer"),
    Status.SENT: _("the provider"),
}


def stuck(upstream: str, *, now: datetime) -> Iterator[Finding]:
    """Our payouts that should have gone on long ago, and payments that should have ended."""
    for withdrawal in stuck_withdrawals(now).filter(upstream=upstream).iterator(chunk_size=_CHUNK):
        yield stuck_withdrawal(withdrawal)
    for payment in stuck_payments(now).filter(upstream=upstream).iterator(chunk_size=_CHUNK):
        yield stuck_payment(payment)


def stuck_withdrawals(now: datetime) -> WithdrawalQuerySet:
    under_way = Q(status__in=[Status.APPROVED, Status.SENDING, Status.UNKNOWN])
    late = under_way & Q(approved_at__lte=now - STUCK_AFTER)
    sent = Q(status=Status.SENT, sent_at__lte=now - SENT_FOR)
    return Withdrawal.objects.filter(late | sent).select_related("payment").order_by("pk")


def stuck_payments(now: datetime) -> QuerySet[Payment]:
    late = Q(created_at__lte=now - OPEN_FOR) | Q(expires_at__lte=now - EXPIRED_FOR)
    return (
        Payment.objects.open()
        .filter(late)
        .exclude(withdrawal__status__in=_LOOKED_AFTER)
        .defer("raw", "stamps")
        .order_by("pk")
    )


def unmatched_events(
    upstream: str, since: datetime, until: datetime, *, now: datetime
) -> Iterator[Finding]:
    """Verified events of this time about payments that nobody holds here.

    A payment that is missing here as such is told once, not once more by each of its events.
    """
    events = (
        WebhookEvent.objects.filter(
            upstream=upstream,
            kind__startswith=PAYMENT_EVENTS,
            received_at__gte=since,
            received_at__lt=min(until, now - facts.LAG),
        )
        .exclude(subject_id="")
        .defer("body", "headers")
        .order_by("received_at", "pk")
        .iterator(chunk_size=_CHUNK)
    )
    while batch := list(islice(events, _CHUNK)):
        known = _known(upstream, {event.subject_id for event in batch})
        for event in batch:
            if event.subject_id not in known:
                yield unmatched_event(event)


def _known(upstream: str, ids: set[str]) -> set[str]:
    held = Payment.objects.filter(upstream=upstream, upstream_id__in=ids)
    told = Drift.objects.open().filter(
        upstream=upstream, kind=DriftKind.MISSING_HERE, subject__in=ids
    )
    return {
        *held.values_list("upstream_id", flat=True),
        *told.values_list("subject", flat=True),
    }


def stuck_withdrawal(withdrawal: Withdrawal) -> Finding:
    status = Status(withdrawal.status)
    since = withdrawal.sent_at if status == Status.SENT else withdrawal.approved_at
    assert since is not None  # the queries above ask for it
    return Finding(
        upstream=Upstream(withdrawal.upstream),
        kind=DriftKind.STUCK,
        subject=withdrawal.code,
        subject_at=since,
        currency=withdrawal.currency,
        amount=withdrawal.amount,
        ours={
            "code": withdrawal.code,
            "status": status.value,
            "amount": facts.plain(withdrawal.amount, withdrawal.currency),
            "currency": withdrawal.currency,
            "recipient": withdrawal.recipient_name or withdrawal.customer_name,
            "account": withdrawal.payid or withdrawal.bank_account,
            "reference": withdrawal.merchant_reference,
            "since": since.isoformat(),
            "waiting_for": _WAITS_FOR[status],
        },
        theirs=facts.of_payment(withdrawal.payment) if withdrawal.payment else {},
        fields=["status"],
        withdrawal=withdrawal,
        payment=withdrawal.payment,
    )


def stuck_payment(payment: Payment) -> Finding:
    return Finding(
        upstream=Upstream(payment.upstream),
        kind=DriftKind.STUCK,
        subject=payment.upstream_id,
        subject_at=payment.created_at,
        currency=payment.currency,
        amount=payment.amount,
        ours=facts.of_payment(payment),
        fields=["status"],
        payment=payment,
    )


def unmatched_event(event: WebhookEvent) -> Finding:
    return Finding(
        upstream=Upstream(event.upstream),
        kind=DriftKind.UNMATCHED_EVENT,
        subject=event.event_id,
        subject_at=event.received_at,
        theirs={
            "event": event.kind,
            "reference": event.subject_id,
            "created_at": event.received_at.isoformat(),
        },
        event=event,
    )
