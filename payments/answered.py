"""Commands in doubt that our own copy has answered meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from django.conf import settings

from payments.models import Payment, PaymentRequest, Withdrawal
from payments.references import CANCEL, DEPOSIT, LUX_PAYOUT, PAYOUT
from upstreams import outbox
from upstreams.enums import CommandState, Upstream
from upstreams.models import Command


def settle_answered(*, at: datetime) -> int:
    """Close what was left to people and whose payment the mirror has linked; return how many.

    While a machine still looks, it finds that payment itself.
    """
    settled = 0
    answers = [
        _answered(PAYOUT, Withdrawal),
        _answered(LUX_PAYOUT, Withdrawal),
        _answered(DEPOSIT, PaymentRequest),
        _cancelled(),
    ]
    for command, reference in chain.from_iterable(answers):
        try:
            outbox.settle_seen(command=command, reference=reference, at=at)
        except outbox.NotSettleable:
            continue  # somebody was faster
        settled += 1
    return settled


def _answered(
    kind: str, model: type[Withdrawal] | type[PaymentRequest]
) -> Iterator[tuple[Command, str]]:
    left = Command.objects.filter(kind=kind, state=CommandState.UNKNOWN, next_at=None)
    by_subject = {command.subject_id: command for command in left.order_by("pk")}
    rows = model._default_manager.filter(pk__in=by_subject, payment__isnull=False)
    for row in rows.select_related("payment").order_by("pk"):
        assert row.payment is not None  # the filter says so
        yield by_subject[str(row.pk)], row.payment.upstream_id


def _cancelled() -> Iterator[tuple[Command, str]]:
    """Cancellations of what is pending no more: whatever became of it, there is nothing to ask."""
    left = Command.objects.filter(kind=CANCEL, state=CommandState.UNKNOWN, next_at=None)
    by_payment = {
        json.loads(command.request_bytes)["payment"]: command for command in left.order_by("pk")
    }
    moved_on = Payment.objects.filter(
        upstream=Upstream.LUXCORE, upstream_id__in=by_payment
    ).exclude(upstream_status__in=settings.LUXCORE_CANCELLABLE_STATUSES)
    for upstream_id in moved_on.order_by("pk").values_list("upstream_id", flat=True):
        yield by_payment[upstream_id], upstream_id
