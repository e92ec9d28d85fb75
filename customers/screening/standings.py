"""Where customers stand with the lists: one row each, counted anew from their hits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from customers.enums import HitState
from customers.models import Hit, ScreeningStanding

COUNTS: Final = {
    HitState.OPEN: "open_hits",
    HitState.UNSURE: "unsure_hits",
    HitState.TRUE: "true_hits",
    HitState.FALSE: "false_hits",
}
COUNTED: Final = [*COUNTS.values(), "rank"]
_NEWEST: Final = ["screening", "asked_at", "screened_at"]


def count(standing: ScreeningStanding, hits: Iterable[Hit]) -> None:
    """Count the hits of one customer: those that are still listed."""
    listed = [hit for hit in hits if hit.is_listed]
    for state, name in COUNTS.items():
        setattr(standing, name, sum(hit.state == state for hit in listed))
    waiting = [hit for hit in listed if hit.is_open] or listed
    standing.rank = max((hit.rank for hit in waiting), default=Decimal(0))


def keep(standings: Iterable[ScreeningStanding]) -> None:
    """Write them, new ones and those that are there, in one query."""
    ScreeningStanding.objects.bulk_create(
        standings,
        update_conflicts=True,
        unique_fields=["customer"],
        update_fields=[*_NEWEST, *COUNTED],
    )


def recount(customer_id: int) -> None:
    """Count one customer's hits anew. The caller has locked the customer."""
    standing = ScreeningStanding.objects.get(customer=customer_id)
    count(standing, Hit.objects.filter(customer=customer_id))
    standing.save(update_fields=COUNTED)
