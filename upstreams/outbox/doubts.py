"""What is done about commands that may or may not have happened."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_noop as _

from staff.texts import Sayable, Text
from upstreams import alarms, clock, credentials
from upstreams.enums import CommandState
from upstreams.models import Command
from upstreams.outbox.outcomes import Uncertain
from upstreams.outbox.senders import sender_of

DOUBT = "outcome-unknown"  # the alarm that asks a person to decide about one command
ANOTHER_KEY = "credential-changed"
BLOCKED = "not-started"  # something keeps a command from being sent, and has for long
PUT_OFF = "put-off"  # a command is tried and tried, and nothing of it is ever sent
SYSTEM = "Lightdesk"
MANY_DOUBTS = "many-outcomes-unknown"

# After the n-th doubt the command is tried again this much later; then a person decides.
LADDER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
MANY = 3  # commands that became unknown …
MANY_WITHIN = timedelta(minutes=10)  # … within this time are worth a look at the provider


def next_try(*, doubts: int, now: datetime) -> datetime | None:
    """When to try again after this many doubts; None when a person must decide."""
    return now + LADDER[doubts - 1] if doubts <= len(LADDER) else None


def call_a_person(command: Command, *, why: Sayable, at: datetime) -> None:
    alarms.raise_alarm(
        upstream=command.upstream,
        code=DOUBT,
        subject=(command.subject_type, command.subject_id),
        text=Text(
            _("Nobody knows whether %(kind)s was carried out: a person decides. %(why)s"),
            kind=command.kind,
            why=why,
        ),
        at=at,
    )


def call_about_delay(command: Command, *, why: Sayable, at: datetime) -> None:
    alarms.raise_alarm(
        upstream=command.upstream,
        code=PUT_OFF,
        subject=(command.subject_type, command.subject_id),
        text=Text(
            _("%(kind)s is put off again and again, and still is. %(why)s"),
            kind=command.kind,
            why=why,
        ),
        at=at,
    )


def has_another_key(command: Command) -> bool:
    """Whether it was first sent under another key than the one set now.

    Upstreams know a repeat by key and credential, so under another one it could pay twice; and a
    list that is read under another one may be another account's.
    """
    return command.credential not in {"", credentials.fingerprint(command.upstream)}


def waits_for_people(command: Command) -> bool:
    """Whether it is in doubt, and no machine can end that as things stand."""
    if command.state != CommandState.UNKNOWN:
        return False
    if has_another_key(command):
        return True
    return command.next_at is None and not command.awaits_key  # else its key is back


def give_to_a_person(command: Command, *, why: str) -> None:
    """Stop trying a command that no worker has finished."""
    now = clock.database_now()
    with transaction.atomic(durable=True):
        if _hold(command, why=why, at=now):
            call_a_person(command, why=why, at=now)


def wait_for_its_key(command: Command) -> None:
    """Leave a command in doubt to people until the key is back under which it was first sent."""
    now = clock.database_now()
    why = "It was first sent under another key than the one set now, so it is not sent again."
    with transaction.atomic(durable=True):
        if _hold(command, why=why, at=now, awaits_key=True):
            alarms.raise_alarm(
                upstream=command.upstream,
                code=ANOTHER_KEY,
                subject=(command.subject_type, command.subject_id),
                text=Text(
                    _(
                        "The key was changed while the outcome of a command was unknown. Put the "
                        "old key back and it is looked for again, or settle it by two people."
                    )
                ),
                at=now,
            )


def close_alarm(command: Command, code: str, *, at: datetime, by_label: str, reason: str) -> None:
    """Close this alarm about the command, if it is open."""
    alarms.close(
        upstream=command.upstream,
        code=code,
        subject=(command.subject_type, command.subject_id),
        at=at,
        by_label=by_label,
        reason=reason,
    )


def _hold(command: Command, *, why: str, at: datetime, awaits_key: bool = False) -> bool:
    """Keep a command as unknown without sending it, and tell its domain so.

    False, with nothing done, when it is not as `command` says any more.
    """
    held = Command.objects.filter(pk=command.pk, fence=command.fence, state=command.state).update(
        state=CommandState.UNKNOWN,
        unknown_since=Coalesce("unknown_since", at),
        next_at=None,
        awaits_key=awaits_key,
        error=why,
    )
    if held:
        sender_of(command).settle(command, Uncertain(why), at)
    return bool(held)


def watch_for_many(upstream: str, *, at: datetime) -> None:
    """Raise one alarm when several commands became unknown within a short time."""
    recent = Command.objects.filter(upstream=upstream, unknown_since__gt=at - MANY_WITHIN).count()
    if recent >= MANY:
        alarms.raise_alarm(
            upstream=upstream,
            code=MANY_DOUBTS,
            text=Text(
                _(
                    "Within 10 minutes %(number)s payouts or other requests got no clear answer. "
                    "Sending goes on; each says on its own page what happens next."
                ),
                number=recent,
            ),
            at=at,
        )
