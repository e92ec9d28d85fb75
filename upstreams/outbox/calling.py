"""Calling the upstream for one attempt, and saying what its answer or its silence means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from upstreams.crashpoints import reach
from upstreams.errors import (
    Forbidden,
    NotConfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    UpstreamError,
)
from upstreams.outbox.claiming import Attempt
from upstreams.outbox.outcomes import (
    Outcome,
    Postponed,
    ProviderClosed,
    Refused,
    RefusedRepeat,
    Uncertain,
)
from upstreams.outbox.senders import Repeat
from upstreams.outbox.switches import sending_is_on

logger = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

REFUSED_KEY_PAUSE = 60.0  # seconds; the provider is switched off anyway
LONGEST_PAUSE = 60.0


def call(attempt: Attempt) -> Outcome:
    """Look for the command where that comes first, then send it where that may be. Never raises."""
    sender = attempt.sender
    if attempt.in_doubt and sender.repeat is not Repeat.SAME_KEY:
        found = _look(attempt)
        if found is not None:
            return found
        if sender.repeat is Repeat.NEVER:
            return Uncertain("The upstream does not show it yet.")
        if not sending_is_on(attempt.command.upstream):
            return Postponed(seconds=1.0, why="Sending was stopped while it was looked for.")
    reach("outbox.sending")
    sent = _translated(lambda: sender.send(attempt.command), attempt=attempt, refusal=_refused)
    if attempt.in_doubt and sender.repeat is Repeat.LOOK_FIRST and isinstance(sent, Refused):
        return RefusedRepeat(code=sent.code, message=sent.message, fields=sent.fields)
    return sent


def _look(attempt: Attempt) -> Outcome | None:
    find = attempt.sender.find
    if find is None:
        raise RuntimeError(f"{attempt.sender.kind} cannot be looked for")
    return _translated(lambda: find(attempt.command), attempt=attempt, refusal=_unseen)


def _refused(error: UpstreamError) -> Outcome:
    if isinstance(error, Rejected):
        return Refused(code=error.code, message=error.message, fields=error.field_errors)
    return Refused(code="NOT_FOUND", message=error.message)


def _unseen(error: UpstreamError) -> Outcome:
    return Uncertain(f"It could not be looked for: {error.message}")


def _translated(
    ask: Callable[[], Answer], *, attempt: Attempt, refusal: Callable[[UpstreamError], Outcome]
) -> Answer | Outcome:
    """Return the answer, or the outcome that the error stands for (`upstreams.errors`)."""
    try:
        return ask()
    except (NotConfigured, Unauthorized, Forbidden) as error:
        return ProviderClosed(seconds=REFUSED_KEY_PAUSE, why=error.message)
    except RateLimited as error:
        return Postponed(seconds=max(error.retry_after, 1.0), why=error.message)
    except Unavailable as error:
        backoff = min(2.0 ** min(attempt.command.attempts, 6), LONGEST_PAUSE)
        return Postponed(seconds=error.retry_after or backoff, why=error.message)
    except (Rejected, NotFound) as error:
        return refusal(error)
    except UpstreamError as error:
        return Uncertain(error.message)
    except Exception as error:
        logger.exception("upstreams.outbox.sender_failed", command=attempt.command.pk)
        return Uncertain(f"The sender failed: {type(error).__name__}")
