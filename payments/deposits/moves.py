"""Moving a deposit that we asked for from one state to another. The only code that does."""

from __future__ import annotations

from typing import Any

from payments.enums import RequestStatus
from payments.models import PaymentRequest, RequestNotMovable
from staff.journal import Journal


def move(
    request: PaymentRequest,
    wanted: RequestStatus,
    *,
    journal: Journal,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked request, save it and note the move; raises RequestNotMovable.

    `changes` are further fields to set with it. `reason` is audited and becomes the
    `status_reason`, unless `changes` has another one.
    """
    current = RequestStatus(request.status)
    if not request.can_become(wanted):
        raise RequestNotMovable(code=request.code, current=current, wanted=wanted)
    request.status = wanted
    request.status_reason = reason
    for name, value in changes.items():
        setattr(request, name, value)
    request.save(update_fields={"status", "status_reason", *changes})
    journal.add(
        f"payments.paymentrequest.{wanted.value}",
        request,
        before={"status": current},
        after={"status": wanted, "reference": request.merchant_reference},
        reason=reason,
    )
