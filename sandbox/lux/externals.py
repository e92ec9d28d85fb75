"""Customers' bank accounts and addresses elsewhere (upstreams.md §1.7, LF-A12)."""

import json
import sqlite3
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.clock import iso_ms
from sandbox.lux import customers, events
from sandbox.lux.body import Body
from sandbox.lux.errors import conflict, invalid, not_found
from sandbox.lux.lists import page
from sandbox.lux.work import Work
from sandbox.web import Json

TABLE = "lf_external"
NEEDED = {
    "us_bank_account": ("account_name", "account_type", "routing_number", "account_number"),
    "international_bank_account": ("account_name", "iban", "bic", "bank_name", "bank_country"),
    "mx_bank_account": ("account_name", "clabe", "bank_name"),
    "crypto_address": ("chain", "address"),
}
NUMBERS = ("account_number", "iban", "clabe")
NEVER_SHOWN = (*NUMBERS, "routing_number", "bic")
DEPOSITS = (Decimal("0.12"), Decimal("0.34"))  # what arrives, as in the documents' sample
BAD_ACCOUNT = "00000000"  # fails validation [LB-INT]
TRIES = 3


def create(work: Work, given: Any) -> Json:
    body = Body(given)
    body.require("customer_id", "type")
    kind = body.choice("type", NEEDED) or ""
    body.require(*NEEDED[kind])
    customers.row_of(work, body.text("customer_id") or "")
    facts = {name: body.text(name) for name in (*NEEDED[kind], "label", "bank_name")}
    _check(body, kind)
    is_bank = kind != "crypto_address"
    if is_bank:
        number = next(str(facts[name]) for name in NUMBERS if facts.get(name))
        facts |= {"last_4": number[-4:], "verification_method": "micro_deposits"}
    account_id = work.identity("ext")
    country = {"us_bank_account": "US", "mx_bank_account": "MX"}.get(
        kind, str(facts.get("iban") or "")[:2] or None
    )
    work.db.execute(
        f"INSERT INTO {TABLE} (id, customer_id, type, status, country, facts, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            account_id,
            body.text("customer_id"),
            kind,
            "pending" if is_bank else "verified",
            facts.get("bank_country") or (country if is_bank else None),
            json.dumps({name: value for name, value in facts.items() if value is not None}),
            work.now,
        ),
    )
    return get(work, account_id)


def _check(body: Body, kind: str) -> None:
    match kind:
        case "us_bank_account":
            body.choice("account_type", ("checking", "savings"))
            body.matching("routing_number", "[0-9]{9}", "nine digits")
            if body.matching("account_number", "[0-9]{4,17}", "4 to 17 digits") == BAD_ACCOUNT:
                raise invalid("account_number", "is not an account that exists")
        case "international_bank_account":
            body.matching("iban", "[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", "an IBAN")
            body.matching("bic", "[A-Z0-9]{8}([A-Z0-9]{3})?", "a BIC")
            body.matching("bank_country", "[A-Z]{2}", "a country of ISO 3166-1 alpha-2")
        case "mx_bank_account":
            body.matching("clabe", "[0-9]{18}", "18 digits")


def verify(work: Work, account_id: str, given: Any) -> Json:
    """The two small deposits, in any order, as texts or numbers (LF-C11)."""
    row = _row(work, account_id)
    if row["status"] != "pending":
        raise conflict(f"The account is {row['status']}")
    body = Body(given)
    body.require("amounts")
    right = sorted(DEPOSITS) == _amounts(body.members["amounts"])
    tries = row["tries"] + 1
    status = "verified" if right else "failed" if tries >= TRIES else "pending"
    work.db.execute(
        f"UPDATE {TABLE} SET status = ?, tries = ? WHERE id = ?", (status, tries, account_id)
    )
    if status != "pending":
        events.emit(work, "external_account.updated", get(work, account_id))
    return get(work, account_id)


def _amounts(given: Any) -> list[Decimal]:
    if not isinstance(given, list) or len(given) != 2:
        raise invalid("amounts", "must be two amounts")
    try:
        return sorted(Decimal(amount) for amount in given)
    except (InvalidOperation, TypeError, ValueError):
        raise invalid("amounts", "must be decimal strings") from None


def delete(work: Work, account_id: str) -> Json:
    _row(work, account_id)
    work.db.execute(f"DELETE FROM {TABLE} WHERE id = ?", (account_id,))
    return {}


def listed(work: Work, args: dict[str, str], customer_id: str = "") -> Json:
    return page(
        work,
        TABLE,
        shape,
        args,
        {
            "customer_id = ?": customer_id or args.get("customer_id"),
            "type = ?": args.get("type"),
            "status = ?": args.get("status"),
            "country = ?": args.get("country"),
        },
    )


def get(work: Work, account_id: str) -> Json:
    return shape(_row(work, account_id))


def shape(row: sqlite3.Row) -> Json:
    facts = json.loads(row["facts"])
    return {
        "id": row["id"],
        "object": "external_account",
        "customer_id": row["customer_id"],
        "type": row["type"],
        "country": row["country"],
        **{name: value for name, value in facts.items() if name not in NEVER_SHOWN},
        "status": row["status"],
        "created_at": iso_ms(row["created_at"]),
    }


def _row(work: Work, account_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        f"SELECT * FROM {TABLE} WHERE id = ?", (account_id,)
    ).fetchone()
    if row is None:
        raise not_found("External account", account_id)
    return row
