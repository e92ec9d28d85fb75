"""Moving a withdrawal: from one state to another, or from one revision to the next.

The only code that writes its status.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from payments.enums import Status
from payments.models import Revision, Withdrawal, WithdrawalNotMovable
from staff.journal import Journal
from staff.models import User

DUE_AFTER: Final = timedelta(hours=2)  # how long a request may wait before it counts as late

# The names of the moves in the audit trail, where the new state alone would not tell the story.
_VERBS = {
    (Status.APPROVED, Status.AWAITING_APPROVAL): "approval_undone",
    (Status.SENDING, Status.APPROVED): "postponed",
}


def move(
    withdrawal: Withdrawal,
    wanted: Status,
    *,
    journal: Journal,
    reason: str = "",
    by_label: str = "",
    verb: str = "",
    **changes: Any,
) -> None:
    """Move a locked withdrawal, save it and note the move; raises WithdrawalNotMovable.

    `changes` are further fields to set with it. `reason` is audited and becomes the
    `status_reason`, unless `changes` has another one. `verb` is how the audit trail calls it, where
    the new state alone would not tell the story.
    """
    current = Status(withdrawal.status)
    if not withdrawal.can_become(wanted):
        raise WithdrawalNotMovable(code=withdrawal.code, current=current, wanted=wanted)
    withdrawal.status = wanted
    withdrawal.status_reason = reason
    for name, value in changes.items():
        setattr(withdrawal, name, value)
    withdrawal.save(update_fields={"status", "status_reason", *changes})
    journal.add(
        f"payments.withdrawal.{verb or _VERBS.get((current, wanted), wanted.value)}",
        withdrawal,
        before={"status": current},
        after={
            "status": wanted,
            "revision": withdrawal.revision,
            "attempt_no": withdrawal.attempt_no,
            "reference": withdrawal.merchant_reference,
        },
        reason=reason,
        by_label=by_label,
    )


def revise(withdrawal: Withdrawal, *, by: User | None, at: datetime, reason: str) -> None:
    """Begin a new revision of a locked withdrawal; the caller saves it. Signatures are void."""
    withdrawal.revision += 1
    Revision.objects.create(
        withdrawal=withdrawal, number=withdrawal.revision, by=by, at=at, reason=reason
    )
    withdrawal.signatures.valid().update(voided_at=at, voided_reason="It was changed.")
