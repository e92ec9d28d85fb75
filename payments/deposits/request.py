"""The request that a deposit becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from payments.models import PaymentRequest
from upstreams.money import Money


def vendor_type(*, hosted: bool) -> str:
    """LuxCore's word for a deposit, paid on a page of its own or not (upstreams.md §3.6)."""
    return "deposit_pp" if hosted else "deposit"


def payload(request: PaymentRequest) -> bytes:
    """The exact body of POST /payments for this deposit, in canonical JSON.

    The same request gives the same bytes for ever; empty fields are left out.
    """
    customer = {
        "name": request.customer_name,
        "email": request.customer_email,
        "phone": request.customer_phone,
        "external_id": request.customer_external_id,
    }
    body: dict[str, Any] = {
        "amount": Money(request.amount, request.currency).to_minor(),
        "currency": request.currency,
        "method": request.method,
        "type": vendor_type(hosted=request.hosted),
        "merchant_reference": request.merchant_reference,
        "description": request.description,
        "customer_id": int(request.customer_number) if request.customer_number else "",
        "customer": _filled(customer),
        "ipay": _filled({"payment_method": request.scheme}),
        "metadata": request.metadata,
        "webhook_url": request.webhook_url,
        "webhook_events": request.webhook_events,
    }
    text = json.dumps(_filled(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _filled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", {}, [])}
