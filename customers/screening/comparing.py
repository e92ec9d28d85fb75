"""What we know of a customer beside what a list tells of somebody."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final

from babel import Locale

from customers.screening.asking import Asked
from upstreams import strict_json
from upstreams.lux.schemas import MatchRecord

SCORE_PLACES: Final = Decimal("0.0001")
ONE_FACT: Final = 10  # more than any score: facts that agree come before it

# Remarks are free text, by custom "DOB 1970-01-01; Nationality AR" and the like.
_BORN = re.compile(r"\b(?:DOB|date of birth|born)\b[:\s]*(?:circa\s+)?([^;,]+)", re.IGNORECASE)
_FROM = re.compile(
    r"\b(?:nationality|citizen(?:ship)?|country)\b[:\s]*(?:of\s+)?([^;,.]+)", re.IGNORECASE
)
_YEAR = re.compile("(?:1[89]|20)[0-9]{2}", re.ASCII)
_DAYS: Final = ("%Y-%m-%d", "%d %b %Y", "%d %B %Y", "%d/%m/%Y")
_KINDS: Final = {
    "individual": "individual",
    "person": "individual",
    "business": "business",
    "entity": "business",
    "organization": "business",
    "organisation": "business",
    "company": "business",
}


class Fact(StrEnum):
    """What can be compared, in the order it is shown."""

    NAME = "name"
    BORN = "born"
    COUNTRY = "country"
    TYPE = "type"


class Agreement(StrEnum):
    SAME = "same"
    ALIKE = "alike"  # the names share words; the years are the same
    DIFFERENT = "different"
    UNTOLD = "untold"  # one side, or both, say nothing of it


@dataclass(frozen=True)
class Compared:
    """One fact, ours beside theirs, each as it was told."""

    fact: Fact
    ours: str
    theirs: str
    agreement: Agreement

    @property
    def agrees(self) -> bool:
        return self.agreement in (Agreement.SAME, Agreement.ALIKE)


def facts_of(match: MatchRecord) -> dict[str, Any]:
    """All that a list tells of an entity, and how its name was found."""
    return {
        "source": match.source,
        "source_name": match.source_name,
        "matched_name": match.matched_name,
        "match_type": match.match_type,
        "entity_type": match.entity_type,
        "programs": match.programs,
        "listed_on": match.listed_on,
        "remarks": match.remarks,
    }


def entity_of(match: MatchRecord) -> str:
    """Which entity it is: what stays when a list tells something else of it."""
    name = " ".join(sorted(_words(match.matched_name))) or match.matched_name
    return strict_json.digest([match.source.casefold(), name, match.entity_type.casefold()])


def version_of(match: MatchRecord) -> str:
    """All that the list tells of it. How alike the names are depends on whom we ask about."""
    told = {name: value for name, value in match.raw.items() if name not in _OF_THE_QUESTION}
    return strict_json.digest(told)


_OF_THE_QUESTION: Final = frozenset({"score", "match_type"})


def compare(asked: Asked, facts: Mapping[str, Any]) -> list[Compared]:
    """Every fact, ours beside theirs."""
    name, remarks = str(facts.get("matched_name", "")), str(facts.get("remarks", ""))
    born, countries = _found(_BORN, remarks), _found(_FROM, remarks)
    kind = str(facts.get("entity_type", ""))
    return [
        Compared(Fact.NAME, asked.name, name, _names(asked.name, name)),
        Compared(Fact.BORN, asked.date_of_birth, ", ".join(born), _births(asked, born)),
        Compared(Fact.COUNTRY, asked.country, ", ".join(countries), _countries(asked, countries)),
        Compared(Fact.TYPE, asked.type, kind, _types(asked.type, kind)),
    ]


def agreeing(asked: Asked, facts: Mapping[str, Any]) -> list[str]:
    """The distinct facts that agree."""
    return [one.fact.value for one in compare(asked, facts) if one.agrees]


def rank_of(agreeing: Iterable[str], score: Decimal) -> Decimal:
    """The larger, the likelier: the number of agreeing facts comes before the score."""
    return (len(set(agreeing)) * ONE_FACT + score).quantize(SCORE_PLACES)


def _names(ours: str, theirs: str) -> Agreement:
    mine, listed = _words(ours), _words(theirs)
    if not mine or not listed:
        return Agreement.UNTOLD
    if mine == listed:
        return Agreement.SAME
    return Agreement.ALIKE if mine & listed else Agreement.DIFFERENT


def _births(asked: Asked, theirs: list[str]) -> Agreement:
    if not asked.date_of_birth or not theirs:
        return Agreement.UNTOLD
    ours = date.fromisoformat(asked.date_of_birth)
    told = [_day(text) or text for text in theirs]
    if ours in told:
        return Agreement.SAME
    years = {year for text in told if isinstance(text, str) for year in _YEAR.findall(text)}
    return Agreement.ALIKE if str(ours.year) in years else Agreement.DIFFERENT


def _countries(asked: Asked, theirs: list[str]) -> Agreement:
    if not asked.country or not theirs:
        return Agreement.UNTOLD
    codes = {_code(text) for text in theirs}
    return Agreement.SAME if asked.country in codes else Agreement.DIFFERENT


def _types(ours: str, theirs: str) -> Agreement:
    kind = _KINDS.get(theirs.casefold())
    if not ours or kind is None:
        return Agreement.UNTOLD
    return Agreement.SAME if kind == ours else Agreement.DIFFERENT


def _found(pattern: re.Pattern[str], remarks: str) -> list[str]:
    return [text for found in pattern.findall(remarks) if (text := " ".join(found.split()))]


def _day(text: str) -> date | None:
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _code(text: str) -> str:
    """The two letters of a country that is written as a code or in English."""
    return text.upper() if len(text) == 2 else _codes().get(text.casefold(), "")


@cache
def _codes() -> dict[str, str]:
    names = Locale("en").territories
    return {name.casefold(): code for code, name in names.items() if len(code) == 2}


def _words(name: str) -> frozenset[str]:
    """The words of a name, without accents, case, order and punctuation."""
    plain = unicodedata.normalize("NFKD", name)
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return frozenset(re.findall(r"\w+", letters.casefold()))
