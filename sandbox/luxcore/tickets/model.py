"""Tickets and comments as stored, their moves, and the events they send."""

import sqlite3
from dataclasses import dataclass

from sandbox.clock import iso, iso_or_none
from sandbox.luxcore import events
from sandbox.luxcore.errors import BusinessError, not_found
from sandbox.luxcore.work import Work
from sandbox.web import Json

MOVES: dict[str, frozenset[str]] = {  # LC-A27
    "open": frozenset({"in_progress", "closed"}),
    "in_progress": frozenset({"resolved", "closed"}),
    "resolved": frozenset({"closed", "open"}),
    "closed": frozenset({"open"}),
}
STATUSES = tuple(MOVES)
CATEGORIES = (  # LC-A28
    "payment_issue",
    "refund_request",
    "integration_question",
    "account_issue",
    "other",
)


@dataclass(kw_only=True)
class NewTicket:
    title: str
    description: str | None = None
    category: str | None = None
    sub_category: str | None = None
    payment_id: str | None = None
    transaction_id: str | None = None
    reference: str | None = None
    requires_refund: bool = False


def get(work: Work, ticket_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        "SELECT * FROM ticket WHERE id = ? AND env = ?", (ticket_id, work.env)
    ).fetchone()
    if row is None:
        raise not_found("TICKET_NOT_FOUND", f"Ticket {ticket_id} not found")
    return row


def create(
    work: Work, new: NewTicket, *, source: str = "api", support_due_at: int | None = None
) -> str:
    """Open a ticket and tell who listens; returns its id."""
    ticket_id = work.uuid()
    work.db.execute(
        "INSERT INTO ticket (id, env, title, description, category, sub_category, payment_id,"
        " transaction_id, reference, requires_refund, source, created_at, updated_at,"
        " support_due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            ticket_id,
            work.env,
            new.title,
            new.description,
            new.category,
            new.sub_category,
            new.payment_id,
            new.transaction_id,
            new.reference,
            new.requires_refund,
            source,
            work.now,
            work.now,
            support_due_at,
        ),
    )
    _announce(work, ticket_id, "ticket.created")
    return ticket_id


def move(work: Work, ticket_id: str, status: str) -> None:
    """Change the status, or refuse with `INVALID_TICKET_STATUS`."""
    ticket = get(work, ticket_id)
    if status not in MOVES[ticket["status"]]:
        raise BusinessError(
            "INVALID_TICKET_STATUS",
            f"Ticket cannot become {status} in current status: {ticket['status']}",
        )
    closed_at = work.now if status == "closed" else None
    work.db.execute(
        "UPDATE ticket SET status = ?, updated_at = ?, closed_at = ? WHERE id = ?",
        (status, work.now, closed_at, ticket_id),
    )
    _announce(work, ticket_id, "ticket.closed" if status == "closed" else "ticket.updated")


def say(work: Work, ticket_id: str, content: str, *, author_type: str, author_name: str) -> str:
    """Add a comment; only support's are announced. Returns its id."""
    comment_id = work.uuid()
    work.db.execute(
        "INSERT INTO comment (id, ticket_id, author_type, author_name, content, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (comment_id, ticket_id, author_type, author_name, content, work.now),
    )
    work.db.execute("UPDATE ticket SET updated_at = ? WHERE id = ?", (work.now, ticket_id))
    if author_type == "support" and not work.silent:
        comment = shape_comment(work, get_comment(work, ticket_id, comment_id))
        events.emit(work, "ticket.comment_added", "comment", ticket_id, comment)
    return comment_id


def get_comment(work: Work, ticket_id: str, comment_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = work.db.execute(
        "SELECT * FROM comment WHERE id = ? AND ticket_id = ?", (comment_id, ticket_id)
    ).fetchone()
    if row is None:
        raise not_found("COMMENT_NOT_FOUND", f"Comment {comment_id} not found")
    return row


def _announce(work: Work, ticket_id: str, name: str) -> None:
    if not work.silent:
        ticket = shape(work, get(work, ticket_id))
        events.emit(work, name, "ticket", ticket_id, ticket)


def shape(work: Work, ticket: sqlite3.Row) -> Json:
    (comments,) = work.db.execute(
        "SELECT count(*) FROM comment WHERE ticket_id = ?", (ticket["id"],)
    ).fetchone()
    return {
        "ticket_id": ticket["id"],
        "title": ticket["title"],
        "description": ticket["description"],
        "status": ticket["status"],
        "category": ticket["category"],
        "sub_category": ticket["sub_category"],
        "payment_id": ticket["payment_id"],
        "transaction_id": ticket["transaction_id"],
        "reference": ticket["reference"],
        "requires_refund": bool(ticket["requires_refund"]),
        "attachments": attachments_of(work, ticket["id"], None),
        "comments_count": comments,
        "created_at": iso(ticket["created_at"]),
        "updated_at": iso(ticket["updated_at"]),
        "closed_at": iso_or_none(ticket["closed_at"]),
    }


def shape_comment(work: Work, comment: sqlite3.Row) -> Json:
    return {
        "comment_id": comment["id"],
        "ticket_id": comment["ticket_id"],
        "author_type": comment["author_type"],
        "author_name": comment["author_name"],
        "content": comment["content"],
        "attachments": attachments_of(work, comment["ticket_id"], comment["id"]),
        "created_at": iso(comment["created_at"]),
    }


def attachments_of(work: Work, ticket_id: str, comment_id: str | None) -> list[Json]:
    """Those uploaded: the ticket's own, or a comment's."""
    rows = work.db.execute(
        "SELECT * FROM attachment WHERE ticket_id = ? AND comment_id IS ?"
        " AND content IS NOT NULL ORDER BY serial",
        (ticket_id, comment_id),
    )
    return [
        {
            "attachment_id": row["id"],
            "file_name": row["file_name"],
            "content_type": row["content_type"],
            "file_size": row["file_size"],
            "created_at": iso(row["created_at"]),
        }
        for row in rows
    ]
