"""Whether what was screened is what the customers are now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Subquery

from customers.models import Customer, Screening, ScreeningRequest
from customers.screening import asking

_READ: Final = ("customer", "asked_digest", "screened_at")


@dataclass(frozen=True)
class Latest:
    """The newest screening of one row, beside what would be asked about it now.

    Both are digests. `told` is "" where nobody can be asked about, `asked` where nobody was asked.
    """

    customer_id: int
    told: str
    asked: str = ""
    screened_at: datetime | None = None

    @property
    def is_current(self) -> bool:
        return bool(self.told) and self.told == self.asked


def of(customer: Customer) -> list[Latest]:
    """For each row of this person that is asked about. Two queries."""
    rows = asking.rows_of(customer)
    newest = Screening.objects.filter(customer=OuterRef("customer")).order_by("-asked_at", "-pk")
    found = Screening.objects.filter(
        customer__in=[row.pk for row in rows], pk=Subquery(newest.values("pk")[:1])
    )
    screenings = {one.customer_id: one for one in found.only(*_READ)}
    return [_latest(row, screenings.get(row.pk)) for row in rows]


def is_under_way(customers: list[int]) -> bool:
    """Whether an answer about one of these rows is still to come."""
    return ScreeningRequest.objects.under_way().filter(customer__in=customers).exists()


def _latest(row: Customer, screening: Screening | None) -> Latest:
    facts = asking.about(row)
    told = facts.digest if facts else ""
    if screening is None:
        return Latest(row.pk, told)
    return Latest(row.pk, told, screening.asked_digest, screening.screened_at)
