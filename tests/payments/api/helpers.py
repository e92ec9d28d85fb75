"""A system of the company, as the tests play it."""

from __future__ import annotations

import itertools
import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from staff.models import ApiToken, User
from staff.tokens import Scope
from tests.staff.factories import ApiTokenFactory

_numbers = itertools.count()

# Every documented payout that LuxCore's guide shows (upstreams.md §3.8).
PAYOUTS: dict[str, dict[str, Any]] = {
    "ARS": {
        "amount": "250000.00",
        "currency": "ARS",
        "method": "bank_transfer",
        "payout": {
            "recipient_name": "Maria Garcia",
            "bank_account": "0110012345678901234567",
            "account_type": "checking",
            "beneficiary_tax_id": "20-12345678-9",
            "description": "Vendor payment",
            "reference": "INV-001",
        },
    },
    "MXN": {
        "amount": "1500.00",
        "currency": "MXN",
        "method": "spei",
        "payout": {
            "recipient_name": "Juan Perez",
            "bank_account": "012345678901234567",
            "bank_code": "012",
            "beneficiary_tax_id": "PEPJ800101ABC",
        },
    },
    "UYU": {
        "amount": "800",
        "currency": "UYU",
        "method": "bank_transfer",
        "payout": {"recipient_name": "Ana Silva", "bank_account": "001234567890"},
    },
    "AUD": {
        "amount": "99.9",
        "currency": "AUD",
        "method": "bank_transfer",
        "payout": {
            "recipient_name": "James Smith",
            "bank_account": "12345678",
            "bank_code": "062-000",
        },
    },
    "AUD by e-mail": {
        "amount": "2500.00",
        "currency": "AUD",
        "method": "payid",
        "payout": {
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
        },
        "customer": {
            "name": "James Smith",
            "email": "james@example.com",
            "phone": "+61412345678",
            "external_id": "customer-7",
        },
        "description": "Payout February 2026",
    },
    "AUD by phone": {
        "amount": "2500.00",
        "currency": "AUD",
        "method": "payid",
        "payout": {
            "recipient_name": "James Smith",
            "payid": "+61412345678",
            "payid_type": "phone",
        },
    },
    "AUD by ABN": {
        "amount": "2500.00",
        "currency": "AUD",
        "method": "payid",
        "payout": {"recipient_name": "Smith Pty", "payid": "51824753556", "payid_type": "abn"},
    },
}


class Caller:
    """Calls with one token, and gives every request a new key unless told otherwise."""

    def __init__(self, token: ApiToken, secret: str) -> None:
        self.token = token
        self.bearer = f"{token.prefix}_{secret}"
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, query: dict[str, str] | None = None) -> HttpResponse:
        return self.client.get(path, query or {}, headers=self._headers())

    def post(
        self,
        path: str,
        body: dict[str, Any] | bytes,
        *,
        key: str | None = None,
        content_type: str = "application/json",
    ) -> HttpResponse:
        key = f"key-{next(_numbers)}" if key is None else key
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self.client.post(path, data, content_type=content_type, headers=headers)

    def ask(self, which: str = "AUD by e-mail", /, **changes: Any) -> HttpResponse:
        """Request one of the payouts above; `key` may be among the changes."""
        key = changes.pop("key", None)
        return self.post("/api/v1/withdrawals/", PAYOUTS[which] | changes, key=key)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearer}"}


def caller_of(owner: User, *scopes: Scope) -> Caller:
    """A system that speaks for this person, with every scope unless some are named."""
    secret = f"{next(_numbers):043d}"
    wanted = [scope.value for scope in scopes or Scope]
    return Caller(ApiTokenFactory(owner=owner, secret=secret, scopes=wanted), secret)


def told(response: HttpResponse) -> Any:
    """The answer's JSON."""
    return json.loads(response.content)


def expect_problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The members of the problem that this answer must be."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = told(response)
    assert problem["type"] == f"/api/docs/#{code}"
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and problem["request_id"]
    return problem


def wrong_fields(response: HttpResponse) -> dict[str, str]:
    """The pointers of a 422, each with what it says."""
    problem = expect_problem(response, 422, "invalid")
    return {error["pointer"]: error["detail"] for error in problem["errors"]}
