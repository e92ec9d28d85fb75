"""Whether one drift still holds, asked after somebody did something about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from payments.enums import DriftKind
from payments.models import Drift, Payment
from payments.reconciliation import money, standing
from payments.reconciliation.comparing import compare, missing_there
from payments.reconciliation.drifts import Finding
from payments.reconciliation.readers import Reader


def of_record(
    reader: Reader, upstream_id: str, record: Any | None, *, now: datetime
) -> Finding | None:
    """What does not agree about one payment, `record` being theirs of this moment if any."""
    payment = Payment.objects.filter(upstream=reader.upstream, upstream_id=upstream_id).first()
    if record is not None:
        return compare(payment, reader.observe(record), now=now)
    return missing_there(payment) if payment is not None else None


def of_ours(reader: Reader, drift: Drift, *, now: datetime) -> Finding | None:
    """What still does not agree, as far as our own rows tell."""
    match drift.kind:
        case DriftKind.STUCK:
            return _stuck(drift, now=now)
        case DriftKind.UNMATCHED_EVENT:
            return _unmatched(drift, now=now)
        case DriftKind.BALANCE:
            verdict = money.judge_one(reader, drift.subject)
            return verdict.finding if verdict is not None else _as_seen(drift)
    record = reader.parse(drift.raw, drift.theirs["kind"]) if drift.raw else None
    return of_record(reader, drift.subject, record, now=now)


def _as_seen(drift: Drift) -> Finding:
    """A balance that cannot be judged at this moment stands as a run saw it."""
    return Finding(
        upstream=drift.upstream,
        kind=DriftKind.BALANCE,
        subject=drift.subject,
        subject_at=drift.subject_at,
        currency=drift.currency,
        amount=drift.amount,
        ours=drift.ours,
        theirs=drift.theirs,
        fields=drift.fields,
    )


def _stuck(drift: Drift, *, now: datetime) -> Finding | None:
    if drift.withdrawal is not None:
        row = standing.stuck_withdrawals(now).filter(pk=drift.withdrawal.pk).first()
        return standing.stuck_withdrawal(row) if row is not None else None
    assert drift.payment is not None  # it is about the one or the other
    payment = standing.stuck_payments(now).filter(pk=drift.payment.pk).first()
    return standing.stuck_payment(payment) if payment is not None else None


def _unmatched(drift: Drift, *, now: datetime) -> Finding | None:
    event = drift.event
    assert event is not None  # the drift is about it
    held = Payment.objects.filter(upstream=drift.upstream, upstream_id=event.subject_id)
    return None if held.exists() else standing.unmatched_event(event)
