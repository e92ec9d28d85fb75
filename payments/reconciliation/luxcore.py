"""LuxCore's books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from payments import mirror
from payments.enums import Kind, SeenBy
from payments.models import PAID_STATUSES, Payment
from payments.reconciliation import readers
from payments.reconciliation.readers import Movement
from upstreams.enums import Upstream
from upstreams.errors import NotFound
from upstreams.feeds import FeedPage, StoreCounts
from upstreams.luxcore.client import get_client
from upstreams.luxcore.schemas import PaymentRecord, parse_payment
from upstreams.luxcore.windows import read_closed


def register() -> None:
    readers.register(
        readers.Reader(
            upstream=Upstream.LUXCORE,
            pages=pages,
            fetch=fetch,
            parse=parse,
            observe=mirror.observe,
            store=store,
            movements=movements,
        )
    )


def pages(since: datetime, until: datetime) -> Iterator[FeedPage]:
    return read_closed((since, until))


def fetch(upstream_id: str) -> PaymentRecord | None:
    try:
        return get_client().get_payment(upstream_id)
    except NotFound:
        return None


def parse(raw: Mapping[str, Any], _kind: str) -> PaymentRecord:
    return parse_payment(raw)


def store(records: Sequence[PaymentRecord], at: datetime) -> StoreCounts:
    return mirror.store_payments(records, seen_by=SeenBy.CLICK, at=at)


def movements(after: datetime, until: datetime) -> Iterator[Movement]:
    """Deposits add their net, payouts take their amount and fee, refunds go the other way.

    A payment counts from its completion where LuxCore told it, else from when we saw it. When a
    refund happened LuxCore never tells: it counts from when we last saw a change.
    """
    rows = (
        Payment.objects.filter(
            upstream=Upstream.LUXCORE,
            kind__in=_SIGNS,
            status__in=PAID_STATUSES,
            changed_at__gt=after - _SKEW,  # nobody sees it before it happens
        )
        .order_by()
        .values_list(
            "currency", "kind", "amount", "fee", "net", "refunded", "completed_at", "changed_at"
        )
        .iterator(chunk_size=2000)
    )
    for currency, kind, amount, fee, net, refunded, completed_at, changed_at in rows:
        sign = _SIGNS[Kind(kind)]
        if net is None and fee is not None:
            net = amount - sign * fee
        yield Movement(currency, completed_at or changed_at, None if net is None else sign * net)
        if refunded:
            yield Movement(currency, changed_at, -sign * refunded)


_SIGNS: Final = {Kind.DEPOSIT: 1, Kind.WITHDRAWAL: -1}
_SKEW: Final = timedelta(hours=1)
