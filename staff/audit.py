"""The audit trail: an append-only chain in which every event carries the hash of the one before.

What goes into `before` and `after` is kept for ever and read by people who may not see personal
data. Callers put only masked or fingerprinted values there, and never a secret: what was written
cannot be taken out again without breaking the chain.

The chain shows that rows were edited, removed, inserted or swapped. It cannot show that its newest
events were cut off, or that all of it was computed anew: for that see `anchors`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

import structlog
from django.db import DataError, connection, models
from django.db.transaction import TransactionManagementError

from staff.models import AuditEvent, User

Subject: TypeAlias = models.Model | tuple[str, str]
Json: TypeAlias = "str | int | bool | None | list[Json] | dict[str, Json]"

FIRST_PREVIOUS_HASH = "0" * 64
FORMAT = 1
SYSTEM = "system"

# Any number will do, as long as nothing else in the database takes the same advisory lock.
_CHAIN_LOCK = 5_309_166_201
_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Verdict:
    """What a walk along the chain found: `checked` events, and the first broken one if any."""

    ok: bool
    checked: int
    head: str
    first_broken_sequence: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Entry:
    """One event to be recorded; `record` says what its parts mean."""

    verb: str
    subject: tuple[str, str]
    by: User | None
    by_label: str
    before: Mapping[str, object]
    after: Mapping[str, object]
    reason: str


def subject_of(subject: Subject) -> tuple[str, str]:
    """The name by which a row is known in audit events and claims: ("payments.withdrawal", "7")."""
    if isinstance(subject, tuple):
        return subject
    return subject._meta.label_lower, str(subject.pk)


def record(
    verb: str,
    subject: Subject,
    *,
    by: User | None,
    at: datetime,
    before: Mapping[str, object] = _NOTHING,
    after: Mapping[str, object] = _NOTHING,
    reason: str = "",
    by_label: str = "",
) -> AuditEvent:
    """Append one event to the chain, in the transaction of the change it tells of.

    `by` None means the desk itself or an upstream, named by `by_label`. `before` and `after` hold
    no secret and no unmasked personal data. Everybody who records waits for the transaction that
    recorded before: call this last, after every other row lock. Raises TransactionManagementError
    outside `transaction.atomic`, TypeError for a value that has no exact text (a float, a model),
    and ValidationError for a verb or subject that does not fit its column.
    """
    entry = Entry(verb, subject_of(subject), by, by_label, before, after, reason)
    return record_all([entry], at=at)[0]


def record_all(entries: Sequence[Entry], *, at: datetime) -> list[AuditEvent]:
    """Append several events in their order, as `record` does, in a few queries."""
    take_chain_lock()
    newest = AuditEvent.objects.order_by("-sequence").values_list("sequence", "hash").first()
    sequence, previous_hash = newest or (0, FIRST_PREVIOUS_HASH)
    events = []
    for number, entry in enumerate(entries, start=sequence + 1):
        event = _link(entry, sequence=number, previous_hash=previous_hash, at=at)
        previous_hash = event.hash
        events.append(event)
    return AuditEvent.objects.append(events)


def _link(entry: Entry, *, sequence: int, previous_hash: str, at: datetime) -> AuditEvent:
    subject_type, subject_id = entry.subject
    context = structlog.contextvars.get_contextvars()
    event = AuditEvent(
        sequence=sequence,
        verb=_text(entry.verb),
        subject_type=_text(subject_type),
        subject_id=_text(subject_id),
        by=entry.by,
        by_label=_text(entry.by_label or (entry.by.email if entry.by else SYSTEM))[:254],
        at=at,
        before=_plain(entry.before),
        after=_plain(entry.after),
        reason=_text(entry.reason),
        request_id=_text(str(context.get("request_id") or ""))[:64],
        address=_text(str(context.get("ip") or ""))[:45],
        previous_hash=previous_hash,
    )
    event.hash = _hash_of(event)
    event.clean_fields(exclude={"by", "before", "after"})  # SQLite would not mind a long name
    return event


def verify(*, behind: int = 0, digest: str = FIRST_PREVIOUS_HASH) -> Verdict:
    """Walk the chain, a few rows in memory at a time, up to the first broken event.

    From its beginning, or `behind` an event that was verified before and had this digest.
    """
    return _walk(checked=behind, head=digest, at_once=1000)


def _walk(*, checked: int, head: str, at_once: int) -> Verdict:
    """Go on behind the events already checked, reading so many rows at once."""
    rows = AuditEvent.objects.filter(sequence__gt=checked or -1).order_by("sequence")
    try:
        for event in rows.iterator(chunk_size=at_once):
            if reason := _fault(event, sequence=checked + 1, previous_hash=head):
                return Verdict(False, checked, head, min(event.sequence, checked + 1), reason)
            checked, head = event.sequence, event.hash
    # SQLite takes any text for a moment, and PostgreSQL an infinite one.
    except (AttributeError, TypeError, ValueError, DataError):
        if at_once > 1:  # it is one of those read at once: find out which
            return _walk(checked=checked, head=head, at_once=1)
        return Verdict(False, checked, head, checked + 1, "it cannot be read")
    return Verdict(True, checked, head)


def _fault(event: AuditEvent, *, sequence: int, previous_hash: str) -> str:
    if event.sequence != sequence:
        return f"it is missing: the next one found is #{event.sequence}"
    if event.previous_hash != previous_hash:
        return "it does not follow the event before it"
    if event.hash != _hash_of(event):
        return "its content was changed"
    return ""


def take_chain_lock() -> None:
    """Wait until no other transaction is adding to the chain, until this one ends.

    Without it two writers read the same newest event and the chain forks (proof m20). SQLite's
    IMMEDIATE transactions are such a lock already. It is the last lock of a transaction; what is
    only ever written under it, alarms and switches, needs no order of its own.
    """
    # The transaction around a test is not one that the code under test opened.
    if all(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise TransactionManagementError("audit.record belongs inside transaction.atomic()")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])


def _hash_of(event: AuditEvent) -> str:
    content = {
        "format": FORMAT,
        "sequence": event.sequence,
        "verb": event.verb,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "by": event.by_id,
        "by_label": event.by_label,
        "at": _moment(event.at),
        "before": event.before,
        "after": event.after,
        "reason": event.reason,
        "request_id": event.request_id,
        "address": event.address,
        "previous_hash": event.previous_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: object) -> Json:
    """The same value in JSON that both databases give back unchanged."""
    match value:
        case Enum():
            return _plain(value.value)
        case None | bool() | int():
            return value
        case str():
            return _text(value)
        case Decimal() | UUID():
            return str(value)
        case datetime():
            return _moment(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {_text(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no exact text for the audit trail")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _text(value: str) -> str:
    """The text without what PostgreSQL cannot store: NUL and halves of surrogate pairs."""
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
