"""Wrapping the documents' keys anew, under the newest key of the settings.

The documents' bytes stay as they are. Every batch is a transaction of its own and finds what is
left to do by looking, so a run may stop anywhere and another one go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from django.db import transaction
from django.db.models import Count

from customers.documents import keys, storing
from customers.documents.keys import KeyRing, Tampered, UnknownKey
from customers.models import Content
from upstreams.crashpoints import reach

BATCH: Final = 50
logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Progress:
    """How many were wrapped anew so far, how many could not be, and how many are left."""

    done: int
    unreadable: int
    left: int


def still_under() -> dict[str, int]:
    """How many documents are under each key that is not the newest. Raises NoKeys."""
    newest = keys.ring().newest
    counted = Content.objects.exclude(key_id=newest).values("key_id").annotate(number=Count("pk"))
    return {row["key_id"]: row["number"] for row in counted.order_by("key_id")}


def rotate() -> Iterator[Progress]:
    """Wrap everything under the newest key, batch by batch. Raises NoKeys.

    What does not open is left as it is, people are called, and the rest goes on.
    """
    ring = keys.ring()
    done, passed_by, after = 0, 0, 0
    while True:
        found = _batch(ring, after=after)
        if not found:
            return
        wrapped, unreadable, after = _wrap(ring, found)
        done, passed_by = done + wrapped, passed_by + len(unreadable)
        for content in unreadable:
            storing.alarm_about(content.document)
        left = Content.objects.exclude(key_id=ring.newest).filter(pk__gt=after).count()
        yield Progress(done, passed_by, left)


def _batch(ring: KeyRing, *, after: int) -> list[int]:
    rows = Content.objects.exclude(key_id=ring.newest).filter(pk__gt=after).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def _wrap(ring: KeyRing, pks: list[int]) -> tuple[int, list[Content], int]:
    """One transaction: how many were wrapped, those that do not open, the last row looked at."""
    unreadable, wrapped = [], 0
    with transaction.atomic():
        rows = Content.objects.select_for_update(of=("self",)).select_related("document")
        for content in rows.filter(pk__in=pks).exclude(key_id=ring.newest).order_by("pk"):
            sealed = storing.sealed_of(content)
            try:
                key_id, wrapped_key = ring.wrap_anew(sealed, document=content.document.key)
            except (Tampered, UnknownKey):
                unreadable.append(content)
                continue
            content.key_id, content.wrapped_key = key_id, wrapped_key
            content.save(update_fields=["key_id", "wrapped_key"])
            wrapped += 1
            reach("documents.wrapped")
    reach("documents.batch_kept")
    return wrapped, unreadable, pks[-1]
