"""Books that go wrong by themselves: what no API does, and only the control door may.

No event is sent and no money moves: the merchant's copy and LuxCore's drift apart.
"""

from typing import Any

from sandbox.luxcore.payments.model import Payment
from sandbox.luxcore.work import Work

CHANGEABLE = ("amount", "currency", "merchant_reference", "method", "type", "fee", "payout")
_HIDDEN = "hidden "


def change(work: Work, payment: Payment, **members: Any) -> None:
    """Write other values over some of `CHANGEABLE`."""
    if not members:
        raise ValueError(f"say which of {', '.join(CHANGEABLE)} to write over")
    for name, value in members.items():
        setattr(payment, name, value)
    columns = payment.columns(*members)
    assignments = ", ".join(f"{name} = ?" for name in columns)
    work.db.execute(
        f"UPDATE payment SET {assignments} WHERE id = ?", [*columns.values(), payment.id]
    )


def hide(work: Work, payment: Payment) -> None:
    """Let neither the list nor a question by its id show it."""
    _move_to(work, payment, _HIDDEN + payment.env.removeprefix(_HIDDEN))


def show(work: Work, payment: Payment) -> None:
    """Show it again."""
    _move_to(work, payment, payment.env.removeprefix(_HIDDEN))


def _move_to(work: Work, payment: Payment, env: str) -> None:
    work.db.execute("UPDATE payment SET env = ? WHERE id = ?", (env, payment.id))


DEEDS = {"change": change, "hide": hide, "show": show}
