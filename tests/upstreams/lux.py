"""Lux Financial clients whose other end is a function, a socket or a sandbox of the tests' own."""

from __future__ import annotations

from typing import Any

import httpx

from tests.upstreams.wire import Handler, answer
from upstreams.budget import Budget, Priority, Rate
from upstreams.circuit import Circuit
from upstreams.lux.client import Access, LuxClient, make_client

KEY = "sk_test_canaryKeyNobodyMaySee"
BASE = "https://api.lux.financial/v0"
ROOMY = {"standard": (Rate(100_000, 60),)}


def lux(
    handler: Handler | None = None,
    *,
    base_url: str = BASE,
    api_key: str = KEY,
    priority: Priority = Priority.OPERATOR,
    deadline: float | None = None,
    budget: Budget | None = None,
    circuit: Circuit | None = None,
    transport: httpx.BaseTransport | None = None,
) -> LuxClient:
    """A client with room in its budget and a circuit of its own.

    `handler` or `transport` answers in place of the network; without them the client uses sockets.
    """
    client = make_client(
        Access(base_url=base_url, api_key=api_key),
        budget=budget or Budget(upstream="lux", credential="test", rates=ROOMY, share=1),
        circuit=circuit or Circuit("lux"),
        transport=httpx.MockTransport(handler) if handler else transport,
    )
    return client.tuned(priority=priority, deadline=deadline)


def refusal(status: int, code: str, message: str = "No", **changes: Any) -> httpx.Response:
    """An error as Lux Financial's overview documents it, nested."""
    return answer(status, {"error": flat(code, message, **changes)})


def flat(code: str, message: str = "No", **changes: Any) -> dict[str, Any]:
    """The same as some of its pages show it."""
    body: dict[str, Any] = {"code": code, "message": message, **changes}
    return {name: value for name, value in body.items() if value is not ...}


def listed(*items: Any, cursor: str | None = None) -> httpx.Response:
    """A page of a list; another one follows behind `cursor`."""
    body: dict[str, Any] = {"object": "list", "data": list(items), "has_more": cursor is not None}
    return answer(200, body | ({"cursor": cursor} if cursor is not None else {}))


def customer(**changes: Any) -> dict[str, Any]:
    """A customer as GET /customers/{id} shows it."""
    body: dict[str, Any] = {
        "id": "cus_1",
        "object": "customer",
        "type": "individual",
        "email": "amara@example.com",
        "first_name": "Amara",
        "last_name": "Okafor",
        "phone": "+2348012345678",
        "date_of_birth": "1990-01-15",
        "tax_id_provided": True,
        "address": {"line1": "12 Marina Road", "city": "Lagos", "country": "ng"},
        "status": "active",
        "kyc_status": "approved",
        "kyc_link": None,
        "tos_status": "approved",
        "tos_link": None,
        "risk_rating": "low",
        "endorsements": ["can_wire_transfer"],
        "rejection_reasons": [],
        "requirements_due": [],
        "metadata": {"tier": "gold"},
        "created_at": "2026-01-15T10:00:00.000Z",
        "updated_at": "2026-01-16T10:00:00.000Z",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def transfer(**changes: Any) -> dict[str, Any]:
    """A transfer as GET /transfers/{id} shows it."""
    body: dict[str, Any] = {
        "id": "txfr_1",
        "object": "transfer",
        "amount": "1000.00",
        "currency": "usd",
        "on_behalf_of": "cus_1",
        "client_reference_id": "ours-1",
        "developer_fee": "2.50",
        "source": {"payment_rail": "Polygon", "currency": "usdc", "from_address": "0xabc"},
        "destination": {
            "payment_rail": "wire",
            "currency": "usd",
            "external_account_id": "ext_1",
            "trace_number": "T-1",
        },
        "state": "awaiting_funds",
        "created_at": "2026-01-15T10:00:00.000Z",
        "updated_at": "2026-01-15T10:00:00.000Z",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def match(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "score": 0.92,
        "source": "SDN",
        "source_name": "OFAC SDN List",
        "matched_name": "OKAFOR, Amara",
        "match_type": "name_fuzzy",
        "entity_type": "individual",
        "sanctions_programs": ["SDGT"],
        "listed_on": "2024-03-15",
        "remarks": "Linked to somebody",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def screening(**changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": "scr_1",
        "object": "screening",
        "status": "potential_match",
        "match_count": 1,
        "matches": [match()],
        "screened_at": "2026-01-15T10:00:00.000Z",
        "data_sources_checked": ["SDN", "UN"],
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}
