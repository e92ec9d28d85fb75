"""How long the code under test was ready to wait for a socket, without looking at a clock.

A socket waits at most as long as its timeout says. The sum of the timeouts that ran out is an upper
bound that no loaded machine can stretch; a socket without one could wait for ever.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

WAITING = ("connect", "recv", "recv_into", "send", "sendall")


class Patience:
    """What every wait of this process was allowed to take, while it is watched."""

    def __init__(self) -> None:
        self.granted: list[float | None] = []
        self.used_up: list[float] = []

    @property
    def longest(self) -> float:
        """The seconds that were waited at most; raises AssertionError where there is no most."""
        assert None not in self.granted, "a socket would have waited for ever"
        return sum(self.used_up)


@contextmanager
def patience() -> Iterator[Patience]:
    """Watch every wait on a socket of this process."""
    watched = Patience()

    def watching(name: str) -> Any:
        original = getattr(socket.socket, name)

        def wait(self: socket.socket, *args: Any) -> Any:
            allowed = self.gettimeout()
            watched.granted.append(allowed)
            assert allowed is not None, "this socket would wait for ever"
            try:
                return original(self, *args)
            except TimeoutError:
                watched.used_up.append(allowed)
                raise

        return wait

    with pytest.MonkeyPatch.context() as patch:
        for name in WAITING:
            patch.setattr(socket.socket, name, watching(name), raising=False)
        yield watched
