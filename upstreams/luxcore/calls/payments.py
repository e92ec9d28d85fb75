"""Payments (upstreams.md §3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from upstreams.errors import AlreadyExists, Rejected
from upstreams.http import Call
from upstreams.luxcore.calls.base import (
    MAX_LIMIT,
    Calls,
    iso,
    json_body,
    page_params,
    read_one,
)
from upstreams.luxcore.schemas import (
    CreatedPayment,
    MethodCheck,
    MethodRecord,
    Page,
    PaymentRecord,
    parse_method,
    parse_payment,
)
from upstreams.luxcore.schemas.reading import Fields
from upstreams.money import Money

CREATION: Final = "creation"
_EXISTING: Final = {"DUPLICATE_REFERENCE", "PAYMENT_ALREADY_EXISTS"}
_INFORMATIONAL: Final = "MERCHANT_REFERENCE_DUPLICATE"


class PaymentCalls(Calls):
    def create_payment(self, body: bytes) -> CreatedPayment:
        """POST /payments with these very bytes (§3.7, §3.12), on v2 where it is configured.

        A used reference answers the existing payment with `is_new=False`; where LuxCore names it
        in an error instead (LC-C10), AlreadyExists. No clear answer: Unknown.
        """
        client = self._v2_or_v1
        call = Call("POST", "/payments", body=body, cls=CREATION)
        try:
            answer = client.send(call)
        except Rejected as refusal:
            if refusal.code in _EXISTING:
                raise AlreadyExists(
                    refusal.message,
                    code=refusal.code,
                    upstream=refusal.upstream,
                    request_id=refusal.request_id,
                ) from refusal
            raise
        record = read_one(client, call, answer, _parse_created)
        return CreatedPayment(record, is_new=answer.status != 200)

    def get_payment(self, payment_id: str) -> PaymentRecord:
        """GET /payments/{id} (§3.5); raises NotFound."""
        call = Call("GET", "/payments/{id}", ids={"id": payment_id}, is_safe=True)
        return self._one(call, parse_payment)

    def list_payments(
        self,
        *,
        status: str | None = None,
        method: str | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        limit: int = MAX_LIMIT,
        offset: int = 0,
    ) -> Page[PaymentRecord]:
        """GET /payments (§3.5). `total` counts all that match the filters."""
        params = page_params(
            limit,
            offset,
            status=status,
            method=method,
            created_at_from=iso(created_from),
            created_at_to=iso(created_to),
        )
        call = Call("GET", "/payments", params=params, is_safe=True)
        return self._page(call, parse_payment, limit=params["limit"], offset=offset)

    def cancel_payment(self, payment_id: str) -> PaymentRecord:
        """POST /payments/{id}/cancel (§3.11); too late is Rejected, PAYMENT_ALREADY_PROCESSED."""
        call = Call("POST", "/payments/{id}/cancel", ids={"id": payment_id})
        return self._one(call, parse_payment)

    def payment_methods(self) -> Page[MethodRecord]:
        """GET /payments/methods (§3.5, LC-A13)."""
        return self._page(Call("GET", "/payments/methods", is_safe=True), parse_method)

    def validate_method(
        self,
        *,
        method: str,
        payment_type: str,
        amount: Money,
        payout: Mapping[str, str] | None = None,
    ) -> MethodCheck:
        """POST /payments/methods/validate (§3.5, LC-A13). Has no effect, so it may be repeated."""
        body = json_body(
            {
                "method": method,
                "currency": amount.currency,
                "type": payment_type,
                "amount": amount.to_minor(),
                "payout": dict(payout) if payout else None,
            }
        )
        call = Call("POST", "/payments/methods/validate", body=body, is_safe=True)
        return self._one(call, _parse_check)


def _parse_created(raw: Any) -> PaymentRecord:
    """The payment in an answer to a creation.

    A repeat may carry a code that speaks about the request, not about the payment (LC-C16).
    """
    if isinstance(raw, dict) and raw.get("error_code") == _INFORMATIONAL:
        told = {"error_code", "error_message", "message"}
        raw = {name: value for name, value in raw.items() if name not in told}
    return parse_payment(raw)


def _parse_check(raw: Any) -> MethodCheck:
    fields = Fields(raw)
    if fields.find("valid")[1] is None:
        raise fields.bad("valid", "is missing")
    return MethodCheck(valid=fields.flag("valid"), errors=_errors(fields))


def _errors(fields: Fields) -> list[str]:
    """Texts, or objects that carry one: the form is not documented."""
    _, listed = fields.find("errors")
    if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
        return fields.texts("errors")
    return [error.text("message", "error_code", "code") for error in fields.children("errors")]
