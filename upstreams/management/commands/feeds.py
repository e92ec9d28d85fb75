"""Show where each feed stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from upstreams import credentials, feeds
from upstreams.models import FeedState

COLUMNS = ("FEED", "EVERY", "LAST SUCCESS", "COMPLETE UNTIL", "BEHIND", "STATE")


class Command(BaseCommand):
    help = "Show where each feed stands (times are UTC)."

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        states = FeedState.objects.in_bulk()
        rows = [COLUMNS] + [
            _row(feed, states.get(feed.name), now=now) for feed in feeds.registered()
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
        for row in rows:
            cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())
        if missing := _missing():
            self.stdout.write(
                f"Looked in the environment and in .env, and found no {missing}. "
                "A desk that make run started has keys of its own."
            )


def _missing() -> str:
    """Name the settings without which feeds have nobody to ask; "" when none is missing."""
    asked = dict.fromkeys(feed.upstream for feed in feeds.registered())
    return ", no ".join(
        credentials.SETTINGS[upstream]
        for upstream in asked
        if not credentials.is_configured(upstream)
    )


def _row(feed: feeds.Feed, state: FeedState | None, *, now: datetime) -> tuple[str, ...]:
    every = f"{feed.every.total_seconds():g} s"
    if state is None:
        return feed.name, every, "never", "–", "–", _words(feed, None, now=now)
    return (
        feed.name,
        every,
        _moment(state.last_success_at) or "never",
        _moment(state.complete_until) or "–",
        _behind(state.complete_until, now=now),
        _words(feed, state, now=now),
    )


def _words(feed: feeds.Feed, state: FeedState | None, *, now: datetime) -> str:
    if not credentials.is_configured(feed.upstream):
        return "not configured"
    if state is None:
        return "has not run yet"
    if state.lease_until is not None and state.lease_until > now:
        return "running"
    return state.last_error or "waiting for its next run"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""


def _behind(complete_until: datetime | None, *, now: datetime) -> str:
    if complete_until is None:
        return "–"
    lag = now - complete_until
    return str(timedelta(seconds=round(lag.total_seconds())))
