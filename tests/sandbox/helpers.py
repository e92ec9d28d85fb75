"""What the sandbox's tests share: a client for the API, a mailbox for webhooks, sample bodies."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx

from sandbox.app import Sandbox, create_app
from sandbox.clock import Clock
from sandbox.config import Config, LuxCoreConfig
from sandbox.delivery import Outcome
from sandbox.web import Hijack

KEY = "qp_test_sk_sandbox"
NOON = datetime(2026, 3, 31, 12, 0, 0, tzinfo=UTC)
CBU = "0110012345678901234567"
CLABE = "012345678901234567"

Json = dict[str, Any]


class Wire:
    """A wire clock that stands still until it is moved (Unix seconds)."""

    def __init__(self, at: float = 1_800_000_000) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


class Mailbox:
    """Receives what would be posted; answers as told, 200 if not."""

    def __init__(self) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[Outcome] = []

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        self.posts.append((url, headers, body))
        return self.answers.pop(0) if self.answers else Outcome(200)

    @property
    def bodies(self) -> list[Json]:
        return [json.loads(body) for _, _, body in self.posts]

    def of(self, event: str) -> list[Json]:
        return [body for body in self.bodies if body["event"] == event]


class Bench:
    """A sandbox with a standing clock, its API client and its mailbox."""

    def __init__(self, **luxcore: Any) -> None:
        self.wire = Wire()
        self.clock = Clock(NOON, wire=self.wire)
        self.mail = Mailbox()
        config = Config(luxcore=LuxCoreConfig(**luxcore))
        self.sandbox: Sandbox = create_app(config, clock=self.clock, sender=self.mail)
        self.api = client(self.sandbox)

    def pass_time(self, seconds: float) -> None:
        """Move the clock, and let what is due happen and be delivered."""
        self.clock.advance(seconds)
        assert self.sandbox.settle()

    def create(self, **changes: Any) -> Json:
        answer = self.api.post("/payments", json=deposit(**changes))
        assert answer.status_code in (200, 201), answer.text
        return dict(answer.json())

    def withdraw(self, **changes: Any) -> Json:
        return self.create(**withdrawal(**changes))

    def get(self, payment: Json) -> Json:
        return dict(self.api.get(f"/payments/{payment['transaction_id']}").json())

    def control(self, path: str, body: Json | None = None) -> Any:
        """A call to the control door: a GET without a body."""
        url = f"http://sandbox/_control{path}"
        answer = self.api.get(url) if body is None else self.api.post(url, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, payment: Json, deed: str, **arguments: Any) -> Json:
        path = f"/payments/{payment['transaction_id']}/{deed}"
        return dict(self.control(path, arguments))

    def balance(self, currency: str = "ARS") -> tuple[int, int]:
        """Available and frozen money."""
        body = self.api.get("/balance", params={"currency": currency}).json()
        return int(body["available_amount"]), int(body["frozen_amount"])

    def fault(self, kind: str, **fault: Any) -> Json:
        return dict(self.control("/faults", {"kind": kind, **fault}))

    def close(self) -> None:
        self.api.close()
        self.sandbox.close()


def client(sandbox: Sandbox, key: str = KEY) -> httpx.Client:
    return httpx.Client(
        transport=SandboxTransport(sandbox),
        base_url="http://sandbox/api/v1",
        headers={"X-API-Key": key} if key else {},
    )


def deposit(**changes: Any) -> Json:
    body: Json = {
        "amount": 150_000,
        "currency": "ARS",
        "method": "bank_transfer",
        "type": "deposit",
        "merchant_reference": "order_abc123",
    }
    return {name: value for name, value in (body | changes).items() if value is not ...}


def withdrawal(**changes: Any) -> Json:
    body: Json = {
        "amount": 250_000,
        "type": "withdrawal",
        "merchant_reference": "payout_vendor_001",
        "payout": {"recipient_name": "Juan Perez Martinez", "bank_account": CBU},
    }
    return deposit(**body | changes)


def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait for a condition, or fail when it has not come true in time."""
    deadline = time.monotonic() + seconds
    pause = 0.005
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(pause)


@contextmanager
def bench(**luxcore: Any) -> Iterator[Bench]:
    made = Bench(**luxcore)
    try:
        yield made
    finally:
        made.close()


class SandboxTransport(httpx.BaseTransport):
    """In-process like `httpx.WSGITransport`, but a dropped connection is an httpx error."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = httpx.WSGITransport(app=sandbox)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._inner.handle_request(request)
        except Hijack as exc:
            raise httpx.ReadError(str(exc), request=request) from exc
