"""A sandbox in a process of its own, and its control door."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.support.ports import free_port, is_listening
from tests.support.waiting import wait_until

API_KEY = "qp_test_sk_faults"
LUX_KEY = "sk_test_faults"
LUMETRADE_KEY, LUMETRADE_SECRET = "lt_key_faults", "lt_secret_faults"


class SandboxProcess:
    """A running sandbox. Everything here goes through its control door, which has no limits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=f"{url}/_control", trust_env=False, timeout=30)

    @property
    def api(self) -> str:
        """What `LUXCORE_BASE_URL` is set to."""
        return f"{self.url}/api/v1"

    @property
    def lumetrade(self) -> str:
        """What `LUMETRADE_BASE_URL` is set to; its faults are for paths `/lumetrade/*`."""
        return f"{self.url}/lumetrade"

    @property
    def lux(self) -> str:
        """What `LUX_BASE_URL` is set to; its faults are for paths `/lux/*`."""
        return f"{self.url}/lux/v0"

    def reset(self) -> None:
        self._post("/reset", {})

    def fault(self, kind: str, *, method: str = "*", path: str = "/api/*", **rest: Any) -> None:
        self._post("/faults", {"kind": kind, "method": method, "path": path, **rest})

    def clear_faults(self) -> None:
        self._post("/faults/clear", {})

    def payments(self, **filters: str) -> list[dict[str, Any]]:
        """The whole ledger, oldest first."""
        return list(self._get("/payments", **filters)["payments"])

    def with_reference(self, reference: str) -> list[dict[str, Any]]:
        return self.payments(reference=reference)

    def requests(self, **filters: str) -> list[dict[str, Any]]:
        return list(self._get("/requests", **filters)["requests"])

    def forget_requests(self) -> None:
        self._http.delete("/requests").raise_for_status()

    def act(self, payment_id: str, deed: str, **arguments: Any) -> None:
        self._post(f"/payments/{payment_id}/{deed}", arguments)

    def change(self, payment_id: str, **members: Any) -> None:
        """Write other values over a payment; nobody is told and no money moves."""
        self.act(payment_id, "change", **members)

    def hide(self, payment_id: str) -> None:
        """Let the API show it no more, until `show`."""
        self.act(payment_id, "hide")

    def show(self, payment_id: str) -> None:
        self.act(payment_id, "show")

    def tell(self, event: str, payment: dict[str, Any]) -> None:
        """Send an event about a payment, whether it is so or not."""
        self._post("/events", {"event": event, "payment": payment})

    def seed(self, **batch: Any) -> None:
        self._post("/seed", batch)

    def set_pace(self, per_minute: float) -> None:
        self._post("/traffic", {"pace": per_minute})

    def set_balance(self, currency: str, available: int) -> None:
        """`available` is in minor units."""
        self._post("/balances", {"currency": currency, "available": available})

    def movements(self, **filters: str) -> list[dict[str, Any]]:
        """Lumetrade's withdrawals and deposits, oldest first."""
        return list(self._get("/lumetrade/movements", **filters)["movements"])

    def move(self, transaction_id: str, stage: str, *, force: bool = False) -> None:
        """Bring a movement or a trade at Lumetrade to a stage."""
        self._post(f"/lumetrade/movements/{transaction_id}/{stage}", {"force": force})

    def pay_in(self, currency: str, amount: float) -> str:
        """A deposit arrives at Lumetrade; answers its id."""
        body = {"currency": currency, "amount": amount}
        return str(self._post("/lumetrade/deposits", body)["transactionId"])

    def lux_customers(self, email: str) -> list[dict[str, Any]]:
        """The customers with this e-mail at Lux Financial."""
        listed = self._get("/lux/customers")["customers"]
        return [one for one in listed if one["email"] == email]

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, **params: str) -> Any:
        return self._http.get(path, params=params).raise_for_status().json()

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._http.post(path, json=body).raise_for_status().json()


@contextmanager
def running_sandbox(*options: str) -> Iterator[SandboxProcess]:
    """Start `python -m sandbox` on a free port, in memory and without history; end it after."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "sandbox", "--port", str(port), "--state", ":memory:"),
        *("--seed", "-1", "--pace", "0", "--api-key", API_KEY),
        *("--lumetrade-key", LUMETRADE_KEY, "--lumetrade-secret", LUMETRADE_SECRET),
        *("--lux-key", LUX_KEY, "--lux-rate", "100000"),
        *("--lumetrade-rate", "100000", "--lumetrade-strays", "0", *options),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_listening(port), seconds=30, what="the sandbox listens")
        sandbox = SandboxProcess(f"http://127.0.0.1:{port}")
        yield sandbox
        sandbox.close()
    finally:
        process.terminate()
        process.wait(timeout=10)
