"""Sending what is due: one command, or all that nobody rang for.

Between the claim and the record a worker may die at any byte. So the claim is committed before
anything is sent, a claim that nobody finished counts as "may have been sent", and only the holder
of the newest fence number records anything.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from upstreams import clock, credentials
from upstreams.crashpoints import reach
from upstreams.enums import CommandState
from upstreams.models import Command, SendingSwitch
from upstreams.outbox.calling import call
from upstreams.outbox.claiming import claim
from upstreams.outbox.recording import record

logger = structlog.get_logger(__name__)


def deliver(command_id: int) -> CommandState | None:
    """Send one command if it is due and nobody else has it; return where it stands then.

    None when nothing was sent or recorded: not due, another worker's, held back, switched off.
    Safe to call at any time, any number of times, by any number of workers, but not inside a
    transaction.
    """
    attempt = claim(command_id)
    if attempt is None:
        return None
    reach("outbox.claimed")
    outcome = call(attempt)
    reach("outbox.answered")
    return record(attempt, outcome)


def sweep(*, limit: int = 50, stop: Callable[[], bool] = lambda: False) -> int:
    """Deliver what is due and nobody rang for, oldest first; return how many were attempted.

    `stop` is asked before each command. A command that fails does not hold up the others; a
    database that fails ends the sweep.
    """
    attempted = 0
    for command_id in _due(limit):
        if stop():
            break
        try:
            attempted += deliver(command_id) is not None
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("upstreams.outbox.not_delivered", command=command_id)
    return attempted


def _due(limit: int) -> list[int]:
    closed = SendingSwitch.objects.filter(is_on=False).values("upstream")
    due = Command.objects.due(now=clock.database_now(), keys=credentials.in_use())
    due = due.exclude(upstream__in=closed)
    oldest = due.order_by("next_at", "pk").values_list("pk", flat=True)
    if not connection.features.has_select_for_update_skip_locked:
        return list(oldest[:limit])
    with transaction.atomic():
        # A row that another worker is claiming at this moment is none of our business.
        return list(oldest.select_for_update(skip_locked=True)[:limit])
