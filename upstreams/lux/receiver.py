"""How Lux Financial signs its webhooks and names what is in them (upstreams.md §1.11, LF-A1).

Its payloads come in two forms: `event` and `data`, or `id`, `type`, `createdAt` and `data`. One
without an id is known by its bytes: the same bytes are the same event.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from upstreams.enums import Upstream
from upstreams.webhooks.receivers import Facts, Receiver

# No time is documented to be sent; where one is, it must be near.
TIMESTAMP_HEADER: Final = "X-Lux-Timestamp"
_SUBJECTS: Final = ("id", "screening_id", "screeningId", "customer_id", "customerId")


def receiver() -> Receiver:
    """The receiver as the settings describe it now."""
    return Receiver(
        upstream=Upstream.LUX,
        secrets=settings.LUX_WEBHOOK_SECRETS,
        signature_header=settings.LUX_WEBHOOK_SIGNATURE_HEADER,
        timestamp_header=TIMESTAMP_HEADER,
        kept_headers=("Content-Type", "User-Agent", TIMESTAMP_HEADER),
        signed_text="{body}",
        tolerance=settings.LUX_WEBHOOK_TOLERANCE,
        read=read,
        prefix="sha256=",
    )


def read(payload: Mapping[str, Any]) -> Facts:
    """Say which event this is and what it is about. Only the signed body is believed."""
    data = payload.get("data")
    about = data if isinstance(data, Mapping) else {}
    return Facts(
        event_id=_text(payload.get("id")),
        kind=_text(payload.get("event")) or _text(payload.get("type")),
        subject_id=next((text for name in _SUBJECTS if (text := _text(about.get(name)))), ""),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
