"""Taking a command: one conditional update, on the database's clock, committed before any byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce

from upstreams import alarms, clock, credentials
from upstreams.crashpoints import reach
from upstreams.enums import CommandState
from upstreams.models import Command, CommandQuerySet
from upstreams.outbox.doubts import LADDER, give_to_a_person, hold
from upstreams.outbox.senders import MustNotSend, Sender, sender_of
from upstreams.outbox.switches import sending_is_on

logger = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)  # look first 20 s, send 20 s, and room to record
BLOCKED_PAUSE = timedelta(seconds=30)  # before a held command is looked at again
CREDENTIAL_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Attempt:
    """A command that this worker holds. `in_doubt`: an earlier attempt may have reached them."""

    command: Command
    sender: Sender
    fence: int
    in_doubt: bool


def claim(command_id: int) -> Attempt | None:
    """Take the command, or None: not due, another worker's, held back, or switched off."""
    seen = Command.objects.due(now=clock.database_now()).filter(pk=command_id).first()
    if seen is None or not sending_is_on(seen.upstream):
        return None
    in_doubt = seen.state != CommandState.QUEUED
    if in_doubt and _has_another_credential(seen):
        return None
    if seen.state == CommandState.SENDING and seen.doubts >= len(LADDER):
        give_to_a_person(seen, why="Every worker that tried to send it has died.")
        return None
    try:
        return _win(seen, sender_of(seen), in_doubt=in_doubt)
    except MustNotSend as reason:
        _put_off(seen, why=str(reason))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # When a worker was faster, it has moved the domain's row already: all is well.
        if _still_as_seen(seen).exists():
            logger.exception("upstreams.outbox.not_started", command=seen.pk)
            _put_off(seen, why="It could not be started; the log says why.")
    return None


def _win(seen: Command, sender: Sender, *, in_doubt: bool) -> Attempt | None:
    with transaction.atomic(durable=True):
        now = clock.database_now()
        if not _still_as_seen(seen).exists():
            return None
        if not in_doubt and sender.starting is not None:
            sender.starting(seen, now)  # locks the domain's row first, as its own actions do
        died_before = seen.state == CommandState.SENDING  # nobody finished the last claim
        won = (
            _still_as_seen(seen)
            .due(now=now)
            .update(
                state=CommandState.SENDING,
                lease_until=clock.database_now() + LEASE,
                fence=F("fence") + 1,
                attempts=F("attempts") + 1,
                doubts=F("doubts") + int(died_before),
                first_sent_at=Coalesce("first_sent_at", now),
                credential=seen.credential if in_doubt else credentials.fingerprint(seen.upstream),
            )
        )
        if not won:
            transaction.set_rollback(True)
            return None
        reach("outbox.claiming")
    command = Command.objects.get(pk=seen.pk)
    return Attempt(command=command, sender=sender, fence=seen.fence + 1, in_doubt=in_doubt)


def _still_as_seen(seen: Command) -> CommandQuerySet:
    return Command.objects.filter(pk=seen.pk, fence=seen.fence, state=seen.state)


def _put_off(seen: Command, *, why: str) -> None:
    _still_as_seen(seen).update(next_at=clock.database_now() + BLOCKED_PAUSE, error=why)


def _has_another_credential(seen: Command) -> bool:
    """Whether the key changed since the command was first sent; if so, leave it to a person.

    Upstreams know a repeat by key and credential: under another one it could pay twice.
    """
    if seen.credential in {"", credentials.fingerprint(seen.upstream)}:
        return False
    now = clock.database_now()
    why = "It was first sent with another key, so it is not sent again with this one."
    with transaction.atomic(durable=True):
        hold(seen, why=why, next_at=now + CREDENTIAL_PAUSE, at=now)
        alarms.raise_alarm(
            upstream=seen.upstream,
            code="credential-changed",
            text=(
                "The key was changed while the outcome of a command was unknown. "
                "Put the old key back until it is settled."
            ),
            at=now,
        )
    return True
