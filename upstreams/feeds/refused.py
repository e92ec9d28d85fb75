"""Records that could not be stored: kept with the reason, so that the rest goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from upstreams import strict_json
from upstreams.models import RefusedRecord
from upstreams.records import RefusedItem


def refuse(*, upstream: str, source: str, items: Iterable[RefusedItem], at: datetime) -> int:
    """Keep what could not be stored; one seen before is counted, not kept twice.

    Returns how many there were. `source` names the feed or door they came through.
    """
    refused = 0
    for item in items:
        refused += 1
        _refuse(upstream=upstream, source=source, item=item, at=at)
    return refused


def resolve(*, upstream: str, source: str, records: Sequence[Any], at: datetime) -> None:
    """Note that records that were refused before have now been stored (by their `id`)."""
    ids = [str(record.id) for record in records if getattr(record, "id", None)]
    if ids:
        RefusedRecord.objects.filter(
            upstream=upstream, source=source, record_id__in=ids, resolved_at=None
        ).update(resolved_at=at)


def as_item(record: Any, reason: str) -> RefusedItem:
    """A parsed record that the store would not take, as a refused one."""
    return RefusedItem(
        record_id=str(getattr(record, "id", "")),
        payload=getattr(record, "raw", {}),
        reason=reason,
    )


def _refuse(*, upstream: str, source: str, item: RefusedItem, at: datetime) -> None:
    payload = json.dumps(strict_json.storable(item.payload), sort_keys=True, default=str)
    key = {
        "upstream": upstream,
        "source": source,
        "payload_hash": hashlib.sha256(payload.encode()).hexdigest(),
    }
    with transaction.atomic():
        row, is_new = RefusedRecord.objects.get_or_create(
            **key,
            defaults={
                "record_id": strict_json.storable(item.record_id)[:120],
                "payload": payload,
                "reason": strict_json.storable(item.reason),
                "first_seen_at": at,
                "last_seen_at": at,
            },
        )
        if not is_new:
            RefusedRecord.objects.filter(pk=row.pk).update(
                times_seen=F("times_seen") + 1, last_seen_at=at, resolved_at=None
            )
