"""Payment methods as the provider lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from customers.columns import longest
from payments.models import PaymentMethod
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.luxcore.schemas import MethodRecord
from upstreams.money import BadMoney, Money, exponent
from upstreams.records import RefusedItem

_TOLD = ("name", "pays_in", "pays_out", "least", "most", "minutes", "is_enabled", "raw")
_MOST_MINUTES = 2**31


@dataclass(frozen=True)
class Listing:
    """All methods that were listed at once. Incomplete: some of them could not be read."""

    methods: list[MethodRecord]
    is_complete: bool


def store_methods(listing: Listing, *, at: datetime) -> StoreCounts:
    """Keep what LuxCore lists; what it lists no longer is disabled, unless the list had gaps."""
    created = changed = unchanged = 0
    refused: list[RefusedItem] = []
    listed = []
    with transaction.atomic():
        known = {
            (row.code, row.currency): row
            for row in PaymentMethod.objects.select_for_update(of=("self",))
            .filter(upstream=Upstream.LUXCORE)
            .order_by("pk")
        }
        for record in listing.methods:
            for currency, told in _by_currency(record, refused):
                listed.append((record.code, currency))
                row = known.get(listed[-1])
                created += row is None
                changed += row is not None and _differs(row, told)
                unchanged += row is not None and not _differs(row, told)
                PaymentMethod.objects.update_or_create(
                    upstream=Upstream.LUXCORE,
                    code=record.code,
                    currency=currency,
                    defaults={**told, "seen_at": at},
                )
        if listing.is_complete and not refused:
            gone = [row.pk for key, row in known.items() if key not in listed and row.is_enabled]
            changed += PaymentMethod.objects.filter(pk__in=gone).update(is_enabled=False)
    return StoreCounts(created=created, changed=changed, unchanged=unchanged, refused=refused)


def _by_currency(
    record: MethodRecord, refused: list[RefusedItem]
) -> Iterator[tuple[str, dict[str, Any]]]:
    if problem := _misfit(record):
        refused.append(RefusedItem(record.code[:120], record.raw, problem))
        return
    for currency in dict.fromkeys(record.currencies):
        try:
            exponent(currency)  # what is not known as a currency has no minor units to count
            least = _major(record.least_minor, currency)
            most = _major(record.most_minor, currency)
        except BadMoney as bad:
            reason = f"{currency[:12]} cannot be used: {bad}"
            refused.append(RefusedItem(record.code, record.raw, reason))
            continue
        yield (
            currency,
            {
                "name": record.name[:120],
                "pays_in": record.deposit,
                "pays_out": record.withdrawal,
                "least": least,
                "most": most,
                "minutes": record.processing_time_minutes,
                "is_enabled": True,
                "raw": record.raw,
            },
        )


def _misfit(record: MethodRecord) -> str:
    """Why the method fits our columns in no currency; "" when it may."""
    if len(record.code) > (longest(PaymentMethod, "code") or 0):
        return "code is too long"
    if (record.processing_time_minutes or 0) not in range(_MOST_MINUTES):
        return "processing_time_minutes is out of range"
    return ""


def _major(minor: int | None, currency: str) -> Decimal | None:
    return None if minor is None else Money.from_minor(minor, currency).amount


def _differs(row: PaymentMethod, told: dict[str, Any]) -> bool:
    return any(getattr(row, name) != told[name] for name in _TOLD)
