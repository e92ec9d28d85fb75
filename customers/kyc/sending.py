"""Telling Lux Financial of a decision: once, and looked for before it is told again.

A change there carries no idempotency key, so what got no clear answer is read first.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from django.conf import settings
from django.utils.translation import gettext_noop as _

from customers import words
from customers.enums import CaseStatus, Outcome
from customers.kyc import standing, statuses
from customers.kyc.moves import BY_LABEL, CaseNotPossible, move
from customers.models import Identity, KycCase, Profile
from staff import audit
from staff.journal import Journal
from staff.texts import Text, in_english
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import Conflict
from upstreams.http import Priority
from upstreams.lux.calls.customers import decision_body
from upstreams.lux.client import get_client
from upstreams.lux.schemas import CustomerRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    MustNotSend,
    NotSettleable,
    Postponed,
    Refused,
    Repeat,
    Sender,
    Uncertain,
    register,
)
from upstreams.outbox import (
    Outcome as Answer,
)

KIND: Final = "lux.kyc_decision"
NOT_TAKEN: Final = "NOT_TAKEN"
CONFLICT: Final = "CONFLICT"
DECIDED_THERE: Final = "DECIDED_THERE"
MOVED_ON: Final = "MOVED_ON"
CLOCKS: Final = timedelta(minutes=5)  # by which theirs may differ from ours
# What a refusal is called on pages: their own words may name people, and are not kept for ever.
REFUSED: Final = _("Lux Financial refused the decision: the history tells its code.")
REFUSALS: Final[Mapping[str, str]] = {
    NOT_TAKEN: _("Lux Financial answered and did not take the decision over."),
    DECIDED_THERE: _("Lux Financial has decided otherwise meanwhile."),
    MOVED_ON: _("They were changed at Lux Financial while its answer was missing."),
    "NOT_FOUND": _("Lux Financial does not know this customer."),
}
UNCLEAR: Final = _("Lux Financial gave no clear answer.")
_NAMESPACE: Final = UUID("6a4f7d0e-52c2-4c5c-9a37-6f2a8c1f4b19")


def register_sender() -> None:
    register(
        Sender(
            kind=KIND,
            upstream=Upstream.LUX,
            send=send,
            find=find,
            starting=start,
            settle=settle,
            repeat=Repeat.LOOK_FIRST,
        )
    )


def put(case: KycCase, *, outcome: Outcome, customer_text: str, at: datetime) -> None:
    """Queue what Lux Financial is to be told. Raises CaseNotPossible where they do not know them.

    Call inside the transaction of the decision.
    """
    identity = Identity.objects.filter(customer=case.customer_id, upstream=Upstream.LUX).first()
    if identity is None:
        raise CaseNotPossible(Text(_("Lux Financial does not know this customer.")))
    attempt_no = commands_of(case).count() + 1
    seen = Profile.objects.filter(customer=case.customer_id).values_list("updated_at", flat=True)
    changed_at = seen.first()
    told = {
        "customer_id": identity.upstream_id,
        "kyc_status": statuses.TARGETS[outcome],
        "reasons": [line.strip() for line in customer_text.splitlines() if line.strip()],
        "changed_at": changed_at.isoformat() if changed_at else "",
    }
    outbox.put(
        kind=KIND,
        upstream=Upstream.LUX,
        subject=audit.subject_of(case),
        attempt_no=attempt_no,
        request=json.dumps(told).encode(),
        idempotency_key=str(uuid5(_NAMESPACE, f"{case.code}:{attempt_no}")),
        at=at,
    )


def commands_of(case: KycCase) -> Any:
    subject_type, subject_id = audit.subject_of(case)
    return Command.objects.about(subject_type=subject_type, subject_id=subject_id).filter(kind=KIND)


def newest_command(case: KycCase) -> Command | None:
    command: Command | None = commands_of(case).last()
    return command


def start(command: Command, at: datetime) -> None:
    """Move the case to `sending`; raises MustNotSend when the decision may not leave."""
    case = _locked(command)
    if case.status != CaseStatus.QUEUED:
        raise MustNotSend(f"{case.code} is {case.status}, not queued.")
    if not settings.LUX_PUSH_KYC_DECISION:
        raise MustNotSend(_("Decisions are not sent to Lux Financial any more."))
    if case.outcome == Outcome.APPROVE and (stops := standing.stops(case)):
        raise MustNotSend(in_english(stops[0].says))
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(case, CaseStatus.SENDING, journal=journal)
    journal.write()


def send(command: Command) -> Answer:
    """Tell them. An answer that shows another status says that they did not take it.

    So does a conflict, once a look at the customer shows that it was not carried out all the same.
    """
    asked = _asked(command)
    client = get_client(priority=Priority.OPERATOR)
    body = decision_body(asked["kyc_status"], asked["reasons"])
    try:
        record = client.update_customer(asked["customer_id"], body)
    except Conflict as conflict:
        refused = Refused(code=conflict.code or CONFLICT, message=conflict.message)
        return _carried_out(client.get_customer(asked["customer_id"]), asked) or refused
    if record.kyc_status == asked["kyc_status"]:
        return _done(record)
    return Refused(code=NOT_TAKEN, message=_standing_there(record.kyc_status))


def find(command: Command) -> Answer | None:
    """Look where the customer stands now. None: as before we told, so tell them again.

    Who was changed since is never told again: they may have got it and answered. Where they stand
    now is reviewed anew.
    """
    asked = _asked(command)
    record = get_client(priority=Priority.OPERATOR).get_customer(asked["customer_id"])
    if answer := _carried_out(record, asked):
        return answer
    if record.updated_at is not None and record.updated_at <= _unchanged_until(command, asked):
        return None
    return Refused(code=MOVED_ON, message=_standing_there(record.kyc_status))


def _unchanged_until(command: Command, asked: Mapping[str, Any]) -> datetime:
    """Whoever was not changed after this moment stands as they did when we decided.

    Theirs is the better clock: how they were when it was decided about them.
    """
    before_we_told = (command.first_sent_at or command.created_at) - CLOCKS
    changed_at = asked.get("changed_at")
    if not changed_at:
        return before_we_told
    return max(before_we_told, datetime.fromisoformat(changed_at))


def _carried_out(record: CustomerRecord, asked: Mapping[str, Any]) -> Answer | None:
    """What a look at the customer says for certain; None where they were not decided about."""
    if record.kyc_status == asked["kyc_status"]:
        return _done(record)
    if record.kyc_status in statuses.FINAL:
        return Refused(code=DECIDED_THERE, message=_standing_there(record.kyc_status))
    return None


def settle(command: Command, outcome: Answer, at: datetime) -> None:
    """Let the case follow the outcome."""
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    case = _locked(command)
    match outcome:
        case Done(data=data):
            theirs = {} if _has_answered(case) else _seen(case, data, at=at)
            _end(case, _after(case), journal=journal, after=dict(data), **theirs)
        case Refused(code):
            told: dict[str, Any] = {
                "reason": code,
                "status_reason": REFUSALS.get(code, REFUSED),
                "verb": "refused",
            }
            if _is_decided_there(case, code):
                _end(case, CaseStatus.CLOSED, journal=journal, **told)
            else:
                _end(case, case.desk, journal=journal, outcome="", decided_at=None, **told)
        case Postponed(_, why) if case.status == CaseStatus.SENDING:
            move(case, CaseStatus.QUEUED, journal=journal, reason=why, verb="postponed")
        case Uncertain() if case.status == CaseStatus.SENDING:
            move(case, CaseStatus.UNKNOWN, journal=journal, reason=UNCLEAR)
    journal.write()


def settle_doubts(case_ids: Collection[int], *, at: datetime) -> None:
    """End every doubt about these cases that their customers' profiles answer.

    Also where no attempt would find it any more, as when the key was changed meanwhile. Each in a
    transaction of its own, which locks as workers do.
    """
    doubtful = KycCase.objects.filter(pk__in=case_ids, status=CaseStatus.UNKNOWN)
    for case in doubtful.select_related("customer__profile").order_by("pk"):
        theirs = case.customer.profile.kyc_status
        command = newest_command(case)
        if command is None:
            continue
        with suppress(NotSettleable):  # a late answer was faster
            if theirs == statuses.TARGETS[Outcome(case.outcome)]:
                outbox.settle_seen(command=command, reference=str(case.customer_id), at=at)
            elif theirs in statuses.FINAL:
                outbox.settle_by_hand(
                    command=command,
                    outcome=Refused(code=DECIDED_THERE, message=_standing_there(theirs)),
                    at=at,
                    by_label=BY_LABEL,
                )


def _after(case: KycCase) -> CaseStatus:
    """Where a case stands once they know of the decision."""
    if case.outcome != Outcome.ASK_AGAIN:
        return CaseStatus.DECIDED
    return CaseStatus.OPEN if _has_answered(case) else CaseStatus.WAITING


def _has_answered(case: KycCase) -> bool:
    """Whether a customer who was asked for more was seen to answer before their reply to us was."""
    return (
        case.outcome == Outcome.ASK_AGAIN
        and case.theirs in statuses.WORKED
        and case.theirs_at is not None
        and case.decided_at is not None
        and case.theirs_at > case.decided_at
    )


def _seen(case: KycCase, data: Mapping[str, Any], *, at: datetime) -> dict[str, Any]:
    """Their word in the answer, kept as if the mirror had brought it: it may never show it.

    From then on whoever is under review there again is reviewed here anew.
    """
    theirs = data.get("kyc_status") or statuses.TARGETS[Outcome(case.outcome)]
    return {} if theirs == case.theirs else {"theirs": theirs, "theirs_at": at}


def _standing_there(kyc_status: str) -> str:
    """Where Lux Financial says that they are, as it is kept with the command."""
    status = Text(words.KYC_STATUSES.get(kyc_status, kyc_status))
    return in_english(Text(_("At Lux Financial they are “%(status)s”."), status=status))


def _is_decided_there(case: KycCase, code: str) -> bool:
    return code == DECIDED_THERE or case.theirs in statuses.FINAL


def _end(case: KycCase, wanted: CaseStatus, *, journal: Journal, **told: Any) -> None:
    if case.can_become(wanted):
        move(case, wanted, journal=journal, **told)


def _done(record: CustomerRecord) -> Done:
    data = {"kyc_status": record.kyc_status, "endorsements": list(record.endorsements)}
    return Done(reference=record.id, data=data, record=record)


def _asked(command: Command) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(command.request_bytes)
    return asked


def _locked(command: Command) -> KycCase:
    return KycCase.objects.locked().select_related("customer").get(pk=int(command.subject_id))
