"""Customers' wallets at Lux Financial, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from customers.columns import longest
from customers.mirror.learning import Told, learn
from customers.models import Identity, Wallet
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import WalletBalance, WalletRecord
from upstreams.records import RefusedItem

_TOLD: Final = (
    *("customer", "kind", "label", "chains", "addresses", "created_at", "raw", "digest", "seen_at"),
)


@dataclass(frozen=True)
class NotTold:
    """A wallet of which nothing could be read: it was looked at, that is all."""

    wallet_id: str


def store_wallets(records: Sequence[WalletRecord], *, at: datetime) -> StoreCounts:
    """Keep the wallets that are listed; what has not changed costs no write.

    Whom one belongs to is made known where it was not.
    """
    refused = [
        RefusedItem(one.id[:120], one.raw, reason) for one in records if (reason := _misfit(one))
    ]
    seen = {one.id: one for one in records if not _misfit(one)}
    known = dict(Wallet.objects.filter(upstream_id__in=seen).values_list("upstream_id", "digest"))
    news = [one for key, one in seen.items() if known.get(key) != one.digest]
    if news:
        with transaction.atomic():
            owners = learn([Told(one.customer_id) for one in news], upstream=Upstream.LUX, at=at)
            Wallet.objects.bulk_create(
                [_wallet(one, owners[one.customer_id], at=at) for one in news],
                update_conflicts=True,
                unique_fields=["upstream_id"],
                update_fields=_TOLD,
            )
    created = sum(one.id not in known for one in news)
    return StoreCounts(
        created=created,
        changed=len(news) - created,
        unchanged=len(seen) - len(news),
        refused=refused,
    )


def store_balances(records: Sequence[WalletBalance | NotTold], *, at: datetime) -> StoreCounts:
    """Keep what is in these wallets as it was told, and that they were looked at."""
    told = {one.wallet_id: one for one in records}
    with transaction.atomic():
        rows = list(
            Wallet.objects.select_for_update(of=("self",), no_key=True)
            .filter(upstream_id__in=told)
            .order_by("pk")
        )
        changed = sum(_fill(row, told[row.upstream_id], at=at) for row in rows)
        Wallet.objects.bulk_update(rows, ["balances", "total_usd", "balances_at"])
    return StoreCounts(changed=changed, unchanged=len(rows) - changed)


def _fill(row: Wallet, told: WalletBalance | NotTold, *, at: datetime) -> bool:
    """Whether there is anything else in it than before."""
    row.balances_at = at
    if isinstance(told, NotTold):
        return False
    before = row.balances, row.total_usd
    row.balances = [
        {
            "currency": coin.currency,
            "chain": coin.chain,
            "balance": _plain(coin.balance.amount),
            "available": _plain(coin.available.amount if coin.available else None),
            "pending": _plain(coin.pending.amount if coin.pending else None),
        }
        for coin in told.balances
    ]
    row.total_usd = _plain(told.total_usd)[: longest(Wallet, "total_usd")]
    return before != (row.balances, row.total_usd)


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount:f}"


def _misfit(record: WalletRecord) -> str:
    """Why it fits our columns not; "" when it does."""
    if not record.customer_id:
        return "customer_id is missing"
    if len(record.customer_id) > (longest(Identity, "upstream_id") or 0):
        return "customer_id is too long"
    for name, value in (("upstream_id", record.id), ("kind", record.type)):
        if len(value) > (longest(Wallet, name) or 0):
            return f"{name} is too long"
    return ""


def _wallet(record: WalletRecord, customer_id: int, *, at: datetime) -> Wallet:
    told: dict[str, Any] = {
        "label": record.label[: longest(Wallet, "label")],
        "chains": record.chains,
        "addresses": record.addresses,
        "raw": record.raw,
        "digest": record.digest,
    }
    return Wallet(
        customer_id=customer_id,
        upstream_id=record.id,
        kind=record.type,
        created_at=record.created_at,
        seen_at=at,
        **told,
    )
