"""What the documents of an invented customer say: their own data, and now and then a flaw."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sandbox.clock import SECOND
from sandbox.luxcore.people import digits, plain
from sandbox.web import Json

KINDS = ("passport", "national_id", "drivers_license")
PICTURES = {
    "passport": ("document_front", "selfie"),
    "national_id": ("document_front", "document_back", "selfie"),
    "drivers_license": ("document_front", "document_back", "selfie"),
}
COUNTRIES = {  # ISO 3166-1: its code of three letters, its name, what its people are
    "AR": ("ARG", "ARGENTINA", "ARGENTINE"),
    "MX": ("MEX", "MEXICO", "MEXICAN"),
    "UY": ("URY", "URUGUAY", "URUGUAYAN"),
    "AU": ("AUS", "AUSTRALIA", "AUSTRALIAN"),
    "LK": ("LKA", "SRI LANKA", "SRI LANKAN"),
}
ELSEWHERE = ("UTO", "UTOPIA", "UTOPIAN")
FLAWS = ("expired", "other birth", "other name", "other face")
FLAWED = 0.25  # the share of documents with something to find
YEAR = 365


@dataclass(frozen=True)
class Paper:
    """One document. `face` and `selfie` are dice that draw a face, the same for the same person."""

    kind: str
    country: tuple[str, str, str]
    number: str
    first: str
    last: str
    born: date
    issued: date
    expires: date
    sex: str
    place: str
    address: str
    face: str
    selfie: str

    @property
    def machine_lines(self) -> list[str]:
        """What machines read: two lines of a passport, three of a card (ICAO 9303)."""
        code, name = self.country[0], f"{_letters(self.last)}<<{_letters(self.first)}"
        number = self.number.ljust(9, "<")[:9]
        born, expires = f"{self.born:%y%m%d}", f"{self.expires:%y%m%d}"
        if self.kind == "passport":
            second = number + _check(number) + code + born + _check(born) + self.sex
            second += expires + _check(expires) + "<" * 14 + "0"
            parts = second[0:10] + second[13:20] + second[21:43]
            return [f"P<{code}{name}".ljust(44, "<")[:44], second + _check(parts)]
        first = f"I<{code}{number}{_check(number)}".ljust(30, "<")
        second = born + _check(born) + self.sex + expires + _check(expires) + code + "<" * 11
        whole = first[5:30] + second[0:7] + second[8:15] + second[18:29]
        return [first, second + _check(whole), name.ljust(30, "<")[:30]]


def paper_of(customer: Json, *, now: int) -> Paper:
    """The document of a person, the same each time."""
    dice = random.Random(f"paper {customer['id']}")
    today = datetime.fromtimestamp(now / SECOND, UTC).date()
    kind = dice.choices(KINDS, (5, 3, 2))[0]
    issued = today - timedelta(days=dice.randrange(90, 7 * YEAR))
    facts: Json = {
        "kind": kind,
        "country": COUNTRIES.get(customer.get("address", {}).get("country", ""), ELSEWHERE),
        "number": dice.choice("ABCDEFGHKLMNPRSTUVWXYZ") + digits(dice, 8),
        "first": plain(customer.get("first_name", "")).upper(),
        "last": plain(customer.get("last_name", "")).upper(),
        "born": _date(customer.get("date_of_birth", "")) or today - timedelta(days=30 * YEAR),
        "issued": issued,
        "expires": issued + timedelta(days=10 * YEAR),
        "sex": dice.choice("FM"),
        "place": plain(customer.get("address", {}).get("city", "")).upper(),
        "address": plain(customer.get("address", {}).get("line1", "")).upper(),
        "face": f"face {customer['id']}",
        "selfie": f"face {customer['id']}",
    }
    if dice.random() < FLAWED:
        facts |= _flaw(dice.choice(FLAWS), facts, dice, today)
    return Paper(**facts)


def _flaw(flaw: str, facts: Json, dice: random.Random, today: date) -> Json:
    match flaw:
        case "expired":
            expires = today - timedelta(days=dice.randrange(20, 2 * YEAR))
            return {"expires": expires, "issued": expires - timedelta(days=10 * YEAR)}
        case "other birth":
            born = facts["born"]
            return {"born": born.replace(year=born.year - dice.choice((1, 2, 10)), day=1)}
        case "other name":
            return {"last": dice.choice(("VIDAL", "ORTEGA", "NOLAN", "FERNANDO"))}
    return {"selfie": f"somebody else than {facts['face']}"}


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _letters(name: str) -> str:
    return "".join(char if char.isalpha() and char.isascii() else "<" for char in name)


def _check(text: str) -> str:
    """The check digit over these characters: weights 7, 3, 1; letters count from 10, `<` is 0."""
    values = (0 if char == "<" else int(char, 36) for char in text)
    return str(sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10)
