"""One set of connections per process and credential, for every upstream's `get_client`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

A = TypeVar("A", bound=Hashable)
C = TypeVar("C")

_clients: Final[dict[tuple[int, Hashable], Any]] = {}
_lock = threading.Lock()


def kept(access: A, make: Callable[[A], C]) -> C:
    """The client that `make` made of `access` in this process, made now if there is none."""
    key = (os.getpid(), access)
    with _lock:
        if key not in _clients:
            _clients[key] = make(access)
        client: C = _clients[key]
        return client
