"""One Redis client per process, and one memory of whether Redis is away.

Redis is a doorbell and a shared counter here, never the only copy of anything, so whoever fails to
reach it says so with `note_failure()` and everybody leaves it alone for a while. A Redis that
hangs then costs a process one short timeout instead of one per call.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any, Final, cast

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

AWAY_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 0.2

RedisError = (redis.RedisError, OSError)
"""What a call to Redis may raise when Redis is away."""

_lock = threading.Lock()
_clients: dict[tuple[int, str], redis.Redis] = {}
_away_until = 0.0


def get_redis() -> redis.Redis:
    """The client of this process. Every call on it may raise `RedisError`; connects when used."""
    key = (os.getpid(), cast(str, settings.REDIS_URL))
    with _lock:
        if key not in _clients:
            _clients[key] = _connect(key[1])
        return _clients[key]


def redis_is_away() -> bool:
    """Whether a recent call failed: do not try now."""
    return time.monotonic() < _away_until


def note_failure() -> None:
    """Remember that Redis did not answer."""
    global _away_until
    _away_until = time.monotonic() + AWAY_SECONDS


def forget_failure() -> None:
    """Try Redis again at once."""
    global _away_until
    _away_until = 0.0


def _connect(url: str) -> redis.Redis:
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "retry": Retry(NoBackoff(), 0),  # redis-py would retry three times on its own
        "driver_info": None,  # saves two round trips for each new connection
        "decode_responses": True,
    }
    return redis.Redis.from_url(url, **options)
