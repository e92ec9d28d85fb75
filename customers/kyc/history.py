"""What happened to a case, told from the audit trail: people, the desk itself, Lux Financial."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext

from customers import words
from customers.enums import Outcome
from customers.history import WORDS
from customers.kyc import reasons
from customers.kyc.moves import THEIR_LABEL
from customers.models import KycCase
from customers.sight import Sight
from staff import audit, timelines
from staff.models import AuditEvent
from staff.timelines import Entry

_PROVIDERS: Final = {THEIR_LABEL}


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
