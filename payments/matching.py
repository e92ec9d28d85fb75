"""Finding out which of Lumetrade's withdrawals is ours, when the answer to ours was lost.

There is no reference to look for: only to whom, how much and when. What is not certain is left to
two people, who see here what it may be.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet

from payments.enums import Kind, Status
from payments.models import Payment, Withdrawal
from payments.rules import lumetrade
from upstreams import clock
from upstreams.enums import Upstream
from upstreams.models import Command
from upstreams.records import BadRecord, Fields, RefusedItem

BEFORE: Final = timedelta(minutes=5)  # their clock may differ from ours
AFTER: Final = timedelta(minutes=15)  # after we stopped waiting for the answer
MOST: Final = 20  # shown to people


def window(command: Command) -> tuple[datetime, datetime]:
    """When a withdrawal that this command made was created."""
    begun = command.first_sent_at or command.created_at
    return begun - BEFORE, (command.unknown_since or clock.database_now()) + AFTER


def may_be_unread(item: RefusedItem, command: Command, ours: QuerySet[Any]) -> bool:
    """Whether what could not be read, or not be kept, may be what this command made.

    Not what was made at another time, and not what is among `ours` since before it was sent.
    """
    begin, end = window(command)
    made_at = _made_at(item)
    if made_at is not None and not begin <= made_at <= end:
        return False
    begun = command.first_sent_at or command.created_at
    held = ours.filter(
        upstream=command.upstream, upstream_id=item.record_id, first_seen_at__lt=begun
    )
    return not held.exists()


def _made_at(item: RefusedItem) -> datetime | None:
    """When it says it was made; None where even that cannot be read."""
    try:
        return Fields(item.payload).moment("createdAt")
    except BadRecord:
        return None


def candidates(withdrawal: Withdrawal, command: Command) -> list[Payment]:
    """What may be it: this amount in its window, nobody's yet, and not known to go elsewhere."""
    begun = command.first_sent_at or command.created_at
    rows = Payment.objects.filter(
        upstream=Upstream.LUMETRADE,
        kind=Kind.WITHDRAWAL,
        currency=withdrawal.currency,
        amount=withdrawal.amount,
        created_at__range=window(command),
        first_seen_at__gte=begun,  # what we saw before we sent is not it
        withdrawal=None,
    )
    details = _details(withdrawal)
    nearest = rows.order_by("created_at", "pk")[:MOST]
    return [row for row in nearest if not _goes_elsewhere(details, row.counterparty)]


def certain(withdrawal: Withdrawal, there: list[Payment]) -> Payment | None:
    """The one that is it beyond doubt: the only one, to the very account, and asked for once."""
    if len(there) != 1 or not goes_there(withdrawal, there[0]) or _has_rival(withdrawal):
        return None
    return there[0]


def goes_there(withdrawal: Withdrawal, payment: Payment) -> bool:
    """Whether it says all that we know of where this beneficiary's money goes, and so does it."""
    details = _details(withdrawal)
    told = payment.counterparty
    return bool(details) and all(told.get(name) == value for name, value in details.items())


def _details(withdrawal: Withdrawal) -> dict[str, Any]:
    payee = lumetrade.payee_of(withdrawal.payee_id)
    return dict(payee.details) if payee else {}


def _goes_elsewhere(details: dict[str, Any], told: dict[str, Any]) -> bool:
    return any(name in told and told[name] != value for name, value in details.items())


def _has_rival(withdrawal: Withdrawal) -> bool:
    """Whether another payout of ours, just like it, may be the one that is seen there."""
    return (
        Withdrawal.objects.filter(
            upstream=Upstream.LUMETRADE,
            currency=withdrawal.currency,
            amount=withdrawal.amount,
            payee_id=withdrawal.payee_id,
            status__in=[Status.SENDING, Status.UNKNOWN],
            payment=None,
        )
        .exclude(pk=withdrawal.pk)
        .exists()
    )
