"""Letting our copy follow what came back of a request."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from customers import mirror
from customers.enums import RequestKind
from customers.models import CustomerRequest, Identity
from upstreams import feeds
from upstreams.enums import Upstream
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import CustomerRecord, ExternalAccountRecord, WalletRecord

SOURCE: Final = "outbox.customers"


def store(request: CustomerRequest, reference: str, record: object, *, at: datetime) -> None:
    """Take in the record that Lux Financial answered with, and say whose request it was.

    Call inside a transaction. A record that does not fit is kept as refused.
    """
    feeds.refuse(upstream=Upstream.LUX, source=SOURCE, items=_stored(record, at=at).refused, at=at)
    match request.kind:
        case RequestKind.CREATE:
            known = Identity.objects.filter(upstream=Upstream.LUX, upstream_id=reference)
            request.customer_id = known.values_list("customer", flat=True).first()
        case RequestKind.REMOVE_ACCOUNT:
            mirror.take_off_list(request.target)


def _stored(record: object, *, at: datetime) -> StoreCounts:
    match record:
        case CustomerRecord():
            return mirror.store_profiles([record], at=at)
        case WalletRecord():
            return mirror.store_wallets([record], at=at)
        case ExternalAccountRecord():
            return mirror.store_accounts([record], at=at)
    return StoreCounts()
