"""Counting what was refused. Nothing of it reaches the database: strangers cannot fill it."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import cast

import structlog

from upstreams.redis import RedisError, get_redis, note_failure, redis_is_away
from upstreams.webhooks.receivers import Refusal

logger = structlog.get_logger(__name__)

KEEP = timedelta(days=30)

_lock = threading.Lock()
_here: Counter[tuple[str, str, str]] = Counter()  # what Redis has not been told yet


def count(upstream: str, refusal: Refusal) -> None:
    """Count one refusal, in Redis when it is there, else in this process until it is back."""
    logger.warning("upstreams.webhook.refused", upstream=upstream, reason=refusal.value)
    with _lock:
        _here[upstream, _today().isoformat(), refusal.value] += 1
    if not redis_is_away():
        _hand_over()


def counts(upstream: str, day: date | None = None) -> dict[str, int]:
    """Refusals of one day (UTC, default today) by reason, as far as Redis and this process know."""
    day = day or _today()
    with _lock:
        known = Counter(
            {
                reason: number
                for (of, on, reason), number in _here.items()
                if of == upstream and on == day.isoformat()
            }
        )
    if not redis_is_away():
        try:
            stored = cast(dict[str, str], get_redis().hgetall(_key(upstream, day.isoformat())))
        except RedisError:
            note_failure()
        else:
            known.update({reason: int(number) for reason, number in stored.items()})
    return dict(known)


def _hand_over() -> None:
    with _lock:
        waiting = dict(_here)
        _here.clear()
    try:
        pipeline = get_redis().pipeline()
        for (upstream, day, reason), number in waiting.items():
            pipeline.hincrby(_key(upstream, day), reason, number)
            pipeline.expire(_key(upstream, day), int(KEEP.total_seconds()))
        pipeline.execute()
    except RedisError:
        note_failure()
        with _lock:
            _here.update(waiting)


def _key(upstream: str, day: str) -> str:
    return f"lightdesk:webhooks:refused:{upstream}:{day}"


def _today() -> date:
    return datetime.now(UTC).date()
