"""Customers: made, changed, led through KYC, deleted softly, shown (upstreams.md §1.5)."""

import json
import re
import sqlite3
from typing import Any

from sandbox.clock import iso_ms
from sandbox.lux import events
from sandbox.lux.body import EMAIL, Body
from sandbox.lux.errors import Refused, conflict, invalid, not_found
from sandbox.lux.work import Work
from sandbox.web import Json

TABLE = "lf_customer"
TYPES = ("individual", "business")
BUSINESS_TYPES = ("llc", "corporation", "partnership", "sole_proprietor")
ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")
TEXTS = (
    "first_name",
    "last_name",
    "business_name",
    "business_ein",
    "business_email",
    "website",
    "industry",
    "registration_number",
)
DATES = ("date_of_birth", "incorporation_date")
PHONES = ("phone", "business_phone")
LINKS = ("kyc_link", "tos_link")
DOCUMENTS = {"passport": False, "drivers_license": True, "national_id": True}
TAKES_DOCUMENTS = ("not_started", "pending", "incomplete")
PICTURES = ("document_front", "document_back", "selfie")
PICTURE = re.compile(r"data:(?:image/(?:png|jpeg|webp)|application/pdf);base64,[A-Za-z0-9+/=]+")


# Making and changing


def create(work: Work, given: Any, *, source: str = "api") -> str:
    body = Body(given, code="bad_customer_request")
    body.require("type", "email")
    kind = body.choice("type", TYPES) or ""
    body.require(*(("business_name",) if kind == "business" else ("first_name", "last_name")))
    facts = _read(body)
    email = body.text("email") or ""
    _check_email(work, email)
    customer_id = work.identity("cus")
    link = f"/lux/kyc/{customer_id}"
    facts |= {
        "email": email,
        "tax_id_provided": body.text("ssn_last_4") is not None or "business_ein" in facts,
        "kyc_link": link,
        "tos_status": "pending",
        "tos_link": f"{link}/terms",
        "risk_rating": "low",
        "endorsements": [],
        "rejection_reasons": [],
        "requirements_due": ["kyc_verification", "tos_acceptance"],
    }
    facts.setdefault("metadata", {})
    work.db.execute(
        f"INSERT INTO {TABLE} (id, type, email_key, status, kyc_status, facts, source, created_at,"
        " updated_at) VALUES (?, ?, ?, 'pending', 'not_started', ?, ?, ?, ?)",
        (customer_id, kind, email.lower(), json.dumps(facts), source, work.now, work.now),
    )
    events.emit(work, "customer.created", get(work, customer_id))
    return customer_id


def update(work: Work, customer_id: str, given: Any) -> Json:
    """What is given changes, the rest stays. A KYC status is a decision from outside."""
    row = row_of(work, customer_id)
    if row["status"] == "deleted":
        raise not_found("Customer", customer_id, code="customer_not_found")
    body = Body(given, code="bad_customer_request")
    facts = json.loads(row["facts"])
    changes = _read(body)
    if "address" in changes:
        changes["address"] = facts.get("address", {}) | changes["address"]
    if (email := body.text("email")) is not None and email.lower() != row["email_key"]:
        _check_email(work, email)
        changes["email"] = email
    decided = body.text("kyc_status")
    if decided is not None and not work.config.takes_decisions:
        raise invalid("kyc_status", "cannot be set")
    _save(work, row, facts | changes)
    if decided is not None and decided != row["kyc_status"]:
        move_kyc(work, customer_id, decided, reasons=body.texts("rejection_reasons"))
    if changes:
        events.emit(work, "customer.updated", get(work, customer_id))
    return get(work, customer_id)


def delete(work: Work, customer_id: str) -> Json:
    row = row_of(work, customer_id)
    if row["status"] == "deleted":
        raise not_found("Customer", customer_id, code="customer_not_found")
    move(work, customer_id, "deleted")
    events.emit(work, "customer.deleted", get(work, customer_id))
    return {
        "id": customer_id,
        "object": "customer",
        "status": "deleted",
        "deleted_at": iso_ms(work.now),
    }


def _read(body: Body) -> Json:
    """Whatever of a customer's facts is given, checked."""
    given: Json = {name: body.text(name) for name in TEXTS}
    given |= {name: body.matching(name, r"\+[1-9][0-9]{6,14}", "in E.164") for name in PHONES}
    date = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    given |= {name: body.matching(name, date, "a date, YYYY-MM-DD") for name in DATES}
    given["business_type"] = body.choice("business_type", BUSINESS_TYPES)
    given["incorporation_country"] = _country(body, "incorporation_country")
    if "address" in body.members:
        part = body.child("address")
        lines = {name: part.text(name) for name in ADDRESS[:-1]} | {
            "country": _country(part, "country")
        }
        given["address"] = {name: value for name, value in lines.items() if value is not None}
    if "metadata" in body.members:
        given["metadata"] = body.mapping("metadata")
    return {name: value for name, value in given.items() if value is not None}


def _country(body: Body, name: str) -> str | None:
    return body.matching(name, "[A-Z]{2}", "a country of ISO 3166-1 alpha-2")


def _check_email(work: Work, email: str) -> None:
    if not EMAIL.fullmatch(email):
        raise invalid("email", "must be an e-mail address")
    taken = work.db.execute(
        f"SELECT 1 FROM {TABLE} WHERE email_key = ? AND status != 'deleted'", (email.lower(),)
    ).fetchone()
    if taken and work.config.unique_email:
        text = "A customer with this e-mail already exists"
        raise Refused(409, "already_exists", text, key="email")


# KYC


def submit(work: Work, customer_id: str, given: Any) -> Json:
    """Documents are handed in: the customer goes under review (LF-A5)."""
    row = row_of(work, customer_id)
    body = Body(given)
    body.require("document_type", "document_front")
    kind = body.choice("document_type", DOCUMENTS) or ""
    if DOCUMENTS[kind]:
        body.require("document_back")
    pictures = {name: body.text(name, longest=14_000_000) for name in PICTURES}
    for name, picture in pictures.items():
        if picture is not None and not PICTURE.fullmatch(picture):
            raise invalid(name, "must be a data: URI of an image or a PDF in base64")
    if row["kyc_status"] not in TAKES_DOCUMENTS:
        raise conflict(f"No documents are taken while KYC is {row['kyc_status']}")
    submission_id = work.identity("kyc")
    sizes = {name: len(picture) for name, picture in pictures.items() if picture}
    work.db.execute(
        "INSERT INTO lf_submission (id, customer_id, document_type, pictures, created_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (submission_id, customer_id, kind, json.dumps(sizes), work.now),
    )
    if row["kyc_status"] == "not_started":
        move_kyc(work, customer_id, "pending")
    move_kyc(work, customer_id, "under_review")
    return {
        "id": submission_id,
        "object": "kyc_submission",
        "customer_id": customer_id,
        "status": "in_review",
        "created_at": iso_ms(work.now),
    }


def may_become(work: Work, row: sqlite3.Row) -> frozenset[str]:
    """The KYC statuses that may follow; owners are awaited of businesses only."""
    following = work.config.kyc_transitions.get(row["kyc_status"], frozenset())
    return following if row["type"] == "business" else following - {"awaiting_ubo"}


def move_kyc(
    work: Work,
    customer_id: str,
    status: str,
    *,
    reasons: list[str] | None = None,
    force: bool = False,
) -> None:
    """To this KYC status, with what it grants or takes; `force` goes against the rules."""
    row = row_of(work, customer_id)
    if status not in may_become(work, row) and not force:
        raise conflict(f"KYC does not go from {row['kyc_status']} to {status}")
    facts = json.loads(row["facts"])
    if status == "approved":
        granted = [*facts["endorsements"], *work.config.default_endorsements]
        facts |= {"endorsements": list(dict.fromkeys(granted)), "kyc_link": None}
        facts |= {"tos_status": "approved", "tos_link": None, "requirements_due": []}
    if status == "rejected":
        facts |= {"rejection_reasons": reasons or ["Identity could not be verified"]}
        facts |= {"kyc_link": None, "endorsements": []}
    if status == "awaiting_ubo":
        facts["requirements_due"] = ["beneficial_owners"]
    if status == "incomplete":
        facts["requirements_due"] = ["kyc_verification"]
    work.db.execute(f"UPDATE {TABLE} SET kyc_status = ? WHERE id = ?", (status, customer_id))
    _save(work, row, facts)
    if status == "approved" and row["status"] == "pending":
        move(work, customer_id, "active")
    events.emit(work, "customer.kyc_status_changed", get(work, customer_id))


def move(work: Work, customer_id: str, status: str, *, force: bool = False) -> None:
    """To this status of the customer (LF-A7)."""
    row = row_of(work, customer_id)
    if status not in work.config.customer_transitions.get(row["status"], ()) and not force:
        raise conflict(f"{row['status']} does not become {status}")
    work.db.execute(
        f"UPDATE {TABLE} SET status = ?, updated_at = ? WHERE id = ?",
        (status, work.now, customer_id),
    )


def set_facts(work: Work, customer_id: str, **changes: Any) -> None:
    """Write over whatever is shown, as only history and the control door may."""
    row = row_of(work, customer_id)
    _save(work, row, json.loads(row["facts"]) | changes)


def _save(work: Work, row: sqlite3.Row, facts: Json) -> None:
    work.db.execute(
        f"UPDATE {TABLE} SET facts = ?, email_key = ?, updated_at = ? WHERE id = ?",
        (json.dumps(facts), facts["email"].lower(), work.now, row["id"]),
    )


# Showing


def row_of(work: Work, customer_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        f"SELECT * FROM {TABLE} WHERE id = ?", (customer_id,)
    ).fetchone()
    if row is None:
        raise not_found("Customer", customer_id, code="customer_not_found")
    return row


def get(work: Work, customer_id: str) -> Json:
    return shown(work, row_of(work, customer_id))


def shown(work: Work, row: sqlite3.Row) -> Json:
    """With links as long as we can be reached now: a state outlives an address."""
    body = shape(row)
    links = {name: f"{work.public_url}{body[name]}" for name in LINKS if body.get(name)}
    return body | links


def shape(row: sqlite3.Row) -> Json:
    return {
        "id": row["id"],
        "object": "customer",
        "type": row["type"],
        "status": row["status"],
        "kyc_status": row["kyc_status"],
        **json.loads(row["facts"]),
        "created_at": iso_ms(row["created_at"]),
        "updated_at": iso_ms(row["updated_at"]),
    }
