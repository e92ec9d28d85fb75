"""Asking Lux Financial whether the way of a transfer can be taken, before anybody signs it.

Asked in the background, when a payout is asked for or changed, and again when somebody wants to
know. A dry run has no effect there; what it says is evidence for who signs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from payments import rules
from payments.enums import RouteState
from payments.models import RouteCheck, Withdrawal
from payments.references import LUX_ROUTE, route_key_for
from staff import audit
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import NotFound, RateLimited, Rejected, UpstreamError
from upstreams.http import Priority
from upstreams.lux.client import get_client
from upstreams.lux.schemas import RouteCheck as Answer
from upstreams.models import Command
from upstreams.outbox import Done, Outcome, Postponed, Refused, Repeat, Sender, Uncertain, register

ASK_SECONDS: Final = 10.0


def register_sender() -> None:
    register(
        Sender(
            kind=LUX_ROUTE,
            upstream=Upstream.LUX,
            send=send,
            settle=settle,
            repeat=Repeat.SAME_KEY,
        )
    )


def ask(withdrawal: Withdrawal, *, at: datetime) -> RouteCheck | None:
    """Let a worker ask, inside the transaction that wrote the withdrawal.

    None for a payout through another provider, and while the same question is on its way.
    """
    if withdrawal.upstream != Upstream.LUX:
        return None
    asked = RouteCheck.objects.filter(withdrawal=withdrawal, revision=withdrawal.revision)
    if asked.filter(state=RouteState.ASKED).exists():
        return None
    check = RouteCheck.objects.create(
        withdrawal=withdrawal, revision=withdrawal.revision, asked_at=at
    )
    outbox.put(
        kind=LUX_ROUTE,
        upstream=Upstream.LUX,
        subject=audit.subject_of(check),
        attempt_no=1,
        request=rules.payload(withdrawal),
        idempotency_key=route_key_for(check),
        at=at,
    )
    return check


def latest(withdrawal: Withdrawal) -> RouteCheck | None:
    """The newest question about the present revision."""
    rows = RouteCheck.objects.filter(withdrawal=withdrawal, revision=withdrawal.revision)
    return rows.order_by("-pk").first()


def send(command: Command) -> Outcome:
    """Ask once. Without an answer the question ends, too: whoever wants to know asks again."""
    client = get_client(priority=Priority.BACKGROUND, deadline=ASK_SECONDS)
    try:
        answer = client.check_transfer(command.request_bytes)
    except (Rejected, NotFound, RateLimited):
        raise
    except UpstreamError as problem:
        return Done(reference="", data={"unanswered": problem.message})
    return Done(reference="", record=answer)


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Keep what was said."""
    check = RouteCheck.objects.select_for_update(no_key=True).get(pk=int(command.subject_id))
    match outcome:
        case Done(record=Answer() as answer):
            state = RouteState.WORKS if answer.is_valid else RouteState.REFUSED
            _answered(check, state, " ".join(answer.notes), at)
        case Refused(code, message):
            _answered(check, RouteState.REFUSED, f"{code}: {message}", at)
        case Done(data=data):
            _answered(check, RouteState.UNANSWERED, str(data.get("unanswered", "")), at)
        case Uncertain(why):
            _answered(check, RouteState.UNANSWERED, why, at)
        case Postponed():
            return


def _answered(check: RouteCheck, state: RouteState, words: str, at: datetime) -> None:
    check.state, check.words, check.answered_at = state, words, at
    check.save(update_fields=["state", "words", "answered_at"])
