"""Webhook endpoints (upstreams.md §1.10, §1.11)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams.lux.schemas.reading import Fields


@dataclass(frozen=True, slots=True)
class WebhookRecord:
    """One endpoint. The secret is ours, and never in `raw`."""

    id: str
    url: str
    events: list[str]
    status: str
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)


def parse_webhook(raw: Any) -> WebhookRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return WebhookRecord(
        id=fields.required_text("id"),
        url=fields.text("url"),
        events=fields.texts("events"),
        status=fields.text("status"),
        created_at=fields.moment("created_at"),
        raw={name: value for name, value in fields.raw.items() if name != "secret"},
    )
