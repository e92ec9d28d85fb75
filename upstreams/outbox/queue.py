"""What the domains do with commands: put them in, take them back, settle them by hand."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Least

from upstreams import doorbell
from upstreams.enums import CommandState
from upstreams.models import Command
from upstreams.outbox.doubts import (
    ANOTHER_KEY,
    BLOCKED,
    DOUBT,
    LADDER,
    PUT_OFF,
    SYSTEM,
    close_alarm,
    has_another_key,
)
from upstreams.outbox.outcomes import Done, Refused, describe
from upstreams.outbox.senders import sender_of
from upstreams.outbox.switches import sending_is_on


class NotSettleable(Exception):
    """The command is not one that waits for a person's decision."""


def put(
    *,
    kind: str,
    upstream: str,
    subject: tuple[str, str],
    attempt_no: int,
    request: bytes,
    idempotency_key: str,
    at: datetime,
    not_before: datetime | None = None,
) -> Command:
    """Write down what is to be sent, and ring after the commit. Call inside a transaction.

    An attempt that was taken back before it left may be put again under its number and key.
    Raises IntegrityError when the subject has a live command of this kind, or this attempt has
    been used.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a command is put in the transaction of the decision it carries out")
    subject_type, subject_id = subject
    facts = {
        "upstream": upstream,
        "request": request,
        "request_hash": hashlib.sha256(request).hexdigest(),
        "idempotency_key": idempotency_key,
        "state": CommandState.QUEUED,
        "created_at": at,
        "next_at": not_before or at,
        "settled_at": None,
        "outcome": {},
        "error": "",
    }
    taken_back = Command.objects.filter(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        attempt_no=attempt_no,
        state=CommandState.WITHDRAWN,
    ).first()
    if taken_back is None:
        command = Command(
            kind=kind, subject_type=subject_type, subject_id=subject_id, attempt_no=attempt_no
        )
    else:
        command = taken_back
    for name, value in facts.items():
        setattr(command, name, value)
    command.save()
    if not_before is None or not_before <= at:
        doorbell.ring("upstreams.tasks.deliver_command", command_id=command.pk)
    return command


def lock(*, subject: tuple[str, str], kind: str) -> None:
    """Keep workers from claiming or recording these commands until the transaction ends.

    For actions that change a command and the domain's row: the command is locked first, as
    workers do.
    """
    subject_type, subject_id = subject
    commands = Command.objects.about(subject_type=subject_type, subject_id=subject_id)
    list(commands.filter(kind=kind).select_for_update().values_list("pk"))


def take_back(*, subject: tuple[str, str], kind: str, at: datetime) -> bool:
    """Take back what waits to be sent. False when it is being sent, or may have been.

    A queued command has sent nothing, however often it was tried: what may have left is unknown,
    and so is what a dead worker had.
    """
    subject_type, subject_id = subject
    waiting = Command.objects.filter(
        kind=kind,
        subject_type=subject_type,
        subject_id=subject_id,
        state=CommandState.QUEUED,
    )
    with transaction.atomic():
        command = waiting.select_for_update().first()
        if command is None:
            return False
        waiting.update(
            state=CommandState.WITHDRAWN, next_at=None, settled_at=at, blocked_since=None
        )
        for code in (BLOCKED, PUT_OFF):
            close_alarm(command, code, at=at, by_label=SYSTEM, reason="It was taken back.")
    return True


def why_not_again(command: Command) -> str:
    """Why a command may not be tried again now; "" when it may."""
    if command.state not in (CommandState.QUEUED, CommandState.UNKNOWN):
        return f"It is {CommandState(command.state).label.lower()}."
    if command.outcome.get("outcome") == "mismatch":
        return "The answer differs from what was asked: people compare both first."
    if has_another_key(command) and command.state == CommandState.UNKNOWN:
        return "It was sent under another key than the one set now."
    if not sending_is_on(command.upstream):
        return "Sending to this provider is stopped."
    return ""


def try_again(command: Command, *, at: datetime) -> bool:
    """Let a command be tried now, instead of later or never; False when it has moved meanwhile.

    The same bytes go under the same key, by the rules of its kind: one that may have been sent is
    looked for first. After another doubt or two a person decides again. Call inside a transaction.
    """
    won = Command.objects.filter(pk=command.pk, state=command.state, fence=command.fence).update(
        next_at=at, doubts=Least(F("doubts"), Value(len(LADDER) - 1))
    )
    doorbell.ring("upstreams.tasks.deliver_command", command_id=command.pk)
    return bool(won)


def forget(command: Command) -> None:
    """Empty the bytes of a settled command that hold personal data; their hash stays.

    For `settle`, in the transaction that records the outcome.
    """
    settled = [CommandState.DONE, CommandState.REFUSED]
    Command.objects.filter(pk=command.pk, state__in=settled).update(request=b"")


def settle_by_hand(
    *, command: Command, outcome: Done | Refused, at: datetime, by_label: str
) -> Command:
    """Record what people found out about a command in doubt, `command` being as they saw it.

    A worker that is still busy with it writes nothing any more. Raises NotSettleable when it is
    not in doubt, say because a late answer settled it first, or was tried again since they looked:
    what they found out may be untrue by now.
    """
    return _settle(command, outcome, at=at, by_label=by_label, reason="Settled by hand.")


def settle_seen(*, command: Command, reference: str, at: datetime) -> Command:
    """Record that what a command in doubt was to make has been seen: it was carried out.

    For what no attempt will find, because none is made any more. Raises NotSettleable.
    """
    reason = "What it was to make was seen."
    return _settle(command, Done(reference=reference), at=at, by_label=SYSTEM, reason=reason)


def _settle(
    command: Command, outcome: Done | Refused, *, at: datetime, by_label: str, reason: str
) -> Command:
    state = CommandState.DONE if isinstance(outcome, Done) else CommandState.REFUSED
    with transaction.atomic():
        won = Command.objects.filter(
            pk=command.pk, state=CommandState.UNKNOWN, fence=command.fence
        ).update(
            state=state,
            next_at=None,
            awaits_key=False,
            settled_at=at,
            fence=F("fence") + 1,
            outcome={**describe(outcome), "by": by_label},
        )
        if not won:
            raise NotSettleable(f"Command {command.pk} does not wait for a decision.")
        settled = Command.objects.get(pk=command.pk)
        sender_of(settled).settle(settled, outcome, at)
        for code in (DOUBT, ANOTHER_KEY, PUT_OFF):
            close_alarm(settled, code, at=at, by_label=by_label, reason=reason)
    return settled


def has_unknown(upstream: str) -> bool:
    """Whether something may have been sent under the present credential and is not settled."""
    doubtful = [CommandState.SENDING, CommandState.UNKNOWN]
    return Command.objects.filter(upstream=upstream, state__in=doubtful).exists()
