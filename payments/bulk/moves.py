"""Moving a run of many decisions from one state to another. The only code that does."""

from __future__ import annotations

from typing import Any

from payments.enums import BulkState
from payments.models import BulkRun, BulkRunNotMovable
from staff.journal import Journal


def move(
    run: BulkRun,
    wanted: BulkState,
    *,
    journal: Journal,
    told: dict[str, object],
    why: str = "",
    **changes: Any,
) -> None:
    """Move a locked run, save it and note the move; raises BulkRunNotMovable.

    `told` is what else the audit trail keeps and `why` its reason, unless the run gets one of its
    own; `changes` are further fields to set with it.
    """
    current = BulkState(run.state)
    if not run.can_become(wanted):
        raise BulkRunNotMovable(current=current, wanted=wanted)
    run.state = wanted
    for name, value in changes.items():
        setattr(run, name, value)
    run.save(update_fields={"state", *changes})
    journal.add(
        f"payments.bulkrun.{wanted.value}",
        run,
        before={"state": current},
        after={"state": wanted, "verdict": run.verdict, **told},
        reason=run.reason if "reason" in changes else why,
    )
