"""Handing kept events to the domains: once each, again after a failure, at last to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Least
from django.utils.translation import gettext_noop as _

from staff import audit
from staff.texts import Text
from upstreams import alarms, clock
from upstreams.crashpoints import reach
from upstreams.enums import EventState
from upstreams.models import WebhookEvent
from upstreams.webhooks.inbox import Unreadable, payload_of

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
DEAD = "webhooks-dead"  # the alarm

# After the n-th failure an event is tried again this much later; after the last it is dead.
LADDER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
MAX_ATTEMPTS = len(LADDER) + 1
WAITING = (EventState.RECEIVED, EventState.RETRYING)


@dataclass(frozen=True)
class WebhookMessage:
    """One verified event, as a handler gets it."""

    upstream: str
    event_id: str
    kind: str
    payload: Mapping[str, Any] = field(repr=False)
    received_at: datetime


Handler = Callable[[WebhookMessage], None]


class _Overtaken(Exception):
    """Another worker has this event now: what this one did is rolled back."""


_handlers: dict[tuple[str, str], Handler] = {}


def register(upstream: str, prefix: str, handler: Callable[[WebhookMessage], None]) -> None:
    """Hand events whose kind starts with `prefix` to this handler; the longest prefix wins.

    The handler runs in a transaction with the event's own row and calls nobody outside. It may
    raise: then its writes are undone and the event is tried again later. It may be handed the
    same event again by a replay.
    """
    if (upstream, prefix) in _handlers:
        raise ValueError(f"{upstream} {prefix} has a handler already")
    _handlers[upstream, prefix] = handler


def process(event_id: int) -> EventState | None:
    """Handle one event if it waits and nobody else has it; return its state then, else None.

    `event_id` is the row's key, not the upstream's id.
    """
    event = _claim(event_id)
    if event is None:
        return None
    if event.attempts > MAX_ATTEMPTS:
        return _bury(event, "Every worker that tried it has died.")
    try:
        return _handle(event)
    except _Overtaken:
        logger.warning("upstreams.webhook.overtaken", event_pk=event.pk)
        return None
    except (OperationalError, InterfaceError):
        raise  # the lease runs out, a sweep tries again
    except Unreadable as problem:
        return _bury(event, str(problem))
    except Exception as problem:
        logger.exception("upstreams.webhook.handler_failed", event_pk=event.pk)
        return _try_later(event, f"{type(problem).__name__}: see the log.")


def sweep(*, limit: int = 200, stop: Callable[[], bool] = lambda: False) -> int:
    """Process events that nobody rang for, oldest first; return how many were handled."""
    handled = 0
    waiting = WebhookEvent.objects.waiting(now=clock.database_now()).values_list("pk", flat=True)
    for event_id in list(waiting[:limit]):
        if stop():
            break
        handled += process(event_id) is not None
    return handled


def replay(events: QuerySet[WebhookEvent], *, by_label: str, at: datetime) -> int:
    """Hand these events out once more; return how many. Writes are merged, never doubled."""
    with transaction.atomic():
        audit.take_chain_lock()  # before the events: so do handlers that record what they did
        replayed = events.order_by().update(
            state=EventState.RECEIVED,
            next_at=at,
            attempts=Least(F("attempts"), Value(MAX_ATTEMPTS - 1)),  # one more try at least
        )
        if replayed:
            audit.record(
                "upstreams.webhooks.replayed",
                ("upstreams.webhookevent", "several"),
                by=None,
                by_label=by_label,
                at=at,
                after={"events": replayed},
            )
    return replayed


def _claim(event_id: int) -> WebhookEvent | None:
    """Take the event for a minute. The count of attempts is the fence."""
    now = clock.database_now()
    won = (
        WebhookEvent.objects.waiting(now=now)
        .filter(pk=event_id)
        .order_by()
        .update(attempts=F("attempts") + 1, next_at=now + LEASE)
    )
    return WebhookEvent.objects.get(pk=event_id) if won else None


def _handle(event: WebhookEvent) -> EventState:
    """Run the handler and mark the event in one transaction: both happen, or neither."""
    message, handler = _message(event), _handler_of(event)
    with transaction.atomic():
        if handler is None:
            state, error = EventState.UNHANDLED, f"Nothing here handles {event.kind or 'it'} yet."
        else:
            handler(message)
            state, error = EventState.APPLIED, ""
        reach("webhooks.handled")
        if not _mark(event, state=state, next_at=None, error=error):
            raise _Overtaken
    return state


def _handler_of(event: WebhookEvent) -> Handler | None:
    fitting = [
        prefix
        for upstream, prefix in _handlers
        if upstream == event.upstream and event.kind.startswith(prefix)
    ]
    return _handlers[event.upstream, max(fitting, key=len)] if fitting else None


def _message(event: WebhookEvent) -> WebhookMessage:
    return WebhookMessage(
        upstream=event.upstream,
        event_id=event.event_id,
        kind=event.kind,
        payload=payload_of(event.body_bytes),
        received_at=event.received_at,
    )


def _try_later(event: WebhookEvent, error: str) -> EventState | None:
    if event.attempts >= MAX_ATTEMPTS:
        return _bury(event, error)
    later = clock.database_now() + LADDER[event.attempts - 1]
    marked = _mark(event, state=EventState.RETRYING, next_at=later, error=error)
    return EventState.RETRYING if marked else None


def _bury(event: WebhookEvent, error: str) -> EventState | None:
    with transaction.atomic():
        audit.take_chain_lock()
        if not _mark(event, state=EventState.DEAD, next_at=None, error=error):
            return None
        alarms.raise_alarm(
            upstream=event.upstream,
            code=DEAD,
            text=Text(_("At least one event could not be applied. Look at it and replay it.")),
            at=clock.database_now(),
        )
    return EventState.DEAD


def _mark(event: WebhookEvent, *, state: EventState, next_at: datetime | None, error: str) -> bool:
    marked = WebhookEvent.objects.filter(
        pk=event.pk, attempts=event.attempts, state__in=WAITING
    ).update(state=state, next_at=next_at, processed_at=clock.database_now(), error=error)
    return bool(marked)
