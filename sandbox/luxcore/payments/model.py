"""One payment as stored, and how it is read and written."""

import json
import sqlite3
from dataclasses import dataclass, field, fields
from typing import Any

from sandbox.luxcore.errors import BusinessError, not_found
from sandbox.luxcore.payments.methods import is_withdrawal
from sandbox.luxcore.work import Work
from sandbox.web import Json

Step = tuple[int, str, Json]
"""After so many milliseconds, do this (a name in `lifecycle.DEEDS`), with these arguments."""


@dataclass(kw_only=True)
class Payment:
    """Money is in minor units, moments in milliseconds. `plan` is what happens by itself."""

    id: str
    env: str
    type: str
    method: str
    currency: str
    amount: int
    fee: int
    status: str
    merchant_reference: str
    source: str
    created_at: int
    refunded: int = 0
    status_version: int = 1
    description: str | None = None
    customer_id: int | None = None
    details: Json = field(default_factory=dict)
    payout: Json | None = None
    extras: Json = field(default_factory=dict)
    page_token: str | None = None
    webhook_url: str | None = None
    webhook_events: list[str] = field(default_factory=list)
    error_code: str | None = None
    error_message: str | None = None
    confirmed_at: int | None = None
    expires_at: int | None = None
    due_at: int | None = None
    plan: list[Step] = field(default_factory=list)

    @property
    def is_withdrawal(self) -> bool:
        return is_withdrawal(self.type)

    @property
    def total_debit(self) -> int:
        """What a withdrawal takes from the balance: the amount and the fee."""
        return self.amount + self.fee

    @property
    def net(self) -> int:
        """What reaches the balance of a deposit; the total debited by a withdrawal."""
        return self.total_debit if self.is_withdrawal else self.amount - self.fee

    def columns(self, *names: str) -> dict[str, object]:
        """These members as they are stored."""
        return {name: _column(self, name) for name in names}

    def follow(self, plan: list[Step], now: int) -> None:
        """Schedule what happens by itself from now on."""
        self.plan = plan
        self.due_at = now + plan[0][0] if plan else None


NAMES = tuple(item.name for item in fields(Payment))
JSON_NAMES = frozenset({"details", "payout", "extras", "webhook_events", "plan"})
INSERT = f"INSERT INTO payment ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))})"
CHANGING = (
    "refunded",
    "status",
    "status_version",
    "error_code",
    "error_message",
    "confirmed_at",
    "expires_at",
    "due_at",
    "plan",
)
UPDATE = f"UPDATE payment SET {', '.join(f'{name} = ?' for name in CHANGING)} WHERE id = ?"


def from_row(row: sqlite3.Row) -> Payment:
    values: dict[str, Any] = {name: row[name] for name in NAMES}
    for name in JSON_NAMES:
        if values[name] is not None:
            values[name] = json.loads(values[name])
    return Payment(**values)


def _column(payment: Payment, name: str) -> object:
    value = getattr(payment, name)
    if name not in JSON_NAMES or value is None:
        return value
    return json.dumps(value, default=str)


def insert(work: Work, payment: Payment) -> None:
    work.db.execute(INSERT, [_column(payment, name) for name in NAMES])


def save(work: Work, payment: Payment) -> None:
    values = [_column(payment, name) for name in CHANGING]
    try:
        work.db.execute(UPDATE, [*values, payment.id])
    except sqlite3.IntegrityError as exc:
        raise BusinessError("TRANSACTION_ERROR", str(exc), status=409) from exc


def get(work: Work, payment_id: str) -> Payment:
    """The payment, or a 404 in the business shape."""
    row = work.db.execute(
        "SELECT * FROM payment WHERE id = ? AND env = ?", (payment_id, work.env)
    ).fetchone()
    if row is None:
        raise not_found("PAYMENT_NOT_FOUND", f"Payment {payment_id} not found")
    return from_row(row)


def holder_of_reference(work: Work, reference: str) -> Payment | None:
    """The payment that keeps a reference from being used again (LC-A11), if any."""
    rows = work.db.execute(
        "SELECT * FROM payment WHERE env = ? AND merchant_reference = ? ORDER BY serial DESC",
        (work.env, reference),
    )
    for row in rows:
        if row["status"] not in work.config.reusable:
            return from_row(row)
    return None
