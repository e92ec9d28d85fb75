"""Recording the outcome of one attempt, in one transaction, unless somebody else holds it now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_noop as _

from staff.texts import Sayable, Text, in_english
from upstreams import alarms, clock
from upstreams.crashpoints import reach
from upstreams.enums import CommandState
from upstreams.models import Command
from upstreams.outbox import doubts, switches
from upstreams.outbox.claiming import Attempt
from upstreams.outbox.outcomes import (
    Done,
    Mismatch,
    Outcome,
    Postponed,
    ProviderClosed,
    Refused,
    RefusedRepeat,
    Uncertain,
    Withheld,
    describe,
    in_words,
)

logger = structlog.get_logger(__name__)

# A repeat that is refused proves nothing alone: the first sending may have caused the refusal. Two
# refusals this far apart, each after looking and not finding, do (proof §3.6).
QUIET = timedelta(seconds=60)
PUT_OFF_TOO_LONG = timedelta(minutes=15)  # of nothing but "not now"; then a person is called
MISMATCH = "answer-differs"  # the alarms raised here
NOT_SETTLED = "outcome-not-recorded"


@dataclass(frozen=True)
class _Change:
    """What the row becomes, what the domain is told, and whether the provider is closed."""

    state: CommandState
    told: Outcome
    next_at: datetime | None = None
    is_doubt: bool = False
    refused_at: datetime | None = None
    put_off_since: datetime | None = None
    closes_because: Sayable = ""


def record(attempt: Attempt, outcome: Outcome) -> CommandState | None:
    """Record the outcome and tell the domain; None when this worker's claim was overtaken."""
    try:
        return _record(attempt, outcome)
    except (OperationalError, InterfaceError):
        raise  # the lease runs out, the next claim looks again
    except Exception:
        logger.exception("upstreams.outbox.not_settled", command=attempt.command.pk)
        return _park(attempt, outcome)


def _record(attempt: Attempt, outcome: Outcome) -> CommandState | None:
    now = clock.database_now()
    command = attempt.command
    change = _change(attempt, outcome, now=now)
    with transaction.atomic(durable=True):
        if not _write(attempt, change, now=now):
            return None
        attempt.sender.settle(command, change.told, now)
        if change.closes_because:
            switches.stop_sending(
                command.upstream, reason=change.closes_because, by_label=doubts.SYSTEM, at=now
            )
        _raise_or_close_alarms(command, change, now=now)
        reach("outbox.recording")
    reach("outbox.recorded")
    return change.state


def _change(attempt: Attempt, outcome: Outcome, *, now: datetime) -> _Change:
    match outcome:
        case Done():
            return _Change(state=CommandState.DONE, told=outcome)
        case RefusedRepeat(code, message) if not _was_refused_before(attempt.command, now=now):
            return _Change(
                state=CommandState.UNKNOWN,
                told=Uncertain(f"A repeat was refused ({code}: {message})."),
                next_at=now + QUIET,
                refused_at=now,
            )
        case Refused():
            return _Change(state=CommandState.REFUSED, told=outcome)
        case Withheld(_, why) if attempt.in_doubt:
            return _change(attempt, Uncertain(why), now=now)
        case Postponed(seconds, why):
            return _Change(
                state=CommandState.UNKNOWN if attempt.in_doubt else CommandState.QUEUED,
                told=Uncertain(why) if attempt.in_doubt else outcome,
                next_at=now + timedelta(seconds=seconds),
                put_off_since=_moment(attempt.command, "put_off_since") or now,
                closes_because=why if isinstance(outcome, ProviderClosed) else "",
            )
        case Uncertain():
            return _Change(
                state=CommandState.UNKNOWN,
                told=outcome,
                next_at=doubts.next_try(doubts=attempt.command.doubts + 1, now=now),
                is_doubt=True,
            )
        case Mismatch():
            return _Change(
                state=CommandState.UNKNOWN,
                told=outcome,
                is_doubt=True,
                closes_because=Text(
                    _("An answer differs from what was asked: compare both first.")
                ),
            )


def _was_refused_before(command: Command, *, now: datetime) -> bool:
    before = _moment(command, "refused_at")
    return before is not None and now - before >= QUIET


def _moment(command: Command, name: str) -> datetime | None:
    """A moment that was kept with the outcome of the attempt before."""
    return parse_datetime(command.outcome.get(name, ""))


def _kept(change: _Change, command: Command) -> dict[str, str]:
    """What the next attempt has to know of this one."""
    refused_at = change.refused_at or _moment(command, "refused_at")
    moments = {"refused_at": refused_at, "put_off_since": change.put_off_since}
    return {name: moment.isoformat() for name, moment in moments.items() if moment}


def _write(attempt: Attempt, change: _Change, *, now: datetime) -> bool:
    """Change the row if this worker still holds it; else say so and write nothing."""
    command = attempt.command
    is_settled = change.state in {CommandState.DONE, CommandState.REFUSED}
    is_unknown = change.state == CommandState.UNKNOWN
    won = Command.objects.filter(
        pk=command.pk, fence=attempt.fence, state=CommandState.SENDING
    ).update(
        state=change.state,
        next_at=change.next_at,
        lease_until=None,
        doubts=command.doubts + int(change.is_doubt),
        unknown_since=(command.unknown_since or now) if is_unknown else command.unknown_since,
        settled_at=now if is_settled else None,
        outcome=describe(change.told) | _kept(change, command),
        error=in_english(in_words(change.told)),
    )
    if not won:
        logger.warning("upstreams.outbox.overtaken", command=command.pk, fence=attempt.fence)
    return bool(won)


def _raise_or_close_alarms(command: Command, change: _Change, *, now: datetime) -> None:
    _watch_delay(command, change, now=now)
    if change.state in {CommandState.DONE, CommandState.REFUSED}:
        reason = "The upstream gave a clear answer."
        doubts.close_alarm(command, doubts.DOUBT, at=now, by_label=doubts.SYSTEM, reason=reason)
        return
    if isinstance(change.told, Mismatch):
        alarms.raise_alarm(
            upstream=command.upstream,
            code=MISMATCH,
            subject=(command.subject_type, command.subject_id),
            text=in_words(change.told),
            at=now,
        )
    elif change.is_doubt and change.next_at is None:
        doubts.call_a_person(command, why=in_words(change.told), at=now)
    if change.state == CommandState.UNKNOWN and command.unknown_since is None:
        doubts.watch_for_many(command.upstream, at=now)


def _watch_delay(command: Command, change: _Change, *, now: datetime) -> None:
    """Call a person about what is only ever put off, until it is not. A closed provider says so."""
    since = change.put_off_since
    if since is None:
        if _moment(command, "put_off_since"):
            reason = "It was not put off this time."
            doubts.close_alarm(
                command, doubts.PUT_OFF, at=now, by_label=doubts.SYSTEM, reason=reason
            )
    elif now - since >= PUT_OFF_TOO_LONG and not change.closes_because:
        doubts.call_about_delay(command, why=in_words(change.told), at=now)


def _park(attempt: Attempt, outcome: Outcome) -> CommandState | None:
    """Keep an outcome that the domain could not take in, as unknown, and call a person."""
    now = clock.database_now()
    change = _Change(
        state=CommandState.UNKNOWN,
        told=outcome,
        next_at=doubts.next_try(doubts=attempt.command.doubts + 1, now=now),
        is_doubt=True,
    )
    with transaction.atomic(durable=True):
        if not _write(attempt, change, now=now):
            return None
        alarms.raise_alarm(
            upstream=attempt.command.upstream,
            code=NOT_SETTLED,
            subject=(attempt.command.subject_type, attempt.command.subject_id),
            text=Text(
                _("An outcome could not be recorded. It is kept with the command in the outbox.")
            ),
            at=now,
        )
    return change.state
