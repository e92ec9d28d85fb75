"""What the page of reconciliation shows: how each provider stands, the totals, the work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, F, OuterRef, Q, Subquery, Value

from payments.models import DayTotal, Drift, Reconciliation
from payments.models.reconciliation import AGES, ReconciliationQuerySet
from payments.reconciliation import readers
from upstreams.enums import RunState, Upstream

MOST_TOTALS = 200


@dataclass(frozen=True)
class Totals:
    """Days of the newest finished runs; `is_cut`: there are more than are shown."""

    differing: list[DayTotal]
    agreeing: list[DayTotal]
    is_cut: bool


@dataclass(frozen=True)
class Standing:
    """One provider: its newest run, the newest that was finished, and what is open, by age."""

    upstream: Upstream
    newest: Reconciliation | None
    finished: Reconciliation | None
    ages: dict[str, int]

    @property
    def is_configured(self) -> bool:
        return readers.is_readable(self.upstream)

    @property
    def remark(self) -> str:
        """What people must know about the days of its payments; "" for nothing."""
        return str(readers.get(self.upstream).remark) if self.is_configured else ""

    @property
    def open(self) -> int:
        return sum(self.ages.values())


def standings(*, today: date) -> list[Standing]:
    """Every provider, in a fixed number of queries."""
    newest = _newest(Reconciliation.objects.all())
    finished = _newest(Reconciliation.objects.filter(state=RunState.DONE))
    ages = _ages(today)
    return [
        Standing(
            upstream=upstream,
            newest=newest.get(upstream),
            finished=finished.get(upstream),
            ages=ages[upstream],
        )
        for upstream in Upstream
    ]


def totals(standings: list[Standing]) -> Totals:
    """The totals of the newest finished runs, the newest days first."""
    runs = [standing.finished for standing in standings if standing.finished is not None]
    rows = DayTotal.objects.filter(run__in=runs).select_related("run")
    differs = Q(different__gt=0) | ~Q(ours_number=F("theirs_number")) | ~Q(ours_sum=F("theirs_sum"))
    newest = ("-day", "run__upstream", "currency", "kind")
    differing = list(rows.filter(differs).order_by(*newest)[: MOST_TOTALS + 1])
    agreeing = list(rows.exclude(differs).order_by(*newest)[: MOST_TOTALS + 1])
    return Totals(
        differing=differing[:MOST_TOTALS],
        agreeing=agreeing[:MOST_TOTALS],
        is_cut=max(len(differing), len(agreeing)) > MOST_TOTALS,
    )


def _newest(runs: ReconciliationQuerySet) -> dict[str, Reconciliation]:
    newest = runs.filter(upstream=OuterRef("upstream")).order_by("-started_at", "-pk")
    ids = runs.filter(pk=Subquery(newest.values("pk")[:1]))
    return {run.upstream: run for run in ids.select_related("started_by")}


def _ages(today: date) -> dict[str, dict[str, int]]:
    of_each = [
        Drift.objects.open()
        .of_age(age, today=today)
        .order_by()
        .values("upstream")
        .annotate(number=Count("pk"), age=Value(age))
        .values_list("upstream", "age", "number")
        for age in AGES
    ]
    ages = {upstream: dict.fromkeys(AGES, 0) for upstream in Upstream.values}
    for upstream, age, number in of_each[0].union(*of_each[1:]):
        ages[upstream][age] = number
    return ages
