"""Who sends which kind of command. The domains register theirs when the application is ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from upstreams.models import Command
from upstreams.outbox.outcomes import Outcome


class Repeat(Enum):
    """What may be done with a command that may have been sent already."""

    SAME_KEY = "the same bytes may go again: the upstream answers with what it has"
    LOOK_FIRST = "look for it first, send the same bytes again only when it is not there"
    NEVER = "never send again, only look for it"


class MustNotSend(Exception):
    """Raised by `starting`: this command must not leave now, say because of a hold."""


@dataclass(frozen=True)
class Sender:
    """How one kind of command is sent and what its outcome means to the domain.

    `send` and `find` call the upstream, outside any transaction. They return an outcome (`find`:
    None when the upstream does not have it) or raise an UpstreamError, which is translated.
    `send` is asked again with the same bytes after a doubt; where that must not be (a hold placed
    since), it returns Withheld. Together they must end well within the lease of a minute: call
    with the operator's priority, which does not wait for the rate budget.

    `starting(command, at)` runs in the transaction of the claim, before the first send and again
    after a send that definitely did not happen; never for a command in doubt. It locks the
    domain's row, after the command's, and raises MustNotSend to leave the command waiting.

    `settle(command, outcome, at)` runs in the transaction that records the outcome. It may be told
    Uncertain more than once. After a doubt it is never told Postponed.
    """

    kind: str
    upstream: str
    send: Callable[[Command], Outcome]
    settle: Callable[[Command, Outcome, datetime], None]
    find: Callable[[Command], Outcome | None] | None = None
    starting: Callable[[Command, datetime], None] | None = None
    repeat: Repeat = Repeat.SAME_KEY

    def __post_init__(self) -> None:
        if self.repeat is not Repeat.SAME_KEY and self.find is None:
            raise ValueError(f"{self.kind} cannot be looked for: give it `find`")


_senders: dict[str, Sender] = {}


def register(sender: Sender) -> None:
    """Make this sender the one of its kind. A second one of the same kind is a mistake."""
    if sender.kind in _senders:
        raise ValueError(f"{sender.kind} has a sender already")
    _senders[sender.kind] = sender


def sender_of(command: Command) -> Sender:
    """Return who sends this command; LookupError when its kind is unknown to this release."""
    return _senders[command.kind]
