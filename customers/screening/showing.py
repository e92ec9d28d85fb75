"""What pages tell of screenings and hits, as one person may read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext, gettext_noop

from customers.enums import HitState, WhyOpen
from customers.models import Customer, Hit, Screening, ScreeningRequest
from customers.screening import comparing
from customers.screening.asking import Asked
from customers.screening.comparing import Agreement, Compared, Fact
from customers.sight import Sight
from staff import masking
from staff.letters import spelled
from staff.models import User
from staff.permissions import Permission, can

FACTS: Final[Mapping[str, str]] = {
    Fact.NAME: gettext_noop("Name"),
    Fact.BORN: gettext_noop("Born"),
    Fact.COUNTRY: gettext_noop("Country"),
    Fact.TYPE: gettext_noop("Kind"),
}
AGREEMENTS: Final[Mapping[str, tuple[str, str, str]]] = {  # the words, the tone, the icon
    Agreement.SAME: (gettext_noop("the same"), "bad", "equal"),
    Agreement.ALIKE: (gettext_noop("alike"), "warn", "equal-approximately"),
    Agreement.DIFFERENT: (gettext_noop("different"), "good", "equal-not"),
    Agreement.UNTOLD: (gettext_noop("not told"), "neutral", "minus"),
}
_KINDS: Final[Mapping[str, str]] = {
    "individual": gettext_noop("Person"),
    "business": gettext_noop("Business"),
}


@dataclass(frozen=True)
class Line:
    """One fact, ours beside theirs."""

    label: str
    ours: str
    theirs: str
    agreement: str
    words: str
    tone: str
    icon: str
    agrees: bool


@dataclass(frozen=True)
class Shown:
    """One hit."""

    hit: Hit
    name: str
    source: str
    state_words: str
    why_open: str
    agreeing: Sequence[str]
    percent: Decimal
    found_by: str
    lines: Sequence[Line]
    more: Sequence[tuple[str, str]]
    changes: Sequence[tuple[str, str, str]]
    verdict_words: str
    reason: str
    url: str

    @property
    def is_unseen(self) -> bool:
        """Whether nobody has said anything of it as it is now."""
        return self.hit.is_listed and self.hit.state == HitState.OPEN


@dataclass(frozen=True)
class Section:
    """All hits on one person, the open ones first."""

    customer: Customer
    hits: Sequence[Shown]
    last: Screening | None
    under_way: ScreeningRequest | None
    refused_with: str
    url: str
    open: int
    reviewed: int
    now: datetime
    may_judge: bool

    @property
    def listed(self) -> int:
        """How many are on a list now."""
        return sum(shown.hit.is_listed for shown in self.hits)


def section(
    customer: Customer, *, viewer: User, now: datetime, back: str = "", compares: bool = False
) -> Section | None:
    """The hits on this person; None for those who do not see KYC cases. Three queries.

    `back` is the path of the page that shows it: whoever judges a hit finds back there. With
    `compares` it is a page where facts are compared: who sees documents reads them in clear.
    """
    if not can(viewer, Permission.SEE_KYC):
        return None
    hits = list(
        Hit.objects.of(customer)
        .select_related("judged_by", "screening", "customer")
        .likeliest_first()
    )
    hits.sort(key=_order)
    them = Customer.objects.same_as(customer)
    last = Screening.objects.filter(customer__in=them).order_by("-screened_at", "-pk").first()
    asked = ScreeningRequest.objects.filter(customer__in=them).order_by("-pk").first()
    url = reverse("customers:screening", args=[customer.merged_into_id or customer.pk])
    listed = [hit for hit in hits if hit.is_listed]
    sight = Sight.comparing(viewer) if compares else Sight.of(viewer)
    return Section(
        customer=customer,
        hits=[shown(hit, sight=sight, url=url, back=back) for hit in hits],
        last=last,
        under_way=asked if asked and asked.ended_at is None else None,
        refused_with=_refused_with(asked, last),
        url=f"{url}?{urlencode({'back': back})}" if back else url,
        open=sum(hit.is_open for hit in hits),
        reviewed=sum(not hit.is_open for hit in listed),
        now=now,
        may_judge=can(viewer, Permission.JUDGE_HITS),
    )


def shown(hit: Hit, *, sight: Sight, url: str, back: str = "") -> Shown:
    asked, facts = Asked.from_json(hit.screening.asked), hit.facts
    query = urlencode([("hit", hit.pk), *([("back", back)] if back else [])])
    return Shown(
        hit=hit,
        name=sight.name(str(facts.get("matched_name", ""))),
        source=str(facts.get("source_name") or facts.get("source", "")),
        state_words=state_words(hit),
        why_open=gettext(WhyOpen(hit.why_open).label) if hit.is_open and hit.why_open else "",
        agreeing=agreeing_words(hit.agreeing),
        percent=(hit.score * 100).quantize(Decimal(1)),
        found_by=str(facts.get("match_type", "")).replace("_", " "),
        lines=[_line(one, sight) for one in comparing.compare(asked, facts)],
        more=_more(facts, sight),
        changes=_changes(hit, sight) if hit.is_open and hit.verdict else [],
        verdict_words=gettext(HitState(hit.verdict).label) if hit.verdict else "",
        reason=masking.mask_accounts_in(hit.judged_reason),
        url=f"{url}?{query}",
    )


def state_words(hit: Hit) -> str:
    if not hit.is_listed:
        return gettext("Not listed any more")
    return gettext(HitState(hit.state).label)


def agreeing_words(agreeing: Sequence[str]) -> list[str]:
    """The facts that agree, in one order."""
    return [gettext(label) for fact, label in FACTS.items() if fact in agreeing]


def _order(hit: Hit) -> tuple[bool, bool, bool]:
    """What nobody has looked at first, then what nobody is sure of, what is off the lists last."""
    return not hit.is_listed, not hit.is_open, hit.state != HitState.OPEN


def _line(one: Compared, sight: Sight) -> Line:
    words, tone, icon = AGREEMENTS[one.agreement]
    ours, theirs = _told(one.fact, one.ours, sight), _told(one.fact, one.theirs, sight)
    return Line(
        label=gettext(FACTS[one.fact]),
        ours=ours,
        theirs=theirs,
        agreement=one.agreement,
        words=gettext(words),
        tone=tone,
        icon=icon,
        agrees=one.agrees,
    )


def _told(fact: str, text: str, sight: Sight) -> str:
    if fact == Fact.NAME:
        return sight.name(text)
    if fact == Fact.BORN:
        return sight.born(text)
    if fact == Fact.TYPE and text.casefold() in _KINDS:
        return gettext(_KINDS[text.casefold()])
    return spelled(text)


def _more(facts: Mapping[str, Any], sight: Sight) -> list[tuple[str, str]]:
    """What a list tells besides. Remarks are free text: who does not compare does not read it."""
    remarks = str(facts.get("remarks", ""))
    told = [
        (gettext("List"), str(facts.get("source_name") or facts.get("source", ""))),
        (gettext("Programs"), ", ".join(map(str, facts.get("programs", [])))),
        (gettext("Listed on"), str(facts.get("listed_on", ""))),
        (gettext("Remarks"), remarks if sight.compares else remarks and masking.DOTS),
    ]
    return [(label, spelled(text)) for label, text in told if text]


def _changes(hit: Hit, sight: Sight) -> list[tuple[str, str, str]]:
    """What is different from when the last verdict was given: label, then and now."""
    then, now = Asked.from_json(hit.judged_asked), Asked.from_json(hit.screening.asked)
    ours = [
        (gettext("Our %(fact)s") % {"fact": gettext(FACTS[fact]).lower()}, fact, before, after)
        for fact, before, after in (
            (Fact.NAME, then.name, now.name),
            (Fact.BORN, then.date_of_birth, now.date_of_birth),
            (Fact.COUNTRY, then.country, now.country),
            (Fact.TYPE, then.type, now.type),
        )
    ]
    changes = [
        (label, _told(fact, before, sight), _told(fact, after, sight))
        for label, fact, before, after in ours
        if before != after
    ]
    before_told, now_told = (dict(_more(facts, sight)) for facts in (hit.judged_facts, hit.facts))
    changes += [
        (label, before_told.get(label, ""), now_told.get(label, ""))
        for label in dict.fromkeys([*before_told, *now_told])
        if before_told.get(label) != now_told.get(label)
    ]
    return changes


def _refused_with(asked: ScreeningRequest | None, last: Screening | None) -> str:
    """Why the newest question got no answer, if nothing was answered since."""
    if asked is None or not asked.refused_with:
        return ""
    if last is not None and last.asked_at > asked.asked_at:
        return ""
    return masking.mask_accounts_in(asked.refused_with)
