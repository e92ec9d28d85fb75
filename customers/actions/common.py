"""What the actions on a case share: locks in their order, claims, receipts, refusals on the trail.

The order of locks: the profile, the case, the claim, the audit chain. Whoever writes a profile, a
document, a verdict or a hold does it under the first or the last of them, so evidence that is read
between them is what it is until the decision is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.actions.errors import CaseNotPossible, Incomplete
from customers.models import KycCase, Profile, Proposal
from staff import audit
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from staff.texts import Text, in_english

SUBJECT = "customers.kyccase"


@dataclass(frozen=True)
class Receipt:
    """Proof of a decision. `repeated`: this was the same decision again, and changed nothing."""

    case: KycCase
    proposal: Proposal
    audit: AuditEvent
    repeated: bool = False


def under_locks(case_id: int) -> tuple[KycCase, Profile]:
    """The case and what Lux Financial tells of its customer, both locked.

    Raises CaseNotPossible where they tell nothing.
    """
    customer_id = KycCase.objects.values_list("customer", flat=True).get(pk=case_id)
    rows = Profile.objects.select_for_update(of=("self",), no_key=True)
    profile = rows.filter(customer=customer_id).first()
    if profile is None:
        raise CaseNotPossible(Text(_("Lux Financial tells nothing of this customer any more.")))
    return KycCase.objects.locked().select_related("customer").get(pk=case_id), profile


def stated(reason: str, *, field: str = "reason") -> str:
    """The reason without what surrounds it; raises Incomplete when there is none."""
    if text := reason.strip():
        return text
    raise Incomplete({field: Text(_("Say why, in a few words: it is kept with the case."))})


def last_event(case: KycCase) -> AuditEvent:
    """The newest event about a case."""
    subject_type, subject_id = audit.subject_of(case)
    events = AuditEvent.objects.about(subject_type=subject_type, subject_id=subject_id)
    return events.order_by("-sequence")[0]


@contextmanager
def refusal_is_recorded(verb: str, case_id: int, *, by: User, at: datetime) -> Iterator[None]:
    """Leave a trace of every try that is refused."""
    try:
        yield
    except (CaseNotPossible, NotPermitted) as refusal:
        with transaction.atomic():
            audit.record(
                f"customers.case.{verb}",
                (SUBJECT, str(case_id)),
                by=by,
                at=at,
                reason=in_english(refusal.says),
            )
        raise
