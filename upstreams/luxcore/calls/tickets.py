"""Tickets (upstreams.md §3.15)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import Message
from typing import Final

from upstreams.http import Call
from upstreams.luxcore.calls.base import MAX_LIMIT, Calls, iso, json_body, page_params
from upstreams.luxcore.schemas import (
    CommentRecord,
    Download,
    Page,
    TicketRecord,
    UploadSlot,
    parse_comment,
    parse_ticket,
    parse_upload_slot,
)

MAX_FILE_BYTES: Final = 10_485_760  # LC-A32
_NOT_TO_BE_SET: Final = {"host", "content-length", "transfer-encoding", "connection", "cookie"}


class TicketCalls(Calls):
    def create_ticket(
        self,
        *,
        title: str,
        description: str = "",
        category: str = "",
        sub_category: str = "",
        payment_id: str = "",
        transaction_id: str = "",
        reference: str = "",
        requires_refund: bool = False,
    ) -> TicketRecord:
        """POST /tickets (§3.15). Not idempotent: after Unknown look for `reference` first."""
        body = json_body(
            {
                "title": title,
                "description": description,
                "category": category,
                "sub_category": sub_category,
                "payment_id": payment_id,
                "transaction_id": transaction_id,
                "reference": reference,
                "requires_refund": requires_refund,
            }
        )
        return self._one(Call("POST", "/tickets", body=body), parse_ticket)

    def list_tickets(
        self,
        *,
        statuses: Sequence[str] = (),
        categories: Sequence[str] = (),
        search: str = "",
        payment_id: str = "",
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        sort_by: str = "",
        sort_order: str = "",
        limit: int = MAX_LIMIT,
        offset: int = 0,
    ) -> Page[TicketRecord]:
        """GET /tickets (§3.15, LC-C14, LC-A30). `search` looks in title and description."""
        params = page_params(
            limit,
            offset,
            status=list(statuses),
            category=list(categories),
            search=search,
            payment_id=payment_id,
            created_after=iso(created_after),
            created_before=iso(created_before),
            sort_by=sort_by,
            sort_order=sort_order,
        )
        call = Call("GET", "/tickets", params=params, is_safe=True)
        return self._page(call, parse_ticket, limit=params["limit"], offset=offset)

    def get_ticket(self, ticket_id: str) -> TicketRecord:
        """GET /tickets/{id} (§3.15)."""
        call = Call("GET", "/tickets/{id}", ids={"id": ticket_id}, is_safe=True)
        return self._one(call, parse_ticket)

    def close_ticket(self, ticket_id: str) -> TicketRecord:
        """POST /tickets/{id}/close (§3.15, LC-A27)."""
        return self._one(Call("POST", "/tickets/{id}/close", ids={"id": ticket_id}), parse_ticket)

    def reopen_ticket(self, ticket_id: str) -> TicketRecord:
        """POST /tickets/{id}/reopen (§3.15, LC-A27)."""
        return self._one(Call("POST", "/tickets/{id}/reopen", ids={"id": ticket_id}), parse_ticket)

    def add_comment(
        self, ticket_id: str, *, content: str, attachment_ids: Sequence[str] = ()
    ) -> CommentRecord:
        """POST /tickets/{id}/comments (§3.15, LC-A31). After Unknown read the comments first."""
        body = json_body({"content": content, "attachment_ids": list(attachment_ids)})
        call = Call("POST", "/tickets/{id}/comments", ids={"id": ticket_id}, body=body)
        return self._one(call, parse_comment)

    def list_comments(
        self, ticket_id: str, *, limit: int = MAX_LIMIT, offset: int = 0
    ) -> Page[CommentRecord]:
        """GET /tickets/{id}/comments (§3.15, LC-A31)."""
        params = page_params(limit, offset)
        call = Call(
            "GET", "/tickets/{id}/comments", ids={"id": ticket_id}, params=params, is_safe=True
        )
        return self._page(call, parse_comment, limit=params["limit"], offset=offset)

    def request_upload(
        self,
        ticket_id: str,
        *,
        file_name: str,
        content_type: str,
        file_size: int,
        comment_id: str = "",
    ) -> UploadSlot:
        """POST /tickets/{id}/upload-url (§3.15, LC-A32): where `upload` may put the bytes."""
        body = json_body(
            {
                "file_name": file_name,
                "content_type": content_type,
                "file_size": file_size,
                "comment_id": comment_id,
            }
        )
        call = Call("POST", "/tickets/{id}/upload-url", ids={"id": ticket_id}, body=body)
        return self._one(call, parse_upload_slot)

    def upload(self, slot: UploadSlot, content: bytes, *, content_type: str) -> None:
        """PUT the bytes at the slot's address (LC-A32), without our credentials."""
        asked = {name.lower(): text for name, text in slot.headers.items()}
        headers = {"content-type": content_type} | asked
        for name in _NOT_TO_BE_SET & headers.keys():
            del headers[name]
        self._v1.upload(slot.url, content, headers)

    def download_attachment(self, ticket_id: str, attachment_id: str) -> Download:
        """GET /tickets/{id}/attachments/{attachmentId} (§3.15, LC-A33)."""
        return self._download(
            "/tickets/{id}/attachments/{attachment_id}",
            {"id": ticket_id, "attachment_id": attachment_id},
        )

    def download_comment_attachment(
        self, ticket_id: str, comment_id: str, attachment_id: str
    ) -> Download:
        """GET /tickets/{id}/comments/{commentId}/attachments/{attachmentId} (§3.15, LC-A33)."""
        return self._download(
            "/tickets/{id}/comments/{comment_id}/attachments/{attachment_id}",
            {"id": ticket_id, "comment_id": comment_id, "attachment_id": attachment_id},
        )

    def _download(self, path: str, ids: Mapping[str, str]) -> Download:
        call = Call("GET", path, ids=ids, is_safe=True, is_file=True, max_bytes=MAX_FILE_BYTES)
        answer = self._v1.download(call)
        header = Message()
        header["content-disposition"] = answer.headers.get("content-disposition", "attachment")
        return Download(
            content=answer.content,
            content_type=answer.headers.get("content-type", "").partition(";")[0].strip(),
            file_name=header.get_filename() or "",
        )
