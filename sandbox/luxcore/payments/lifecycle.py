"""The life of a payment after its creation: allowed moves, their effect on money, events.

What happens by itself is a plan stored with the payment: the next deed and when it is due. The
ticker carries it out; a person (the control door, a hosted page, the merchant's cancel) may come
first, and then the plan is dropped, or goes on where the deed fits it.
"""

import sqlite3
from collections.abc import Callable
from typing import Any

from sandbox.clock import SECOND
from sandbox.luxcore import balances, events
from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.payments import shapes
from sandbox.luxcore.payments.model import Payment, from_row, get, save
from sandbox.luxcore.work import Work

MOVES: dict[str, frozenset[str]] = {
    "pending": frozenset({"processing", "cancelled", "expired"}),
    "processing": frozenset({"completed", "failed", "cancelled", "expired"}),
    "completed": frozenset({"refunded", "partial_refund"}),
    "partial_refund": frozenset({"refunded", "partial_refund"}),
    "failed": frozenset(),
    "cancelled": frozenset(),
    "expired": frozenset(),
    "refunded": frozenset(),
}
STATUSES = tuple(MOVES)
EVENT = {
    "completed": "payment.completed",
    "failed": "payment.failed",
    "expired": "payment.failed",
    "cancelled": "payment.cancelled",
    "refunded": "payment.refunded",
    "partial_refund": "payment.refunded",
}


class CannotMove(BusinessError):
    """The status does not allow it."""

    def __init__(self, payment: Payment, deed: str) -> None:
        super().__init__(
            "PAYMENT_ALREADY_PROCESSED",
            f"Payment cannot be {deed} in current status: {payment.status}",
        )


def announce(work: Work, payment: Payment, event: str) -> None:
    if work.silent:
        return
    extra = {"url": payment.webhook_url, "events": payment.webhook_events}
    thing = shapes.in_event(work, payment)
    events.emit(work, event, "payment", payment.id, thing, extra=extra)


def release(work: Work, payment: Payment) -> None:
    """Approve a withdrawal: the bank executes it, and the rest of its plan goes on."""
    rest = payment.plan[1:] if _next_deed(payment) == "release" else []
    if not rest:
        rest = [(round(work.config.processing_delay * SECOND), "complete", {})]
    _move(work, payment, "processing", "released")
    payment.follow(rest, work.now)
    save(work, payment)


def complete(work: Work, payment: Payment) -> None:
    rest = payment.plan[1:] if _next_deed(payment) == "complete" else []
    _to_processing(work, payment)
    _check(payment, "completed", "completed")
    payment.confirmed_at = work.now
    _move(work, payment, "completed", "completed")
    if payment.is_withdrawal:
        balances.move(
            work,
            payment.currency,
            frozen=-payment.total_debit,
            withdrawn=payment.amount,
            commission=payment.fee,
        )
    else:
        balances.move(
            work,
            payment.currency,
            available=payment.net,
            deposited=payment.net,
            commission=payment.fee,
        )
    _end(work, payment, rest)


def fail(
    work: Work,
    payment: Payment,
    error_code: str = "PROVIDER_ERROR",
    error_message: str = "The bank refused the transfer",
) -> None:
    """Refused; a pending one passes through processing (LC-C3)."""
    _to_processing(work, payment)
    _check(payment, "failed", "failed")
    payment.error_code, payment.error_message = error_code, error_message
    _move(work, payment, "failed", "failed")
    _give_back(work, payment)
    _end(work, payment)


def decline(work: Work, payment: Payment) -> None:
    """LuxCore's people refuse it."""
    fail(work, payment, "WITHDRAWAL_DECLINED", "The withdrawal was declined on review")


def cancel(work: Work, payment: Payment) -> None:
    """By the merchant, an admin or the system; who may is for the caller to know."""
    _move(work, payment, "cancelled", "cancelled")
    _give_back(work, payment)
    _end(work, payment)


def expire(work: Work, payment: Payment) -> None:
    _check(payment, "expired", "expired")
    payment.error_code = "TTL_EXPIRED"
    payment.error_message = "The payment was not completed within the allowed time"
    _move(work, payment, "expired", "expired")
    _give_back(work, payment)
    _end(work, payment)


def hold(work: Work, payment: Payment) -> None:
    """iPay answered P: it stays in processing, no longer expires, and has a day (LC-C13)."""
    if payment.status != "processing":
        raise CannotMove(payment, "held")
    payment.expires_at = None
    wait = round(work.config.ipay_pending.total_seconds() * SECOND)
    rest = payment.plan[1:] if _next_deed(payment) == "hold" else []
    payment.follow(rest or [(wait, "cancel", {})], work.now)
    save(work, payment)


def refund(work: Work, payment: Payment, amount: int | None = None) -> None:
    """Give back this much, or all that is left. A deposit's comes out of the balance."""
    left = payment.amount - payment.refunded
    part = left if amount is None else amount
    status = "refunded" if part == left else "partial_refund"
    _check(payment, status, "refunded")
    if not 0 < part <= left:
        raise BusinessError("VALIDATION_ERROR", f"A refund must be between 1 and {left}")
    payment.refunded += part
    _move(work, payment, status, "refunded")
    sign = 1 if payment.is_withdrawal else -1
    balances.move(work, payment.currency, available=sign * part)
    _end(work, payment)


def force(work: Work, payment: Payment, status: str) -> None:
    """Set a status against all rules, leaving money alone: an upstream that misbehaves."""
    if status not in MOVES:
        raise BusinessError("VALIDATION_ERROR", f"Unknown status {status}")
    payment.status = status
    payment.status_version += 1
    _end(work, payment)
    if status in EVENT:
        announce(work, payment, EVENT[status])


DEEDS: dict[str, Callable[..., Any]] = {
    "release": release,
    "decline": decline,
    "complete": complete,
    "fail": fail,
    "expire": expire,
    "cancel": cancel,
    "hold": hold,
    "refund": refund,
    "force": force,
}


def run_due(work: Work, *, limit: int) -> int:
    """Carry out what is due, oldest first; returns how many deeds were done."""
    rows = work.db.execute(
        "SELECT * FROM payment WHERE due_at <= ? ORDER BY due_at LIMIT ?", (work.now, limit)
    ).fetchall()
    for row in rows:
        carry_out(work, row)
    return len(rows)


def carry_out(work: Work, row: sqlite3.Row) -> None:
    """The next deed in a payment's plan."""
    payment = from_row(row)
    work = work.of(payment.env)
    _, deed, arguments = payment.plan[0]
    try:
        DEEDS[deed](work, payment, **arguments)
    except BusinessError:  # the plan no longer fits; the payment stays as it is
        _end(work, from_row(row))


def reread(work: Work, payment: Payment) -> Payment:
    """The payment as it is now."""
    return get(work, payment.id)


def _next_deed(payment: Payment) -> str | None:
    return payment.plan[0][1] if payment.plan else None


def _check(payment: Payment, status: str, deed: str) -> None:
    if status not in MOVES[payment.status]:
        raise CannotMove(payment, deed)


def _move(work: Work, payment: Payment, status: str, deed: str) -> None:
    """Change the status in memory and in the store, and announce it."""
    _check(payment, status, deed)
    payment.status = status
    payment.status_version += 1
    save(work, payment)
    if status in EVENT:
        announce(work, payment, EVENT[status])


def _to_processing(work: Work, payment: Payment) -> None:
    if payment.status == "pending":
        _move(work, payment, "processing", "processed")


def _give_back(work: Work, payment: Payment) -> None:
    """A withdrawal that did not happen frees its money (LC-A8)."""
    if payment.is_withdrawal:
        total = payment.total_debit
        balances.move(work, payment.currency, available=total, frozen=-total)


def _end(work: Work, payment: Payment, rest: list[Any] | None = None) -> None:
    payment.follow(rest or [], work.now)
    save(work, payment)
