"""A circuit per upstream and process: after repeated failures, stop knocking for a while.

Closed: calls pass. Open: calls are refused at once. When the pause is over, one call passes as a
probe; its success closes the circuit, its failure doubles the pause up to a minute.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final, cast

from upstreams import redis
from upstreams.errors import Unavailable

FAILURES_TO_OPEN: Final = 5
FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 60.0
PUBLISHED_SECONDS: Final = 120


class CircuitOpen(Unavailable):
    """Not tried: the upstream failed too often just now. Not worth waiting for within a call."""


class Circuit:
    """Thread-safe. Every call that `enter` lets pass must end in `succeeded` or `failed`."""

    def __init__(self, upstream: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.upstream = upstream
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def check(self) -> None:
        """Raises CircuitOpen when `enter` would; changes nothing."""
        with self._lock:
            waiting = self._waiting()
        if waiting > 0:
            raise self._refusal(waiting)

    def enter(self) -> None:
        """Raises CircuitOpen while open. Lets one caller through when the pause is over."""
        with self._lock:
            waiting = self._waiting()
            if self._open_until is not None and waiting <= 0:
                # Until this probe reports, the others wait another pause.
                self._open_until = self._clock() + self._pause
                self._probing = True
        if waiting > 0:
            raise self._refusal(waiting)

    def _waiting(self) -> float:
        return 0.0 if self._open_until is None else self._open_until - self._clock()

    def _refusal(self, waiting: float) -> CircuitOpen:
        return CircuitOpen(
            "The provider failed several times in a row; it is left alone for a moment",
            retry_after=waiting,
            upstream=self.upstream,
        )

    def succeeded(self) -> None:
        """The upstream answered like a living one, be it with a refusal."""
        with self._lock:
            was_open = self._open_until is not None
            self._failures, self._pause, self._open_until = 0, FIRST_PAUSE, None
            self._probing = False
        if was_open:
            _publish(self.upstream, is_open=False)

    def failed(self) -> None:
        """No connection, no answer in time, or a server error."""
        with self._lock:
            self._failures += 1
            if self._open_until is None and self._failures < FAILURES_TO_OPEN:
                return
            if self._open_until is not None:
                if not self._probing:
                    return  # it left before the circuit opened: nothing new
                self._probing = False
                self._pause = min(self._pause * 2, LONGEST_PAUSE)
            self._open_until = self._clock() + self._pause
        _publish(self.upstream, is_open=True)


_circuits: dict[tuple[int, str], Circuit] = {}
_circuits_lock = threading.Lock()


def circuit_of(upstream: str) -> Circuit:
    """The circuit of this process for `upstream`."""
    key = (os.getpid(), upstream)
    with _circuits_lock:
        if key not in _circuits:
            _circuits[key] = Circuit(upstream)
        return _circuits[key]


def somebody_sees_it_open(upstream: str) -> bool:
    """Whether this process, or lately another one, found the upstream failing."""
    if circuit_of(upstream).is_open:
        return True
    if redis.redis_is_away():
        return False
    try:
        lines = cast(list[str], redis.get_redis().hvals(_key(upstream)))
    except redis.RedisError:
        redis.note_failure()
        return False
    now = time.time()
    facts = [json.loads(line) for line in lines]
    return any(fact["is_open"] and fact["at"] > now - PUBLISHED_SECONDS for fact in facts)


def _publish(upstream: str, *, is_open: bool) -> None:
    """Tell the other processes; called on changes only, so it never adds to a normal call."""
    if redis.redis_is_away():
        return
    line = json.dumps({"is_open": is_open, "at": time.time()})
    try:
        with redis.get_redis().pipeline(transaction=False) as pipe:
            pipe.hset(_key(upstream), f"{socket.gethostname()}:{os.getpid()}", line)
            pipe.expire(_key(upstream), PUBLISHED_SECONDS)
            pipe.execute()
    except redis.RedisError:
        redis.note_failure()


def _key(upstream: str) -> str:
    return f"lightdesk:circuit:{upstream}"
