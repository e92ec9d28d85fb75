"""Balances as last told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from payments.models import Balance, DailyBalance
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.luxcore.schemas import BalanceRecord
from upstreams.money import Money

_TOLD = ("amount", "available", "frozen", "raw")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # a row made a moment ago, to be locked and filled


@dataclass(frozen=True)
class BalanceSeen:
    """A balance at a provider that has other words for it, in LuxCore's."""

    currency: str
    balance_type: str
    amount: Money
    available: Money
    frozen: Money
    raw: dict[str, Any] = field(repr=False)


def store_balances(
    records: Sequence[BalanceRecord | BalanceSeen],
    *,
    at: datetime,
    upstream: Upstream = Upstream.LUXCORE,
) -> StoreCounts:
    """Keep what the provider was asked for at `at`, unless something newer is known.

    An unchanged balance is written too: that it was seen just now is what approvers rely on.
    """
    if not records:
        return StoreCounts()
    latest = {(record.currency, record.balance_type): record for record in records}
    with transaction.atomic():
        Balance.objects.bulk_create(
            [
                Balance(
                    upstream=upstream,
                    currency=currency,
                    balance_type=balance_type,
                    amount=0,
                    available=0,
                    frozen=0,
                    as_of=_NEVER,
                )
                for currency, balance_type in sorted(latest)
            ],
            ignore_conflicts=True,
        )
        rows = [
            balance
            for balance in Balance.objects.select_for_update(of=("self",))
            .filter(
                upstream=upstream,
                currency__in={currency for currency, _ in latest},
            )
            .order_by("pk")
            if (balance.currency, balance.balance_type) in latest
        ]
        created = changed = unchanged = 0
        newer = []
        for balance in rows:
            if balance.as_of >= at:
                unchanged += 1
                continue
            is_new = balance.as_of == _NEVER
            differs = _take(balance, latest[balance.currency, balance.balance_type])
            created += is_new
            changed += differs and not is_new
            unchanged += not differs and not is_new
            balance.as_of = at
            newer.append(balance)
        Balance.objects.bulk_update(newer, [*_TOLD, "as_of"])
        _keep_for_the_day(newer)
    return StoreCounts(created=created, changed=changed, unchanged=unchanged)


def _keep_for_the_day(newer: Sequence[Balance]) -> None:
    """Keep these as the last that is known of their day (UTC). Call with the balances locked."""
    DailyBalance.objects.bulk_create(
        [
            DailyBalance(
                upstream=balance.upstream,
                currency=balance.currency,
                balance_type=balance.balance_type,
                day=balance.as_of.astimezone(UTC).date(),
                amount=balance.amount,
                available=balance.available,
                frozen=balance.frozen,
                as_of=balance.as_of,
            )
            for balance in newer
        ],
        update_conflicts=True,
        unique_fields=["upstream", "currency", "balance_type", "day"],
        update_fields=["amount", "available", "frozen", "as_of"],
    )


def _take(balance: Balance, record: BalanceRecord | BalanceSeen) -> bool:
    """Take the record's figures over; whether any differed."""
    told = {
        "amount": record.amount.amount,
        "available": record.available.amount,
        "frozen": record.frozen.amount,
        "raw": record.raw,
    }
    differs = any(getattr(balance, name) != value for name, value in told.items())
    for name, value in told.items():
        setattr(balance, name, value)
    return differs
