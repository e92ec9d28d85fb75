"""The way out: the table is the queue, Celery only the doorbell.

A domain registers a `Sender` per kind, and in the transaction of a decision calls `put`. The rest
happens by itself: the command is delivered once, and its outcome comes back through `settle`.
"""

from upstreams.outbox.delivery import deliver, sweep
from upstreams.outbox.doubts import LADDER, has_another_key, waits_for_people
from upstreams.outbox.outcomes import (
    Done,
    Mismatch,
    Outcome,
    Postponed,
    Refused,
    RefusedRepeat,
    Uncertain,
    Withheld,
)
from upstreams.outbox.queue import (
    NotSettleable,
    forget,
    has_unknown,
    lock,
    put,
    settle_by_hand,
    settle_seen,
    take_back,
    try_again,
    why_not_again,
)
from upstreams.outbox.senders import MustNotSend, Repeat, Sender, register
from upstreams.outbox.switches import resume_sending, sending_is_on, stop_sending

__all__ = [
    "LADDER",
    "Done",
    "Mismatch",
    "MustNotSend",
    "NotSettleable",
    "Outcome",
    "Postponed",
    "Refused",
    "RefusedRepeat",
    "Repeat",
    "Sender",
    "Uncertain",
    "Withheld",
    "deliver",
    "forget",
    "has_another_key",
    "has_unknown",
    "lock",
    "put",
    "register",
    "resume_sending",
    "sending_is_on",
    "settle_by_hand",
    "settle_seen",
    "stop_sending",
    "sweep",
    "take_back",
    "try_again",
    "why_not_again",
    "waits_for_people",
]
