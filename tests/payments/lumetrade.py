"""A Lumetrade of the test's own, in this process, whose time stands still."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.lumetrade.routes import PREFIX
from tests.sandbox.helpers import SandboxTransport
from tests.upstreams.lumetrade import everything, lumetrade, rand, sandbox_settings
from upstreams.lumetrade.calls.movements import withdrawal_body
from upstreams.lumetrade.schemas import BeneficiaryRecord


class Place:
    """Lumetrade's stand-in, a client of it, and its control door. `calls`: what was asked of it."""

    def __init__(self) -> None:
        self.sandbox = create_app(Config(lumetrade=sandbox_settings()), clock=Clock())
        self.sandbox.clock.freeze()
        self._transport = SandboxTransport(self.sandbox)
        self._door = httpx.Client(transport=self._transport, base_url="http://sandbox/_control")
        self.calls: list[tuple[str, str]] = []
        self.client = lumetrade(self._answer, base_url=f"http://sandbox{PREFIX}")

    def get_client(self, **_: Any) -> Any:
        return self.client

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """A call to the control door: a GET without a body."""
        answer = self._door.get(path) if body is None else self._door.post(path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def movements(self) -> list[dict[str, Any]]:
        return list(self.control("/lumetrade/movements")["movements"])

    def move(self, transaction_id: str, stage: str) -> None:
        self.control(f"/lumetrade/movements/{transaction_id}/{stage}", {"force": True})

    def pay_in(self, amount: float = 100, currency: str = "ZAR") -> str:
        body = {"currency": currency, "amount": amount}
        return str(self.control("/lumetrade/deposits", body)["transactionId"])

    def beneficiary(self) -> BeneficiaryRecord:
        return everything(self.client.list_beneficiaries(currency="ZAR"))[0][0]

    def pay_out(self, amount: str = "101") -> str:
        body = withdrawal_body(beneficiary_id=self.beneficiary().id, amount=rand(amount))
        return self.client.create_withdrawal(body).id

    def fault(self, kind: str, **fault: Any) -> None:
        self.control("/faults", {"kind": kind, "path": "/lumetrade/*", "method": "*", **fault})

    def close(self) -> None:
        self._door.close()
        self.sandbox.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path.removeprefix(PREFIX)))
        answer = self._transport.handle_request(request)
        answer.read()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
