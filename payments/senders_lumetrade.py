"""How a payout is made at Lumetrade: once, and never again (upstreams.md §4.3, LT-A7).

They know no key by which a repeat could be told from a second payout. So a reply that is lost is
looked for among their withdrawals, and where that does not say, two people do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from payments import matching, mirror, senders
from payments.enums import SeenBy
from payments.mirror import Sighting
from payments.models import Payment, Withdrawal
from payments.references import LUMETRADE_PAYOUT
from payments.senders import CannotTell
from staff.journal import Journal
from upstreams import clock, strict_json
from upstreams.enums import Upstream
from upstreams.http import Priority
from upstreams.lumetrade.client import get_client
from upstreams.lumetrade.schemas import CreatedWithdrawal, WithdrawalRecord
from upstreams.models import Command
from upstreams.money import Money
from upstreams.outbox import Done, Outcome, Repeat, Sender, Uncertain, register
from upstreams.records import RefusedItem

LOOK_SECONDS: Final = 15.0  # with the sending, well within the minute that a claim lasts


def register_sender() -> None:
    register(
        Sender(
            kind=LUMETRADE_PAYOUT,
            upstream=Upstream.LUMETRADE,
            send=send_payout,
            find=find_payout,
            starting=senders.start_payout,
            settle=settle_payout,
            repeat=Repeat.NEVER,
        )
    )


def send_payout(command: Command) -> Outcome:
    """POST the stored bytes. The answer names an id and a stage; the rest is what we asked for."""
    withdrawal = senders.withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    if withheld := senders.withheld_by(withdrawal):  # since it was claimed
        return withheld
    asked_at = clock.database_now()
    created = get_client(priority=Priority.OPERATOR).create_withdrawal(
        command.request_bytes, idempotency_key=command.idempotency_key
    )
    seen = Sighting(_as_listed(created, withdrawal, at=asked_at), asked_at)
    data = {"payment": created.id, "status": created.status}
    return Done(reference=created.id, data=data, record=seen)


def find_payout(command: Command) -> Outcome | None:
    """Look for it in their list. None when nothing there can be it."""
    withdrawal = senders.withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    try:
        there = look(command, seconds=LOOK_SECONDS)
    except CannotTell as problem:
        return Uncertain(str(problem))
    if found := matching.certain(withdrawal, there):
        return Done(reference=found.upstream_id, data={"matched": True})
    if there:
        listed = ", ".join(payment.upstream_id for payment in there)
        return Uncertain(f"What Lumetrade shows may be it, and need not be: {listed}.")
    return None


def look(command: Command, *, seconds: float) -> list[Payment]:
    """What may be it, read now; kept in our copy, where people see it too.

    Raises CannotTell when something in the list may be it and cannot be read or kept, and every
    UpstreamError.
    """
    asked_at = clock.database_now()
    begin, end = matching.window(command)
    near: list[Sighting] = []
    client = get_client(priority=Priority.OPERATOR, deadline=seconds)
    for batch in client.list_withdrawals():
        _refuse_unread(batch.refused, command)
        near += [
            Sighting(record, asked_at)
            for record in batch.items
            if begin <= record.created_at <= end
        ]
    stored = mirror.store_payments(near, seen_by=SeenBy.POLL, at=asked_at, source=mirror.LUMETRADE)
    _refuse_unread(stored.refused, command)
    listed = {seen.id for seen in near}
    withdrawal = senders.withdrawal_of(command)
    there = matching.candidates(withdrawal, command)
    return [payment for payment in there if payment.upstream_id in listed]


def _refuse_unread(refused: Sequence[RefusedItem], command: Command) -> None:
    for item in refused:
        if matching.may_be_unread(item, command, Payment.objects.all()):
            raise CannotTell(f"{item.record_id} may be it, and cannot be read.")


def settle_payout(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the withdrawal follow the outcome, after its payment."""
    journal = Journal(by=None, at=at, by_label=Upstream.LUMETRADE.label)
    match outcome:
        case Done(record=Sighting() as seen):
            mirror.store_payments(
                [seen], seen_by=SeenBy.SEND, at=at, journal=journal, source=mirror.LUMETRADE
            )
    senders.settle_payout(command, outcome, at)
    journal.write()


def _as_listed(
    created: CreatedWithdrawal, withdrawal: Withdrawal, *, at: datetime
) -> WithdrawalRecord:
    """The new withdrawal as their list will show it; what that tells otherwise then counts."""
    return WithdrawalRecord(
        id=created.id,
        status=created.status,
        currency=withdrawal.currency,
        amount=Money(withdrawal.amount, withdrawal.currency),
        fee=None,
        details={},
        created_at=at,
        completed_at=None,
        raw=created.raw,
        digest=strict_json.digest(created.raw),
    )
