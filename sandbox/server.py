"""Serving a sandbox on a port: HTTP/1.1 with keep-alive, a thread per connection, a ticker."""

import contextlib
import logging
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import unquote_to_bytes

from sandbox.app import Sandbox
from sandbox.web import Hijack, is_loopback

log = logging.getLogger(__name__)

TICK = 0.2  # seconds
LARGEST_BODY = 12 * 1024 * 1024  # bytes
RESET = struct.pack("ii", 1, 0)  # linger on, for no time: closing sends a TCP reset


class _BadBody(ValueError):
    """The request's body cannot be read: no valid length, or too large."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Sandbox"
    sys_version = ""
    wbufsize = -1  # answers leave in few packets
    disable_nagle_algorithm = True
    timeout = 120  # seconds an idle connection is kept
    server: "SandboxServer"

    def handle_any(self) -> None:
        try:
            body = self._read_body()
        except _BadBody as exc:
            self.close_connection = True
            self.send_error(413, str(exc))
            return
        if body is None:
            self.close_connection = True
            return
        try:
            self._answer(body)
        except Hijack as hijack:
            self._drop(hijack)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = handle_any

    def handle_one_request(self) -> None:
        # A client that went away is its own business.
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
            super().handle_one_request()
            return
        self.close_connection = True

    def finish(self) -> None:
        """Close both ends, whatever is left unsent: an open one keeps the socket open."""
        for end in (self.wfile, self.rfile):
            with contextlib.suppress(OSError, ValueError):
                end.close()

    def log_message(self, format: str, *args: Any) -> None:
        """The sandbox keeps its own log of requests."""

    def _read_body(self) -> bytes | None:
        """The whole body, so that the next request on this connection starts where it should."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY:
            raise _BadBody("request body too large")
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            line = self.rfile.readline(100).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                return None
            if size < 0 or len(body) + size > LARGEST_BODY:
                raise _BadBody("request body too large")
            if size == 0:
                while self.rfile.readline(1000).strip():
                    pass
                return bytes(body)
            body += self.rfile.read(size)
            self.rfile.readline(100)

    def _answer(self, body: bytes) -> None:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started.append((status, headers))

        chunks = self.server.sandbox(self._environ(body), start_response)
        try:
            status, headers = started[0]
            self._send(status, headers, chunks)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _send(self, status: str, headers: list[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        code, _, phrase = status.partition(" ")
        bare = self.command == "HEAD" or code in ("204", "304")
        names = {name.lower() for name, _ in headers}
        chunked = not bare and "content-length" not in names
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for chunk in () if bare else chunks:
            if chunked:
                chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunk else b""
            self.wfile.write(chunk)
            if chunked:
                self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _environ(self, body: bytes) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.path,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "SERVER_NAME": self.server.host,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.input_terminated": True,  # chunks were put together already
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                environ[f"HTTP_{key}"] = value
        return environ

    def _drop(self, hijack: Hijack) -> None:
        self.close_connection = True
        for chunk in hijack.chunks:
            self.wfile.write(chunk)
            self.wfile.flush()
        if hijack.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.server.abandon(self.connection)


class SandboxServer(ThreadingMixIn, TCPServer):
    """Listens at once; serves from `start` until `stop`, which ends open connections too."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, host: str, port: int) -> None:
        self.sandbox = sandbox
        self._connections: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._loops: list[threading.Thread] = []
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), Handler)
        sandbox.luxcore.public_url = sandbox.config.public_url or self.url
        sandbox.lux.public_url = sandbox.luxcore.public_url

    @property
    def host(self) -> str:
        return str(self.server_address[0])

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where this server can be reached, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{self.port}"

    def start(self) -> None:
        targets = {
            "sandbox-server": lambda: self.serve_forever(poll_interval=0.05),
            "sandbox-ticker": self._tick,
            "sandbox-doorbell": self._ring,
        }
        for name, target in targets.items():
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._loops.append(thread)

    def stop(self) -> None:
        self.sandbox.closing.set()
        self.sandbox.wake.set()
        self.shutdown()
        self.server_close()
        with self._guard:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._loops:
            thread.join(timeout=2)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            known = request in self._connections
            self._connections.discard(request)
        if known:
            super().shutdown_request(request)
        else:
            request.close()

    def abandon(self, connection: socket.socket) -> None:
        """Close without the polite goodbye, so that a lingering reset is what the peer sees."""
        with self._guard:
            self._connections.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            log.exception("a connection from %s ended badly", client_address)

    def _tick(self) -> None:
        while not self.sandbox.closing.wait(TICK):
            self._safely(self.sandbox.tick)

    def _ring(self) -> None:
        """Deliver at once what an answered call made due, rather than at the next tick."""
        while not self.sandbox.closing.is_set():
            if self.sandbox.wake.wait(TICK):
                self._safely(self.sandbox.dispatch)

    def _safely(self, step: Any) -> None:
        try:
            step()
        except Exception:
            if not self.sandbox.closing.is_set():
                log.exception("the sandbox's ticker stumbled")


@contextlib.contextmanager
def serve(sandbox: Sandbox, *, port: int = 0, host: str = "") -> Iterator[SandboxServer]:
    """Serve for the length of a `with` block; the sandbox itself stays open."""
    server = SandboxServer(sandbox, host or sandbox.config.host, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def run(sandbox: Sandbox, *, host: str, port: int) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        server = SandboxServer(sandbox, host, port)
    except OSError as exc:
        print(f"cannot listen on {host}:{port}: {exc.strerror}", file=sys.stderr)
        return 1
    server.start()
    print(f"listening on {server.url}", flush=True)
    if not is_loopback(host):
        print("the control door stays shut: not bound to loopback", flush=True)
    stopping.wait()
    server.stop()
    sandbox.close()
    return 0
