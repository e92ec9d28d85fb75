"""Who a payment is for, found or made in LuxCore's documented order."""

import re

from sandbox.luxcore.errors import BusinessError, not_found
from sandbox.luxcore.work import Work
from sandbox.web import Json


def phone_key(phone: str) -> str:
    """Digits only, without the international prefix 00 (LC-A19)."""
    return re.sub(r"[^0-9]", "", phone).removeprefix("00")


def link(work: Work, customer_id: int | None, given: Json | None) -> int | None:
    """The id of the payment's customer: the one named, one matched, or a new one.

    Raises `CUSTOMER_NOT_FOUND` for an id that is not this merchant's, and
    `EXTERNAL_ID_DUPLICATE` when a new customer would take another's external id.
    """
    if customer_id is not None:
        return _known(work, customer_id)
    if not given or not any(given.values()):
        return None
    found = _match(work, given)
    if found is None:
        return _create(work, given)
    _lend_external_id(work, found, given.get("external_id"))
    return found


def _known(work: Work, customer_id: int) -> int:
    row = work.db.execute(
        "SELECT id FROM customer WHERE id = ? AND env = ?", (customer_id, work.env)
    ).fetchone()
    if row is None:
        raise not_found("CUSTOMER_NOT_FOUND", f"Customer {customer_id} not found")
    return customer_id


def _match(work: Work, given: Json) -> int | None:
    email, phone = given.get("email"), given.get("phone")
    keys = [("email_key", email.lower())] if email else []
    if phone and phone_key(phone):
        keys.append(("phone_key", phone_key(phone)))
    for column, key in keys:
        row = work.db.execute(
            f"SELECT id FROM customer WHERE env = ? AND {column} = ? ORDER BY id LIMIT 1",
            (work.env, key),
        ).fetchone()
        if row is not None:
            return int(row["id"])
    return None


def _taken(work: Work, external_id: str) -> bool:
    row = work.db.execute(
        "SELECT 1 FROM customer WHERE env = ? AND external_id = ?", (work.env, external_id)
    ).fetchone()
    return row is not None


def _lend_external_id(work: Work, customer_id: int, external_id: str | None) -> None:
    """Given only to a customer that has none, and never taken from another."""
    if not external_id or _taken(work, external_id):
        return
    work.db.execute(
        "UPDATE customer SET external_id = ? WHERE id = ? AND external_id IS NULL",
        (external_id, customer_id),
    )


def _create(work: Work, given: Json) -> int:
    external_id = given.get("external_id")
    if external_id and _taken(work, external_id):
        raise BusinessError(
            "EXTERNAL_ID_DUPLICATE", "external_id is already assigned to another customer"
        )
    email, phone = given.get("email"), given.get("phone")
    cursor = work.db.execute(
        "INSERT INTO customer (env, name, email, phone, external_id, email_key, phone_key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            work.env,
            given.get("name"),
            email,
            phone,
            external_id or None,
            email.lower() if email else None,
            phone_key(phone) if phone else None,
        ),
    )
    return int(cursor.lastrowid or 0)
