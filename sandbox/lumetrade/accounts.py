"""Accounts: what is available, what open withdrawals and trades have locked (LT-A5)."""

import sqlite3

from sandbox.lumetrade.currencies import OFFERED
from sandbox.lumetrade.errors import Refused, not_found
from sandbox.lumetrade.work import Work, units
from sandbox.web import Json


def shape(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "currency": row["currency"],
        "balance": units(row["available"]),
        "lockedBalance": units(row["locked"]),
    }


def all_of(work: Work) -> list[Json]:
    rows = work.db.execute("SELECT * FROM lt_account ORDER BY currency").fetchall()
    return [shape(row) for row in rows]


def get(work: Work, column: str, value: str) -> Json:
    row = work.db.execute(f"SELECT * FROM lt_account WHERE {column} = ?", (value,)).fetchone()
    if row is None:
        raise not_found("Account")
    return shape(row)


def create(work: Work, currency: str) -> Json:
    if currency not in OFFERED:
        raise Refused(404, f"Currency {currency} is not supported")
    taken = work.db.execute("SELECT 1 FROM lt_account WHERE currency = ?", (currency,)).fetchone()
    if taken:
        raise Refused(409, f"An account in {currency} already exists")
    account_id = f"acc_{work.token(12).lower()}"
    work.db.execute("INSERT INTO lt_account (id, currency) VALUES (?, ?)", (account_id, currency))
    return get(work, "id", account_id)


def move(work: Work, currency: str, *, available: int = 0, locked: int = 0) -> None:
    """Add to (or take from) the parts of an account."""
    work.db.execute(
        "UPDATE lt_account SET available = available + ?, locked = locked + ? WHERE currency = ?",
        (available, locked, currency),
    )


def lock(work: Work, currency: str, amount: int) -> None:
    """Set money aside, or refuse."""
    row = work.db.execute(
        "SELECT available FROM lt_account WHERE currency = ?", (currency,)
    ).fetchone()
    if row is None or row["available"] < amount:
        raise Refused(409, "Insufficient funds")
    move(work, currency, available=-amount, locked=amount)


def set_available(work: Work, currency: str, amount: int) -> None:
    """Make the available money this much, as only the control door may."""
    work.db.execute("UPDATE lt_account SET available = ? WHERE currency = ?", (amount, currency))
