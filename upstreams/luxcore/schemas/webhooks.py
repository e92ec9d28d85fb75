"""Webhook endpoints and their delivery log (upstreams.md §3.13, LC-A6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams.luxcore.schemas.reading import Fields


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """One endpoint. `secret` is filled once, in the answer to its creation, and never in `raw`."""

    id: str
    url: str
    events: list[str]
    status: str
    signature_algorithm: str
    secret: str = field(repr=False)
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One event in the delivery log of an endpoint. `id` is the event's."""

    id: str
    event: str
    status: str
    attempts: int
    response_code: int | None
    last_attempt_at: datetime | None
    next_retry_at: datetime | None
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


def parse_webhook(raw: Any) -> WebhookRecord:
    """An endpoint; raises BadRecord."""
    fields = Fields(raw)
    return WebhookRecord(
        id=fields.required_text("id"),
        url=fields.text("url"),
        events=fields.texts("events"),
        status=fields.text("status"),
        signature_algorithm=fields.text("signature_algorithm"),
        secret=fields.text("secret"),
        created_at=fields.moment("created_at"),
        raw={name: value for name, value in fields.raw.items() if name != "secret"},
    )


def parse_delivery(raw: Any) -> DeliveryRecord:
    """A line of the delivery log; raises BadRecord."""
    fields = Fields(raw)
    return DeliveryRecord(
        id=fields.required_text("id"),
        event=fields.text("event"),
        status=fields.text("status"),
        attempts=fields.integer("attempts") or 0,
        response_code=fields.integer("response_code"),
        last_attempt_at=fields.moment("last_attempt_at"),
        next_retry_at=fields.moment("next_retry_at"),
        created_at=fields.moment("created_at"),
        raw=fields.raw,
    )
