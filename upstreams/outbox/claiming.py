"""Taking a command: under its lock, on the database's clock, committed before any byte leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop as _

from staff import audit
from staff.texts import Text
from upstreams import alarms, clock, credentials
from upstreams.crashpoints import reach
from upstreams.enums import CommandState
from upstreams.models import Command, CommandQuerySet
from upstreams.outbox import doubts
from upstreams.outbox.senders import MustNotSend, Sender, sender_of
from upstreams.outbox.switches import sending_is_on

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # look first 20 s, send 20 s, and room to record
BLOCKED_PAUSE = timedelta(seconds=30)  # before a held command is looked at again
BLOCKED_TOO_LONG = timedelta(minutes=10)  # then a person is called


@dataclass(frozen=True)
class Attempt:
    """A command that this worker holds. `in_doubt`: an earlier attempt may have reached them."""

    command: Command
    sender: Sender
    fence: int
    in_doubt: bool


def claim(command_id: int) -> Attempt | None:
    """Take the command, or None: not due, another worker's, held back, or switched off."""
    seen = _due(Command.objects.filter(pk=command_id)).first()
    if seen is None or not sending_is_on(seen.upstream):
        return None
    try:
        return _take(seen)
    except MustNotSend as reason:
        _put_off(seen, why=str(reason))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("upstreams.outbox.not_started", command=seen.pk)
        _put_off(seen, why="It could not be started; the log says why.")
    return None


def _take(seen: Command) -> Attempt | None:
    sender = sender_of(seen)
    in_doubt = seen.state != CommandState.QUEUED
    if in_doubt and doubts.has_another_key(seen):
        doubts.wait_for_its_key(seen)
        return None
    if seen.state == CommandState.SENDING and seen.doubts >= len(doubts.LADDER):
        doubts.give_to_a_person(seen, why="Every worker that tried to send it has died.")
        return None
    return _win(seen, sender, in_doubt=in_doubt)


def _win(seen: Command, sender: Sender, *, in_doubt: bool) -> Attempt | None:
    key = credentials.fingerprint(seen.upstream)
    died_before = seen.state == CommandState.SENDING  # nobody finished the last claim
    with transaction.atomic(durable=True):
        if _due(_still_as_seen(seen)).select_for_update().first() is None:
            return None  # another worker was faster
        if not in_doubt and sender.starting is not None:
            sender.starting(seen, clock.database_now())
        # Looked at again under the lock under which it is thrown: nobody throws it until the end.
        audit.take_chain_lock()
        if not sending_is_on(seen.upstream):
            transaction.set_rollback(True)
            return None
        now = clock.database_now()
        _still_as_seen(seen).update(
            state=CommandState.SENDING,
            lease_until=now + LEASE,
            fence=F("fence") + 1,
            attempts=F("attempts") + 1,
            doubts=F("doubts") + int(died_before),
            first_sent_at=Coalesce("first_sent_at", now),
            # One in doubt keeps the key it was first sent with, if it was sent with any.
            credential=(in_doubt and seen.credential) or key,
            awaits_key=False,
            blocked_since=None,
        )
        reason = "It is being sent or looked for again."
        for code in (doubts.BLOCKED, doubts.ANOTHER_KEY):
            doubts.close_alarm(seen, code, at=now, by_label=doubts.SYSTEM, reason=reason)
        reach("outbox.claiming")
    command = Command.objects.get(pk=seen.pk)
    return Attempt(command=command, sender=sender, fence=seen.fence + 1, in_doubt=in_doubt)


def _due(commands: CommandQuerySet) -> CommandQuerySet:
    return commands.due(now=clock.database_now(), keys=credentials.in_use())


def _still_as_seen(seen: Command) -> CommandQuerySet:
    return Command.objects.filter(pk=seen.pk, fence=seen.fence, state=seen.state)


def _put_off(seen: Command, *, why: str) -> None:
    """Look at it again a little later; call a person when that has gone on for long."""
    now = clock.database_now()
    later = now + BLOCKED_PAUSE
    since = seen.blocked_since or now
    with transaction.atomic(durable=True):
        is_put_off = _still_as_seen(seen).update(
            next_at=later,
            lease_until=later if seen.state == CommandState.SENDING else seen.lease_until,
            blocked_since=since,
            error=why,
        )
        if is_put_off and now - since >= BLOCKED_TOO_LONG:
            alarms.raise_alarm(
                upstream=seen.upstream,
                code=doubts.BLOCKED,
                subject=(seen.subject_type, seen.subject_id),
                text=Text(
                    _("%(kind)s has been kept from being sent for a while. %(why)s"),
                    kind=seen.kind,
                    why=why,
                ),
                at=now,
            )
