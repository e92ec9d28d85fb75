"""What Lumetrade's stages mean for who follows them (upstreams.md §2.11, LT-A3, LT-A9)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings


def is_final(status: str) -> bool:
    """Whether nothing follows this stage. COMPLETED is not final: it may still be REVERSED."""
    return status.upper() in settings.LUMETRADE_TERMINAL_STATUSES


def next_look(age: timedelta) -> timedelta:
    """How long to wait before an open item of this age is read again: long, once it is old."""
    is_old = age >= timedelta(seconds=settings.LUMETRADE_POLL_SLOW_AFTER)
    seconds = settings.LUMETRADE_POLL_SLOW if is_old else settings.LUMETRADE_POLL_OPEN
    return timedelta(seconds=seconds)
