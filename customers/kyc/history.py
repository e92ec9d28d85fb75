"""What happened to a case, told from the audit trail: people, the desk itself, Lux Financial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers import words
from customers.enums import Outcome
from customers.kyc import reasons
from customers.kyc.moves import THEIR_LABEL
from customers.models import KycCase
from customers.sight import Sight
from staff import audit, timelines
from staff.models import AuditEvent
from staff.timelines import Entry

_PROVIDERS: Final = {THEIR_LABEL}

# What a verb of the audit trail is called here, and how it is coloured.
WORDS: Final[timelines.Words] = {
    "customers.case.opened": (_("brought them here to be reviewed"), ""),
    "customers.case.theirs_changed": (_("changed their status"), ""),
    "customers.case.decided_there": (_("decided by itself"), ""),
    "customers.case.came_back": (_("brought what was asked for"), ""),
    "customers.case.ticked": (_("saved the checklist"), ""),
    "customers.case.escalated": (_("escalated it"), "warn"),
    "customers.case.reopened": (_("took it up again"), ""),
    "customers.case.proposed": (_("proposed a decision"), ""),
    "customers.case.decided_alone": (_("decided"), "good"),
    "customers.case.confirmed": (_("confirmed it"), "good"),
    "customers.case.confirmation_refused": (_("tried to confirm it and could not"), "bad"),
    "customers.case.voided": (
        _("found that the evidence had changed: the proposal is void"),
        "bad",
    ),
    "customers.case.proposal_returned": (_("returned it to the reviewers"), "warn"),
    "customers.case.proposal_withdrawn": (_("took the proposal back"), ""),
    "customers.case.recalled": (_("took the decision back before it left"), ""),
    "customers.case.queued": (_("queued it for Lux Financial"), ""),
    "customers.case.postponed": (_("could not send it yet; nothing has left"), ""),
    "customers.case.sending": (_("began to send it"), ""),
    "customers.case.unknown": (_("got no clear answer: the outcome is unknown"), "bad"),
    "customers.case.looked_for": (_("let the desk look for the answer once more"), ""),
    "customers.case.refused": (_("was refused by Lux Financial"), "bad"),
    "customers.case.waiting": (_("waits for the customer now"), ""),
    "customers.case.decided": (_("ended the case"), "good"),
    "customers.hold.placed": (_("held the customer"), "warn"),
    "customers.hold.lifted": (_("let the customer go"), ""),
    "staff.claim.taken_over": (_("took it over"), ""),
}


def of_case(case: KycCase, *, sight: Sight) -> list[Entry]:
    """What happened to a case, and to its customer since it was opened, newest first."""
    profile = getattr(case.customer, "profile", None)

    def told(event: AuditEvent) -> Entry:
        said = gettext(event.reason) if event.reason else ""
        quote = sight.text(said, about=case.customer, profile=profile)
        entry = timelines.of_event(event, words=WORDS, quote=quote, providers=_PROVIDERS)
        return replace(entry, detail=" · ".join([*_details(event.after), entry.detail]))

    return [told(event) for event in _events(case)]


def _events(case: KycCase) -> list[AuditEvent]:
    subject_type, subject_id = audit.subject_of(case)
    about_case = AuditEvent.objects.filter(subject_type=subject_type, subject_id=subject_id)
    customer_type, customer_id = audit.subject_of(case.customer)
    about_them = AuditEvent.objects.filter(
        subject_type=customer_type, subject_id=customer_id, at__gte=case.opened_at
    )
    if case.closed_at:
        about_them = about_them.filter(at__lte=case.closed_at)
    found = (about_case | about_them).filter(verb__in=WORDS).select_related("by")
    return list(found.order_by("-sequence")[: timelines.LONGEST])


def _details(after: dict[str, Any]) -> Iterator[str]:
    if outcome := after.get("outcome"):
        yield gettext(Outcome(outcome).label)
    for code in after.get("reasons", ()):
        if code in reasons.BY_CODE:
            yield gettext(reasons.BY_CODE[code].label)
    if status := after.get("kyc_status"):
        yield words.say(words.KYC_STATUSES, str(status))
    if risk := after.get("risk"):
        yield words.say(words.RISKS, str(risk))
    yield from words.say_all(words.ENDORSEMENTS, after.get("endorsements", ()))
    if "points" in after:
        yield gettext("%(n)s ticked") % {"n": len(after["points"])}
