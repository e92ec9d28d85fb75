"""Letting our copy follow what came back of a request."""

from __future__ import annotations

from datetime import datetime

from customers import mirror
from customers.enums import RequestKind
from customers.models import CustomerRequest, Identity
from upstreams.enums import Upstream
from upstreams.lux.schemas import CustomerRecord


def store(request: CustomerRequest, reference: str, record: object, *, at: datetime) -> None:
    """Take in the record that Lux Financial answered with, and say whose request it was.

    Call inside a transaction.
    """
    if isinstance(record, CustomerRecord):
        told = mirror.Told(record.id, record.name, record.email, record.phone)
        mirror.learn([told], upstream=Upstream.LUX, at=at)
    if request.kind == RequestKind.CREATE:
        identity = Identity.objects.get(upstream=Upstream.LUX, upstream_id=reference)
        request.customer_id = identity.customer_id
