"""Running one feed: at most one run at a time, resumed where the last one stopped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from upstreams import clock
from upstreams.enums import RunState, Upstream
from upstreams.errors import (
    BadPayload,
    Forbidden,
    NotConfigured,
    RateLimited,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from upstreams.feeds import registry
from upstreams.feeds.registry import Feed
from upstreams.feeds.storing import AllRefused, LeaseLost, Running, store_page
from upstreams.models import FeedRun, FeedState

logger = structlog.get_logger(__name__)

KEEP_RUNS = timedelta(days=7)


def run(
    name: str,
    *,
    at: datetime | None = None,
    full: bool = False,
    on_page: Callable[[FeedRun], None] | None = None,
) -> FeedRun | None:
    """Read one feed to its end; None when another run is at work on it.

    An upstream that fails ends the run, with the reason in words on it, and what was read stays:
    the next run goes on after the last stored page. `full` reads everything again. `on_page` is
    told the run's counts after each page. Raises UnknownFeed, and whatever the database raises.
    """
    feed = registry.get(name)
    running = _begin(feed)
    if running is None:
        return None
    log = logger.bind(feed=name, run=running.run.pk)
    state, error = RunState.DONE, ""
    try:
        _read(running, now=at or clock.database_now(), full=full, on_page=on_page)
    except LeaseLost:
        log.warning("upstreams.feed.overtaken")
        state, error = RunState.ABANDONED, "Another run took over."
    except UpstreamError as problem:
        log.warning("upstreams.feed.failed", problem=type(problem).__name__)
        state, error = RunState.FAILED, in_words(problem, feed.upstream)
    except AllRefused as problem:
        log.error("upstreams.feed.all_refused")
        state, error = RunState.FAILED, str(problem)
    except (OperationalError, InterfaceError):
        raise  # nothing can be written down; the lease runs out and the next run resumes
    except Exception as problem:
        log.exception("upstreams.feed.broken")
        state, error = RunState.FAILED, f"A fault of ours: {type(problem).__name__}. See the log."
    return _end(running, state, error)


def in_words(problem: UpstreamError, upstream: str) -> str:
    """Say what happened and what will come of it."""
    label = Upstream(upstream).label
    match problem:
        case NotConfigured():
            return f"{problem}."  # a merchant that only signs has no key for reading
        case Unauthorized():
            return f"{label} refused our key. Somebody must look at it."
        case Forbidden():
            return f"Our key may not read this at {label}. Somebody must look at it."
        case RateLimited():
            return f"{label}'s rate limit is used up. The next run goes on from here."
        case Unavailable():
            return f"{label} did not answer. The next run goes on from here. ({problem})"
        case BadPayload():
            return f"{label} gave an answer nobody can read. ({problem})"
    return f"{label}: {problem}"


def _begin(feed: Feed) -> Running | None:
    """Take the feed's lease in one conditional update and open a run."""
    with transaction.atomic(durable=True):
        FeedState.objects.get_or_create(name=feed.name, defaults={"upstream": feed.upstream})
        now = clock.database_now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        won = FeedState.objects.filter(free, name=feed.name).update(
            lease_until=now + feed.lease, fence=F("fence") + 1, last_started_at=now
        )
        if not won:
            return None
        state = FeedState.objects.get(name=feed.name)
        state.runs.filter(state=RunState.RUNNING).update(
            state=RunState.ABANDONED, finished_at=now, error="It stopped half-way."
        )
        run = state.runs.create(started_at=now)
    return Running(feed=feed, run=run, fence=state.fence)


def _read(
    running: Running,
    *,
    now: datetime,
    full: bool,
    on_page: Callable[[FeedRun], None] | None,
) -> None:
    cursor = running.lease().values_list("cursor", flat=True).first()
    if cursor is None:
        raise LeaseLost(running.feed.name)
    for page in running.feed.pages(cursor, now, full):
        store_page(running, page, at=clock.database_now())
        if on_page is not None:
            running.run.refresh_from_db()
            on_page(running.run)


def _end(running: Running, state: RunState, error: str) -> FeedRun:
    now = clock.database_now()
    run = running.run
    run.refresh_from_db()
    with transaction.atomic(durable=True):
        if run.state == RunState.RUNNING:
            run.state, run.finished_at = state, now
            run.error = f"{run.error}{error}".strip()
            run.save(update_fields=["state", "finished_at", "error"])
        success = {"last_success_at": now} if state == RunState.DONE else {}
        running.lease().update(lease_until=None, last_error=error, **success)
        FeedRun.objects.filter(feed=running.feed.name, started_at__lt=now - KEEP_RUNS).delete()
    return run
