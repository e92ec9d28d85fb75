"""Served on a real port: keep-alive, dropped connections, deliveries, starting and stopping."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.app import Sandbox, create_app
from sandbox.config import Config, LuxCoreConfig
from sandbox.server import Handler, SandboxServer, serve
from tests.sandbox.helpers import KEY, Json, deposit, until, withdrawal

ROOT = Path(__file__).parents[2]
HEADERS = {"X-API-Key": KEY}


class Receiver:
    """A webhook receiver on a port of its own."""

    def __init__(self) -> None:
        self.events: list[Json] = []
        self.hang = threading.Event()
        self.hanging = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.hanging:
                    receiver.hang.wait(20)
                receiver.events.append(json.loads(body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/luxcore/?from=tests"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@contextlib.contextmanager
def served(**luxcore: Any) -> Iterator[tuple[SandboxServer, httpx.Client]]:
    config = Config(luxcore=LuxCoreConfig(**luxcore))
    with create_app(config) as sandbox, serve(sandbox) as server:
        base = f"{server.url}/api/v1"
        with httpx.Client(base_url=base, headers=HEADERS, trust_env=False) as api:
            yield server, api


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    with served() as (running, _):
        yield running


@pytest.fixture
def api(server: SandboxServer) -> Iterator[httpx.Client]:
    base = f"{server.url}/api/v1"
    with httpx.Client(base_url=base, headers=HEADERS, trust_env=False) as client:
        yield client


def count(sandbox: Sandbox) -> int:
    with sandbox.store.transaction() as db:
        return int(db.execute("SELECT count(*) FROM payment").fetchone()[0])


class TestConnection:
    def test_is_kept_for_the_next_request(self, server: SandboxServer) -> None:
        connection = http.client.HTTPConnection(server.host, server.port)
        locals_used = set()
        for number in range(3):
            body = json.dumps(deposit(merchant_reference=f"order_{number}"))
            headers = HEADERS | {"Content-Type": "application/json"}
            connection.request("POST", "/api/v1/payments", body, headers)
            answer = connection.getresponse()
            assert (answer.status, answer.version) == (201, 11)
            answer.read()
            locals_used.add(connection.sock.getsockname())
        connection.close()

        assert len(locals_used) == 1

    def test_takes_a_chunked_body(self, server: SandboxServer, api: httpx.Client) -> None:
        raw = json.dumps(deposit()).encode()

        answer = api.post(
            "/payments",
            content=iter([raw[:20], raw[20:]]),
            headers={"Content-Type": "application/json"},
        )

        assert answer.status_code == 201

    def test_ends_after_a_body_too_large(self, server: SandboxServer) -> None:
        with socket.create_connection((server.host, server.port)) as raw:
            raw.sendall(b"POST /api/v1/payments HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
            answer = raw.makefile("rb").read()

        assert answer.startswith(b"HTTP/1.1 413 ")

    def test_serves_many_at_once(self, server: SandboxServer, api: httpx.Client) -> None:
        answers: list[int] = []

        def ask() -> None:
            for _ in range(5):
                answers.append(api.post("/payments", json=deposit()).status_code)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(answers) == [200] * 29 + [201]
        assert count(server.sandbox) == 1

    def test_names_its_own_address_in_links(self, server: SandboxServer, api: httpx.Client) -> None:
        body = deposit(currency="LKR", method="ipay")

        url = api.post("/payments", json=body).json()["redirect_url"]

        assert url.startswith(f"{server.url}/pay/")
        assert httpx.get(url, trust_env=False).status_code == 200


class TestDroppedConnection:
    @pytest.mark.parametrize(
        ("fault", "error", "kept"),
        [
            ({"kind": "drop"}, httpx.RemoteProtocolError, 1),
            ({"kind": "drop", "params": {"reset": True}}, httpx.ReadError, 1),
            ({"kind": "drop_midway"}, httpx.RemoteProtocolError, 1),
            ({"kind": "drop_before"}, httpx.RemoteProtocolError, 0),
            ({"kind": "slow_headers", "params": {"seconds": 5}}, httpx.ReadTimeout, 1),
        ],
    )
    def test_is_seen_as_such(
        self,
        server: SandboxServer,
        api: httpx.Client,
        fault: Json,
        error: type[httpx.TransportError],
        kept: int,
    ) -> None:
        httpx.post(f"{server.url}/_control/faults", json=fault, trust_env=False)

        with pytest.raises(error):
            api.post("/payments", json=withdrawal(), timeout=0.4)

        assert count(server.sandbox) == kept
        assert api.post("/payments", json=withdrawal()).status_code == (200 if kept else 201)

    def test_leaves_no_thread_waiting_after_a_slow_answer(
        self, server: SandboxServer, api: httpx.Client
    ) -> None:
        fault = {"kind": "slow_body", "params": {"bytes_per_second": 10}}
        httpx.post(f"{server.url}/_control/faults", json=fault, trust_env=False)

        with api.stream("POST", "/payments", json=withdrawal()) as answer:
            first = next(answer.iter_raw())

        assert len(first) < 20
        assert api.get("/balance").status_code == 200


class TestTime:
    def test_passes_by_itself(self) -> None:
        with served(approval_delay=0.05, processing_delay=0.05) as (_, api):
            payment = api.post("/payments", json=withdrawal()).json()
            path = f"/payments/{payment['transaction_id']}"

            until(lambda: api.get(path).json()["status"] == "completed")


class TestDelivery:
    def test_reaches_the_receiver_at_once(self, receiver: Receiver) -> None:
        with served(webhook_url=receiver.url, webhook_secret="whsec_1") as (_, api):
            payment = api.post("/payments", json=deposit()).json()

            until(lambda: receiver.events)
        assert receiver.events[0]["payment"]["id"] == payment["transaction_id"]

    def test_never_holds_up_an_answer(self, receiver: Receiver) -> None:
        receiver.hanging = True
        with served(webhook_url=receiver.url, webhook_secret="whsec_1") as (server, api):
            for number in range(12):
                body = deposit(merchant_reference=f"order_{number}")
                answer = api.post("/payments", json=body, timeout=3)
                assert answer.status_code == 201
            until(lambda: len(server.sandbox.luxcore.post_office.courier.busy) >= 4)
            receiver.hanging = False
            receiver.hang.set()
            until(lambda: len(receiver.events) == 12)

    def test_notes_a_receiver_that_is_away(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with served(webhook_url=url, webhook_secret="whsec_1") as (_, api):
            (hook,) = api.get("/webhooks").json()["data"]
            api.post("/payments", json=deposit())

            def log() -> Json:
                items = api.get(f"/webhooks/{hook['id']}/events").json()["data"]
                return dict(items[0]) if items else {}

            until(lambda: log().get("attempts") == 1)
            assert (log()["status"], log()["response_code"]) == ("pending", None)

    def test_stays_on_this_machine(self) -> None:
        with served() as (server, api):
            api.post("/payments", json=deposit(webhook_url="https://hooks.example.com/x"))

            def events() -> list[Json]:
                url = f"{server.url}/_control/events"
                return list(httpx.get(url, trust_env=False).json()["events"])

            until(lambda: events()[0]["attempts"] == 1)
            assert "this machine only" in events()[0]["error"]


class TestStop:
    def test_does_not_wait_for_connections_that_are_open(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Handler, "timeout", None)  # they would be kept for ever
        with create_app(Config()) as sandbox, contextlib.ExitStack() as stack:
            context = serve(sandbox)
            server = context.__enter__()
            for _ in range(3):
                raw = socket.create_connection((server.host, server.port))
                stack.callback(raw.close)
                raw.sendall(b"GET /api/v1/bal")
            stopping = threading.Thread(target=context.__exit__, args=(None, None, None))
            stopping.daemon = True
            stopping.start()
            stopping.join(60)

            assert not stopping.is_alive()
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((server.host, server.port))

    def test_wakes_those_asleep_in_a_fault(self) -> None:
        with served() as (server, api):
            fault = {"kind": "delay", "params": {"seconds": 60}}
            httpx.post(f"{server.url}/_control/faults", json=fault, trust_env=False)
            errors: list[object] = []

            def ask() -> None:
                try:
                    errors.append(api.get("/balance", timeout=30).status_code)
                except httpx.TransportError as exc:
                    errors.append(exc)

            asking = threading.Thread(target=ask)
            asking.start()
            until(lambda: server.sandbox.faults.all()[0].taken)
            server.sandbox.closing.set()
            asking.join(10)

            assert len(errors) == 1


def environment(**changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | changes


@contextlib.contextmanager
def command(*arguments: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("listening on http://127.0.0.1:"), process.stderr
    return line.removeprefix("listening on ").strip()


class TestCommand:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_serves_until_it_is_told_to_stop(self, tmp_path: Path, number: int) -> None:
        state = str(tmp_path / "var" / "sandbox.sqlite3")
        with command("--port", "0", "--pace", "0", SANDBOX_STATE=state) as process:
            url = address(process)
            answer = httpx.get(f"{url}/api/v1/payments", headers=HEADERS, trust_env=False)
            process.send_signal(number)
            status = process.wait(10)

        assert answer.json()["total"] > 150
        assert status == 0
        assert Path(state).exists()

    def test_reads_keys_and_the_webhook_from_its_options(self, receiver: Receiver) -> None:
        options = ["--port", "0", "--state", ":memory:", "--seed", "-1", "--pace", "600"]
        options += ["--webhook-url", receiver.url, "--webhook-secret", "whsec_cli"]
        with command(*options, "--api-key", "qp_test_sk_a=balance.read") as process:
            url = address(process)
            headers = {"X-API-Key": "qp_test_sk_a"}
            paths = ("balance", "payments")
            statuses = [
                httpx.get(f"{url}/api/v1/{path}", headers=headers, trust_env=False).status_code
                for path in paths
            ]
            until(lambda: receiver.events)

        assert statuses == [200, 403]
        assert receiver.events[0]["merchant_id"] == 77

    def test_serves_lumetrade_beside_luxcore(self) -> None:
        options = ["--port", "0", "--state", ":memory:", "--seed", "-1", "--lumetrade-rate", "2"]
        options += ["--lumetrade-key", "k", "--lumetrade-secret", "s"]
        with command(*options) as process:
            url = f"{address(process)}/lumetrade/api/v1/accounts"
            headers = {"X-API-KEY": "k", "X-API-SECRET": "s"}
            statuses = [
                httpx.get(url, headers=sent, trust_env=False).status_code
                for sent in (headers, headers, headers, headers | {"X-API-SECRET": "x"})
            ]

        assert statuses == [200, 200, 429, 401]

    def test_serves_lux_financial_beside_luxcore(self, receiver: Receiver) -> None:
        options = ["--port", "0", "--state", ":memory:", "--seed", "-1", "--lux-rate", "2"]
        options += ["--lux-key", "k", "--lux-webhook-url", receiver.url]
        options += ["--lux-webhook-secret", "s"]
        person = {"type": "individual", "email": "a@b.example", "first_name": "A", "last_name": "B"}
        with command(*options) as process:
            url = f"{address(process)}/lux/v0/customers"
            statuses = [
                httpx.post(url, headers=headers, json=person, trust_env=False).status_code
                for headers in ({"Api-Key": "k"}, {"Api-Key": "x"}, {"Api-Key": "k"})
            ]
            until(lambda: receiver.events)

        assert statuses == [201, 401, 409]
        assert receiver.events[0]["event"] == "customer.created"

    def test_says_in_one_line_that_the_port_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            options = ["--port", port, "--state", ":memory:", "--seed", "-1"]
            with command(*options) as process:
                out, err = process.communicate(timeout=60)

        assert process.returncode == 1
        assert out == ""
        assert err == f"cannot listen on 127.0.0.1:{port}: Address already in use\n"

    def test_says_in_one_line_that_its_state_cannot_be_used(self, tmp_path: Path) -> None:
        state = tmp_path / "notes.txt"
        state.write_text("This is no database, and long enough to be looked at." * 20)
        with command("--port", "0", "--state", str(state)) as process:
            out, err = process.communicate(timeout=60)

        assert (process.returncode, out) == (1, "")
        assert err == f"cannot use {state}: file is not a database\n"

    @pytest.mark.parametrize(
        "options",
        [
            ["--webhook-url", "http://127.0.0.1/"],
            ["--api-key", "k=payments.steal"],
            ["--pace", "fast"],
        ],
    )
    def test_refuses_options_that_cannot_work(self, options: list[str]) -> None:
        with command(*options, "--state", ":memory:") as process:
            _, err = process.communicate(timeout=60)

        assert process.returncode == 2
        assert "error:" in err
