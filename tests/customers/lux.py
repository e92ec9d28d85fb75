"""A Lux Financial of the test's own, in this process, whose time stands still."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

import httpx
from django.utils import timezone

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.config import Config, LuxConfig
from sandbox.delivery import Outcome
from sandbox.lux import customers, wallets
from sandbox.lux.routes import V0
from tests.sandbox.helpers import SandboxTransport, Wire
from tests.upstreams.lux import KEY, lux
from upstreams.lux.calls.base import json_body
from upstreams.lux.calls.customers import decision_body
from upstreams.lux.schemas import CustomerRecord, ExternalAccountRecord, WalletRecord

JAMES = {
    "type": "individual",
    "email": "james@example.com",
    "first_name": "James",
    "last_name": "Smith",
    "phone": "+61412345678",
    "date_of_birth": "1990-01-31",
    "address": {"line1": "1 King Street", "city": "Sydney", "country": "AU"},
}
_numbers = itertools.count(1)


def _key() -> str:
    return f"made-{next(_numbers)}"


class Place:
    """Lux Financial's stand-in, a client of it, and its control door. `calls`: what was asked."""

    def __init__(self, at: datetime | None = None, **settings: Any) -> None:
        roomy: dict[str, Any] = {"api_keys": (KEY,), "rate_second": 10**6, "rate_day": 10**6}
        self.sandbox = create_app(
            Config(lux=LuxConfig(**{**roomy, **settings})),
            clock=Clock(at or timezone.now(), wire=Wire()),
            sender=lambda *_: Outcome(200),
        )
        self._transport = SandboxTransport(self.sandbox)
        self._door = httpx.Client(transport=self._transport, base_url="http://sandbox/_control")
        self.calls: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.client = lux(self._answer, base_url=f"http://sandbox{V0}")

    def get_client(self, **_: Any) -> Any:
        return self.client

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to the control door: a GET without a body."""
        answer = self._door.get(path) if body is None else self._door.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, *, method: str, path: str, **rest: Any) -> None:
        """The next such call fares badly; `path` as the documents write it."""
        self.control("/faults", {"kind": kind, "method": method, "path": f"{V0}{path}", **rest})

    def customers(self) -> list[dict[str, Any]]:
        return list(self.control("/lux/customers")["customers"])

    def customer(self, **changes: Any) -> CustomerRecord:
        """Somebody whom nobody at the desk asked for."""
        body = json_body({**JAMES, **changes})
        return self.client.create_customer(body, idempotency_key=_key())

    def newcomer(self, **changes: Any) -> CustomerRecord:
        """Somebody else each time, whom nobody at the desk asked for."""
        email = f"person{next(_numbers)}@example.com"
        return self.customer(**{"email": email, "phone": None, **changes})

    def approve(self, customer: CustomerRecord) -> CustomerRecord:
        self.control(f"/lux/customers/{customer.id}/kyc/under_review", {"force": True})
        return self.client.update_customer(customer.id, decision_body("approved"))

    def change(self, customer: CustomerRecord, **facts: Any) -> None:
        """Let them show what the documents do not foresee."""
        with self.sandbox.store.transaction() as db:
            customers.set_facts(self.sandbox.lux.work(db), customer.id, **facts)

    def wallet(self, customer: CustomerRecord) -> WalletRecord:
        body = {"customer_id": customer.id, "type": "custodial", "chains": ["polygon"]}
        return self.client.create_wallet(json_body(body), idempotency_key=_key())

    def fill(self, wallet: WalletRecord, amount: str) -> None:
        with self.sandbox.store.transaction() as db:
            wallets.fill(self.sandbox.lux.work(db), wallet.id, "usdc", "polygon", amount, "0.00")

    def account(self, customer: CustomerRecord, **changes: Any) -> ExternalAccountRecord:
        body = {
            "customer_id": customer.id,
            "type": "crypto_address",
            "chain": "polygon",
            "address": "0x" + "ab" * 20,
            **changes,
        }
        return self.client.create_external_account(json_body(body), idempotency_key=_key())

    def pass_time(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def asked(self, method: str, path: str) -> int:
        return self.calls.count((method, path))

    def close(self) -> None:
        self._door.close()
        self.sandbox.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path.removeprefix(V0)))
        if key := request.headers.get("Idempotency-Key"):
            self.keys.append(key)
        answer = self._transport.handle_request(request)
        answer.read()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
