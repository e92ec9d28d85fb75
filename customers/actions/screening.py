"""What people do about screenings: ask for one, and say of each hit whether it is the customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.actions.holds import place_hold
from customers.enums import HitState, HoldKind, ScreeningReason, WhyOpen
from customers.models import Customer, Hit, ScreeningRequest
from customers.screening import asking, sending, standings
from staff import audit
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text

VERDICTS: Final = (HitState.TRUE, HitState.FALSE, HitState.UNSURE)


class ScreeningNotPossible(Exception):
    """It cannot be done like this: `says` tells why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


class HitChanged(Exception):
    """The hit is not what the person saw any more; nothing was written."""

    def __init__(self, hit: Hit, saw: str) -> None:
        self.hit, self.saw = hit, saw
        super().__init__(Text(_("This hit changed while you were looking at it.")))


def hit_as_seen(hit: Hit) -> str:
    """What a form carries, so that a verdict is about what was shown and nothing else."""
    parts = (hit.state, hit.version[:16], hit.asked_digest[:16], str(int(hit.is_listed)))
    return ".".join(parts)


def screen_now(*, customer: Customer, by: User, at: datetime) -> list[ScreeningRequest]:
    """Have this person screened, under each of their rows that Lux Financial knows.

    It is queued, and sent within seconds; what is under way already is not asked again. Raises
    NotPermitted, ScreeningNotPossible for somebody without a name.
    """
    require(by, Permission.JUDGE_HITS)
    with transaction.atomic():
        asked = [
            request
            for row in asking.rows_of(customer)
            if (request := sending.put(customer=row, reason=ScreeningReason.BY_HAND, by=by, at=at))
        ]
        if not asked:
            raise ScreeningNotPossible(
                Text(_("Without a name nobody can be screened: Lux Financial tells none."))
            )
        for request in asked:
            audit.record(
                "customers.screening.asked",
                request.customer,
                by=by,
                at=at,
                after={"request": request.pk},
            )
    return asked


def judge_hit(
    *, hit_id: int, verdict: HitState, reason: str, saw: str, by: User, at: datetime
) -> Hit:
    """Say whether the listed entity is the customer. A customer who is listed is held at once.

    `saw` is `hit_as_seen` of what the person looked at: whoever comes second, or after a re-screen,
    is refused. Raises NotPermitted, ScreeningNotPossible without a reason, HitChanged.
    """
    require(by, Permission.JUDGE_HITS)
    if verdict not in VERDICTS:
        raise ScreeningNotPossible(Text(_("Say whether it is them, somebody else, or not sure.")))
    reason = _stated(reason)
    with transaction.atomic():
        hit = _locked(hit_id, saw)
        before = _told(hit)
        hit.state = hit.verdict = verdict
        hit.why_open = ""
        hit.judged_by, hit.judged_at, hit.judged_reason = by, at, reason
        hit.judged_version, hit.judged_digest = hit.version, hit.asked_digest
        hit.judged_facts, hit.judged_asked = hit.facts, hit.screening.asked
        hit.save(
            update_fields=[
                *("state", "verdict", "why_open", "judged_by", "judged_at", "judged_reason"),
                *("judged_version", "judged_digest", "judged_facts", "judged_asked"),
            ]
        )
        standings.recount(hit.customer_id)
        if verdict == HitState.TRUE:
            place_hold(customer=hit.customer, kind=HoldKind.SCREENING, reason=reason, by=by, at=at)
        audit.record(
            f"customers.hit.{verdict.value}",
            hit.customer,
            by=by,
            at=at,
            before=before,
            after=_told(hit),
            reason=reason,
        )
    return hit


def reopen_hit(*, hit_id: int, reason: str, saw: str, by: User, at: datetime) -> Hit:
    """Take a verdict back: it is forgotten, and somebody looks anew. A hold stays until it is
    lifted. Raises NotPermitted, ScreeningNotPossible, HitChanged."""
    require(by, Permission.JUDGE_HITS)
    reason = _stated(reason)
    with transaction.atomic():
        hit = _locked(hit_id, saw)
        if hit.state == HitState.OPEN:
            raise ScreeningNotPossible(Text(_("This hit is open already.")))
        before = _told(hit)
        hit.state, hit.verdict, hit.why_open = HitState.OPEN, "", WhyOpen.REOPENED
        hit.save(update_fields=["state", "verdict", "why_open"])
        standings.recount(hit.customer_id)
        audit.record(
            "customers.hit.reopened",
            hit.customer,
            by=by,
            at=at,
            before=before,
            after=_told(hit),
            reason=reason,
        )
    return hit


def _locked(hit_id: int, saw: str) -> Hit:
    """The hit, its customer locked first as screenings do; raises HitChanged."""
    customer = Hit.objects.filter(pk=hit_id).values("customer")
    Customer.objects.select_for_update(no_key=True).get(pk__in=customer)
    hit = Hit.objects.select_related("customer", "screening", "judged_by").get(pk=hit_id)
    if hit_as_seen(hit) != saw:
        raise HitChanged(hit, saw)
    return hit


def _told(hit: Hit) -> Mapping[str, object]:
    """What the audit trail keeps of a hit: nothing that names anybody."""
    return {"hit": hit.pk, "state": hit.state, "version": hit.version[:12]}


def _stated(reason: str) -> str:
    if text := reason.strip():
        return text
    raise ScreeningNotPossible(Text(_("Say why, in a few words: it is kept with the verdict.")))
