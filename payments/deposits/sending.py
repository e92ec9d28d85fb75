"""How a deposit is asked for at LuxCore, exactly once."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from payments import mirror
from payments.deposits.moves import move
from payments.enums import RequestStatus, SeenBy
from payments.intent import deposit_differences
from payments.models import Payment, PaymentRequest
from payments.references import DEPOSIT
from payments.senders import CANNOT_LOOK, create_once, look_for, record_refusal
from staff.journal import Journal
from upstreams import credentials
from upstreams.enums import Upstream
from upstreams.luxcore.schemas import PaymentRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    Mismatch,
    MustNotSend,
    Outcome,
    Postponed,
    Refused,
    Repeat,
    Sender,
    Uncertain,
    register,
)

BY_LABEL: Final = "Lightdesk"


def register_sender() -> None:
    # LuxCore frees the reference of a deposit that has expired, so a repeat could open a second
    # one: it is looked for first (LC-A11).
    register(
        Sender(
            kind=DEPOSIT,
            upstream=Upstream.LUXCORE,
            send=send,
            find=find,
            starting=start,
            settle=settle,
            repeat=Repeat.LOOK_FIRST,
        )
    )


def start(command: Command, at: datetime) -> None:
    """Move the request to `sending`; raises MustNotSend when it may not leave."""
    if credentials.only_pays(command.upstream):
        raise MustNotSend(CANNOT_LOOK)
    request = _locked(command)
    if request.payment_id is not None:
        return  # it is there already; sending will find it and say so
    if request.status != RequestStatus.QUEUED:
        raise MustNotSend(f"{request.code} is {request.status}, not queued.")
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(request, RequestStatus.SENDING, journal=journal)
    journal.write()


def send(command: Command) -> Outcome:
    """POST the stored bytes, or find what the mirror has linked already."""
    request = _request(command)
    if request.payment is not None:
        return Done(reference=request.payment.upstream_id)
    return create_once(command, lambda record, is_new: _compared(request, record, is_new))


def find(command: Command) -> Outcome | None:
    """Look for the deposit: in our own copy, then in LuxCore's list. None when it is not there."""
    request = _request(command)
    if request.payment is not None:
        return Done(reference=request.payment.upstream_id)
    return look_for(command, lambda record, is_new: _compared(request, record, is_new))


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the request follow the outcome. Dull when the mirror was faster."""
    match outcome:
        case Done(record=PaymentRecord() as record):
            mirror.store_payments([record], seen_by=SeenBy.SEND, at=at)
        case Mismatch(record=PaymentRecord() as record):
            journal = Journal(by=None, at=at, by_label="LuxCore")
            mirror.store_payments([record], seen_by=SeenBy.SEND, at=at, journal=journal)
            why = "LuxCore's answer differs from what was asked: see both."
            _move_from_sending(command, RequestStatus.UNKNOWN, why, journal)
            journal.write()
        case Done(reference):
            _link(command, reference, at)
        case Refused() as refusal:
            request = _locked(command)
            may_end = request.can_become(RequestStatus.REFUSED)
            end = partial(move, request, RequestStatus.REFUSED) if may_end else None
            record_refusal(command, request, refusal, end=end, at=at)
        case Postponed(_, why):
            journal = Journal(by=None, at=at, by_label=BY_LABEL)
            _move_from_sending(command, RequestStatus.QUEUED, why, journal)
            journal.write()
        case Uncertain(why):
            journal = Journal(by=None, at=at, by_label=BY_LABEL)
            _move_from_sending(command, RequestStatus.UNKNOWN, why, journal)
            journal.write()


def _compared(request: PaymentRequest, record: PaymentRecord, is_new: bool) -> Outcome:
    payment = mirror.observe(record).as_new(seen_by=SeenBy.SEND, at=record.created_at)
    data = {"payment": record.id, "status": record.status, "is_new": is_new}
    if found := deposit_differences(request, payment):
        return Mismatch(differences=found, data=data, record=record)
    return Done(reference=record.id, data=data, record=record)


def _locked(command: Command) -> PaymentRequest:
    return PaymentRequest.objects.locked().get(pk=int(command.subject_id))


def _request(command: Command) -> PaymentRequest:
    return PaymentRequest.objects.select_related("payment").get(pk=int(command.subject_id))


def _link(command: Command, reference: str, at: datetime) -> None:
    """Somebody said which payment it is, or the mirror has linked it before."""
    # The payment first, as the mirror does.
    payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(
        upstream=command.upstream, upstream_id=reference
    )
    request = _locked(command)
    if request.payment_id is not None:
        return
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(request, RequestStatus.MADE, journal=journal, payment=payment, settled_at=at)
    journal.write()


def _move_from_sending(command: Command, wanted: RequestStatus, why: str, journal: Journal) -> None:
    request = _locked(command)
    if request.status == RequestStatus.SENDING:
        move(request, wanted, journal=journal, reason=why)
