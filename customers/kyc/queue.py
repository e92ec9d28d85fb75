"""What waits for whom: the tabs of the queue as querysets, and which case is next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from customers.enums import CaseStatus, HitState, ProposalState
from customers.kyc.checklist import EASY_RISKS
from customers.models import ON_ITS_WAY, Document, Hit, Hold, KycCase
from customers.models.cases import KycCaseQuerySet
from staff.models import Claim, User
from staff.permissions import Permission, can
from staff.texts import Sayable, Text

SUBJECT: Final = "customers.kyccase"


@dataclass(frozen=True)
class Tab:
    """One state of the queue, and how it is sorted unless somebody asks otherwise."""

    key: str
    label: Promise
    rows: Callable[[KycCaseQuerySet], KycCaseQuerySet]
    order: str = "due"


TABS: Final = {
    tab.key: tab
    for tab in (
        Tab("review", _("To review"), lambda rows: rows.filter(status=CaseStatus.OPEN)),
        Tab(
            "second",
            _("Waiting for a second person"),
            lambda rows: rows.filter(status=CaseStatus.PROPOSED),
        ),
        Tab("escalated", _("Escalated"), lambda rows: rows.filter(status=CaseStatus.ESCALATED)),
        Tab(
            "customer",
            _("Waiting for the customer"),
            lambda rows: rows.filter(status=CaseStatus.WAITING),
            "newest",
        ),
        Tab("flight", _("In flight"), lambda rows: rows.filter(status__in=ON_ITS_WAY), "newest"),
        Tab("all", _("All"), lambda rows: rows, "newest"),
    )
}


def for_queue(rows: KycCaseQuerySet) -> KycCaseQuerySet:
    """Read cases with everything that a row of the queue shows of them."""
    return rows.select_related("customer__profile").annotate(
        open_hits=_number(
            Hit.objects.filter(is_listed=True, state__in=[HitState.OPEN, HitState.UNSURE])
        ),
        kept_documents=_number(Document.objects.filter(erased_at=None)),
        standing_holds=_number(Hold.objects.filter(lifted_at=None)),
    )


def claimed_by_others(person: User, *, at: datetime) -> list[int]:
    """The cases that somebody else is looking at."""
    return _claimed(Claim.objects.live(at=at).exclude(user=person))


def claimed_by(person: User, *, at: datetime) -> list[int]:
    return _claimed(Claim.objects.live(at=at).filter(user=person))


def claimed_by_anybody(*, at: datetime) -> list[int]:
    return _claimed(Claim.objects.live(at=at))


def waits_for(person: User) -> Q:
    """The cases that this person has to do something about."""
    mine = Q()
    if can(person, Permission.PROPOSE_KYC):
        mine |= Q(status=CaseStatus.OPEN)
    if can(person, Permission.CONFIRM_KYC):
        own = Q(proposals__state=ProposalState.OPEN, proposals__proposed_by=person)
        proposed = KycCase.objects.filter(own).values("pk")
        mine |= Q(status=CaseStatus.ESCALATED)
        mine |= Q(status=CaseStatus.PROPOSED) & ~Q(pk__in=proposed)
    return mine or Q(pk=None)


@dataclass(frozen=True)
class Next:
    """The case that somebody should take now, and why this one."""

    case: KycCase
    says: Sayable

    @property
    def why(self) -> str:
        return str(self.says)


def upcoming(person: User, *, now: datetime, limit: int = 1, but: int | None = None) -> list[Next]:
    """What waits for this person, the most urgent first; nothing that others look at."""
    rows = KycCase.objects.filter(waits_for(person)).exclude(
        pk__in=[*claimed_by_others(person, at=now), *([but] if but else [])]
    )
    found = rows.select_related("customer__profile").order_by("due_at", "pk")[:limit]
    return [Next(case, _why(case, now)) for case in found]


def _why(case: KycCase, now: datetime) -> Sayable:
    profile = getattr(case.customer, "profile", None)
    if case.due_at <= now:
        return Text(gettext_noop("It is late."))
    if case.status == CaseStatus.PROPOSED:
        return Text(gettext_noop("Only a second person is missing."))
    if case.status == CaseStatus.ESCALATED:
        return Text(gettext_noop("It was escalated."))
    if profile is not None and profile.risk_rating not in EASY_RISKS:
        return Text(gettext_noop("Nothing is due earlier, and its risk is high."))
    return Text(gettext_noop("Nothing is due earlier."))


def _claimed(claims: QuerySet[Claim]) -> list[int]:
    found = claims.filter(subject_type=SUBJECT).values_list("subject_id", flat=True)
    return [int(pk) for pk in found]


def _number(rows: QuerySet[Hit] | QuerySet[Document] | QuerySet[Hold]) -> Coalesce:
    """How many of these the customer of a case has."""
    counted = (
        rows.filter(customer=OuterRef("customer"))
        .order_by()
        .values("customer")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Coalesce(Subquery(counted), 0)
