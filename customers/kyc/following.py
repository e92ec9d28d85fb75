"""Cases follow what Lux Financial says of a customer: they are opened, moved and closed by it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from customers.enums import CaseStatus, ProposalState
from customers.kyc import sending, statuses
from customers.kyc.moves import move, note
from customers.kyc.statuses import DELETED
from customers.models import ON_ITS_WAY, Customer, KycCase, Profile
from staff.journal import Journal

DECIDED_THERE: Final = _("It was decided at Lux Financial.")
DELETED_THERE: Final = _("The customer was deleted at Lux Financial.")
WITH_THEM: Final = _("Lux Financial waits for the customer.")
CAME_BACK: Final = _("The customer sent what was asked for.")
DOCUMENTS_CAME: Final = _("Documents came: what was ticked before was seen without them.")
REVIEWED: Final = (CaseStatus.OPEN, CaseStatus.ESCALATED)


def follow(profiles: Iterable[Profile], *, journal: Journal) -> None:
    """Let the cases follow these profiles, in the transaction that wrote them.

    What is to be audited goes into the journal, which is written last. A decision whose outcome was
    unknown is settled by what they tell as soon as they are committed.
    """
    told = {profile.customer_id: profile for profile in profiles}
    if not told:
        return
    rows = KycCase.objects.under_way().filter(customer__in=told).locked().order_by("pk")
    cases = {case.customer_id: case for case in rows}
    settled = _newest_settled(set(told) - set(cases))
    for customer_id in sorted(told):
        profile = told[customer_id]
        if case := cases.get(customer_id):
            _follow(case, profile, journal=journal)
        elif _asks_for_a_case(profile, settled.get(customer_id)):
            _open(profile, journal=journal)
        elif (case := settled.get(customer_id)) and case.theirs != profile.kyc_status:
            _note(case, profile, journal=journal)
    doubtful = [case.pk for case in cases.values() if case.status == CaseStatus.UNKNOWN]
    if doubtful:
        transaction.on_commit(lambda: sending.settle_doubts(doubtful, at=journal.at))


def take_up(customers: Iterable[int], *, journal: Journal) -> None:
    """Take up again what waited for these customers: documents of theirs have come.

    What was ticked in a review was seen on other documents, so it is to be looked at again. Call it
    in the transaction that stored them, before the journal is written.
    """
    followed = (CaseStatus.WAITING, *REVIEWED)
    cases = KycCase.objects.filter(customer__in=set(customers), status__in=followed)
    for case in cases.locked().order_by("pk"):
        _untick(case, journal=journal)
        if case.status == CaseStatus.WAITING:
            _take_up(case, journal=journal)


def sent_more(customer: Customer, *, journal: Journal) -> None:
    """The same where somebody at the desk has put documents in for a customer.

    Whom Lux Financial asked for more has a case from then on.
    """
    take_up([customer.pk], journal=journal)
    if KycCase.objects.under_way().filter(customer=customer).exists():
        return
    profile = Profile.objects.filter(customer=customer, kyc_status="incomplete").first()
    if profile is not None:
        _open(profile, journal=journal)


def due_at(profile: Profile, *, at: datetime) -> datetime:
    """When a review of this customer should be over. A rating nobody heard of is hurried."""
    hours: dict[str, int] = settings.KYC_DUE_HOURS
    return at + timedelta(hours=hours.get(profile.risk_rating, min(hours.values())))


def _asks_for_a_case(profile: Profile, settled: KycCase | None) -> bool:
    """Whether somebody has to work on this customer.

    A decision of ours that they have not carried out yet stands: only a customer who was somewhere
    else meanwhile is reviewed anew.
    """
    if profile.kyc_status not in statuses.WORKED or profile.status == DELETED:
        return False
    return settled is None or settled.theirs not in statuses.WORKED


def _open(profile: Profile, *, journal: Journal) -> None:
    try:
        with transaction.atomic():
            case = KycCase.objects.create(
                customer_id=profile.customer_id,
                opened_at=journal.at,
                opened_for=profile.kyc_status,
                theirs=profile.kyc_status,
                theirs_at=journal.at,
                due_at=due_at(profile, at=journal.at),
            )
    except IntegrityError:  # another worker opened it at this moment
        return
    note(
        journal,
        "opened",
        case,
        after={"kyc_status": profile.kyc_status, "risk": profile.risk_rating},
    )


def _follow(case: KycCase, profile: Profile, *, journal: Journal) -> None:
    theirs, before = profile.kyc_status, case.theirs
    status = CaseStatus(case.status)
    came_back = theirs in statuses.WORKED and before not in statuses.WORKED
    if theirs in statuses.FINAL and status not in ON_ITS_WAY:
        _close(case, profile, verb="decided_there", reason=DECIDED_THERE, journal=journal)
    elif profile.status == DELETED and status not in ON_ITS_WAY:
        _close(case, profile, verb="closed", reason=DELETED_THERE, journal=journal)
    elif status == CaseStatus.OPEN and theirs in statuses.WITH_CUSTOMER:
        move(
            case,
            CaseStatus.WAITING,
            journal=journal,
            reason=WITH_THEM,
            after={"kyc_status": theirs},
            theirs=theirs,
            theirs_at=journal.at,
        )
    elif status == CaseStatus.WAITING and came_back:
        _take_up(
            case,
            journal=journal,
            theirs=theirs,
            theirs_at=journal.at,
            due_at=due_at(profile, at=journal.at),
        )
    elif theirs != before:
        _note(case, profile, journal=journal)


def _take_up(case: KycCase, *, journal: Journal, **changes: Any) -> None:
    move(case, CaseStatus.OPEN, journal=journal, verb="came_back", reason=CAME_BACK, **changes)


def _untick(case: KycCase, *, journal: Journal) -> None:
    if not case.checklist:
        return
    before, case.checklist = case.checklist, {}
    case.save(update_fields=["checklist"])
    note(journal, "unticked", case, before={"ticked": sorted(before)}, reason=DOCUMENTS_CAME)


def _close(case: KycCase, profile: Profile, *, verb: str, reason: str, journal: Journal) -> None:
    case.proposals.filter(state=ProposalState.OPEN).update(
        state=ProposalState.VOID, closed_at=journal.at, closed_reason=reason
    )
    move(
        case,
        CaseStatus.CLOSED,
        journal=journal,
        verb=verb,
        reason=reason,
        after={"kyc_status": profile.kyc_status},
        theirs=profile.kyc_status,
        theirs_at=journal.at,
    )


def _note(case: KycCase, profile: Profile, *, journal: Journal) -> None:
    """Keep their new word beside ours; nothing else follows from it."""
    before = case.theirs
    case.theirs, case.theirs_at = profile.kyc_status, journal.at
    case.save(update_fields=["theirs", "theirs_at"])
    note(
        journal,
        "theirs_changed",
        case,
        before={"kyc_status": before},
        after={"kyc_status": case.theirs, "endorsements": list(profile.endorsements)},
    )


def _newest_settled(customers: Iterable[int]) -> dict[int, KycCase]:
    """The newest case of each of them that is over."""
    over = KycCase.objects.filter(customer__in=customers).exclude(
        pk__in=KycCase.objects.under_way().values("pk")
    )
    return {case.customer_id: case for case in over.order_by("opened_at", "pk")}
