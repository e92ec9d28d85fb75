"""What the payments desk does by itself."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from payments import answered, invariants, lapsing
from payments.bulk import discarding as bulk_discarding
from payments.bulk import running as bulk
from payments.imports import discarding
from payments.imports import running as imports
from payments.models import BulkRun, PayoutImport, Reconciliation
from payments.reconciliation import aftermath, resolving, running, starting
from upstreams import doorbell
from upstreams.enums import RunState

logger = structlog.get_logger(__name__)

RESOLUTIONS_AT_ONCE = 50


@shared_task
def check_invariants(**_: object) -> None:
    """Hold what must always be true against what is; a breach stops the provider."""
    breaches = invariants.check(now=timezone.now())
    logger.info("payments.invariants.checked", breaches=len(breaches))


@shared_task
def verify_chain(**_: object) -> None:
    """Walk what was added to the audit chain; a broken one stops every provider."""
    invariants.verify_chain(now=timezone.now())


@shared_task
def verify_whole_chain(**_: object) -> None:
    """Walk the audit chain from its first event: an old one may have been changed."""
    invariants.verify_chain(now=timezone.now(), whole=True)


@shared_task
def settle_answered(**_: object) -> None:
    """Close what is in doubt, is looked for no more, and was seen at the provider after all."""
    settled = answered.settle_answered(at=timezone.now())
    logger.info("payments.commands.answered", number=settled)


@shared_task
def lapse_forgotten(**_: object) -> None:
    """Close requests that nobody decided in the time their tier gives them."""
    lapsed = lapsing.lapse_forgotten(at=timezone.now())
    logger.info("payments.withdrawals.lapsed", number=lapsed)


@shared_task
def reconcile(**_: object) -> None:
    """Begin tonight's runs, go on with what a worker left behind, judge what people asked for.

    What moved on since it was found is closed; about the rest of a night people are called.
    """
    now = timezone.now()
    starting.start_nightly(at=now)
    runs = Reconciliation.objects.to_be_worked_on(now=now)
    for run_id in runs.values_list("pk", flat=True):
        doorbell.ring(run_reconciliation, run_id=run_id)
    for resolution_id in resolving.waiting(limit=RESOLUTIONS_AT_ONCE):
        resolving.carry_out(resolution_id, at=now)
    aftermath.close_what_moved_on(at=now)
    aftermath.call_people(at=now)


@shared_task
def run_reconciliation(*, run_id: int, **_: object) -> None:
    """Work on one run for a while; then other tasks have their turn."""
    run = running.work(run_id)
    if run is not None and run.state == RunState.RUNNING and not run.error:
        doorbell.ring(run_reconciliation, run_id=run_id)


@shared_task
def carry_out_resolution(*, resolution_id: int, **_: object) -> None:
    resolving.carry_out(resolution_id, at=timezone.now())


@shared_task
def work_on_imports(**_: object) -> None:
    """Go on with the files that a worker left behind."""
    runs = PayoutImport.objects.to_be_worked_on(now=timezone.now())
    for import_id in runs.values_list("pk", flat=True):
        doorbell.ring(work_on_import, import_id=import_id)


@shared_task
def discard_forgotten_imports(**_: object) -> None:
    """Discard the files that nobody confirmed in time, with all that was read of them."""
    discarded = discarding.discard_forgotten(at=timezone.now())
    logger.info("payments.imports.discarded", number=discarded)


@shared_task
def work_on_import(*, import_id: int, **_: object) -> None:
    """Work on one file of payouts for a while; then other tasks have their turn."""
    run = imports.work(import_id)
    if run is not None and run.is_moving and not run.error:
        doorbell.ring(work_on_import, import_id=import_id)


@shared_task
def work_on_bulk_runs(**_: object) -> None:
    """Go on with the runs of many decisions that a worker left behind, or that had to wait."""
    runs = BulkRun.objects.to_be_worked_on(now=timezone.now())
    for run_id in runs.values_list("pk", flat=True):
        doorbell.ring(work_on_bulk_run, run_id=run_id)


@shared_task
def discard_forgotten_bulk_runs(**_: object) -> None:
    """Discard the dry runs that nobody confirmed in time, with whom they would have paid."""
    discarded = bulk_discarding.discard_forgotten(at=timezone.now())
    logger.info("payments.bulk.discarded", number=discarded)


@shared_task
def work_on_bulk_run(*, run_id: int, **_: object) -> None:
    """Work on one run for a while; then other tasks have their turn."""
    run = bulk.work(run_id)
    if run is not None and run.is_moving and run.next_at <= timezone.now():
        doorbell.ring(work_on_bulk_run, run_id=run_id)
