"""Posting to other people's addresses from a few threads, never from an API answer."""

import http.client
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.web import is_loopback

Post = tuple[dict[str, str], bytes]
"""Headers and body."""


@dataclass(frozen=True)
class Parcel:
    """Posts for one address that share an outcome: the first one's."""

    serial: int
    url: str
    posts: list[Post]


@dataclass(frozen=True)
class Outcome:
    """The answer's status, or why there was none."""

    status: int | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


Sender = Callable[[str, dict[str, str], bytes], Outcome]


class HttpSender:
    """Sends with a timeout (seconds), and only to this machine unless told otherwise."""

    def __init__(self, *, timeout: float, outside: bool) -> None:
        self._timeout = timeout
        self._outside = outside

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if not self._outside and not is_loopback(host):
            return Outcome(None, "not sent: the sandbox delivers to this machine only")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(host, parts.port, timeout=self._timeout)
        try:
            target = parts.path or "/"
            connection.request(
                "POST", f"{target}?{parts.query}" if parts.query else target, body, headers
            )
            return Outcome(connection.getresponse().status)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            return Outcome(None, f"{type(exc).__name__}: {exc}")
        finally:
            connection.close()


class Courier:
    """Worker threads that send parcels and report each outcome. They never outlive the process."""

    def __init__(
        self, send: Sender, report: Callable[[Parcel, Outcome], None], *, workers: int = 4
    ) -> None:
        self._send = send
        self._report = report
        self._workers = workers
        self._queue: queue.SimpleQueue[Parcel | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._busy: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False

    @property
    def busy(self) -> frozenset[int]:
        with self._changed:
            return frozenset(self._busy)

    def accept(self, parcels: Iterable[Parcel]) -> None:
        for parcel in parcels:
            with self._changed:
                if parcel.serial in self._busy:
                    continue
                self._busy.add(parcel.serial)
                self._start()
            self._queue.put(parcel)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until nothing is on its way; False when `timeout` seconds were not enough."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy, timeout)

    def close(self) -> None:
        """Send nothing more; what is on its way ends unreported."""
        with self._changed:
            self._closed = True
        for _ in self._threads:
            self._queue.put(None)

    def _start(self) -> None:
        if len(self._threads) >= self._workers:
            return
        thread = threading.Thread(target=self._work, name="sandbox-courier", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (parcel := self._queue.get()) is not None:
            try:
                self._deliver(parcel)
            finally:
                with self._changed:
                    self._busy.discard(parcel.serial)
                    self._changed.notify_all()

    def _deliver(self, parcel: Parcel) -> None:
        if self._closed:
            return
        outcomes = [self._send(parcel.url, *post) for post in parcel.posts]
        if not self._closed:
            self._report(parcel, outcomes[0])
