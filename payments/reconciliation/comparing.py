"""One closed window of their list against our rows of the same time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from payments.enums import DriftKind, Kind
from payments.mirror.merging import Observation
from payments.models import OPEN_STATUSES, DayTotal, Payment, Reconciliation
from payments.reconciliation import facts
from payments.reconciliation.drifts import Finding
from payments.reconciliation.readers import Reader
from upstreams.feeds import FeedPage

Key = tuple[date, str, str]  # day (UTC), currency, kind

_CHUNK = 2000
_UNREAD = ("raw", "stamps", "description", "error_message")


@dataclass
class Sum:
    """What one day, currency and kind comes to."""

    ours_number: int = 0
    ours_sum: Decimal = Decimal(0)
    theirs_number: int = 0
    theirs_sum: Decimal = Decimal(0)
    matched: int = 0
    pending: int = 0
    different: int = 0
    settled: int = 0


@dataclass(frozen=True)
class Line:
    """One record of theirs and what became of it: `matched`, `pending` or `different`."""

    created_at: datetime
    key: Key
    amount: Decimal
    verdict: str
    finding: Finding | None = None


@dataclass
class Window:
    """All that was created since `since`, as far as it has been read."""

    reader: Reader
    since: datetime
    is_complete: bool = True
    _lines: dict[str, Line] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)  # shown, and nobody can read them

    def take(self, page: FeedPage, *, now: datetime) -> None:
        """Compare one page. A page that comes again replaces what it said before."""
        seen = [self._observed(record) for record in page.records]
        told = [one for one in seen if one is not None]
        ours = {
            row.upstream_id: row
            for row in Payment.objects.defer(*_UNREAD).filter(
                upstream=self.reader.upstream, upstream_id__in=[one.upstream_id for one in told]
            )
        }
        for one in told:
            self._lines[one.upstream_id] = _line(ours.get(one.upstream_id), one, now=now)
        for item in page.refused:
            self._unread.add(item.record_id)
            self.is_complete &= bool(item.record_id)
        self.is_complete &= not page.remark

    def findings(self, until: datetime) -> Iterator[Finding]:
        """What does not agree, once the window ends at `until`."""
        for line in self._theirs(until):
            if line.finding is not None:
                yield line.finding
        if not self.is_complete:
            return  # what they did not show may be there all the same
        for row in self._ours(until):
            if self._is_missing_there(row):
                yield missing_there(row)

    def sums(self, until: datetime, *, settled: set[tuple[str, str]]) -> dict[Key, Sum]:
        """The totals; what was written off counts as settled."""
        sums: dict[Key, Sum] = defaultdict(Sum)
        for line in self._theirs(until):
            of_day = sums[line.key]
            of_day.theirs_number += 1
            of_day.theirs_sum += line.amount
            verdict = _settled(line.finding, settled) or line.verdict
            setattr(of_day, verdict, getattr(of_day, verdict) + 1)
        for row in self._ours(until):
            of_day = sums[_key(row.created_at, row.currency, row.kind)]
            of_day.ours_number += 1
            of_day.ours_sum += row.amount
            if self.is_complete and self._is_missing_there(row):
                key = DriftKind.MISSING_THERE.value, row.upstream_id
                verdict = "settled" if key in settled else "different"
                setattr(of_day, verdict, getattr(of_day, verdict) + 1)
        return sums

    def read(self, until: datetime) -> int:
        return sum(1 for _ in self._theirs(until)) + len(self._unread)

    def _theirs(self, until: datetime) -> Iterator[Line]:
        """What belongs into this window: a page may show rows of the next ones too."""
        return (line for line in self._lines.values() if line.created_at < until)

    def _ours(self, until: datetime) -> Iterator[Payment]:
        rows = Payment.objects.defer(*_UNREAD).filter(
            upstream=self.reader.upstream, created_at__gte=self.since, created_at__lt=until
        )
        return rows.order_by("created_at", "pk").iterator(chunk_size=_CHUNK)

    def _is_missing_there(self, row: Payment) -> bool:
        return row.upstream_id not in self._lines and row.upstream_id not in self._unread

    def _observed(self, record: Any) -> Observation | None:
        try:
            return self.reader.observe(record)
        except ValueError:
            self._unread.add(str(record.id))
            return None


def keep(run: Reconciliation, sums: dict[Key, Sum]) -> None:
    """Add these to what earlier windows of the run came to."""
    days = {day for day, _, _ in sums}
    rows = {(row.day, row.currency, row.kind): row for row in run.totals.filter(day__in=days)}
    for key, of_day in sums.items():
        day, currency, kind = key
        row = rows.setdefault(key, DayTotal(run=run, day=day, currency=currency, kind=kind))
        for name in _FIGURES:
            setattr(row, name, getattr(row, name) + getattr(of_day, name))
    DayTotal.objects.bulk_create(
        [rows[key] for key in sorted(sums)],
        update_conflicts=True,
        unique_fields=["run", "day", "currency", "kind"],
        update_fields=_FIGURES,
    )


_FIGURES = tuple(Sum.__dataclass_fields__)


def compare(payment: Payment | None, seen: Observation, *, now: datetime) -> Finding | None:
    """What does not agree about one payment that they show; None when all does, or may yet."""
    if payment is None:
        return _missing_here(seen)
    fields = facts.differing(payment, seen)
    if not fields or facts.is_under_way(payment, fields, now=now):
        return None
    return Finding(
        upstream=seen.upstream,
        kind=DriftKind.DIFFERS,
        subject=seen.upstream_id,
        subject_at=payment.created_at,
        currency=payment.currency,
        amount=payment.amount,
        ours=facts.of_payment(payment),
        theirs=facts.of_observation(seen),
        fields=fields,
        raw=seen.values["raw"],
        payment=payment,
    )


def missing_there(payment: Payment) -> Finding:
    """A payment of ours that they do not show."""
    return Finding(
        upstream=payment.upstream,
        kind=DriftKind.MISSING_THERE,
        subject=payment.upstream_id,
        subject_at=payment.created_at,
        currency=payment.currency,
        amount=payment.amount,
        ours=facts.of_payment(payment),
        payment=payment,
    )


def _missing_here(seen: Observation) -> Finding:
    return Finding(
        upstream=seen.upstream,
        kind=DriftKind.MISSING_HERE,
        subject=seen.upstream_id,
        subject_at=seen.values["created_at"],
        currency=seen.values["currency"],
        amount=seen.values["amount"],
        theirs=facts.of_observation(seen),
        raw=seen.values["raw"],
    )


def _line(payment: Payment | None, seen: Observation, *, now: datetime) -> Line:
    told, verdict = seen.values, "matched"
    finding = compare(payment, seen, now=now)
    if finding is not None:
        verdict = "different"
    elif seen.status in OPEN_STATUSES or (payment and facts.differing(payment, seen)):
        verdict = "pending"
    key = _key(told["created_at"], told["currency"], told["kind"])
    return Line(told["created_at"], key, told["amount"], verdict, finding)


def _settled(finding: Finding | None, settled: set[tuple[str, str]]) -> str:
    if finding is None or (finding.kind.value, finding.subject) not in settled:
        return ""
    return "settled"


def _key(at: datetime, currency: str, kind: str) -> Key:
    return at.astimezone(UTC).date(), currency, Kind(kind).value
