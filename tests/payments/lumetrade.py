"""A Lumetrade of the test's own, in this process, whose time stands still."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.lumetrade.routes import PREFIX
from tests.sandbox.helpers import SandboxTransport
from tests.upstreams.lumetrade import everything, lumetrade, rand, sandbox_settings
from upstreams.lumetrade.calls.movements import withdrawal_body
from upstreams.lumetrade.calls.trades import Exchange, confirmation_body
from upstreams.lumetrade.schemas import BeneficiaryRecord
from upstreams.money import Money


class Place:
    """Lumetrade's stand-in, a client of it, and its control door. `calls`: what was asked of it."""

    def __init__(self, at: datetime | None = None) -> None:
        self.sandbox = create_app(Config(lumetrade=sandbox_settings()), clock=Clock(at))
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

    def set_clock(self, at: datetime) -> None:
        self.sandbox.clock.set(at)

    def set_balance(self, currency: str, available: float) -> None:
        self.control("/lumetrade/balances", {"currency": currency, "available": available})

    def hide(self, transaction_id: str) -> None:
        """Let the API show it no more, until `show`."""
        self._be_hidden(transaction_id, "'hidden ' || kind")

    def show(self, transaction_id: str) -> None:
        self._be_hidden(transaction_id, "replace(kind, 'hidden ', '')")

    def exchange(self, amount: str, sold: str, bought: str) -> str:
        """Trade one currency for another; answers the trade's id."""
        exchange = Exchange(sold, bought, Money(Decimal(amount), sold))
        quote = self.client.quote(exchange, confirmable=True)
        return self.client.confirm_quote(confirmation_body(exchange, quote)).id

    def pay_in(self, amount: float = 100, currency: str = "ZAR") -> str:
        body = {"currency": currency, "amount": amount}
        return str(self.control("/lumetrade/deposits", body)["transactionId"])

    def beneficiary(self) -> BeneficiaryRecord:
        return everything(self.client.list_beneficiaries(currency="ZAR"))[0][0]

    def pay_out(self, amount: str = "101") -> str:
        body = withdrawal_body(beneficiary_id=self.beneficiary().id, amount=rand(amount))
        return self.client.create_withdrawal(body).id

    def trade(self, amount: str = "100") -> str:
        """An exchange of dollars for rand that nobody at the desk asked for."""
        exchange = Exchange("USD", "ZAR", Money(Decimal(amount), "USD"))
        quote = self.client.quote(exchange, confirmable=True)
        return self.client.confirm_quote(confirmation_body(exchange, quote)).id

    def fault(self, kind: str, **fault: Any) -> None:
        self.control("/faults", {"kind": kind, "path": "/lumetrade/*", "method": "*", **fault})

    def _be_hidden(self, transaction_id: str, kind: str) -> None:
        with self.sandbox.store.transaction() as db:
            db.execute(f"UPDATE lt_movement SET kind = {kind} WHERE id = ?", (transaction_id,))

    def close(self) -> None:
        self._door.close()
        self.sandbox.close()

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path.removeprefix(PREFIX)))
        answer = self._transport.handle_request(request)
        answer.read()
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
