"""Scenario U-10: a server that cannot prove who it is gets nothing, least of all the key.

`certificates/` holds two certificates of this test's own for `localhost`, each with its key: one
that is good for a century and one that ended in 2020.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.upstreams.wire import KEY, ROOMY, payment
from upstreams import redis
from upstreams.budget import Budget, Priority
from upstreams.circuit import Circuit
from upstreams.errors import Unavailable
from upstreams.http.transport import DeadlineTransport
from upstreams.luxcore.client import Access, LuxCoreClient, make_client

CERTIFICATES = Path(__file__).parent / "certificates"


@pytest.fixture(autouse=True)
def _redis_is_away() -> Iterator[None]:
    redis.note_failure()
    yield
    redis.forget_failure()


@dataclass
class TlsServer:
    """Answers every request with a payment, once the handshake is done."""

    certificate: str
    requests: list[bytes] = field(default_factory=list)
    port: int = 0

    def serve(self, listener: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / self.certificate)
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                self.answer(plain, context)

    def answer(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        body = json.dumps(payment()).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        with suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as connection:
            self.requests.append(connection.recv(65536))
            connection.sendall(head + body)


@contextmanager
def tls_server(certificate: str) -> Iterator[TlsServer]:
    server = TlsServer(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(listener,), daemon=True)
        thread.start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=5)


@contextmanager
def client_of(server: TlsServer, *, host: str, trusting: str = "") -> Iterator[LuxCoreClient]:
    """A client that believes the authorities of the world, or one certificate of ours."""
    verify: ssl.SSLContext | bool = True
    if trusting:
        verify = ssl.create_default_context(cafile=str(CERTIFICATES / trusting))
    client = make_client(
        Access(base_url=f"https://{host}:{server.port}/api/v1", api_key=KEY),
        budget=Budget(upstream="luxcore", credential="test", rates=ROOMY, share=1),
        circuit=Circuit("luxcore"),
        transport=DeadlineTransport(trusted={host}, verify=verify),
    ).tuned(priority=Priority.OPERATOR, deadline=4.0)
    yield client
    client.close()


class TestServer:
    def test_that_proves_who_it_is_is_spoken_to(self) -> None:
        with (
            tls_server("localhost.pem") as server,
            client_of(server, host="localhost", trusting="localhost.pem") as client,
        ):
            assert client.get_payment("pay_1").id == payment()["transaction_id"]

        assert KEY.encode() in server.requests[0]

    @pytest.mark.parametrize(
        ("certificate", "host", "trusting"),
        [
            ("localhost.pem", "localhost", ""),  # nobody vouches for it
            ("expired.pem", "localhost", "expired.pem"),
            ("localhost.pem", "127.0.0.1", "localhost.pem"),  # it is somebody else
        ],
    )
    def test_that_cannot_gets_nothing(self, certificate: str, host: str, trusting: str) -> None:
        with (
            tls_server(certificate) as server,
            client_of(server, host=host, trusting=trusting) as client,
            pytest.raises(Unavailable),
        ):
            client.create_payment(b"{}")

        assert server.requests == []

    def test_that_never_finishes_the_handshake_is_left(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = TlsServer("localhost.pem", port=listener.getsockname()[1])
            with client_of(server, host="127.0.0.1") as client, pytest.raises(Unavailable):
                client.tuned(priority=Priority.OPERATOR, deadline=0.5).create_payment(b"{}")


def test_old_versions_of_tls_are_not_spoken() -> None:
    transport = DeadlineTransport(trusted=())

    context = transport._pool._ssl_context
    assert context is not None
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED and context.check_hostname
