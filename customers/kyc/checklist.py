"""What must be true before somebody is approved, ticked by whoever saw that it is.

A table to read at a glance: which points, for whom, at which risk. Asking again and rejecting need
no tick: they say what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from customers.models import Profile
from staff.models import User

PERSON: Final = "person"
BUSINESS: Final = "business"
BOTH: Final = frozenset({PERSON, BUSINESS})
EASY_RISKS: Final = frozenset({"low", "medium"})


@dataclass(frozen=True)
class Point:
    """One thing to see for oneself. `only_high`: asked where the risk is high or unknown."""

    code: str
    label: str
    kinds: frozenset[str]
    only_high: bool = False


POINTS: Final = (
    Point("readable", _("The identity document is whole and readable"), frozenset({PERSON})),
    Point("name", _("The name on it is theirs"), frozenset({PERSON})),
    Point("born", _("The date of birth on it is theirs"), frozenset({PERSON})),
    Point("valid", _("It has not expired"), frozenset({PERSON})),
    Point("selfie", _("The selfie shows the person on the document"), frozenset({PERSON})),
    Point(
        "registered",
        _("The registration names this business and its number"),
        frozenset({BUSINESS}),
    ),
    Point("activity", _("What it does is plausible"), frozenset({BUSINESS})),
    Point(
        "owners",
        _("Everybody who owns a quarter or more is named and identified"),
        frozenset({BUSINESS}),
    ),
    Point("address", _("The address is plausible"), BOTH),
    Point("funds", _("Where their money comes from is explained"), BOTH, only_high=True),
    Point("media", _("Nothing in the press speaks against them"), BOTH, only_high=True),
)
LABELS: Final = {point.code: point.label for point in POINTS}


@dataclass(frozen=True)
class Ticked:
    """One point of a case's list, and who ticked it when."""

    point: Point
    by: str = ""
    at: str = ""

    @property
    def is_ticked(self) -> bool:
        return bool(self.by)


def needed(profile: Profile) -> list[Point]:
    """The points that an approval of this customer asks for."""
    kind = BUSINESS if profile.is_business else PERSON
    is_easy = profile.risk_rating in EASY_RISKS
    return [point for point in POINTS if kind in point.kinds and not (point.only_high and is_easy)]


def told(kept: Mapping[str, Any], profile: Profile) -> list[Ticked]:
    """The list as it stands; `kept` is what the case holds."""
    return [
        Ticked(point, **{name: kept.get(point.code, {}).get(name, "") for name in ("by", "at")})
        for point in needed(profile)
    ]


def missing(kept: Mapping[str, Any], profile: Profile) -> list[Point]:
    return [point for point in needed(profile) if point.code not in kept]


def ticked(
    kept: Mapping[str, Any], wanted: Iterable[str], profile: Profile, *, by: User, at: datetime
) -> dict[str, Any]:
    """The list with exactly these points ticked; what was ticked before keeps whose tick it is."""
    known = {point.code for point in needed(profile)}
    mark = {"by": by.email, "at": at.isoformat()}
    return {code: kept.get(code, mark) for code in sorted(known & set(wanted))}
