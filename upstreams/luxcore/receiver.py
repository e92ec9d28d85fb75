"""How LuxCore signs its webhooks and names what is in them (upstreams.md §3.13, LC-A2, LC-A3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from upstreams.enums import Upstream
from upstreams.webhooks.receivers import Facts, Receiver

# The object an event is about stands under its own name; some senders put it under `data`.
OBJECTS = ("payment", "ticket", "comment", "balance", "merchant", "data")


def receiver() -> Receiver:
    """The receiver as the settings describe it now."""
    return Receiver(
        upstream=Upstream.LUXCORE,
        secrets=settings.LUXCORE_WEBHOOK_SECRETS,
        signature_header=settings.LUXCORE_WEBHOOK_SIGNATURE_HEADER,
        timestamp_header="X-Webhook-Timestamp",
        kept_headers=(
            "Content-Type",
            "User-Agent",
            "X-Webhook-Event",
            "X-Webhook-Id",
            "X-Webhook-Timestamp",
        ),
        signed_text=settings.LUXCORE_WEBHOOK_SIGNED_TEXT,
        tolerance=settings.LUXCORE_WEBHOOK_TOLERANCE,
        read=read,
    )


def read(payload: Mapping[str, Any]) -> Facts:
    """Say which event this is and what it is about. Only the signed body is believed."""
    return Facts(
        event_id=_text(payload.get("id")),
        kind=_text(payload.get("event")),
        subject_id=_subject_id(payload),
    )


def _subject_id(payload: Mapping[str, Any]) -> str:
    for name in OBJECTS:
        subject = payload.get(name)
        if isinstance(subject, Mapping):
            return _text(subject.get("id") or subject.get("transaction_id"))
    return ""


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
