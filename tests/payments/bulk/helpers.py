"""Runs of many decisions for the tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from payments import actions
from payments.bulk import running
from payments.enums import BulkState, Verdict
from payments.models import BulkItem, BulkRun, Withdrawal
from staff.models import User


def started(rows: Iterable[Withdrawal], *, by: User, verdict: Verdict = Verdict.APPROVE) -> BulkRun:
    return actions.start_bulk_run(
        withdrawal_ids=[row.pk for row in rows], verdict=verdict, by=by, at=timezone.now()
    )


def worked(run: BulkRun) -> BulkRun:
    """Let a worker do what there is to do."""
    running.work(run.pk)
    run.refresh_from_db()
    return run


def looked_through(
    rows: Iterable[Withdrawal], *, by: User, verdict: Verdict = Verdict.APPROVE
) -> BulkRun:
    """Start a run and let a worker do the dry run."""
    run = worked(started(rows, by=by, verdict=verdict))
    assert run.state == BulkState.READY
    return run


def confirmed(run: BulkRun, **told: Any) -> BulkRun:
    """Confirm it and let a worker decide."""
    wanted = {"by": run.by, "at": timezone.now()} | told
    actions.confirm_bulk_run(run_id=run.pk, **wanted)
    return worked(run)


def plans(run: BulkRun) -> dict[str, tuple[str, str]]:
    """What the dry run says of each withdrawal: plan and cause."""
    return {item.withdrawal.code: (item.plan, item.cause) for item in items(run)}


def outcomes(run: BulkRun) -> dict[str, tuple[str, str]]:
    """What became of each withdrawal: outcome and cause."""
    return {item.withdrawal.code: (item.outcome, item.cause) for item in items(run)}


def items(run: BulkRun) -> list[BulkItem]:
    return list(run.items.select_related("withdrawal").order_by("position"))


def item_of(run: BulkRun, row: Withdrawal) -> BulkItem:
    return run.items.get(withdrawal=row)
