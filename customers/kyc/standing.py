"""What stands against approving somebody now. Page, form and action ask here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from customers.enums import (
    DocumentKind,
    DocumentVerdict,
    HitState,
    HoldKind,
    Outcome,
    ProposalState,
    Side,
)
from customers.kyc import checklist, statuses
from customers.models import Customer, Document, Hit, Hold, KycCase, Profile
from customers.screening import latest
from staff.models import User
from staff.texts import Sayable, Text, listed
from upstreams.lux.words import DOCUMENTS

PASS: Final = "pass"
BLOCK: Final = "block"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, in words; `level` is "pass" or "block"."""

    level: str
    code: str
    says: Sayable
    as_of: datetime | None = None
    links: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return str(self.says)


def customer_ids(case: KycCase) -> list[int]:
    """The customer, and whoever is known to be the same person."""
    rows = Customer.objects.same_as(case.customer).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def checks(case: KycCase, profile: Profile) -> list[Check]:
    """Everything that an approval needs. A fixed number of queries."""
    them = customer_ids(case)
    return [
        _their_rules(profile),
        _ticks(case, profile),
        *_documents(profile, latest_documents(them)),
        _screening(case, them),
        _holds(them),
    ]


def blocks(case: KycCase, profile: Profile) -> list[Check]:
    return [check for check in checks(case, profile) if check.level == BLOCK]


def stops(case: KycCase) -> list[Check]:
    """What keeps an approval from being sent, even once it was decided: holds, hits, and not being
    screened as they are."""
    them = customer_ids(case)
    return [check for check in (_screening(case, them), _holds(them)) if check.level == BLOCK]


def takes_two(case: KycCase, profile: Profile, outcome: Outcome) -> bool:
    """Whether another person must confirm this decision.

    What took two once takes two for good: nobody hands it back, or takes it back, to decide alone.
    """
    if outcome == Outcome.ASK_AGAIN:
        return False
    if outcome == Outcome.REJECT or case.was_escalated:
        return True
    if case.proposals.filter(state=ProposalState.CONFIRMED).exists():
        return True
    known = {"low", "medium", "high"}
    risk = profile.risk_rating
    return risk not in known or risk in settings.KYC_SECOND_PERSON


def brought_evidence(case: KycCase, person: User) -> bool:
    """Whether this person put a document of theirs into the desk: then somebody else judges."""
    rows = Document.objects.kept().filter(customer__in=customer_ids(case), added_by=person.pk)
    return rows.exists()


def latest_documents(customers: Iterable[int]) -> dict[tuple[str, str], Document]:
    """The newest picture of each kind and side. What it replaced does not count any more."""
    rows = Document.objects.kept().filter(customer__in=list(customers)).order_by("added_at", "pk")
    return {(row.kind, row.side): row for row in rows}


def sides_of(kind: str) -> tuple[Side, ...]:
    """The sides that must be shown of a document of this kind."""
    return (Side.FRONT, Side.BACK) if DOCUMENTS.get(kind) else (Side.FRONT,)


def _their_rules(profile: Profile) -> Check:
    if statuses.leads_to(profile, Outcome.APPROVE):
        return Check(PASS, "theirs", Text(_("Lux Financial can be told of an approval.")))
    return Check(
        BLOCK,
        "theirs",
        Text(
            _("At Lux Financial they are “%(status)s”, and from there nobody is approved."),
            status=profile.kyc_status,
        ),
    )


def _ticks(case: KycCase, profile: Profile) -> Check:
    missing = checklist.missing(case.checklist, profile)
    if not missing:
        return Check(PASS, "checklist", Text(_("Every point of the checklist is ticked.")))
    if len(missing) == len(checklist.needed(profile)):
        return Check(BLOCK, "checklist", Text(_("No point of the checklist is ticked yet.")))
    return Check(
        BLOCK,
        "checklist",
        Text(_("Not ticked yet: %(points)s."), points=listed(Text(one.label) for one in missing)),
    )


def _documents(profile: Profile, there: dict[tuple[str, str], Document]) -> list[Check]:
    if profile.is_business:
        return [_document(DocumentKind.REGISTRATION, there)]
    # The one that is furthest: a passport that was accepted makes up for a card that was not.
    ways = [_document(DocumentKind(kind), there) for kind in DOCUMENTS]
    shown = [kind for kind in DOCUMENTS if any(known == kind for known, _side in there)]
    identity = next((way for way in ways if way.level == PASS), None)
    if identity is None and shown:
        identity = _document(DocumentKind(shown[-1]), there)
    if identity is None:
        identity = Check(
            BLOCK,
            "document",
            Text(_("A passport, a driving licence or an identity card is missing.")),
        )
    return [identity]


def _document(kind: DocumentKind, there: dict[tuple[str, str], Document]) -> Check:
    name = Text(kind.label)
    for side in sides_of(kind):
        document = there.get((kind, side))
        told = {"document": name, "side": Text(side.label)}
        if document is None:
            says = Text(_("%(document)s, %(side)s: missing."), **told)
        elif not document.verdict:
            says = Text(_("%(document)s, %(side)s: nobody has judged it yet."), **told)
        elif document.verdict != DocumentVerdict.ACCEPTED:
            says = Text(_("%(document)s, %(side)s: not accepted."), **told)
        else:
            continue
        return Check(BLOCK, "document", says)
    return Check(PASS, "document", Text(_("%(document)s: accepted."), document=name))


def _screening(case: KycCase, them: list[int]) -> Check:
    """No hit, and every row of theirs screened as it is now: what is on its way may find one."""
    open_hits = Hit.objects.open().filter(customer__in=them).count()
    if open_hits:
        return Check(
            BLOCK, "hits", Text(_("Screening hits that nobody settled: %(n)s."), n=open_hits)
        )
    if Hit.objects.filter(customer__in=them, is_listed=True, state=HitState.TRUE).exists():
        return Check(BLOCK, "hits", Text(_("A screening hit is them: they cannot be approved.")))
    if latest.is_under_way(them):
        return Check(BLOCK, "hits", Text(_("A screening is under way: wait for its answer.")))
    found = latest.of(case.customer)
    if not all(one.told for one in found):
        return Check(BLOCK, "hits", Text(_("Without a name nobody can be screened.")))
    dates = [one.screened_at for one in found if one.screened_at]
    if not dates:
        return Check(BLOCK, "hits", Text(_("They were never screened against the lists.")))
    if len(dates) < len(found):
        return Check(
            BLOCK, "hits", Text(_("They were not screened under each of their profiles yet."))
        )
    if not all(one.is_current for one in found):
        return Check(
            BLOCK,
            "hits",
            Text(
                _("Their name, date of birth, kind or country changed since they were screened."),
            ),
        )
    return Check(PASS, "hits", Text(_("Screened, and no hit is open.")), as_of=min(dates))


def _holds(them: list[int]) -> Check:
    """Any hold but a KYC hold: that one stands for this very review."""
    others = Hold.objects.in_force().filter(customer__in=them).exclude(kind=HoldKind.KYC)
    kinds = sorted(set(others.values_list("kind", flat=True)))
    if not kinds:
        return Check(PASS, "holds", Text(_("Nothing else holds them.")))
    words = listed(Text(HoldKind(kind).label) for kind in kinds)
    return Check(BLOCK, "holds", Text(_("They are held: %(holds)s."), holds=words))
