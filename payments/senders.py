"""How payments are made at LuxCore, and how one that lies there is cancelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Final

from django.utils.translation import gettext_noop as _

from payments import mirror, policies
from payments.checks.leaving import stopped_by
from payments.enums import PaymentStatus, SeenBy, Status
from payments.intent import differences
from payments.models import Payment, PaymentRequest, Withdrawal
from payments.moves import move
from payments.references import CANCEL, PAYOUT
from staff import audit
from staff.journal import Journal
from staff.texts import Text
from upstreams import alarms, clock, credentials
from upstreams.enums import Upstream
from upstreams.errors import AlreadyExists, Rejected, UpstreamError
from upstreams.http import Priority
from upstreams.luxcore.client import get_client
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
    Withheld,
    register,
)

BY_LABEL: Final = "Lightdesk"
LOOK_BACK: Final = timedelta(minutes=5)  # their clock may differ from ours
MOST_PAGES: Final = 50

# Looking, sending and looking once more must end within the minute that a claim lasts, or the next
# worker takes the command over and does the same.
LOOK_SECONDS: Final = 13.0
PAGE_SECONDS: Final = 5.0

HELD_PAUSE: Final = 30.0  # before what was stopped on its way is looked at again

# LuxCore says "not now" with an error 400: nothing happened, the same bytes may go again.
_NOT_NOW: Final = {"LOCK_TIMEOUT": 30.0}
_TOO_LATE: Final = "PAYMENT_ALREADY_PROCESSED"


CANNOT_LOOK: Final = (
    "LuxCore is set up to sign payments and without an API key, so a payment that gets no answer "
    "could never be looked for. Nothing is sent until LUXCORE_API_KEY is set."
)


class CannotTell(Exception):
    """The list at the provider could be read, and still does not say."""


def register_senders() -> None:
    register(
        Sender(
            kind=PAYOUT,
            upstream=Upstream.LUXCORE,
            send=send_payout,
            find=find_payout,
            starting=start_payout,
            settle=settle_payout,
            repeat=Repeat.LOOK_FIRST,
        )
    )
    register(
        Sender(
            kind=CANCEL,
            upstream=Upstream.LUXCORE,
            send=send_cancel,
            settle=settle_cancel,
            repeat=Repeat.SAME_KEY,
        )
    )


# --- Making a payment, whatever for ---------------------------------------------------------------

# Says of a payment at LuxCore, and of whether it was new, what that means for what was asked.
Compare = Callable[[PaymentRecord, bool], Outcome]


def create_once(command: Command, compared: Compare) -> Outcome:
    """POST the stored bytes. One that exists already is looked for instead."""
    try:
        created = get_client(priority=Priority.OPERATOR).create_payment(command.request_bytes)
    except AlreadyExists:
        try:
            found = look_for(command, compared)
        except UpstreamError as error:  # it is there: nothing of it may count as not sent
            return Uncertain(f"LuxCore says that it exists. {error.message}")
        return found or Uncertain("LuxCore says that it exists, and its list does not show it yet.")
    except Rejected as refusal:
        if refusal.code in _NOT_NOW:
            return Postponed(seconds=_NOT_NOW[refusal.code], why=refusal.message)
        raise
    return compared(created.record, created.is_new)


def look_for(command: Command, compared: Compare) -> Outcome | None:
    """Look for the payment in LuxCore's list. None when it is not there."""
    try:
        there = payments_bearing(command)
    except CannotTell as problem:
        return Uncertain(str(problem))
    if len(there) > 1:
        listed = ", ".join(record.id for record in there)
        return Uncertain(f"Several payments bear the reference it was given: {listed}.")
    return compared(there[0], False) if there else None


def payments_bearing(command: Command, *, seconds: float = LOOK_SECONDS) -> list[PaymentRecord]:
    """Every payment at LuxCore under this command's reference, created since it was first sent.

    Reads the list of that time, because LuxCore has no search by reference. Raises CannotTell when
    the list moved under the reading, holds something unreadable or is too long to be read within
    `seconds`, and every UpstreamError.
    """
    method = json.loads(command.request_bytes).get("method")
    ending = monotonic() + seconds
    since = (command.first_sent_at or command.created_at) - LOOK_BACK
    found: dict[str, PaymentRecord] = {}
    rows = 0
    for _page in range(MOST_PAGES):
        left = ending - monotonic()
        if left <= 0:
            break
        client = get_client(priority=Priority.OPERATOR, deadline=min(PAGE_SECONDS, left))
        page = client.list_payments(method=method, created_from=since, offset=rows)
        rows += len(page.items) + len(page.refused)
        for record in page.items:
            if record.merchant_reference == command.idempotency_key:
                found[record.id] = record
        for item in page.refused:
            if command.idempotency_key in json.dumps(item.payload):
                raise CannotTell(f"{item.record_id} may be it, and cannot be read: {item.reason}")
        if rows >= page.total:
            return list(found.values())
        if not page.items and not page.refused:
            break
    raise CannotTell("LuxCore's list of that time could not be read to its end.")


def record_refusal(
    command: Command,
    asked: Withdrawal | PaymentRequest,
    refusal: Refused,
    *,
    end: Callable[..., None] | None,
    at: datetime,
) -> None:
    """Let what was asked for, locked, end as refused by `end`; None where it has ended before.

    A payment that shows all the same calls a person.
    """
    if asked.payment_id is not None:
        alarms.raise_alarm(
            upstream=command.upstream,
            code="refused-but-there",
            text=Text(
                _("%(provider)s refused %(code)s (%(why)s) and shows a payment for it."),
                provider=Upstream(command.upstream).label,
                code=asked.code,
                why=refusal.code,
            ),
            at=at,
            subject=(command.subject_type, command.subject_id),
        )
        return
    if end is None:
        return
    journal = Journal(by=None, at=at, by_label=Upstream(command.upstream).label)
    end(
        journal=journal,
        reason=refusal.code,  # their words may name people: they are not kept for ever
        status_reason=refusal.message,
        error_code=refusal.code[:80],
        settled_at=at,
    )
    journal.write()


# --- A payout -------------------------------------------------------------------------------------


def start_payout(command: Command, at: datetime) -> None:
    """Move the withdrawal to `sending`; raises MustNotSend when it may not leave."""
    if credentials.only_pays(command.upstream):
        raise MustNotSend(CANNOT_LOOK)
    withdrawal = _locked(command)
    if withdrawal.payment_id is not None:
        return  # it is there already; sending will find it and say so
    if withdrawal.status != Status.APPROVED:
        label = Status(withdrawal.status).label.lower()
        raise MustNotSend(f"{withdrawal.code} is {label}, not approved.")
    if withdrawal.merchant_reference != command.idempotency_key:
        raise MustNotSend(f"{withdrawal.code} has another reference by now.")
    if not policies.is_signed(withdrawal):
        raise MustNotSend(f"{withdrawal.code} does not carry the signatures it needs.")
    audit.take_chain_lock()  # under which holds are placed: none slips between
    if stopped := stopped_by(withdrawal, at):
        raise MustNotSend(stopped)
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(withdrawal, Status.SENDING, journal=journal)
    journal.write()


def send_payout(command: Command) -> Outcome:
    """POST the stored bytes, or find what the mirror has linked already."""
    withdrawal = withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    if withheld := withheld_by(withdrawal):  # since it was claimed, or since a doubt
        return withheld
    return create_once(command, lambda record, is_new: _compared(withdrawal, record, is_new))


def find_payout(command: Command) -> Outcome | None:
    """Look for the payment: in our own copy, then in LuxCore's list. None when it is not there."""
    withdrawal = withdrawal_of(command)
    if withdrawal.payment is not None:
        return Done(reference=withdrawal.payment.upstream_id)
    return look_for(command, lambda record, is_new: _compared(withdrawal, record, is_new))


def settle_payout(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the withdrawal follow the outcome. Dull when the mirror was faster."""
    match outcome:
        case Done(record=PaymentRecord() as record):
            mirror.store_payments([record], seen_by=SeenBy.SEND, at=at)
        case Mismatch(record=PaymentRecord() as record):
            journal = Journal(by=None, at=at, by_label="LuxCore")
            mirror.store_payments([record], seen_by=SeenBy.SEND, at=at, journal=journal)
            doubt(command, "LuxCore's answer differs from what was asked: see both.", journal)
            journal.write()
        case Done(reference):
            _link_by_hand(command, reference, at)
        case Refused() as refusal:
            withdrawal = _locked(command)
            may_end = withdrawal.can_become(Status.REFUSED)
            end = partial(move, withdrawal, Status.REFUSED) if may_end else None
            record_refusal(command, withdrawal, refusal, end=end, at=at)
        case Postponed(_, why):
            _postpone(command, why, at)
        case Uncertain(why):
            journal = Journal(by=None, at=at, by_label=BY_LABEL)
            doubt(command, why, journal)
            journal.write()


def _compared(withdrawal: Withdrawal, record: PaymentRecord, is_new: bool) -> Outcome:
    payment = mirror.observe(record).as_new(seen_by=SeenBy.SEND, at=record.created_at)
    data = {"payment": record.id, "status": record.status, "is_new": is_new}
    if found := differences(withdrawal, payment):
        return Mismatch(differences=found, data=data, record=record)
    return Done(reference=record.id, data=data, record=record)


def withheld_by(withdrawal: Withdrawal) -> Withheld | None:
    """What keeps it from being sent, asked before the first byte; None where nothing does."""
    why = stopped_by(withdrawal, clock.database_now())
    return Withheld(seconds=HELD_PAUSE, why=why) if why else None


def _locked(command: Command) -> Withdrawal:
    return Withdrawal.objects.locked().get(pk=int(command.subject_id))


def withdrawal_of(command: Command) -> Withdrawal:
    """The withdrawal that this command pays, with its payment."""
    return Withdrawal.objects.select_related("payment").get(pk=int(command.subject_id))


def _link_by_hand(command: Command, reference: str, at: datetime) -> None:
    """Two people said which payment it was, or the mirror has linked it before.

    The desk may not have seen that payment: it was sent under another key. Then the withdrawal is
    linked as soon as the mirror sees it.
    """
    # The payment first, as the mirror does: its end must not slip by while it is being linked.
    payments = Payment.objects.select_for_update(of=("self",), no_key=True)
    payment = payments.filter(upstream=command.upstream, upstream_id=reference).first()
    withdrawal = _locked(command)
    if withdrawal.payment_id is not None:
        return
    journal = Journal(by=None, at=at, by_label=Upstream(command.upstream).label)
    move(withdrawal, Status.SENT, journal=journal, payment=payment, sent_at=at)
    if payment is not None:
        mirror.link([payment], journal=journal)
    journal.write()


def _postpone(command: Command, why: str, at: datetime) -> None:
    withdrawal = _locked(command)
    if withdrawal.status == Status.SENDING:
        journal = Journal(by=None, at=at, by_label=BY_LABEL)
        move(withdrawal, Status.APPROVED, journal=journal, reason=why)
        journal.write()


def doubt(command: Command, why: str, journal: Journal) -> None:
    """Let the withdrawal that is being sent count as unknown."""
    withdrawal = _locked(command)
    if withdrawal.status == Status.SENDING:
        move(withdrawal, Status.UNKNOWN, journal=journal, reason=why, by_label=BY_LABEL)


# --- Cancelling one that lies there ---------------------------------------------------------------


def send_cancel(command: Command) -> Outcome:
    """Cancel it; where it has moved on already, read what became of it."""
    payment_id = json.loads(command.request_bytes)["payment"]
    client = get_client(priority=Priority.OPERATOR)
    try:
        record = client.cancel_payment(payment_id)
    except Rejected as refusal:
        if refusal.code != _TOO_LATE:
            raise
        record = client.get_payment(payment_id)
    return Done(reference=record.id, data={"status": record.status}, record=record)


def settle_cancel(command: Command, outcome: Outcome, at: datetime) -> None:
    """Store what became of it. Whatever is not cancelled then calls a person."""
    match outcome:
        case Done(record=PaymentRecord() as record):
            mirror.store_payments([record], seen_by=SeenBy.SEND, at=at)
            _tell_cancelled(command, record.status, at)
            if mirror.luxcore_status(record) == PaymentStatus.CREATED:
                what = Text(_("LuxCore says it is cancelled, and still shows it as pending."))
                _call(command, what, at)
        case Done():
            _tell_cancelled(command, _seen_status(command), at)
        case Refused(code):
            _tell_cancelled(command, code, at)
            _call(command, Text(_("LuxCore refused to cancel it (%(why)s)."), why=code), at)


def _seen_status(command: Command) -> str:
    """How the payment stands that this command was to cancel, as last read."""
    payment_id = json.loads(command.request_bytes)["payment"]
    there = Payment.objects.filter(upstream=command.upstream, upstream_id=payment_id)
    return there.values_list("upstream_status", flat=True).first() or ""


def _tell_cancelled(command: Command, answer: str, at: datetime) -> None:
    """Note on the payment's own trail what LuxCore answered to somebody who cancelled it there."""
    if command.subject_type != Payment._meta.label_lower:
        return
    journal = Journal(by=None, at=at, by_label=Upstream(command.upstream).label)
    payment = Payment.objects.get(pk=int(command.subject_id))
    journal.add(
        "payments.payment.cancel_answered", payment, after={"answer": answer}, reason=answer
    )
    journal.write()


def _call(command: Command, what: Text, at: datetime) -> None:
    if command.subject_type == Payment._meta.label_lower:
        payment = Payment.objects.get(pk=int(command.subject_id))
        text = Text(
            _("%(payment)s was to be cancelled. %(what)s"), payment=payment.upstream_id, what=what
        )
    else:
        withdrawal = Withdrawal.objects.get(pk=int(command.subject_id))
        text = Text(_("%(code)s was rejected here. %(what)s"), code=withdrawal.code, what=what)
    alarms.raise_alarm(
        upstream=command.upstream,
        code="not-cancelled",
        text=text,
        at=at,
        subject=(command.subject_type, command.subject_id),
    )
