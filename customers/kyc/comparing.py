"""What the customer says of themselves, laid beside what the documents have to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from customers.kyc.checklist import Ticked
from customers.models import Customer, Profile
from customers.sight import Sight


@dataclass(frozen=True)
class Line:
    """One fact: as they say it, as another provider knows it, and whether somebody compared it."""

    label: str
    told: str
    elsewhere: str
    ticked: Ticked | None
    is_masked: bool = False
    of: Profile | None = None  # whose masked value it is, and which
    field: str = ""


def lines(
    profile: Profile, *, others: list[Customer], ticks: Mapping[str, Ticked], sight: Sight
) -> list[Line]:
    """Row by row, as this person may read it. `others`: whoever is known to be the same."""
    rows = _of_business if profile.is_business else _of_person
    return [line for line in rows(profile, others, ticks, sight) if line.told or line.elsewhere]


def _of_person(
    profile: Profile, others: list[Customer], ticks: Mapping[str, Ticked], sight: Sight
) -> Iterator[Line]:
    name = f"{profile.first_name} {profile.last_name}".strip()
    yield Line(gettext("Name"), sight.name(name), _names(others, sight), ticks.get("name"))
    yield Line(
        gettext("Date of birth"),
        sight.born(profile.date_of_birth),
        "",
        ticks.get("born"),
        is_masked=not sight.compares,
        of=profile,
        field="date_of_birth",
    )
    yield from _where(profile, ticks, sight)
    yield from _contact(profile, others, sight)


def _of_business(
    profile: Profile, others: list[Customer], ticks: Mapping[str, Ticked], sight: Sight
) -> Iterator[Line]:
    told = {name: str(value) for name, value in profile.business.items() if value}
    registered = ticks.get("registered")
    yield Line(gettext("Name"), sight.name(told.get("name", "")), _names(others, sight), registered)
    yield Line(
        gettext("Registration number"),
        sight.number(told.get("registration_number", "")),
        "",
        registered,
        is_masked=True,
        of=profile,
        field="business_registration_number",
    )
    for key, label in (
        ("incorporation_date", gettext("Incorporated")),
        ("incorporation_country", gettext("Incorporated in")),
        ("type", gettext("Legal form")),
    ):
        yield Line(label, told.get(key, ""), "", registered)
    yield Line(gettext("Industry"), told.get("industry", ""), "", ticks.get("activity"))
    yield from _where(profile, ticks, sight)
    yield from _contact(profile, others, sight)


def _where(profile: Profile, ticks: Mapping[str, Ticked], sight: Sight) -> Iterator[Line]:
    address = sight.address(profile.address)
    yield Line(gettext("Address"), ", ".join(address.values()), "", ticks.get("address"))


def _contact(profile: Profile, others: list[Customer], sight: Sight) -> Iterator[Line]:
    """Told apart from the others, not read: who sees documents has no need of them."""
    yield Line(
        gettext("E-mail"),
        sight.email(profile.email),
        _same([one.email.casefold() for one in others], profile.email.casefold()),
        None,
        is_masked=True,
        of=profile,
        field="email",
    )
    yield Line(
        gettext("Phone"),
        sight.phone(profile.phone),
        _same([one.phone for one in others], profile.phone),
        None,
        is_masked=True,
        of=profile,
        field="phone",
    )


def _names(others: list[Customer], sight: Sight) -> str:
    return ", ".join(dict.fromkeys(sight.name(one.name) for one in others if one.name))


def _same(values: list[str], mine: str) -> str:
    known = [value for value in values if value]
    if not known or not mine:
        return ""
    return gettext("the same") if mine in known else gettext("another one")
