"""Lumetrade clients whose other end is a function, a socket or a sandbox of the tests' own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

import httpx

from sandbox.config import LumetradeConfig
from tests.upstreams.wire import Handler, answer
from upstreams.budget import Budget, Priority, Rate
from upstreams.circuit import Circuit
from upstreams.lumetrade.calls.base import Assumptions
from upstreams.lumetrade.client import Access, LumetradeClient, make_client
from upstreams.money import Money
from upstreams.records import Batch, RefusedItem

T = TypeVar("T")

KEY = "lt_canaryKeyNobodyMaySee"
SECRET = "lt_canarySecretNobodyMaySee"
BASE = "https://api.lumetrade.com"
ROOMY = {"standard": (Rate(10_000, 60),)}


def lumetrade(
    handler: Handler | None = None,
    *,
    base_url: str = BASE,
    api_key: str = KEY,
    api_secret: str = SECRET,
    priority: Priority = Priority.OPERATOR,
    deadline: float | None = None,
    budget: Budget | None = None,
    circuit: Circuit | None = None,
    **assumed: Any,
) -> LumetradeClient:
    """A client with room in its budget and a circuit of its own.

    `handler` answers in place of the network; without it the client uses real sockets.
    """
    client = make_client(
        Access(
            base_url=base_url,
            api_key=api_key,
            api_secret=api_secret,
            assumed=Assumptions(**assumed),
        ),
        budget=budget or Budget(upstream="lumetrade", credential="test", rates=ROOMY, share=1),
        circuit=circuit or Circuit("lumetrade"),
        transport=httpx.MockTransport(handler) if handler else None,
    )
    return client.tuned(priority=priority, deadline=deadline)


def sandbox_settings(**changes: Any) -> LumetradeConfig:
    return LumetradeConfig(
        **{"api_key": KEY, "api_secret": SECRET, "rate_limit": 100_000, **changes}
    )


def refusal(status: int, message: str = "No", **changes: Any) -> httpx.Response:
    """An error as Lumetrade documents it (upstreams.md §2.4)."""
    return answer(status, envelope(status, message, **changes))


def envelope(status: int, message: str = "No", **changes: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "code": 1133,
        "message": message,
        "httpStatus": status,
        "requestId": "req_1",
        "timestamp": "2026-01-01T00:00:00Z",
        "errors": [],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not ...}


def withdrawal(**changes: Any) -> dict[str, Any]:
    """A withdrawal as GET /withdrawals/{transactionId} shows it."""
    body: dict[str, Any] = {
        "transactionId": "WD4F7K2M9Q1X8Z",
        "status": "PENDING",
        "currency": "ZAR",
        "amount": 101,
        "fee": 18.4,
        "withdrawDetails": {"accountName": "Thandi Nkosi", "accountNumber": "62812345678"},
        "createdAt": "2026-01-21T10:30:00Z",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


def rand(amount: str) -> Money:
    return Money(Decimal(amount), "ZAR")


def everything(batches: Iterable[Batch[T]]) -> tuple[list[T], list[RefusedItem]]:
    """All records of a list, and all that were set aside."""
    items: list[T] = []
    refused: list[RefusedItem] = []
    for batch in batches:
        items += batch.items
        refused += batch.refused
    return items, refused
