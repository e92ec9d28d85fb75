"""Requests that nobody decides end by themselves: never approved because a clock ran out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from payments.enums import Status
from payments.journal import Journal
from payments.models import Withdrawal
from payments.moves import move

FORGOTTEN_AFTER: Final = timedelta(days=7)  # past due
_BATCH: Final = 200


def lapse_forgotten(*, at: datetime) -> int:
    """Lapse our own requests that were due a week ago; return how many.

    What lies at the provider is theirs to end: it lapses here when it moves on there.
    """
    forgotten = list(
        Withdrawal.objects.ours()
        .awaiting()
        .filter(due_at__lte=at - FORGOTTEN_AFTER)
        .due_first()
        .values_list("pk", flat=True)[:_BATCH]
    )
    return sum(_lapse(pk, at) for pk in forgotten)


def _lapse(pk: int, at: datetime) -> bool:
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=pk)
        if withdrawal.status != Status.AWAITING_APPROVAL:
            return False  # somebody decided meanwhile
        journal = Journal(by=None, at=at, by_label="Lightdesk")
        move(
            withdrawal,
            Status.LAPSED,
            journal=journal,
            reason="Nobody decided within a week after it was due.",
            settled_at=at,
        )
        journal.write()
    return True
