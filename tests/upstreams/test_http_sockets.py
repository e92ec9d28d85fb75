"""Scenarios U-4, U-5, U-9, U-11, U-15 over real sockets, against servers that mean harm.

Deadlines are shortened; that a call ends at all, and how, is the proof: each of these would hang
or fill the memory otherwise. A watchdog turns a hang into a failure.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Hung
from contextlib import contextmanager
from typing import TypeVar

import pytest

from tests.upstreams.wire import KEY, HostileServer, hostile, luxcore, payment
from upstreams import redis
from upstreams.errors import BadPayload, Unavailable, Unknown, UpstreamError
from upstreams.http import transport
from upstreams.http.transport import deadline

Behave = Callable[[socket.socket], None]
T = TypeVar("T")

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SHORT = 0.6


def patiently(work: Callable[[], T], *, seconds: float = 15.0) -> T:
    """`work`'s result, or a failure when it hangs."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result(timeout=seconds)
    except Hung:
        pytest.fail("the call never ended")
    finally:
        pool.shutdown(wait=False)


def problem_with(server: HostileServer, *, write: bool, deadline: float = SHORT) -> UpstreamError:
    client = luxcore(base_url=server.url, deadline=deadline)

    def call() -> UpstreamError:
        with pytest.raises(UpstreamError) as caught:
            if write:
                client.create_payment(b"{}")
            else:
                client.get_payment("pay_1")
        client.close()
        return caught.value

    return patiently(call)


@contextmanager
def memory_rises_little() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 64_000_000
    finally:
        tracemalloc.stop()


def drip(prefix: bytes, piece: bytes) -> Behave:
    """Sends `prefix`, then `piece` again and again, just fast enough for every read timeout."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(prefix)
        while True:
            connection.sendall(piece)
            time.sleep(0.05)

    return behave


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silent(connection: socket.socket) -> None:
    connection.recv(1)


def flood(head: bytes, chunk: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(chunk)

    return behave


SLOW: dict[str, Behave] = {
    "body, a byte at a time": drip(OK + b"Content-Length: 100000\r\n\r\n", b" "),
    "chunks, a byte at a time": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk header that never ends": drip(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "status line, a byte at a time": drip(b"HTTP/1.1 200 O", b"K"),
    "headers that never end": drip(OK, b"X-Another: one\r\n"),
    "one header that never ends": drip(OK + b"X-Long: ", b"x"),
    "interim answers for ever": drip(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "nothing at all": silent,
}
ENDLESS: dict[str, Behave] = {
    "body": flood(OK + b"\r\n", b" " * 65536),
    "body announced as huge": flood(OK + b"Content-Length: 5368709120\r\n\r\n", b" " * 65536),
    "chunks": flood(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65536 + b"\r\n"
    ),
    "body of an error": flood(b"HTTP/1.1 400 Bad Request\r\n\r\n", b" " * 65536),
}
BROKEN: dict[str, Behave] = {
    "reset at once": reset,
    "closed at once": lambda connection: connection.close(),
    "closed within the headers": lambda connection: connection.sendall(OK),
    "closed within the body": lambda c: c.sendall(OK + b"Content-Length: 100\r\n\r\n{"),
    "not HTTP at all": lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    "headers without end, fast": flood(OK, b"X-Another: " + b"x" * 60_000 + b"\r\n"),
    "two lengths": lambda c: c.sendall(
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}"
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _redis_is_away() -> Iterator[None]:
    """The sockets and names here are the upstream's alone."""
    redis.note_failure()
    yield
    redis.forget_failure()


class TestSlowServer:
    @pytest.mark.parametrize("name", SLOW)
    def test_cannot_hold_a_read_beyond_the_deadline(self, name: str) -> None:
        with hostile(SLOW[name]) as server:
            assert type(problem_with(server, write=False)) is Unavailable

    @pytest.mark.parametrize("name", SLOW)
    def test_leaves_a_write_unknown_at_the_deadline(self, name: str) -> None:
        with hostile(SLOW[name]) as server:
            assert type(problem_with(server, write=True)) is Unknown
            assert len(server.requests) == 1

    def test_cannot_stretch_the_deadline_by_taking_the_request_slowly(self) -> None:
        def sip(connection: socket.socket) -> None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            while connection.recv(64):
                time.sleep(0.02)

        with hostile(sip) as server:
            client = luxcore(base_url=server.url, deadline=SHORT)

            def call() -> None:
                with pytest.raises(Unknown):
                    client.create_payment(b" " * 20_000_000)

            patiently(call)


class TestEndlessAnswer:
    @pytest.mark.parametrize("name", ENDLESS)
    def test_is_left_at_the_limit(self, name: str) -> None:
        with hostile(ENDLESS[name]) as server, memory_rises_little():
            assert type(problem_with(server, write=False, deadline=15)) is BadPayload
        with hostile(ENDLESS[name]) as server:
            assert type(problem_with(server, write=True, deadline=15)) is Unknown

    def test_is_not_unpacked_when_it_is_a_bomb(self) -> None:
        packer = zlib.compressobj(level=1, wbits=31)
        bomb = b"".join(packer.compress(b" " * 1_000_000) for _ in range(300)) + packer.flush()

        def behave(connection: socket.socket) -> None:
            head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
            connection.sendall(head + bomb)

        with hostile(behave) as server, memory_rises_little():
            problem = problem_with(server, write=False, deadline=15)

        assert type(problem) is BadPayload
        assert "compressed" in str(problem)

    def test_is_not_waited_for_after_a_redirect(self) -> None:
        with hostile(flood(b"", b"")) as elsewhere:
            location = f"{elsewhere.url}/payments/pay_1".encode()
            head = b"HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\n"

            def behave(connection: socket.socket) -> None:
                connection.sendall(head + b"Location: " + location + b"\r\n\r\n")

            with hostile(behave) as server:
                assert type(problem_with(server, write=True)) is Unknown
                assert type(problem_with(server, write=False)) is BadPayload

            assert elsewhere.requests == []


class TestBrokenConnection:
    @pytest.mark.parametrize("name", BROKEN)
    def test_leaves_a_write_unknown(self, name: str) -> None:
        with hostile(BROKEN[name]) as server:
            assert type(problem_with(server, write=True, deadline=5)) is Unknown
            assert len(server.requests) == 1

    def test_before_anything_was_sent_is_harmless(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            port = nobody.getsockname()[1]
        client = luxcore(base_url=f"http://127.0.0.1:{port}/api/v1", deadline=2)

        with pytest.raises(Unavailable):
            client.create_payment(b"{}")

    def test_in_the_tls_handshake_is_harmless(self) -> None:
        with hostile_tls() as port:
            client = luxcore(base_url=f"https://127.0.0.1:{port}/api/v1", deadline=5)

            with pytest.raises(Unavailable):
                client.create_payment(b"{}")

    def test_of_a_kept_connection_does_not_break_the_next_call(self) -> None:
        body = json.dumps(payment()).encode()

        def once(connection: socket.socket) -> None:
            connection.sendall(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        with hostile(once) as server:
            client = luxcore(base_url=server.url, deadline=5)

            assert client.get_payment("pay_1").id == client.get_payment("pay_1").id


class TestNames:
    """Scenario U-11."""

    def test_that_lead_nowhere_are_harmless(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> list[object]:
            raise socket.gaierror(-2, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)

        with pytest.raises(Unavailable):
            luxcore(deadline=2).create_payment(b"{}")

    @pytest.mark.parametrize(
        "address",
        ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fe80::1"],
    )
    def test_that_lead_into_our_own_network_are_refused(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        with hostile(silent) as server:
            port = int(server.url.split(":")[2].split("/")[0])
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

            with pytest.raises(Unavailable):
                luxcore(base_url=f"http://api.lux-core.io:{port}/api/v1").create_payment(b"{}")

            assert server.requests == []

    def test_that_take_for_ever_end_with_the_connect_timeout(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        over = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(60) and [])

        def call() -> None:
            with pytest.raises(Unavailable):
                luxcore(deadline=SHORT).create_payment(b"{}")

        patiently(call)
        over.set()


class TestDeadline:
    def test_is_over_when_its_block_ends(self) -> None:
        with deadline(5) as seconds_left:
            assert 4 < seconds_left() <= 5
            assert transport._clip(10, TimeoutError) <= 5
            assert transport._clip(1, TimeoutError) == 1

        assert transport._deadline.get() is None

    def test_belongs_to_each_thread(self) -> None:
        with deadline(0), ThreadPoolExecutor(1) as pool:
            assert pool.submit(transport._deadline.get).result() is None


def test_the_key_reaches_nobody_but_the_upstream() -> None:
    with hostile(lambda connection: connection.close()) as server:
        problem_with(server, write=True)

        assert KEY.encode() in server.requests[0]


class hostile_tls:
    """A port that answers a TLS greeting with nonsense."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._answer, daemon=True).start()
        return int(self._listener.getsockname()[1])

    def _answer(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.recv(1024)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def __exit__(self, *_: object) -> None:
        self._listener.close()
