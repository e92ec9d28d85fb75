"""Workers that die by `kill -9`, at a named place in our code or at a byte on the wire."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connections

from upstreams.http import transport

WRITES = (b"POST ", b"PATCH ")  # how a call begins that changes something there
Deed = Callable[[], object]
Seen = Callable[[], bool]


def in_worker(deed: Deed, *, prepare: Deed = lambda: None) -> int:
    """Run `deed` in a forked worker; return its exit status, or minus the signal that ended it."""
    connections.close_all()
    worker = os.fork()
    if worker == 0:
        status = 1
        try:
            prepare()
            deed()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(worker, 0)
    return os.waitstatus_to_exitcode(status)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(place: str) -> Deed:
    """Die at a place that `upstreams.crashpoints` names."""

    def prepare() -> None:
        settings.CRASH_AT = place

    return prepare


def while_connecting() -> None:
    """Die before the connection for a write stands."""

    def connect_tcp(*_: Any, **__: Any) -> Any:
        die()

    _patch(transport._Backend, "connect_tcp", connect_tcp)


def half_a_request_written() -> None:
    """Die when half of the bytes of the write have left."""
    original = transport._Stream.write

    def write(self: Any, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer.startswith(WRITES):
            return original(self, buffer, timeout)
        original(self, buffer[: len(buffer) // 2], timeout)
        return die()

    _patch(transport._Stream, "write", write)


def whole_request_written() -> None:
    """Die when the whole write has left, whether or not anybody has read it."""
    _die_reading(lambda stream, seen: die())


def once(accepted: Seen) -> Deed:
    """Die when the upstream has accepted the payment, before a byte of its answer is read."""

    def prepare() -> None:
        def wait_and_die(stream: Any, read: Any) -> None:
            deadline = time.monotonic() + 10
            while not accepted() and time.monotonic() < deadline:
                time.sleep(0.005)
            die()

        _die_reading(wait_and_die)

    return prepare


def headers_read() -> None:
    """Die when the first bytes of the answer are here."""

    def read_and_die(stream: Any, read: Any) -> None:
        read(stream, 20)
        die()

    _die_reading(read_and_die)


def half_the_answer_read() -> None:
    """Die in the middle of the answer."""

    def read_and_die(stream: Any, read: Any) -> None:
        read(stream, 500)
        die()

    _die_reading(read_and_die)


def _die_reading(how: Callable[[Any, Any], None]) -> None:
    """Patch the stream so that the first read after a write ends in `how`."""
    write, read = transport._Stream.write, transport._Stream.read
    posting: list[bool] = []

    def watching_write(self: Any, buffer: bytes, timeout: float | None = None) -> None:
        write(self, buffer, timeout)
        if buffer.startswith(WRITES):
            posting.append(True)

    def deadly_read(self: Any, max_bytes: int, timeout: float | None = None) -> bytes:
        if posting:
            how(self, read)
        return read(self, max_bytes, timeout)

    _patch(transport._Stream, "write", watching_write)
    _patch(transport._Stream, "read", deadly_read)


def _patch(owner: type, name: str, new: Any) -> None:
    """Set for good: the process that does this is about to die."""
    setattr(owner, name, new)
