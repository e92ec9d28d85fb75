"""Moving an order from one state to another. The only code that does."""

from __future__ import annotations

from typing import Any

from payments.enums import OrderStatus
from payments.models import OrderNotMovable, TradeOrder
from staff.journal import Journal

# What a move is called in the audit trail, where the new state alone would not say it.
_VERBS = {
    (OrderStatus.QUOTED, OrderStatus.QUEUED): "confirmed",
    (OrderStatus.UNKNOWN, OrderStatus.MADE): "found",
}


def move(
    order: TradeOrder,
    wanted: OrderStatus,
    *,
    journal: Journal,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked order, save it and note the move; raises OrderNotMovable.

    `changes` are further fields to set with it. `reason` is audited and becomes the
    `status_reason`, unless `changes` has another one.
    """
    current = OrderStatus(order.status)
    if not order.can_become(wanted):
        raise OrderNotMovable(code=order.code, current=current, wanted=wanted)
    order.status = wanted
    order.status_reason = reason
    for name, value in changes.items():
        setattr(order, name, value)
    order.save(update_fields={"status", "status_reason", *changes})
    journal.add(
        f"payments.tradeorder.{_VERBS.get((current, wanted), wanted.value)}",
        order,
        before={"status": current},
        after={"status": wanted},
        reason=reason,
    )
