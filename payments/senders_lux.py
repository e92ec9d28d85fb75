"""How a payout is made at Lux Financial: a transfer, known by our reference and by a key.

Within a day the same key gets the same answer, so the same bytes may go again (upstreams.md §4.3).
Later that key would make a second transfer: then the transfer is looked for first.
"""

from __future__ import annotations

import json
from datetime import datetime
from time import monotonic

from payments import mirror, routes, senders
from payments.enums import SeenBy
from payments.intent import differences
from payments.mirror.observing import Unstorable
from payments.models import Withdrawal
from payments.references import LUX_PAYOUT
from payments.senders import LOOK_BACK, LOOK_SECONDS, MOST_PAGES, PAGE_SECONDS, CannotTell
from staff.journal import Journal
from upstreams.enums import Upstream
from upstreams.errors import AlreadyExists, NotFound, Rejected, UpstreamError
from upstreams.http import Priority
from upstreams.lux import keys
from upstreams.lux.client import get_client
from upstreams.lux.schemas import TransferRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    Mismatch,
    Outcome,
    RefusedRepeat,
    Repeat,
    Sender,
    Uncertain,
    register,
)


def register_senders() -> None:
    register(
        Sender(
            kind=LUX_PAYOUT,
            upstream=Upstream.LUX,
            send=send_payout,
            find=find_payout,
            starting=senders.start_payout,
            settle=settle_payout,
            repeat=Repeat.SAME_KEY,
        )
    )
    routes.register_sender()


def send_payout(command: Command) -> Outcome:
    """POST the stored bytes; look for the transfer first where they may know the key no more."""
    withdrawal = senders.withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    if withheld := senders.withheld_by(withdrawal):  # since it was claimed, or since a doubt
        return withheld
    if not keys.may_be_forgotten(command):
        return _created(command, withdrawal)
    try:
        if found := look_for(command, withdrawal):
            return found
    except UpstreamError as problem:  # it may be there: nothing of it may count as not sent
        return Uncertain(f"It could not be looked for: {problem.message}")
    try:
        return _created(command, withdrawal)
    except (Rejected, NotFound) as refusal:
        code = refusal.code if isinstance(refusal, Rejected) else "NOT_FOUND"
        return RefusedRepeat(code=code, message=refusal.message)


def find_payout(command: Command) -> Outcome | None:
    """Look for the transfer: in our own copy, then in their list. None when it is not there."""
    withdrawal = senders.withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    return look_for(command, withdrawal)


def look_for(command: Command, withdrawal: Withdrawal) -> Outcome | None:
    """Look for the transfer in their list. None when it is not there. Raises UpstreamErrors."""
    try:
        there = transfers_bearing(command)
    except CannotTell as problem:
        return Uncertain(str(problem))
    if len(there) > 1:
        listed = ", ".join(record.id for record in there)
        return Uncertain(f"Several transfers bear the reference it was given: {listed}.")
    return _compared(withdrawal, there[0]) if there else None


def transfers_bearing(command: Command, *, seconds: float = LOOK_SECONDS) -> list[TransferRecord]:
    """Every transfer at Lux Financial under this command's reference, since it was first sent.

    Reads the customer's list from then on: it knows no search by reference. Raises CannotTell when
    it holds something unreadable or is too long to be read within `seconds`, and UpstreamErrors.
    """
    body = json.loads(command.request_bytes)
    reference, customer = body["client_reference_id"], body["on_behalf_of"]
    since = (command.first_sent_at or command.created_at) - LOOK_BACK
    ending, cursor = monotonic() + seconds, ""
    found: dict[str, TransferRecord] = {}
    for _page in range(MOST_PAGES):
        left = ending - monotonic()
        if left <= 0:
            break
        client = get_client(priority=Priority.OPERATOR, deadline=min(PAGE_SECONDS, left))
        page = client.list_transfers(on_behalf_of=customer, since=since, cursor=cursor)
        for record in page.items:
            if record.client_reference_id == reference:
                found[record.id] = record
        for item in page.refused:
            if reference in json.dumps(item.payload):
                raise CannotTell(f"{item.record_id} may be it, and cannot be read: {item.reason}")
        if not page.has_more:
            return list(found.values())
        cursor = page.cursor
    raise CannotTell("Lux Financial's list of that time could not be read to its end.")


def settle_payout(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the withdrawal follow the outcome, after its payment."""
    match outcome:
        case Done(record=TransferRecord() as record):
            _store(record, at=at)
        case Mismatch(record=TransferRecord() as record):
            journal = Journal(by=None, at=at, by_label=Upstream.LUX.label)
            _store(record, at=at, journal=journal)
            why = "Lux Financial's answer differs from what was asked: see both."
            senders.doubt(command, why, journal)
            journal.write()
            return
    senders.settle_payout(command, outcome, at)


def _created(command: Command, withdrawal: Withdrawal) -> Outcome:
    client = get_client(priority=Priority.OPERATOR)
    try:
        record = client.create_transfer(
            command.request_bytes, idempotency_key=command.idempotency_key
        )
    except AlreadyExists:
        try:
            found = look_for(command, withdrawal)
        except UpstreamError as error:
            return Uncertain(f"Lux Financial says that it exists. {error.message}")
        return found or Uncertain("Lux Financial says that it exists, and does not list it yet.")
    return _compared(withdrawal, record)


def _compared(withdrawal: Withdrawal, record: TransferRecord) -> Outcome:
    try:
        seen = mirror.LUX.observe(record, None)
    except Unstorable as problem:
        return Uncertain(f"{record.id} was answered and cannot be kept: {problem}.")
    payment = seen.as_new(seen_by=SeenBy.SEND, at=record.created_at)
    data = {"transfer": record.id, "state": record.state}
    if found := differences(withdrawal, payment):
        return Mismatch(differences=found, data=data, record=record)
    return Done(reference=record.id, data=data, record=record)


def _store(record: TransferRecord, *, at: datetime, journal: Journal | None = None) -> None:
    mirror.store_payments([record], seen_by=SeenBy.SEND, at=at, journal=journal, source=mirror.LUX)
