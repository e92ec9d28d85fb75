"""Withdrawals and deposits: how they are made, move from stage to stage and are shown."""

import json
import sqlite3
from typing import Any

from sandbox.clock import iso_ms
from sandbox.lumetrade import accounts
from sandbox.lumetrade.errors import Refused, invalid, not_found
from sandbox.lumetrade.work import ATOMS, DECIMALS, Work, atoms, read_amount, units
from sandbox.plans import Plan, delay, follow
from sandbox.web import Json

TABLE = "lt_movement"
USUAL_WAY = {
    "withdrawal": ("AWAITING_CONFIRMATION", "ACCEPTED", "PROCESSING", "COMPLETED"),
    "deposit": ("PENDING", "PROCESSING", "COMPLETED"),
}
FIRST = {"withdrawal": "PENDING", "deposit": "SUBMITTED"}
PREFIX = {"withdrawal": "WD", "deposit": "DP"}


# Making


def withdraw(work: Work, body: Any, *, idempotency_key: str = "") -> Json:
    """What POST /beneficiaries/withdrawals does and answers. The key is kept and does nothing."""
    if not isinstance(body, dict):
        raise invalid(body="must be an object")
    beneficiary_id = body.get("beneficiaryId")
    if not isinstance(beneficiary_id, str) or not beneficiary_id:
        raise invalid(beneficiaryId="must not be blank")
    row = work.db.execute("SELECT * FROM lt_beneficiary WHERE id = ?", (beneficiary_id,)).fetchone()
    if row is None:
        raise not_found("Beneficiary")
    amount = read_amount(body.get("amount"), row["currency"])
    if amount is None:
        raise invalid(amount=f"must be a positive number with {DECIMALS[row['currency']]} decimals")
    created = make_withdrawal(
        work, row, atoms(amount), source="api", idempotency_key=idempotency_key
    )
    follow(work, TABLE, created, way(work, "withdrawal", work.config.stage_delay))
    return {"transactionId": created, "status": FIRST["withdrawal"]}


def make_withdrawal(
    work: Work, beneficiary: sqlite3.Row, amount: int, *, source: str, idempotency_key: str = ""
) -> str:
    currency = beneficiary["currency"]
    fee = _fee(work, amount, currency)
    accounts.lock(work, currency, amount + fee)
    return _insert(
        work,
        "withdrawal",
        currency,
        amount,
        fee,
        source=source,
        beneficiary_id=beneficiary["id"],
        details=beneficiary["details"],
        idempotency_key=idempotency_key,
    )


def make_deposit(work: Work, currency: str, amount: int, *, source: str) -> str:
    return _insert(work, "deposit", currency, amount, 0, source=source)


def _insert(
    work: Work, kind: str, currency: str, amount: int, fee: int, *, source: str, **rest: Any
) -> str:
    values = {
        "id": f"{PREFIX[kind]}{work.token(14)}",
        "kind": kind,
        "currency": currency,
        "amount": amount,
        "fee": fee,
        "status": FIRST[kind],
        "source": source,
        "created_at": work.now,
        **rest,
    }
    marks = ", ".join("?" * len(values))
    work.db.execute(
        f"INSERT INTO lt_movement ({', '.join(values)}) VALUES ({marks})", list(values.values())
    )
    return str(values["id"])


def _fee(work: Work, amount: int, currency: str) -> int:
    """Rounded half up to what the currency can pay."""
    step: int = ATOMS // 10 ** DECIMALS[currency]
    return (amount * work.config.fee_bps + 5000 * step) // (10_000 * step) * step


# Moving


def way(work: Work, kind: str, stage_delay: float) -> Plan:
    """The stages to come; the shares of the settings decide who strays from the usual way."""
    config, dice = work.config, work.dice
    stages = list(USUAL_WAY[kind])
    if dice.random() < config.review_share:
        stages.insert(stages.index("PROCESSING"), "COMPLIANCE_PENDING")
    if dice.random() < config.failure_share:
        stages[-1] = dice.choice(("FAILED", "FAILED", "CANCELLED"))
    plan = [(delay(work, stage_delay), stage) for stage in stages]
    if stages[-1] == "COMPLETED" and dice.random() < config.reversal_share:
        plan.append((delay(work, config.reversal_delay), "REVERSED"))
    return plan


def move(work: Work, movement_id: str, stage: str, *, force: bool = False) -> None:
    """To this stage, with what it does to the account; `force` goes against the rules."""
    row = _row(work, movement_id)
    allowed = work.config.transitions[row["kind"]].get(row["status"], frozenset())
    if stage not in allowed and not force:
        raise Refused(409, f"{row['status']} does not become {stage}")
    _settle(work, row, stage)
    completed_at = work.now if stage == "COMPLETED" else row["completed_at"]
    work.db.execute(
        "UPDATE lt_movement SET status = ?, completed_at = ? WHERE id = ?",
        (stage, completed_at, movement_id),
    )


def _settle(work: Work, row: sqlite3.Row, stage: str) -> None:
    """LT-A5."""
    currency, total = row["currency"], row["amount"] + row["fee"]
    if row["kind"] == "deposit":
        sign = {"COMPLETED": 1, "REVERSED": -1}.get(stage, 0)
        accounts.move(work, currency, available=sign * (row["amount"] - row["fee"]))
    elif row["status"] == "COMPLETED":
        accounts.move(work, currency, available=total)
    elif stage == "COMPLETED":
        accounts.move(work, currency, locked=-total)
    elif stage in ("FAILED", "CANCELLED", "REVERSED"):
        accounts.move(work, currency, available=total, locked=-total)


# Showing


def listed(work: Work, kind: str) -> list[Json]:
    """All of them, newest first; the reserved parameters change nothing."""
    rows = work.db.execute(
        "SELECT * FROM lt_movement WHERE kind = ? ORDER BY created_at DESC, serial DESC", (kind,)
    )
    return [shape(row) for row in rows]


def get(work: Work, kind: str, movement_id: str) -> Json:
    row = _row(work, movement_id)
    if row["kind"] != kind:
        raise not_found("Transaction")
    return shape(row)


def shape(row: sqlite3.Row) -> Json:
    shown = {
        "transactionId": row["id"],
        "status": row["status"],
        "currency": row["currency"],
        "amount": units(row["amount"]),
        "fee": units(row["fee"]),
        "completedAt": naive(row["completed_at"]),
    }
    if row["kind"] == "withdrawal":
        shown["withdrawDetails"] = json.loads(row["details"])
        shown["createdAt"] = iso_ms(row["created_at"])
    return shown


def naive(ms: int | None) -> str | None:
    """Without a zone, as they write when something was completed (LT-C5)."""
    if ms is None:
        return None
    return iso_ms(ms).removesuffix("Z")


def _row(work: Work, movement_id: str) -> sqlite3.Row:
    row = work.db.execute("SELECT * FROM lt_movement WHERE id = ?", (movement_id,)).fetchone()
    if row is None:
        raise not_found("Transaction")
    found: sqlite3.Row = row
    return found
