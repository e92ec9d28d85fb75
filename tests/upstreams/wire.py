"""LuxCore clients whose other end is a function or a socket of the tests' own."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from upstreams.budget import Budget, Priority, Rate
from upstreams.circuit import Circuit
from upstreams.luxcore.client import Access, LuxCoreClient, make_client

KEY = "qp_test_sk_canaryKeyNobodyMaySee"
HMAC_SECRET = "canaryHmacSecretNobodyMaySee"
BASE = "https://api.lux-core.io/api/v1"
ROOMY = {"standard": (Rate(10_000, 60),), "creation": (Rate(10_000, 60),)}

Handler = Callable[[httpx.Request], httpx.Response]


def luxcore(
    handler: Handler | None = None,
    *,
    base_url: str = BASE,
    api_key: str = KEY,
    merchant_id: str = "",
    hmac_secret: str = "",
    priority: Priority = Priority.OPERATOR,
    deadline: float | None = None,
    budget: Budget | None = None,
    circuit: Circuit | None = None,
) -> LuxCoreClient:
    """A client with room in its budget and a circuit of its own.

    `handler` answers in place of the network; without it the client uses real sockets.
    """
    client = make_client(
        Access(
            base_url=base_url, api_key=api_key, merchant_id=merchant_id, hmac_secret=hmac_secret
        ),
        budget=budget or Budget(upstream="luxcore", credential="test", rates=ROOMY, share=1),
        circuit=circuit or Circuit("luxcore"),
        transport=httpx.MockTransport(handler) if handler else None,
    )
    return client.tuned(priority=priority, deadline=deadline)


class Answers:
    """A handler that gives the same answer, or a row of answers, and keeps the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = itertools.chain(answers, itertools.repeat(answers[-1]))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(
            answer.status_code,
            headers=answer.headers,
            content=answer.content,
            extensions=dict(answer.extensions),
        )

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx.Response:
    """An answer with a JSON body, or with `body` itself when it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, content=content, headers=names)


def refusal(status: int, code: str, message: str = "No") -> httpx.Response:
    """A business error as LuxCore documents it."""
    body = {"statusCode": status, "message": message, "error_code": code, "timestamp": "2026-01-01"}
    return answer(status, body)


def payment(**changes: Any) -> dict[str, Any]:
    """A withdrawal as GET /payments/{id} shows it."""
    body: dict[str, Any] = {
        "transaction_id": "pay_1234567890_abcdefgh",
        "status": "pending",
        "amount": 250000,
        "currency": "ARS",
        "method": "bank_transfer",
        "type": "withdrawal",
        "merchant_reference": "payout_vendor_001",
        "payout": {
            "recipient_name": "Juan Perez Martinez",
            "bank_account": "0110012345678901234567",
            "status": "pending",
        },
        "created_at": "2026-01-21T10:30:00Z",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not ...}


class HostileServer:
    """Accepts connections, reads one request on each and then does as it likes with the socket."""

    def __init__(self, behave: Callable[[socket.socket], None]) -> None:
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/api/v1"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                if not (chunk := connection.recv(65536)):
                    return
                data += chunk
            self.requests.append(data)
            self._behave(connection)

    def stop(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self._thread.join(timeout=1)


@contextmanager
def hostile(behave: Callable[[socket.socket], None]) -> Iterator[HostileServer]:
    server = HostileServer(behave)
    try:
        yield server
    finally:
        server.stop()
