"""Telling the others "I am looking at this": a lease on one thing, which stops no decision."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from staff import audit
from staff.audit import Subject, subject_of
from staff.models import Claim, ClaimQuerySet, User
from staff.texts import Text

LEASE = timedelta(minutes=10)


class ClaimedByOther(Exception):
    """Somebody else is looking at it."""

    def __init__(self, by: User, until: datetime) -> None:
        self.by, self.until = by, until
        who = by.name or by.email
        super().__init__(
            Text(
                _("%(who)s is looking at this until %(moment)s."),
                who=who,
                moment=f"{timezone.localtime(until):%H:%M %Z}",
            )
        )


class ClaimLost(Exception):
    """The lease ran out or was given back, and nobody else holds it."""

    def __init__(self) -> None:
        super().__init__(Text(_("You are no longer looking at this: claim it again.")))


class ReasonMissing(ValueError):
    """A claim was to be taken over without saying why."""

    def __init__(self) -> None:
        super().__init__(Text(_("Say why you take this over.")))


def claim(*, subject: Subject, by: User, at: datetime) -> Claim:
    """Take a lease of ten minutes, or prolong one's own. Raises ClaimedByOther."""
    rows = _rows(subject)
    subject_type, subject_id = subject_of(subject)
    # A row to win, run out already; then one conditional update decides who has it.
    Claim.objects.bulk_create(
        [
            Claim(
                subject_type=subject_type,
                subject_id=subject_id,
                user=by,
                claimed_at=at,
                expires_at=at,
            )
        ],
        ignore_conflicts=True,
    )
    own = When(user=by, expires_at__gt=at, then=F("claimed_at"))
    won = rows.filter(Q(expires_at__lte=at) | Q(user=by)).update(
        claimed_at=Case(own, default=at), user=by, expires_at=at + LEASE
    )
    held = rows.select_related("user").get()
    if not won:
        raise ClaimedByOther(held.user, held.expires_at)
    return held


def renew(*, subject: Subject, by: User, at: datetime) -> Claim:
    """Prolong one's own lease: the ping of an open page. Raises ClaimedByOther and ClaimLost."""
    rows = _rows(subject)
    won = rows.filter(user=by, expires_at__gt=at).update(expires_at=at + LEASE)
    held = rows.live(at=at).select_related("user").first()
    if held is None:
        raise ClaimLost
    if not won:
        raise ClaimedByOther(held.user, held.expires_at)
    return held


def release(*, subject: Subject, by: User, at: datetime) -> bool:
    """Give one's own lease back; False when there was none."""
    return bool(_rows(subject).filter(user=by, expires_at__gt=at).update(expires_at=at))


@transaction.atomic
def take_over(*, subject: Subject, by: User, at: datetime, reason: str) -> Claim:
    """Take the lease from whoever holds it, and write down why. Raises ReasonMissing."""
    if not reason.strip():
        raise ReasonMissing
    held = _rows(subject).select_for_update().live(at=at).exclude(user=by).first()
    if held is None:
        return claim(subject=subject, by=by, at=at)
    before = {"user": held.user.email, "expires_at": held.expires_at}
    held.user, held.claimed_at, held.expires_at = by, at, at + LEASE
    held.save(update_fields=["user", "claimed_at", "expires_at"])
    audit.record(
        "staff.claim.taken_over",
        subject,
        by=by,
        at=at,
        before=before,
        after={"user": by.email, "expires_at": held.expires_at},
        reason=reason,
    )
    return held


def for_subjects(subject_type: str, ids: Iterable[object], at: datetime) -> dict[str, Claim]:
    """The live claims on these things of one kind, by subject id, with their people. One query."""
    claims = Claim.objects.live(at=at).select_related("user")
    found = claims.filter(subject_type=subject_type, subject_id__in=[str(pk) for pk in ids])
    return {claim.subject_id: claim for claim in found}


def _rows(subject: Subject) -> ClaimQuerySet:
    subject_type, subject_id = subject_of(subject)
    return Claim.objects.filter(subject_type=subject_type, subject_id=subject_id)
