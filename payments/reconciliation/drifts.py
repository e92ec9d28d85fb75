"""What was found, kept: one row per provider, kind and subject, however many runs see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from payments.enums import DriftKind, DriftState, Remedy, RemedyState
from payments.models import Drift, Payment, Reconciliation, Resolution, Withdrawal
from payments.reconciliation.facts import Facts
from upstreams import strict_json
from upstreams.models import WebhookEvent

BATCH: Final = 500
_TOLD: Final = (
    "currency",
    "amount",
    "ours",
    "theirs",
    "fields",
    "raw",
    "fingerprint",
    "payment",
    "withdrawal",
    "event",
    "subject_at",
)
_COLUMNS: Final = (*_TOLD, "state", "since_day", "opened_at", "seen_at", "closed_at", "last_run")


@dataclass(frozen=True)
class Finding:
    """Something that does not agree, as seen once. `subject_at`: which days it belongs to."""

    upstream: str
    kind: DriftKind
    subject: str
    subject_at: datetime
    currency: str = ""
    amount: Decimal | None = None
    ours: Facts = field(default_factory=dict)
    theirs: Facts = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict, repr=False)
    payment: Payment | None = None
    withdrawal: Withdrawal | None = None
    event: WebhookEvent | None = None

    @property
    def fingerprint(self) -> str:
        return strict_json.digest({"ours": self.ours, "theirs": self.theirs})

    @property
    def since_day(self) -> date:
        return self.subject_at.astimezone(UTC).date()


def store(
    findings: Iterable[Finding], *, at: datetime, run: Reconciliation | None = None
) -> tuple[int, set[tuple[str, str]]]:
    """Open what is new, renew what is open, and leave alone what was written off as it is.

    Returns how many stand open, and (kind, subject) of those that were written off.
    """
    stands, settled = 0, set()
    rest = iter(findings)
    while batch := list(islice(rest, BATCH)):
        with transaction.atomic():
            off = _store_batch(batch, at=at, run=run)
        stands += len(batch) - len(off)
        settled |= off
    return stands, settled


def close_gone(run: Reconciliation, scope: Q, *, at: datetime) -> int:
    """Close what `scope` covers and this run did not see; return how many.

    What somebody was doing about one is the reason then; else it went by itself.
    """
    gone = (
        Drift.objects.open()
        .filter(scope, upstream=run.upstream)
        .exclude(last_run=run)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    closed = 0
    while batch := list(gone[:BATCH]):
        with transaction.atomic():
            for drift in Drift.objects.select_for_update(of=("self",)).filter(pk__in=batch):
                close(drift, at=at, run=run)
        closed += len(batch)
    return closed


def close(drift: Drift, *, at: datetime, run: Reconciliation | None = None) -> None:
    """Close a locked drift that holds no more: by what somebody was doing, or by itself."""
    tried = drift.resolutions.filter(state=RemedyState.WAITING).select_related("settlement").first()
    drift.state = DriftState.GONE
    if tried is not None:
        if _did_it(tried):
            drift.state = DriftState.RESOLVED
        tried.state = RemedyState.DONE if _did_it(tried) else RemedyState.DROPPED
        tried.confirmed_by = tried.settlement.confirmed_by if tried.settlement else None
        tried.ended_at = at
        tried.save(update_fields=["state", "confirmed_by", "ended_at"])
    drift.closed_at = at
    drift.last_run = run or drift.last_run
    drift.save(update_fields=["state", "closed_at", "last_run"])


def _did_it(tried: Resolution) -> bool:
    """Whether this can be why it holds no more: what waits for a second person is not."""
    if tried.settlement is not None:
        return tried.settlement.confirmed_at is not None
    return tried.remedy != Remedy.WRITE_OFF


def _store_batch(
    batch: list[Finding], *, at: datetime, run: Reconciliation | None
) -> set[tuple[str, str]]:
    upstream = batch[0].upstream
    known = {
        (drift.kind, drift.subject): drift
        for drift in Drift.objects.select_for_update(of=("self",))
        .filter(upstream=upstream, subject__in={finding.subject for finding in batch})
        .order_by("pk")
    }
    rows: list[Drift] = []
    settled: set[tuple[str, str]] = set()
    for finding in batch:
        key = finding.kind.value, finding.subject
        drift = known.get(key)
        if drift is not None and _is_written_off(drift, finding):
            settled.add(key)
            continue
        if drift is None:
            drift = Drift(upstream=upstream, kind=key[0], subject=key[1], state="")
        _fill(drift, finding, at=at)
        drift.last_run = run or drift.last_run
        rows.append(drift)
    Drift.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["upstream", "kind", "subject"],
        update_fields=_COLUMNS,
    )
    return settled


def _is_written_off(drift: Drift, finding: Finding) -> bool:
    return drift.state == DriftState.WRITTEN_OFF and drift.fingerprint == finding.fingerprint


def _fill(drift: Drift, finding: Finding, *, at: datetime) -> None:
    """Take the finding over; one that is new or was closed opens.

    It stands since its subject's day. Since when fields differ nobody knows: since it was found.
    """
    if drift.state != DriftState.OPEN:
        is_new = not drift.state and finding.kind != DriftKind.DIFFERS
        drift.since_day = finding.since_day if is_new else at.astimezone(UTC).date()
        drift.state, drift.opened_at, drift.closed_at = DriftState.OPEN, at, None
    for name in _TOLD:
        setattr(drift, name, getattr(finding, name))
    drift.seen_at = at
