"""Dry runs that are not confirmed: discarded by somebody, or by themselves after a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction

from payments.bulk import totals
from payments.bulk.moves import move
from payments.enums import BulkState
from payments.models import BulkRun
from staff.journal import Journal

KEPT_FOR: Final = timedelta(hours=24)  # what it showed is old by then
UNCONFIRMED: Final = (BulkState.LOOKING, BulkState.READY)
_AT_ONCE: Final = 50


def discard(run: BulkRun, *, journal: Journal, why: str = "") -> None:
    """Discard a locked dry run, with whom it would have paid. The caller writes the journal."""
    told = totals.told(run)
    run.items.update(seen="", recipient_name="", account="")
    move(run, BulkState.DROPPED, journal=journal, told=told, why=why, ended_at=journal.at)


def discard_forgotten(*, at: datetime) -> int:
    """Discard the dry runs that nobody confirmed or discarded in time; return how many."""
    old = BulkRun.objects.filter(state__in=UNCONFIRMED, started_at__lte=at - KEPT_FOR)
    ids = list(islice(old.order_by("pk").values_list("pk", flat=True), _AT_ONCE))
    return sum(_discard_forgotten(pk, at=at) for pk in ids)


def _discard_forgotten(pk: int, *, at: datetime) -> bool:
    with transaction.atomic():
        run = BulkRun.objects.locked().get(pk=pk)
        if run.state not in UNCONFIRMED:
            return False  # somebody decided meanwhile
        journal = Journal(by=None, at=at, by_label="Lightdesk")
        discard(run, journal=journal, why="Nobody confirmed it within 24 hours.")
        journal.write()
    return True
