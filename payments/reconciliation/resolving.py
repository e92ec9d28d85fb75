"""Carrying out what people asked for, and closing a drift once it holds no more."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import structlog
from django.db import transaction

from payments.enums import DriftKind, DriftState, Remedy, RemedyState
from payments.models import Drift, Payment, Resolution
from payments.reconciliation import drifts, judging, readers
from payments.reconciliation.drifts import Finding
from payments.reconciliation.readers import Reader
from staff.journal import Journal
from upstreams.errors import UpstreamError
from upstreams.feeds.running import in_words

logger = structlog.get_logger(__name__)

TASK: Final = "payments.tasks.carry_out_resolution"
SENDING_TAKES: Final = timedelta(hours=1)
STILL_SO: Final = "It is still so."


def carry_out(resolution_id: int, *, at: datetime) -> Resolution:
    """Do what a person asked for, as far as a machine does it. Doing it twice is dull.

    A provider that does not answer leaves it under way: it is tried again.
    """
    tried = Resolution.objects.select_related(
        "drift", "drift__payment", "drift__withdrawal", "drift__event"
    ).get(pk=resolution_id)
    if tried.state != RemedyState.WAITING or tried.remedy == Remedy.WRITE_OFF:
        return tried
    reader = readers.get(tried.drift.upstream)
    try:
        if tried.remedy == Remedy.READ_AGAIN:
            finding = _read_again(reader, tried.drift, at=at)
        else:
            finding = judging.of_ours(reader, tried.drift, now=at)
    except UpstreamError as problem:
        logger.warning("payments.resolution.put_off", resolution=tried.pk)
        tried.outcome = in_words(problem, tried.drift.upstream)[:255]
        tried.save(update_fields=["outcome"])
        return tried
    with transaction.atomic():
        _conclude(tried, finding, at=at)
    tried.refresh_from_db()
    return tried


def waiting(*, limit: int) -> list[int]:
    """What a worker has to look at, oldest first."""
    rows = Resolution.objects.filter(state=RemedyState.WAITING).exclude(remedy=Remedy.WRITE_OFF)
    return list(rows.order_by("asked_at", "pk").values_list("pk", flat=True)[:limit])


def force_theirs(reader: Reader, drift: Drift, *, at: datetime) -> Finding | None:
    """Store their record; where our merge rule would not take it over, forget who told ours.

    Returns what does not agree even then. Call inside a transaction.
    """
    record = reader.parse(drift.raw, drift.theirs["kind"])
    reader.store([record], at)
    finding = judging.of_record(reader, drift.subject, record, now=at)
    if finding is None:
        return None
    Payment.objects.filter(upstream=drift.upstream, upstream_id=drift.subject).update(
        stamps={}, digest=""
    )
    reader.store([record], at)
    return judging.of_record(reader, drift.subject, record, now=at)


def note(journal: Journal, verb: str, drift: Drift, *, reason: str = "", **told: Any) -> None:
    """Tell the audit trail; nothing in it is personal."""
    journal.add(
        f"payments.drift.{verb}",
        drift,
        after={"kind": drift.kind, "subject": drift.subject, "state": drift.state, **told},
        reason=reason,
    )


def _read_again(reader: Reader, drift: Drift, *, at: datetime) -> Finding | None:
    """Ask the provider about it now, and store what it says."""
    if drift.kind == DriftKind.BALANCE:
        _read_day(reader, drift, at=at)
        return judging.of_ours(reader, drift, now=at)
    upstream_id = _asked_for(drift)
    record = reader.fetch(upstream_id)
    if record is not None:
        reader.store([record], at)
    if drift.kind in (DriftKind.STUCK, DriftKind.UNMATCHED_EVENT):
        return judging.of_ours(reader, drift, now=at)
    return judging.of_record(reader, upstream_id, record, now=at)


def _asked_for(drift: Drift) -> str:
    if drift.event is not None:
        return drift.event.subject_id
    return drift.payment.upstream_id if drift.payment is not None else drift.subject


def _read_day(reader: Reader, drift: Drift, *, at: datetime) -> None:
    """Store again what was created on the day whose balance does not add up."""
    _, _, day = drift.subject.partition(" ")
    since = datetime.combine(date.fromisoformat(day), time(), tzinfo=UTC)
    until = min(since + timedelta(days=1), at.replace(microsecond=0))
    for page in reader.pages(since, until):
        reader.store(page.records, at)


def _conclude(tried: Resolution, finding: Finding | None, *, at: datetime) -> None:
    """Close the drift, or say that it is still so."""
    drift = Drift.objects.select_for_update(of=("self",)).get(pk=tried.drift_id)
    tried = Resolution.objects.select_related("asked_by").get(pk=tried.pk)
    if tried.state != RemedyState.WAITING or drift.state != DriftState.OPEN:
        return
    if finding is not None:
        drifts.store([finding], at=at)
    journal = Journal(by=tried.asked_by, at=at)
    if finding is None or finding.kind != drift.kind:
        drifts.close(drift, at=at)
        note(journal, "resolved", drift, reason=tried.reason, remedy=tried.remedy)
    elif tried.remedy == Remedy.READ_AGAIN or at - tried.asked_at >= SENDING_TAKES:
        tried.state, tried.ended_at, tried.outcome = RemedyState.IN_VAIN, at, STILL_SO
        tried.save(update_fields=["state", "ended_at", "outcome"])
        note(journal, "still_so", drift, remedy=tried.remedy)
    journal.write()
