"""Commands in doubt that our own copy has answered meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from payments.models import PaymentRequest, Withdrawal
from payments.references import DEPOSIT, PAYOUT
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command


def settle_answered(*, at: datetime) -> int:
    """Close what was left to people and whose payment the mirror has linked; return how many.

    While a machine still looks, it finds that payment itself.
    """
    settled = 0
    for command, reference in [*_answered(PAYOUT, Withdrawal), *_answered(DEPOSIT, PaymentRequest)]:
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
