"""Handing documents in at Lux Financial on a customer's behalf (upstreams.md §1.5, §4.3).

What waits to be sent names documents only: the pictures are opened and put together when it is
sent, and forgotten again. The same key may go again for a day; after that their word on the
customer is read first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from customers import words as said
from customers.documents import storing
from customers.enums import DocumentKind, DocumentOrigin, DocumentVerdict, Side, SubmissionStatus
from customers.models import Customer, Document, Profile, Submission
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import Conflict
from upstreams.http import Priority
from upstreams.lux import keys, words
from upstreams.lux.calls.customers import Picture, kyc_body
from upstreams.lux.client import LuxClient, get_client
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    MustNotSend,
    Outcome,
    Postponed,
    Refused,
    Repeat,
    Sender,
    Uncertain,
)

KIND: Final = "lux.kyc_submission"
BY_LABEL: Final = "Lightdesk"
UNREADABLE: Final = "UNREADABLE"
NOT_NOW: Final = "NOT_NOW"
CLOSED: Final = "CLOSED_BY_PEOPLE"
# What a refusal is called on pages: their own words may name people, and are not kept for ever.
REFUSED: Final = _("It gave a reason whose code is in the audit trail.")
REFUSALS: Final[Mapping[str, str]] = {
    UNREADABLE: _("A document of it cannot be read any more."),
    NOT_NOW: _("No documents are taken while their KYC stands where it stands."),
    "NOT_FOUND": _("Lux Financial does not know this customer."),
}
UNCLEAR: Final = _("Lux Financial gave no clear answer.")
_NAMESPACE: Final = UUID("0f0c9a52-2f0e-4a58-8a57-6f6d1f6f0a77")
_WANTING: Final = (DocumentVerdict.ASK_AGAIN, DocumentVerdict.REJECTED)


@dataclass(frozen=True)
class Choice:
    """Pictures that were uploaded together, as one document."""

    front: Document
    back: Document | None
    selfie: Document | None

    @property
    def documents(self) -> list[Document]:
        return [one for one in (self.front, self.back, self.selfie) if one is not None]


@dataclass(frozen=True)
class Standing:
    """Where a submission stands, in sentences."""

    tone: str
    known: str
    next: str = ""


def register_sender() -> None:
    outbox.register(
        Sender(
            kind=KIND,
            upstream=Upstream.LUX,
            send=send,
            starting=start,
            settle=settle,
            repeat=Repeat.SAME_KEY,
        )
    )


def choices(documents: Iterable[Document]) -> list[Choice]:
    """What may be handed in of these, newest first: uploaded here, whole, not found wanting."""
    groups: dict[tuple[int, str, datetime], dict[str, Document]] = {}
    for one in documents:
        is_ours = one.origin == DocumentOrigin.DESK and one.erased_at is None
        if is_ours and one.kind in words.DOCUMENTS and one.verdict not in _WANTING:
            groups.setdefault((one.customer_id, one.kind, one.added_at), {})[one.side] = one
    found = [
        Choice(sides[Side.FRONT], sides.get(Side.BACK), sides.get(Side.SELFIE))
        for (_customer, kind, _at), sides in groups.items()
        if Side.FRONT in sides and (Side.BACK in sides or not words.DOCUMENTS[kind])
    ]
    return sorted(found, key=lambda one: (one.front.added_at, one.front.pk), reverse=True)


def handed_in_by(person: User, customer: Customer) -> frozenset[tuple[str, str]]:
    """The kinds and sides that this person handed in of somebody and that may come back as theirs.

    Of what was handed in without its id being known, nobody can tell which picture read at Lux
    Financial is a copy (`customers.feeds_documents` passes over the others). One query.
    """
    rows = Submission.objects.filter(
        customer__in=Customer.objects.same_as(customer), upstream_id=""
    ).exclude(status=SubmissionStatus.REFUSED)
    return frozenset(
        (row.kind, one.side)
        for row in rows.select_related("front", "back", "selfie")
        for one in row.documents
        if person.pk in (row.created_by_id, one.added_by_id)
    )


def brought(document: Document, *, person: User, handed_in: frozenset[tuple[str, str]]) -> bool:
    """Whether this person uploaded it, or it may be what they handed in, come back."""
    may_be_a_copy = document.origin == DocumentOrigin.UPSTREAM
    is_like_theirs = (document.kind, document.side) in handed_in
    return document.added_by_id == person.pk or (may_be_a_copy and is_like_theirs)


def profile_of(customer: Customer) -> Profile | None:
    """What Lux Financial tells of the person that this customer stands for."""
    rows = Profile.objects.filter(customer__in=Customer.objects.same_as(customer))
    return rows.select_related("customer").order_by("customer").first()


def why_not_now(profile: Profile | None) -> Text | None:
    """Why Lux Financial takes no documents for this customer now; None when it does."""
    if profile is None:
        return Text(_("Lux Financial does not know this customer."))
    if words.takes_documents(profile.kyc_status):
        return None
    status = said.say(said.KYC_STATUSES, profile.kyc_status)
    return Text(
        _("Lux Financial takes no documents while their KYC is “%(status)s”."), status=status
    )


def put(submission: Submission, *, upstream_id: str, at: datetime) -> None:
    """Queue it. Call inside the transaction of the decision."""
    told = {
        "customer_id": upstream_id,
        "document_type": submission.kind,
        "documents": [str(one.key) for one in submission.documents],
    }
    outbox.put(
        kind=KIND,
        upstream=Upstream.LUX,
        subject=audit.subject_of(submission),
        attempt_no=1,
        request=json.dumps(told, sort_keys=True).encode(),
        idempotency_key=str(uuid5(_NAMESPACE, submission.code)),
        at=at,
    )


def start(command: Command, at: datetime) -> None:
    """Move the submission to `sending`; raises MustNotSend when it may not leave."""
    submission = _locked(command)
    if submission.status != SubmissionStatus.QUEUED:
        raise MustNotSend(f"{submission.code} is {submission.status}, not queued.")
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(submission, SubmissionStatus.SENDING, journal=journal)
    journal.write()


def send(command: Command) -> Outcome:
    """Put the pictures together and hand them in.

    Once they may have forgotten the key, their word on the customer is read first: whoever takes
    no documents any more has taken these.
    """
    client = get_client(priority=Priority.OPERATOR)
    customer_id = str(json.loads(command.request_bytes)["customer_id"])
    if keys.may_be_forgotten(command) and not _still_takes_documents(client, customer_id):
        return Done(reference="", data={"seen": "status"})
    try:
        body = _body(command)
    except storing.Unreadable:
        if command.unknown_since is not None:
            return Uncertain(REFUSALS[UNREADABLE])
        return Refused(UNREADABLE, REFUSALS[UNREADABLE])
    try:
        made = client.submit_kyc(customer_id, body, idempotency_key=command.idempotency_key)
    except Conflict as conflict:
        if _still_takes_documents(client, customer_id):
            raise
        return Refused(NOT_NOW, conflict.message)
    return Done(reference=made.id)


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the submission follow the outcome."""
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    submission = _locked(command)
    match outcome:
        case Done(reference):
            _end(submission, SubmissionStatus.ACCEPTED, journal, upstream_id=reference[:120])
        case Refused(code, message):
            # What people close, they close in words of their own.
            why = message if code == CLOSED else REFUSALS.get(code, REFUSED)
            _end(submission, SubmissionStatus.REFUSED, journal, reason=code, status_reason=why)
        case Postponed(_, why) if submission.status == SubmissionStatus.SENDING:
            move(submission, SubmissionStatus.QUEUED, journal=journal, reason=why)
        case Uncertain() if submission.status == SubmissionStatus.SENDING:
            move(submission, SubmissionStatus.UNKNOWN, journal=journal, reason=UNCLEAR)
    journal.write()


def move(
    submission: Submission,
    wanted: SubmissionStatus,
    *,
    journal: Journal,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked submission, save it and note the move; it must be one that is allowed."""
    current = SubmissionStatus(submission.status)
    if not submission.can_become(wanted):
        raise ValueError(f"{submission.code} is {current}; it cannot become {wanted}")
    submission.status, submission.status_reason = wanted, reason
    for name, value in changes.items():
        setattr(submission, name, value)
    submission.save(update_fields={"status", "status_reason", *changes})
    journal.add(
        f"customers.submission.{wanted.value}",
        submission,
        before={"status": current},
        after={"status": wanted, "customer": submission.customer_id},
        reason=reason,
    )


def newest_commands(submissions: Iterable[Submission]) -> Mapping[int, Command]:
    """The newest command about each of these, by the submission's key. One query."""
    ids = {str(one.pk) for one in submissions}
    if not ids:
        return {}
    label = Submission._meta.label_lower
    commands = Command.objects.filter(subject_type=label, subject_id__in=ids).defer("request")
    return {int(command.subject_id): command for command in commands.order_by("pk")}


def is_given_up(submission: Submission, command: Command | None) -> bool:
    """Whether no machine will find out what became of it."""
    is_unknown = submission.status == SubmissionStatus.UNKNOWN
    return is_unknown and command is not None and outbox.waits_for_people(command)


def tell(submission: Submission, command: Command | None) -> Standing:
    """Say where it stands; `command` is its newest."""
    match SubmissionStatus(submission.status):
        case SubmissionStatus.ACCEPTED:
            return Standing("good", gettext("Lux Financial has the documents."))
        case SubmissionStatus.REFUSED:
            why = submission.status_reason
            told = {"said": gettext(why) if why else ""}
            known = gettext("Lux Financial did not take them. %(said)s") % told
            return Standing("bad", known, gettext("They can be handed in again."))
        case SubmissionStatus.UNKNOWN if is_given_up(submission, command):
            return Standing(
                "bad",
                gettext("They were sent and got no clear answer. No machine looks again."),
                gettext("Look at Lux Financial and say below whether it has them."),
            )
        case SubmissionStatus.UNKNOWN:
            return Standing(
                "warn",
                gettext("They were sent and got no clear answer."),
                gettext("There is nothing to do: they go again under the same key."),
            )
    if why := _what_delays(command):
        known = gettext("They could not be sent yet: %(why)s") % {"why": why}
        return Standing("warn", known, gettext("It is tried again by itself."))
    return Standing("flow", gettext("They are on their way to Lux Financial."))


def label(choice: Choice) -> str:
    """`Passport, front and selfie`."""
    sides = ", ".join(gettext(Side(one.side).label).lower() for one in choice.documents)
    return f"{gettext(DocumentKind(choice.front.kind).label)}: {sides}"


def _body(command: Command) -> bytes:
    """The pictures as they are kept, as data URIs. Raises storing.Unreadable."""
    submission = Submission.objects.select_related("front", "back", "selfie").get(
        pk=int(command.subject_id)
    )
    shown = {one.side: Picture(one.media_type, storing.read(one)) for one in submission.documents}
    return kyc_body(
        submission.kind,
        front=shown[Side.FRONT],
        back=shown.get(Side.BACK),
        selfie=shown.get(Side.SELFIE),
    )


def _still_takes_documents(client: LuxClient, customer_id: str) -> bool:
    return words.takes_documents(client.get_customer(customer_id).kyc_status)


def _what_delays(command: Command | None) -> str:
    return command.error if command is not None else ""


def _locked(command: Command) -> Submission:
    return Submission.objects.locked().get(pk=int(command.subject_id))


def _end(
    submission: Submission, wanted: SubmissionStatus, journal: Journal, **changes: Any
) -> None:
    if submission.can_become(wanted):
        move(submission, wanted, journal=journal, settled_at=journal.at, **changes)
