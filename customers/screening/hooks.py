"""What Lux Financial's events about screenings and lists do here (upstreams.md §1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import transaction

from customers.models import Screening
from customers.screening.asking import Asked
from customers.screening.rescreening import LISTS
from customers.screening.storing import Answer, store_screening
from upstreams import doorbell, webhooks
from upstreams.enums import Upstream
from upstreams.errors import NotFound
from upstreams.lux.client import get_client
from upstreams.tasks import run_feed
from upstreams.webhooks import WebhookMessage

logger = structlog.get_logger(__name__)

READ_AGAIN: Final = "customers.tasks.read_screening"
_LISTS_CHANGED: Final = "sanctions.sources."
_IDS: Final = ("id", "screening_id", "screeningId")


def register() -> None:
    webhooks.register(Upstream.LUX, "screening.", apply)
    webhooks.register(Upstream.LUX, "sanctions.", apply)
    webhooks.register(Upstream.LUX, _LISTS_CHANGED, apply_lists)


def apply(message: WebhookMessage) -> None:
    """A screening has a result, or another one: read it again soon.

    One that was not asked for here tells nobody whom it is about: its event is kept, and that is
    all. One whose answer is on its way to us is stored from that answer.
    """
    screening_id = _id_in(message.payload)
    if Screening.objects.filter(upstream_id=screening_id).exists():
        doorbell.ring(READ_AGAIN, screening_id=screening_id)


def apply_lists(message: WebhookMessage) -> None:
    """The lists were brought up to date: see how fresh they are now."""
    doorbell.ring(run_feed, name=LISTS)


def read_again(screening_id: str, *, at: datetime) -> None:
    """Read one screening of ours again and keep what it says now."""
    row = Screening.objects.filter(upstream_id=screening_id).first()
    if row is None:
        return
    try:
        record = get_client().get_screening(screening_id)
    except NotFound:
        logger.warning("customers.screening.not_found", screening=screening_id)
        return
    with transaction.atomic():
        store_screening(
            Answer(
                customer_id=row.customer_id,
                asked=Asked.from_json(row.asked),
                asked_at=row.asked_at,
                reason=row.reason,
                record=record,
                by_id=row.by_id,
            ),
            at=at,
        )


def _id_in(payload: Mapping[str, Any]) -> str:
    data = payload.get("data")
    told = data if isinstance(data, Mapping) else {}
    return next((str(told[name]) for name in _IDS if isinstance(told.get(name), str)), "")
