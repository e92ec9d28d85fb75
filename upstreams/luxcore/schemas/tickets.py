"""Tickets, their conversation and their files (upstreams.md §3.15, LC-A27 to LC-A33)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams import strict_json
from upstreams.luxcore.schemas.reading import Fields


@dataclass(frozen=True, slots=True)
class AttachmentRecord:
    """A file of a ticket or comment. `size` is in bytes, None when not told."""

    id: str
    file_name: str = field(repr=False)
    content_type: str
    size: int | None
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket as LuxCore holds it. An unknown `status` or `category` is kept as it came."""

    id: str
    title: str = field(repr=False)
    description: str = field(repr=False)
    status: str
    category: str
    sub_category: str
    payment_id: str
    transaction_id: str
    reference: str
    requires_refund: bool
    attachments: list[AttachmentRecord]
    comments_count: int | None
    created_at: datetime | None
    updated_at: datetime | None
    closed_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CommentRecord:
    """A public comment. `author_type` is `merchant` or `support`, or a word not known yet."""

    id: str
    ticket_id: str
    author_type: str
    author_name: str = field(repr=False)
    content: str = field(repr=False)
    attachments: list[AttachmentRecord]
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UploadSlot:
    """Where the bytes of one file go. The address carries its own permission: do not show it."""

    attachment_id: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Download:
    """A file as it came: neither its type nor its name may be believed."""

    content: bytes = field(repr=False)
    content_type: str
    file_name: str = field(repr=False)


def parse_ticket(raw: Any) -> TicketRecord:
    """A ticket; raises BadRecord."""
    fields = Fields(raw)
    return TicketRecord(
        id=fields.required_text("ticket_id", "id"),
        title=fields.text("title"),
        description=fields.text("description"),
        status=fields.required_text("status"),
        category=fields.text("category"),
        sub_category=fields.text("sub_category"),
        payment_id=fields.text("payment_id"),
        transaction_id=fields.text("transaction_id"),
        reference=fields.text("reference"),
        requires_refund=fields.flag("requires_refund"),
        attachments=[_attachment(item) for item in fields.children("attachments")],
        comments_count=fields.integer("comments_count"),
        created_at=fields.moment("created_at"),
        updated_at=fields.moment("updated_at"),
        closed_at=fields.moment("closed_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_comment(raw: Any) -> CommentRecord:
    """A comment; raises BadRecord."""
    fields = Fields(raw)
    return CommentRecord(
        id=fields.required_text("comment_id", "id"),
        ticket_id=fields.text("ticket_id"),
        author_type=fields.text("author_type"),
        author_name=fields.text("author_name"),
        content=fields.text("content"),
        attachments=[_attachment(item) for item in fields.children("attachments")],
        created_at=fields.moment("created_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_upload_slot(raw: Any) -> UploadSlot:
    """The answer to a request for an upload address (LC-A32); raises BadRecord."""
    fields = Fields(raw)
    headers = fields.section("headers") or {}
    if not all(isinstance(text, str) for pair in headers.items() for text in pair):
        raise fields.bad("headers", "are not texts")
    if fields.text("method") not in ("", "PUT"):
        raise fields.bad("method", "is not PUT")
    return UploadSlot(
        attachment_id=fields.required_text("attachment_id"),
        url=fields.required_text("upload_url"),
        headers=dict(headers),
        expires_at=fields.moment("expires_at"),
    )


def _attachment(fields: Fields) -> AttachmentRecord:
    return AttachmentRecord(
        id=fields.required_text("attachment_id", "id"),
        file_name=fields.text("file_name"),
        content_type=fields.text("content_type"),
        size=fields.integer("file_size"),
        created_at=fields.moment("created_at"),
    )
