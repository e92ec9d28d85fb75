"""A transport that keeps a total deadline and looks at addresses before connecting.

httpx bounds each read, not the whole: a byte a second passes every timeout (proof m12), in the body
as in the headers. So the sockets themselves clip every wait to what is left until the deadline of
the call that is running, which each thread carries in a context variable.
"""

from __future__ import annotations

import contextvars
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpcore
import httpx

CONNECT_SECONDS: Final = 3.0

_deadline: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float) -> Iterator[Callable[[], float]]:
    """Everything inside ends within `seconds`. Yields a function that tells what is left."""
    ending = time.monotonic() + seconds
    token = _deadline.set(ending)
    try:
        yield lambda: ending - time.monotonic()
    finally:
        _deadline.reset(token)


class DeadlineTransport(httpx.HTTPTransport):
    """HTTP over sockets that keep the deadline, without proxies or environment settings.

    Hosts other than `trusted` must have public addresses.
    """

    def __init__(self, *, trusted: Collection[str], verify: ssl.SSLContext | bool = True) -> None:
        context = httpx.create_ssl_context(verify=verify, trust_env=False)
        super().__init__(verify=context, trust_env=False)
        # httpx offers no door for a network backend, so its pool is replaced by one with ours.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=40,
            max_keepalive_connections=10,
            keepalive_expiry=5.0,
            network_backend=_Backend(trusted),
        )


class _Backend(httpcore.SyncBackend):
    def __init__(self, trusted: Collection[str]) -> None:
        self._trusted = frozenset(trusted)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises httpcore.ConnectTimeout or ConnectError: nothing has been sent then."""
        ending = time.monotonic() + _clip(timeout, httpcore.ConnectTimeout)
        problem: Exception = httpcore.ConnectError("the name has no address")
        addresses = _resolve(host, port, ending)
        for waiting, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            if host not in self._trusted and not _is_public(address):
                raise httpcore.ConnectError("the name leads to an address that is not public")
            left = ending - time.monotonic()
            if left <= 0:
                raise httpcore.ConnectTimeout("no connection in time")
            share = left / waiting  # a silent address must not use up the others' time
            try:
                stream = super().connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                problem = exc
            else:
                return _Stream(stream)
        raise problem


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _clip(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # Not httpcore's own loop: a peer that takes a byte now and then would stretch it.
        sock: socket.socket = self._stream.get_extra_info("socket")
        rest = memoryview(buffer)
        try:
            while rest:
                sock.settimeout(_clip(timeout, httpcore.WriteTimeout))
                rest = rest[sock.send(rest) :]
        except TimeoutError as exc:
            raise httpcore.WriteTimeout(str(exc)) from exc
        except OSError as exc:
            raise httpcore.WriteError(str(exc)) from exc

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _clip(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        return parsed.ipv4_mapped.is_global
    return parsed.is_global


def _clip(timeout: float | None, too_late: type[Exception]) -> float:
    """The shorter of `timeout` and what is left of the running call; raises `too_late`."""
    ending = _deadline.get()
    left = CONNECT_SECONDS if ending is None else ending - time.monotonic()
    if left <= 0:
        raise too_late("the call took too long")
    return left if timeout is None else min(timeout, left)


def _resolve(host: str, port: int, ending: float) -> list[str]:
    """The addresses of `host`. The system's resolver has no timeout, so a thread waits for it."""
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    try:
        ipaddress.ip_address(host)
    except ValueError:
        threading.Thread(target=ask, name="resolve", daemon=True).start()
    else:
        return [host]
    try:
        answer = answers.get(timeout=max(0.0, ending - time.monotonic()))
    except queue.Empty:
        raise httpcore.ConnectTimeout("the name was not found in time") from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError("the name was not found") from answer
    return answer
