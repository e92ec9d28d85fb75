"""How money comes into our accounts, and the currencies that accounts are kept in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from customers.columns import longest
from payments.models import DepositWallet, OfferedCurrency
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import CurrencyRecord, WalletRecord
from upstreams.records import Batch, RefusedItem

_TOLD: Final = ("currency", "network", "method", "details", "is_listed", "raw", "digest")


@dataclass(frozen=True)
class Whole:
    """A whole list at once. What it leaves out is gone, unless some of it could not be read."""

    batch: Batch[Any]


def store_wallets(listed: Batch[WalletRecord], *, at: datetime) -> StoreCounts:
    """Keep the wallets that Lumetrade lists; what has not changed costs no write."""
    seen = {one.id: one for one in listed.items}
    refused = [
        RefusedItem(key[:120], one.raw, reason)
        for key, one in seen.items()
        if (reason := _misfit(one))
    ]
    for misfit in [key for key, one in seen.items() if _misfit(one)]:
        del seen[misfit]
    rows = DepositWallet.objects.filter(upstream=Upstream.LUMETRADE)
    with transaction.atomic():
        known = {row[0]: row[1:] for row in rows.values_list("upstream_id", "digest", "is_listed")}
        news = [one for key, one in seen.items() if known.get(key) != (one.digest, True)]
        if news:
            DepositWallet.objects.bulk_create(
                [_wallet(one, at=at) for one in news],
                update_conflicts=True,
                unique_fields=["upstream", "upstream_id"],
                update_fields=[*_TOLD, "changed_at"],
            )
        gone = 0
        if not listed.refused and not refused:
            missing = [key for key, (_, is_there) in known.items() if is_there and key not in seen]
            if missing:
                gone = rows.filter(upstream_id__in=missing).update(is_listed=False, changed_at=at)
    created = sum(one.id not in known for one in news)
    return StoreCounts(
        created=created,
        changed=len(news) - created + gone,
        unchanged=len(seen) - len(news),
        refused=refused,
    )


def store_currencies(listed: Batch[CurrencyRecord]) -> StoreCounts:
    """Keep which currencies Lumetrade offers; what has not changed costs no write."""
    most = longest(OfferedCurrency, "code") or 0
    refused = [
        RefusedItem(one.code[:120], one.raw, "currency is too long")
        for one in listed.items
        if len(one.code) > most
    ]
    seen = {one.code: _name(one) for one in listed.items if len(one.code) <= most}
    rows = OfferedCurrency.objects.filter(upstream=Upstream.LUMETRADE)
    with transaction.atomic():
        known = {row[0]: row[1:] for row in rows.values_list("code", "name", "is_listed")}
        news = [code for code, name in seen.items() if known.get(code) != (name, True)]
        if news:
            OfferedCurrency.objects.bulk_create(
                [
                    OfferedCurrency(upstream=Upstream.LUMETRADE, code=code, name=seen[code])
                    for code in news
                ],
                update_conflicts=True,
                unique_fields=["upstream", "code"],
                update_fields=["name", "is_listed"],
            )
        gone = 0
        if not listed.refused and not refused:
            missing = [code for code, (_, is_there) in known.items() if is_there]
            missing = [code for code in missing if code not in seen]
            if missing:
                gone = rows.filter(code__in=missing).update(is_listed=False)
    created = sum(code not in known for code in news)
    return StoreCounts(
        created=created,
        changed=len(news) - created + gone,
        unchanged=len(seen) - len(news),
        refused=refused,
    )


def _name(record: CurrencyRecord) -> str:
    return record.name[: longest(OfferedCurrency, "name")]


def _misfit(record: WalletRecord) -> str:
    """Why it fits our columns not; "" when it does."""
    if len(record.id) > (longest(DepositWallet, "upstream_id") or 0):
        return "id is too long"
    if len(record.currency) > (longest(DepositWallet, "currency") or 0):
        return "currency is too long"
    return ""


def _wallet(record: WalletRecord, *, at: datetime) -> DepositWallet:
    return DepositWallet(
        upstream=Upstream.LUMETRADE,
        upstream_id=record.id,
        currency=record.currency,
        network=record.network[: longest(DepositWallet, "network")],
        method=record.payment_method_type[: longest(DepositWallet, "method")],
        details=record.details,
        is_listed=True,
        raw=record.raw,
        digest=record.digest,
        changed_at=at,
    )
