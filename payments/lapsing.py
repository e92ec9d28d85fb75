"""Requests that nobody decides end by themselves: never approved because a clock ran out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction

from payments import policies
from payments.enums import Status
from payments.models import Policy, Withdrawal
from payments.moves import move
from staff.journal import Journal

_BATCH: Final = 200


def lapse_forgotten(*, at: datetime) -> int:
    """Lapse our own requests that were due too long ago; return how many.

    How long is too long, their tier says. What lies at the provider is theirs to end: it lapses
    here when it moves on there.
    """
    tiers = policies.published(at)
    shortest = min((tier.lapses_after for tier in tiers), default=policies.LAPSES_AFTER)
    waiting = (
        Withdrawal.objects.ours()
        .awaiting()
        .filter(due_at__lte=at - min(shortest, policies.LAPSES_AFTER))
        .due_first()
    )
    forgotten = (
        (withdrawal.pk, waits)
        for withdrawal in waiting.iterator(chunk_size=_BATCH)
        if withdrawal.due_at <= at - (waits := _patience(withdrawal, tiers))
    )
    # Chosen before the first one is touched: nobody reads from a table that is being changed.
    return sum(_lapse(pk, waits, at) for pk, waits in list(islice(forgotten, _BATCH)))


def _patience(withdrawal: Withdrawal, tiers: Sequence[Policy]) -> timedelta:
    return policies.requirement_for(withdrawal, policies=tiers).lapses_after


def _lapse(pk: int, waits: timedelta, at: datetime) -> bool:
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=pk)
        if withdrawal.status != Status.AWAITING_APPROVAL:
            return False  # somebody decided meanwhile
        journal = Journal(by=None, at=at, by_label="Lightdesk")
        move(
            withdrawal,
            Status.LAPSED,
            journal=journal,
            reason=f"Nobody decided within {_words(waits)} after it was due.",
            settled_at=at,
        )
        journal.write()
    return True


def _words(span: timedelta) -> str:
    hours = span // timedelta(hours=1)
    number, unit = (hours, "hour") if hours % 24 else (hours // 24, "day")
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
