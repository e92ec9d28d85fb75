"""A Lux Financial of the test's own, in this process, whose time stands still."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

import httpx

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

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
_keys = itertools.count(1)


class LuxPlace:
    """Lux Financial's stand-in, a client of it, and its control door. `asked`: what was read."""

    def __init__(self) -> None:
        settings = LuxConfig(api_keys=(KEY,), rate_second=10**6, rate_day=10**6)
        clock = Clock(NOON, wire=Wire())
        self.sandbox = create_app(Config(lux=settings), clock=clock, sender=lambda *_: Outcome(200))
        self._transport = SandboxTransport(self.sandbox)
        self.asked: list[str] = []
        self.client = lux(self._answer, base_url=f"http://sandbox{V0}")

    def get_client(self, **_: Any) -> Any:
        return self.client

    def newcomer(self, **changes: Any) -> CustomerRecord:
        """A person who has just been created there."""
        number = next(_keys)
        body = {
            "type": "individual",
            "email": f"person{number}@example.com",
            "first_name": "Amara",
            "last_name": "Okafor",
            **changes,
        }
        return self.client.create_customer(json_body(body), idempotency_key=f"key-{number}")

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to the control door: a GET without a body."""
        with httpx.Client(transport=self._transport, base_url="http://sandbox/_control") as door:
            answer = door.get(path) if body is None else door.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pass_time(self, seconds: float) -> None:
        self.sandbox.clock.advance(seconds)

    def approve(self, customer: CustomerRecord) -> CustomerRecord:
        self.control(f"/lux/customers/{customer.id}/kyc/under_review", {"force": True})
        return self.client.update_customer(customer.id, decision_body("approved"))

    def change(self, customer: CustomerRecord, **facts: Any) -> None:
        """Let them show what the documents do not foresee."""
        with self.sandbox.store.transaction() as db:
            customers.set_facts(self.sandbox.lux.work(db), customer.id, **facts)

    def wallet(self, customer: CustomerRecord) -> WalletRecord:
        body = {"customer_id": customer.id, "type": "custodial", "chains": ["polygon"]}
        return self.client.create_wallet(json_body(body), idempotency_key=f"key-{next(_keys)}")

    def fill(self, wallet: WalletRecord, amount: str) -> None:
        with self.sandbox.store.transaction() as db:
            work = self.sandbox.lux.work(db)
            wallets.fill(work, wallet.id, "usdc", "polygon", amount, "0.00")

    def account(self, customer: CustomerRecord, **changes: Any) -> ExternalAccountRecord:
        body = {
            "customer_id": customer.id,
            "type": "crypto_address",
            "chain": "polygon",
            "address": "0x" + "ab" * 20,
            **changes,
        }
        key = f"key-{next(_keys)}"
        return self.client.create_external_account(json_body(body), idempotency_key=key)

    def close(self) -> None:
        self.client.close()
        self.sandbox.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.asked.append(str(request.url.raw_path.decode()).removeprefix(V0))
        return self._transport.handle_request(request)
