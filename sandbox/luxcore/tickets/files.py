"""Attachments: an upload address, the upload itself, downloads (LC-A32, LC-A33)."""

import hashlib
import hmac
import sqlite3
from urllib.parse import quote

from werkzeug.wrappers import Request, Response

from sandbox.clock import MINUTE, SECOND, iso_ms
from sandbox.luxcore.call import Answer, Call, wrapped
from sandbox.luxcore.errors import BusinessError, ValidationFailed, not_found
from sandbox.luxcore.fields import Fields
from sandbox.luxcore.tickets import model
from sandbox.luxcore.work import Work
from sandbox.web import Refusal, json_response

LARGEST = 10 * 1024 * 1024  # bytes
TYPES = ("image/png", "image/jpeg", "application/pdf", "text/plain", "text/csv")
LINK_LIFE = 15 * MINUTE


def upload_url(call: Call, ticket_id: str) -> Answer:
    work = call.work
    model.get(work, ticket_id)
    fields = Fields(call.body)
    name = fields.text("file_name", required=True, longest=255)
    kind = fields.choice("content_type", TYPES, required=True)
    size = fields.integer("file_size", required=True, most=LARGEST)
    comment_id = fields.text("comment_id")
    fields.finish()
    if comment_id is not None:
        model.get_comment(work, ticket_id, comment_id)
    attachment_id, until = work.uuid(), work.now + LINK_LIFE
    work.db.execute(
        "INSERT INTO attachment (id, ticket_id, comment_id, file_name, content_type, file_size,"
        " expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (attachment_id, ticket_id, comment_id, name, kind, size, until, work.now),
    )
    query = f"sig={_sign(work.page_secret, attachment_id, until)}&exp={until // SECOND}"
    link = {
        "attachment_id": attachment_id,
        "upload_url": f"{work.public_url}/uploads/{attachment_id}?{query}",
        "method": "PUT",
        "headers": {"Content-Type": kind},
        "expires_at": iso_ms(until),
    }
    return 201, wrapped(link)


def upload(work: Work, request: Request, attachment_id: str) -> Response:
    """The PUT to a signed address; no key, the signature is enough."""
    try:
        _receive(work, request, attachment_id)
    except Refusal as exc:
        return json_response(exc.status, exc.body(work.now))
    return Response(status=200)


def _receive(work: Work, request: Request, attachment_id: str) -> None:
    row = work.db.execute("SELECT * FROM attachment WHERE id = ?", (attachment_id,)).fetchone()
    if row is None:
        raise not_found("ATTACHMENT_NOT_FOUND", "Unknown upload address")
    wanted = _sign(work.page_secret, attachment_id, row["expires_at"])
    if not hmac.compare_digest(request.args.get("sig", "").encode(), wanted.encode()):
        raise BusinessError("INVALID_SIGNATURE", "Invalid upload signature", status=403)
    if work.now > row["expires_at"]:
        raise BusinessError("UPLOAD_EXPIRED", "The upload address has expired", status=403)
    content = request.get_data()
    if request.mimetype != row["content_type"]:
        raise ValidationFailed(f"content type must be {row['content_type']}")
    if len(content) != row["file_size"]:
        raise ValidationFailed(f"the file must have {row['file_size']} bytes")
    work.db.execute("UPDATE attachment SET content = ? WHERE id = ?", (content, attachment_id))


def attach_to_comment(work: Work, ticket_id: str, comment_id: str, wanted: list[str]) -> None:
    """Move uploaded files of the ticket to a comment, or refuse all of them."""
    for attachment_id in wanted:
        moved = work.db.execute(
            "UPDATE attachment SET comment_id = ? WHERE id = ? AND ticket_id = ?"
            " AND comment_id IS NULL AND content IS NOT NULL",
            (comment_id, attachment_id, ticket_id),
        )
        if moved.rowcount != 1:
            raise ValidationFailed(f"attachment_ids {attachment_id} was not uploaded here")


def download(call: Call, ticket_id: str, attachment_id: str) -> Answer:
    return _download(call, ticket_id, attachment_id, None)


def download_from_comment(
    call: Call, ticket_id: str, comment_id: str, attachment_id: str
) -> Answer:
    return _download(call, ticket_id, attachment_id, comment_id)


def _download(call: Call, ticket_id: str, attachment_id: str, comment_id: str | None) -> Answer:
    model.get(call.work, ticket_id)
    row: sqlite3.Row | None = call.work.db.execute(
        "SELECT * FROM attachment WHERE id = ? AND ticket_id = ? AND comment_id IS ?"
        " AND content IS NOT NULL",
        (attachment_id, ticket_id, comment_id),
    ).fetchone()
    if row is None:
        raise not_found("ATTACHMENT_NOT_FOUND", f"Attachment {attachment_id} not found")
    name = quote(row["file_name"], safe="")
    return Response(
        row["content"],
        content_type=row["content_type"],
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _sign(secret: str, attachment_id: str, until: int) -> str:
    text = f"upload.{attachment_id}.{until // SECOND}".encode()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
