"""How long Lux Financial knows an idempotency key again (upstreams.md §4.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings

from upstreams import clock
from upstreams.models import Command

MARGIN: Final = timedelta(hours=1)  # their day may end sooner than ours


def may_be_forgotten(command: Command) -> bool:
    """Whether a repeat of this command, under its key, may be taken for a new request by now."""
    if command.first_sent_at is None:
        return False
    known_for = timedelta(seconds=settings.LUX_IDEMPOTENCY_TTL) - MARGIN
    return clock.database_now() - command.first_sent_at >= known_for
