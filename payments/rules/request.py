"""The request that a withdrawal becomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from payments.models import Withdrawal
from payments.rules import lumetrade, lux
from upstreams.enums import Upstream
from upstreams.money import Money


def vendor_type(*, hosted: bool) -> str:
    """LuxCore's word for a payout, to a given account or on a page of its own (§3.6)."""
    return "withdrawal_pp" if hosted else "withdrawal"


def payload(withdrawal: Withdrawal) -> bytes:
    """The exact body of POST /payments for this withdrawal, in canonical JSON.

    Those of Lumetrade and Lux Financial have forms of their own. The same withdrawal gives the same
    bytes for ever; empty fields are left out.
    """
    if withdrawal.upstream == Upstream.LUMETRADE:
        return lumetrade.payload(withdrawal)
    if withdrawal.upstream == Upstream.LUX:
        return lux.payload(withdrawal)
    customer = {
        "name": withdrawal.customer_name,
        "email": withdrawal.customer_email,
        "phone": withdrawal.customer_phone,
        "external_id": withdrawal.customer_external_id,
    }
    payout = {
        "recipient_name": withdrawal.recipient_name,
        "bank_account": withdrawal.bank_account,
        "bank_code": _bank_code(withdrawal),
        "account_type": withdrawal.account_type,
        "beneficiary_tax_id": withdrawal.tax_id,
        "description": withdrawal.payout_description,
        "reference": withdrawal.payout_reference,
        "payid": withdrawal.payid,
        "payid_type": withdrawal.payid_type,
    }
    body: dict[str, Any] = {
        "amount": Money(withdrawal.amount, withdrawal.currency).to_minor(),
        "currency": withdrawal.currency,
        "method": withdrawal.method,
        "type": vendor_type(hosted=withdrawal.hosted),
        "merchant_reference": withdrawal.merchant_reference,
        "description": withdrawal.description,
        "customer_id": int(withdrawal.customer_number) if withdrawal.customer_number else "",
        "customer": _filled(customer),
        "payout": _filled(payout),
        "metadata": withdrawal.metadata,
        "webhook_url": withdrawal.webhook_url,
        "webhook_events": withdrawal.webhook_events,
    }
    text = json.dumps(_filled(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def _bank_code(withdrawal: Withdrawal) -> str:
    """A BSB is documented with its dash; a person may leave it out."""
    code = withdrawal.bank_code
    if withdrawal.currency == "AUD" and len(code) == 6:
        return f"{code[:3]}-{code[3:]}"
    return code


def _filled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", {}, [])}
