"""What Lux Financial's verified events do to our copy (upstreams.md §1.11, LF-A2).

What an event carries is nowhere documented. A whole customer or account is stored as if it had
been read; of anything less we take the id, and a worker reads what is behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from customers import mirror
from customers.models import Wallet
from upstreams import doorbell, feeds
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import parse_customer, parse_external_account
from upstreams.records import BadRecord
from upstreams.webhooks import WebhookMessage

SOURCE: Final = "webhooks.customer"
ACCOUNT_SOURCE: Final = "webhooks.external_account"
READ_CUSTOMER: Final = "customers.tasks.read_customer"
READ_ACCOUNT: Final = "customers.tasks.read_account"

# What every customer and account is documented to carry (§1.5, §1.7).
_CUSTOMER: Final = ("id", "type", "email", "status", "kyc_status", "created_at", "updated_at")
_ACCOUNT: Final = ("id", "type", "status", "created_at")


def apply_customer(message: WebhookMessage) -> None:
    """Store the customer that an event carries, or have them read."""
    told = _object(message)
    if not _is_whole(told, _CUSTOMER):
        _have_read(READ_CUSTOMER, told, "id", "customer_id")
        return
    try:
        record = parse_customer(told)
    except BadRecord:
        _have_read(READ_CUSTOMER, told, "id")
        return
    counts = mirror.store_profiles([record], at=message.received_at)
    _set_aside(SOURCE, counts, message)


def apply_account(message: WebhookMessage) -> None:
    """Store the external account that an event carries, or have it read."""
    told = _object(message)
    if not _is_whole(told, _ACCOUNT):
        _have_read(READ_ACCOUNT, told, "id")
        return
    try:
        record = parse_external_account(told)
    except BadRecord:
        _have_read(READ_ACCOUNT, told, "id")
        return
    counts = mirror.store_accounts([record], at=message.received_at)
    _set_aside(ACCOUNT_SOURCE, counts, message)


def apply_wallet(message: WebhookMessage) -> None:
    """What is in a wallet changed: it is the next to be looked into."""
    told = _object(message)
    ids = [told.get(name) for name in ("wallet_id", "id")]
    Wallet.objects.filter(upstream_id__in=[one for one in ids if isinstance(one, str)]).update(
        balances_at=None
    )


def _object(message: WebhookMessage) -> Mapping[str, Any]:
    told = message.payload.get("data")
    return told if isinstance(told, Mapping) else {}


def _is_whole(told: Mapping[str, Any], members: Iterable[str]) -> bool:
    return all(told.get(name) for name in members)


def _have_read(task: str, told: Mapping[str, Any], *names: str) -> None:
    """Ring for a worker. Where nobody hears it, the next reading of the whole list tells."""
    for name in names:
        if isinstance(upstream_id := told.get(name), str) and upstream_id:
            doorbell.ring(task, upstream_id=upstream_id)
            return


def _set_aside(source: str, counts: StoreCounts, message: WebhookMessage) -> None:
    feeds.refuse(
        upstream=message.upstream, source=source, items=counts.refused, at=message.received_at
    )
