"""A Lumetrade that lists any number of made-up withdrawals. It runs in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Final

PATH: Final = "/api/v1/withdrawals"
BEGINNING: Final = datetime(2025, 1, 1, tzinfo=UTC)
APART: Final = timedelta(seconds=60)
BYTES: Final = 750  # of one record: 400,000 of them are 300 MB
IN_A_PIECE: Final = 1_000


@contextmanager
def listing(rows: int) -> Iterator[str]:
    """Let there be one with so many withdrawals; yields its address."""
    spawning = get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(rows, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(rows: int, told: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != PATH:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(1 + rows * (BYTES + 1) if rows else 2))
            self.end_headers()
            self.wfile.write(b"[")
            for start in range(0, rows, IN_A_PIECE):
                numbers = range(start, min(start + IN_A_PIECE, rows))
                end = b"]" if numbers.stop == rows else b","
                self.wfile.write(b",".join(map(_record, numbers)) + end)
            if not rows:
                self.wfile.write(b"]")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.send(server.server_port)
        server.serve_forever()


def _record(number: int) -> bytes:
    """One that ended long ago, always of the same length."""
    at = BEGINNING + number * APART
    record = {
        "transactionId": f"bench_{number:09}",
        "status": "COMPLETED" if number % 50 else "REVERSED",
        "currency": ("ZAR", "USD")[number % 2],
        "amount": 100 + number % 9_000,
        "fee": 18.4,
        "withdrawDetails": {
            "accountName": f"Payee {number % 5_000}",
            "accountNumber": f"{number % 5_000:011}",
            "bankName": "First Bench Bank",
            "branchCode": "250655",
        },
        "createdAt": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "completedAt": f"{at + timedelta(minutes=9):%Y-%m-%dT%H:%M:%S}",
        "note": "",
    }
    missing = BYTES - len(json.dumps(record))
    return json.dumps(record | {"note": "x" * missing}).encode()
