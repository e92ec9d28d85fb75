"""Keeping the sums of what was paid beside the payments they sum up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from payments.enums import Kind
from payments.models import PAID_STATUSES, Payment, Turnover
from staff import audit


def count_in(payments: Iterable[Payment]) -> None:
    """Add those of these locked payments that have been paid, each once for ever.

    What was paid stays so and keeps its amount (`merging`): nothing is ever taken out. Call it
    after every other row lock: many payments share a sum, and wait for each other there. That they
    do under the lock of the audit chain.
    """
    paid = [row for row in payments if _has_been_paid(row) and not row.is_counted]
    if not paid:
        return
    with transaction.atomic():
        audit.take_chain_lock()
        Payment.objects.filter(pk__in=[row.pk for row in paid]).update(is_counted=True)
        sum_up(paid)
    for row in paid:
        row.is_counted = True


def _has_been_paid(row: Payment) -> bool:
    """Whether it arrived, returned later or not. A transfer that failed is returned, too."""
    if row.status not in PAID_STATUSES:
        return False
    return row.kind != Kind.TRANSFER or row.completed_at is not None


def sum_up(paid: Iterable[Payment]) -> None:
    """Add the amounts of these payments to the sums of their quarters of an hour."""
    by_sum: dict[tuple[datetime, str, str], list[Decimal]] = defaultdict(list)
    for row in paid:
        by_sum[_quarter(row.created_at), row.currency, row.kind].append(row.amount)
    sums = _locked(by_sum.keys())
    for one in sums:
        amounts = by_sum[one.start_at, one.currency, one.kind]
        one.total += sum(amounts)
        one.number += len(amounts)
    Turnover.objects.bulk_update(sums, ["total", "number"])


def _locked(keys: Iterable[tuple[datetime, str, str]]) -> list[Turnover]:
    """The sums of these keys, made where there are none, and locked in one order."""
    keys = sorted(keys)
    Turnover.objects.bulk_create(
        [Turnover(start_at=at, currency=currency, kind=kind) for at, currency, kind in keys],
        ignore_conflicts=True,
    )
    rows = (
        Turnover.objects.select_for_update()
        .filter(start_at__in={at for at, _currency, _kind in keys})
        .order_by("start_at", "currency", "kind")
    )
    return [row for row in rows if (row.start_at, row.currency, row.kind) in keys]


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
