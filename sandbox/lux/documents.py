"""Documents that were handed in, to be read again. Nowhere documented (LF-A14).

What the desk hands in is kept, the newest of it. Invented customers handed in theirs on a page
nobody saw: those are drawn when somebody reads them first, and never stored.
"""

import base64
import hashlib
import json
import sqlite3
from dataclasses import dataclass

from sandbox.clock import MINUTE, iso_ms
from sandbox.lux import customers, drawing
from sandbox.lux.errors import invalid, not_found
from sandbox.lux.papers import PICTURES, Paper, paper_of
from sandbox.lux.work import Work
from sandbox.web import Json

KEPT = 200  # submissions whose pictures are kept
INVENTED = ("seed", "traffic", "control")
HAS_BEGUN = ("not_started", "pending", "awaiting_ubo")  # before these are over, nothing is there


@dataclass(frozen=True)
class Kept:
    """A picture as it came."""

    media_type: str
    content: bytes


@dataclass(frozen=True)
class Imagined:
    """A picture that is still to be drawn, outside of any transaction."""

    paper: Paper
    name: str


def keep(work: Work, submission_id: str, pictures: dict[str, str]) -> None:
    """Keep the pictures of a submission, and forget the oldest of others."""
    for name, uri in pictures.items():
        head, _, encoded = uri.partition(";base64,")
        try:
            content = base64.b64decode(encoded)
        except ValueError as problem:
            raise invalid(name, "is not base64") from problem
        work.db.execute(
            "INSERT INTO lf_picture (submission_id, name, media_type, content) VALUES (?, ?, ?, ?)",
            (submission_id, name, head.removeprefix("data:"), content),
        )
    work.db.execute(
        "DELETE FROM lf_picture WHERE submission_id NOT IN"
        " (SELECT id FROM lf_submission ORDER BY serial DESC LIMIT ?)",
        (KEPT,),
    )


def listed(work: Work, customer_id: str) -> Json:
    """Every submission of a customer, newest first."""
    row = customers.row_of(work, customer_id)
    rows = work.db.execute(
        "SELECT * FROM lf_submission WHERE customer_id = ? ORDER BY serial DESC", (customer_id,)
    ).fetchall()
    shown = [_shape(work, row, one) for one in rows]
    if not rows and _is_imagined(row):
        shown = [_imagined(work, row)]
    return {"object": "list", "data": shown, "has_more": False}


def picture(work: Work, customer_id: str, submission_id: str, name: str) -> Kept | Imagined:
    """One picture of a submission, or what it is drawn from."""
    row = customers.row_of(work, customer_id)
    if _is_imagined(row) and submission_id == _imagined_id(customer_id):
        paper = paper_of(customers.shape(row), now=row["created_at"])
        if name in PICTURES[paper.kind]:
            return Imagined(paper, name)
    found = work.db.execute(
        "SELECT p.* FROM lf_picture p JOIN lf_submission s ON s.id = p.submission_id"
        " WHERE s.customer_id = ? AND s.id = ? AND p.name = ?",
        (customer_id, submission_id, name),
    ).fetchone()
    if found is None:
        raise not_found("Picture", name)
    return Kept(found["media_type"], found["content"])


def content_of(found: Kept | Imagined) -> tuple[str, bytes]:
    """Its media type and its bytes, drawn now if they have to be."""
    if isinstance(found, Kept):
        return found.media_type, found.content
    return "image/jpeg", drawing.picture(found.paper, found.name)


def _shape(work: Work, row: sqlite3.Row, submission: sqlite3.Row) -> Json:
    kept = work.db.execute(
        "SELECT name FROM lf_picture WHERE submission_id = ? ORDER BY name", (submission["id"],)
    ).fetchall()
    return {
        "id": submission["id"],
        "object": "kyc_submission",
        "customer_id": row["id"],
        "document_type": submission["document_type"],
        "status": "in_review",
        "created_at": iso_ms(submission["created_at"]),
        "pictures": [picture["name"] for picture in kept],
    }


def _is_imagined(row: sqlite3.Row) -> bool:
    """Whether this is a person of ours who is past handing in documents."""
    is_person = row["type"] == "individual" and row["source"] in INVENTED
    return is_person and row["kyc_status"] not in HAS_BEGUN


def _imagined(work: Work, row: sqlite3.Row) -> Json:
    paper = paper_of(customers.shape(row), now=row["created_at"])
    return {
        "id": _imagined_id(row["id"]),
        "object": "kyc_submission",
        "customer_id": row["id"],
        "document_type": paper.kind,
        "status": "in_review",
        "created_at": iso_ms(row["created_at"] + 3 * MINUTE),
        "pictures": list(PICTURES[paper.kind]),
    }


def _imagined_id(customer_id: str) -> str:
    return "kyc_" + hashlib.sha256(json.dumps(customer_id).encode()).hexdigest()[:16]
