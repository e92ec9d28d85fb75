"""Telling a worker that a row waits. Only a bell: the row is the work, a sweep finds it anyway."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import structlog
from celery import Task, current_app
from django.conf import settings
from django.db import transaction
from kombu import Connection, pools

from upstreams.redis import note_failure, redis_is_away

logger = structlog.get_logger(__name__)

# The bell has a connection of its own: a worker waits for work on its broker connection and needs
# patience there, whereas a click must not wait. Unbounded, a hung Redis holds it for good (proof
# m7). One ring costs at most one of these: the first that fails ends it.
RING_OPTIONS = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "max_retries": 0,
    "connect_retries_timeout": 0.5,
}


def ring(task: Task[..., Any] | str, **kwargs: Any) -> None:
    """Ask a worker to run the task (or the one of this name) after the current commit.

    Never raises and never waits long: about a second when Redis hangs, nothing for the 30 s after
    a failure. The caller has written the work down; a sweep does what nobody heard.
    """
    name = task if isinstance(task, str) else task.name
    transaction.on_commit(partial(_ring, name, kwargs))


def _ring(name: str, kwargs: dict[str, Any]) -> None:
    if redis_is_away():
        return
    try:
        pool = pools.producers[_connection(settings.CELERY_BROKER_URL)]
        with pool.acquire(block=True, timeout=RING_OPTIONS["socket_timeout"]) as producer:
            current_app.send_task(name, kwargs=kwargs, producer=producer, retry=False)
    except Exception as problem:
        note_failure()
        logger.warning("upstreams.doorbell.silent", task=name, problem=type(problem).__name__)


@cache
def _connection(url: str) -> Connection:
    """The key of our pool; pooled connections are copies of it, and a fork makes its own."""
    return current_app.connection_for_write(url, transport_options=RING_OPTIONS)
