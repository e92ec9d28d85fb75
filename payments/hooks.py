"""What the providers' verified events do to our copy (upstreams.md §1.11, §3.13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from payments import mirror
from payments.enums import SeenBy
from payments.feeds import BALANCES
from upstreams import doorbell, feeds
from upstreams.lux.schemas import parse_transfer
from upstreams.luxcore.schemas import parse_payment
from upstreams.records import BadRecord, RefusedItem
from upstreams.tasks import run_feed
from upstreams.webhooks import WebhookMessage

SOURCE = "webhooks.payment"
TRANSFERS = "webhooks.transfer"


def apply_payment(message: WebhookMessage) -> None:
    """Merge the payment that an event carries. One that cannot be read is kept as refused."""
    try:
        record = parse_payment(_object(message.payload, "payment"))
    except BadRecord as problem:
        item = RefusedItem("", problem.raw, problem.reason)
        feeds.refuse(upstream=message.upstream, source=SOURCE, items=[item], at=message.received_at)
        return
    counts = mirror.store_payments([record], seen_by=SeenBy.WEBHOOK, at=message.received_at)
    feeds.refuse(
        upstream=message.upstream, source=SOURCE, items=counts.refused, at=message.received_at
    )


def apply_balance(message: WebhookMessage) -> None:
    """A balance moved: read all of them soon. Events overtake each other, a fresh read does not."""
    doorbell.ring(run_feed, name=BALANCES)


def _object(payload: Mapping[str, Any], name: str) -> Any:
    """The object under its own name, or under `data` (LC-A3)."""
    return payload.get(name) if isinstance(payload.get(name), Mapping) else payload.get("data")


def apply_transfer(message: WebhookMessage) -> None:
    """Merge the transfer that an event of Lux Financial carries (LF-A2)."""
    try:
        record = parse_transfer(message.payload.get("data"))
    except BadRecord as problem:
        item = RefusedItem("", problem.raw, problem.reason)
        feeds.refuse(
            upstream=message.upstream, source=TRANSFERS, items=[item], at=message.received_at
        )
        return
    counts = mirror.store_payments(
        [record], seen_by=SeenBy.WEBHOOK, at=message.received_at, source=mirror.LUX
    )
    feeds.refuse(
        upstream=message.upstream, source=TRANSFERS, items=counts.refused, at=message.received_at
    )
