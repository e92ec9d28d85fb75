"""Working on a run: a lease, one item after the other, from where the last worker stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from django.db import transaction
from django.db.models import F, Q

from payments.bulk import items, totals
from payments.bulk.moves import move
from payments.enums import BulkState
from payments.models import BulkItem, BulkRun
from payments.models.bulk import WORKED_ON, BulkItemQuerySet
from staff.journal import Journal
from upstreams import clock
from upstreams.crashpoints import reach
from upstreams.errors import RateLimited

logger = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=1)  # renewed with every item, of which none takes that long
SLICE: Final = 20.0  # seconds; then other tasks have their turn


class LeaseLost(Exception):
    """Another worker took the run over."""


@dataclass(frozen=True)
class Step:
    """What is done with each item while a run is in one state, and where that leads."""

    waiting: Callable[[BulkItemQuerySet], BulkItemQuerySet]
    work: Callable[[BulkRun, BulkItem], None]
    end: BulkState


STEPS: Mapping[BulkState, Step] = {
    BulkState.LOOKING: Step(BulkItemQuerySet.to_look_at, items.look, BulkState.READY),
    BulkState.DECIDING: Step(BulkItemQuerySet.to_decide, items.decide, BulkState.DONE),
    BulkState.STOPPING: Step(BulkItemQuerySet.to_decide, items.leave, BulkState.STOPPED),
}


@dataclass(frozen=True)
class Work:
    """A run held by this worker."""

    run_id: int
    fence: int

    def hold(self) -> BulkRun:
        """Go on holding it, and return it as it stands; raises LeaseLost.

        The person is read anew with it: their roles count as they are now.
        """
        held = BulkRun.objects.filter(pk=self.run_id, fence=self.fence)
        if not held.update(lease_until=clock.database_now() + LEASE):
            raise LeaseLost
        return BulkRun.objects.select_related("by").get(pk=self.run_id)

    def release(self, *, next_at: datetime) -> None:
        BulkRun.objects.filter(pk=self.run_id, fence=self.fence).update(
            lease_until=None, next_at=next_at
        )


def work(run_id: int, *, seconds: float = SLICE) -> BulkRun | None:
    """Work on a run for about so long; None when there is nothing to do, or another does it.

    Raises whatever the database raises: then the lease runs out and the next worker goes on.
    """
    held = _take(run_id)
    if held is None:
        return None
    started, pause = monotonic(), 0.0
    try:
        while _step(held) and monotonic() - started < seconds:
            reach("bulk.item")
    except LeaseLost:
        logger.warning("payments.bulk.overtaken", bulk_run=run_id)
    except RateLimited as busy:
        pause = busy.retry_after
    held.release(next_at=clock.database_now() + timedelta(seconds=pause))
    return BulkRun.objects.get(pk=run_id)


def _take(run_id: int) -> Work | None:
    with transaction.atomic(durable=True):
        now = clock.database_now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        won = BulkRun.objects.filter(free, pk=run_id, state__in=WORKED_ON, next_at__lte=now).update(
            lease_until=now + LEASE, fence=F("fence") + 1
        )
        if not won:
            return None
        run = BulkRun.objects.get(pk=run_id)
    return Work(run_id=run.pk, fence=run.fence)


def _step(held: Work) -> bool:
    """Do one item, or end the state where none is left. Whether there may be more to do."""
    run = held.hold()
    if run.state not in STEPS:
        return False
    step = STEPS[BulkState(run.state)]
    item = step.waiting(run.items.select_related("withdrawal__payment")).first()
    if item is None:
        _end(held, BulkState(run.state), step.end)
        return True
    step.work(run, item)
    return True


def _end(held: Work, current: BulkState, wanted: BulkState) -> None:
    with transaction.atomic(durable=True):
        mine = BulkRun.objects.locked().filter(pk=held.run_id, fence=held.fence, state=current)
        if (run := mine.first()) is None:
            return  # somebody stopped it at this moment, or another worker has it
        at = clock.database_now()
        journal = Journal(by=None, at=at, by_label="Lightdesk")
        told = totals.told(run)
        if wanted == BulkState.READY:
            move(run, wanted, journal=journal, told=told, looked_at=at)
        else:
            move(run, wanted, journal=journal, told=told, ended_at=at)
        journal.write()
