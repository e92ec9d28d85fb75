"""What beat drives: every registered feed by its own clock, and the sweep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from upstreams import feeds

SWEEP_EVERY = timedelta(seconds=10)

_tasks: dict[str, timedelta] = {}


def register(task: str, *, every: timedelta) -> None:
    """Let beat start a domain's own task, named by its import path, again and again."""
    _tasks[task] = every


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Return the schedule. A tick that no worker took before the next one is dropped."""
    schedule = {
        feed.name: _entry("upstreams.tasks.run_feed", feed.every, name=feed.name)
        for feed in feeds.registered()
    }
    schedule |= {task: _entry(task, every) for task, every in _tasks.items()}
    return schedule | {"sweep": _entry("upstreams.tasks.sweep", SWEEP_EVERY)}


def _entry(task: str, every: timedelta, **kwargs: str) -> dict[str, Any]:
    return {
        "task": task,
        "schedule": every,
        "kwargs": kwargs,
        "options": {"expires": every.total_seconds()},
    }
