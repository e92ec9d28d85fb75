"""What happened to a customer, told from the audit trail: people, the desk itself, providers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer, CustomerRequest, KycCase, Submission
from customers.people import Person
from customers.sight import Sight
from staff import timelines
from staff.models import AuditEvent
from staff.timelines import LONGEST, Entry, Words
from upstreams.enums import Upstream

# What a verb of the audit trail is called on the page of a customer, and how it is coloured.
WORDS: Final[Words] = {
    "customers.hold.placed": (_("held them"), "warn"),
    "customers.hold.lifted": (_("lifted a hold"), ""),
    "customers.link.suggested": (_("found somebody who may be the same"), ""),
    "customers.link.made": (_("linked them with another row: they are one person"), "good"),
    "customers.link.dismissed": (_("said that another row is somebody else"), ""),
    "customers.link.undone": (_("took two linked rows apart"), "warn"),
    "customers.request.asked": (_("asked Lux Financial for something"), ""),
    "customers.request.queued": (_("could not send it yet; nothing has left"), ""),
    "customers.request.sending": (_("began to send what was asked for"), ""),
    "customers.request.made": (_("did what was asked for"), "good"),
    "customers.request.refused": (_("refused what was asked for"), "bad"),
    "customers.request.unknown": (_("got no clear answer: the outcome is unknown"), "bad"),
    "customers.request.looked_for": (_("looked for what became of it"), ""),
    "customers.request.settled": (_("said what became of it"), ""),
    "customers.screening.asked": (_("asked for a screening"), ""),
    "customers.hit.true": (_("said that a listed entity is them"), "bad"),
    "customers.hit.false": (_("said that a listed entity is somebody else"), "good"),
    "customers.hit.unsure": (_("is not sure about a listed entity"), "warn"),
    "customers.hit.reopened": (_("took a verdict on a listed entity back"), ""),
    "staff.personal_data.revealed": (_("looked at a masked value"), ""),
    "customers.document.added": (_("added a document"), ""),
    "customers.document.judged": (_("judged a document"), ""),
    "customers.document.viewed": (_("looked at their documents"), ""),
    "customers.document.downloaded": (_("downloaded a document"), ""),
    "customers.document.erased": (_("destroyed their documents"), "warn"),
    "customers.submission.asked": (_("handed documents in at Lux Financial"), ""),
    "customers.submission.queued": (_("could not send the documents yet; nothing has left"), ""),
    "customers.submission.sending": (_("began to send the documents"), ""),
    "customers.submission.unknown": (_("got no clear answer about the documents"), "bad"),
    "customers.submission.accepted": (_("has the documents"), "good"),
    "customers.submission.refused": (_("did not take the documents"), "bad"),
    "customers.submission.looked_for": (_("tried to send the documents once more"), ""),
    "customers.submission.settled": (_("said what became of the documents"), ""),
    "customers.case.opened": (_("opened a KYC case"), ""),
    "customers.case.theirs_changed": (_("changed the KYC status"), ""),
    "customers.case.came_back": (_("came back: the KYC case is to be reviewed"), ""),
    "customers.case.decided_there": (_("decided about KYC; the case is closed"), ""),
    "customers.case.reopened": (_("opened the KYC case again"), ""),
    "customers.case.recalled": (_("called the KYC decision back"), "warn"),
    "customers.case.ticked": (_("ticked points of the checklist"), ""),
    "customers.case.unticked": (_("cleared the checklist"), "warn"),
    "customers.case.escalated": (_("escalated the KYC case"), "warn"),
    "customers.case.waiting": (_("asked the customer again"), ""),
    "customers.case.proposed": (_("proposed a KYC decision"), ""),
    "customers.case.confirmed": (_("confirmed the KYC decision"), "good"),
    "customers.case.decided_alone": (_("decided the KYC case"), "good"),
    "customers.case.proposal_returned": (_("returned the proposed decision"), "warn"),
    "customers.case.proposal_withdrawn": (_("took the proposed decision back"), ""),
    "customers.case.voided": (_("voided the proposal: the evidence has changed"), "warn"),
    "customers.case.queued": (_("queued the KYC decision"), ""),
    "customers.case.postponed": (_("could not send the decision yet; nothing has left"), ""),
    "customers.case.sending": (_("began to send the KYC decision"), ""),
    "customers.case.unknown": (_("got no clear answer about the KYC decision"), "bad"),
    "customers.case.decided": (_("has the KYC decision"), "good"),
    "customers.case.closed": (_("closed the KYC case"), ""),
    "customers.case.refused": (_("was refused the KYC decision by Lux Financial"), "bad"),
    "customers.case.confirmation_refused": (_("tried to confirm it and could not"), "bad"),
    "staff.claim.taken_over": (_("took it over"), ""),
    "customers.case.looked_for": (_("looked for what became of the KYC decision"), ""),
}


# What only people who see KYC cases read: the words beside it are theirs.
_OF_COMPLIANCE: Final = tuple(
    f"customers.{what}." for what in ("case", "document", "hit", "screening", "submission")
)


def of_person(person: Person, *, sight: Sight, sees_cases: bool) -> list[Entry]:
    """Return what happened to every row of a person, cases, requests and submissions.

    Newest first. `sees_cases`: what compliance did is told too. Four queries.
    """
    events = AuditEvent.objects.filter(_about(person)).select_related("by")
    if not sees_cases:
        for beginning in _OF_COMPLIANCE:
            events = events.exclude(verb__startswith=beginning)
    found = [_entry(event, person, sight) for event in events.order_by("-sequence")[:LONGEST]]
    return sorted([*found, *_first_seen(person)], key=lambda entry: entry.at, reverse=True)


def _about(person: Person) -> Q:
    rows = [row.pk for row in person.members]
    cases = KycCase.objects.filter(customer__in=rows).values_list("pk", flat=True)
    requests = CustomerRequest.objects.filter(customer__in=rows).values_list("pk", flat=True)
    submissions = Submission.objects.filter(customer__in=rows).values_list("pk", flat=True)
    return (
        _subjects(Customer._meta.label_lower, rows)
        | _subjects(KycCase._meta.label_lower, cases)
        | _subjects(CustomerRequest._meta.label_lower, requests)
        | _subjects(Submission._meta.label_lower, submissions)
    )


def _subjects(subject_type: str, pks: Iterable[int]) -> Q:
    return Q(subject_type=subject_type, subject_id__in=[str(pk) for pk in pks])


def _entry(event: AuditEvent, person: Person, sight: Sight) -> Entry:
    quote = timelines.reason_of(event)
    for row in person.members:
        quote = sight.text(quote, about=row, profile=person.profile)
    return timelines.of_event(event, words=WORDS, quote=quote, providers=Upstream.labels)


def _first_seen(person: Person) -> Iterator[Entry]:
    for profile in person.profiles:
        if profile.created_at is not None:
            yield Entry(
                at=profile.created_at,
                who=Upstream.LUX.label,
                text=gettext("has known them since then"),
                kind="upstream",
                detail="",
                quote="",
            )
