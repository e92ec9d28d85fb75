"""What a customer at Lux Financial is made of, field by field (upstreams.md §1.5).

One table drives the forms, what is refused before it is asked for, and what a change compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from customers.enums import CustomerKind
from customers.models import Profile
from customers.requests import checking
from customers.requests.checking import Problem
from staff.texts import Sayable, Text


@dataclass(frozen=True)
class Field:
    """One field by their name for it, `address.city` for what lies within.

    `of`: of one kind of customer only. `hides`: nobody reads it in clear on a form.
    """

    name: str
    label: str
    problem: Problem = checking.text
    of: str = ""
    help: str = ""
    required: bool = False
    hides: bool = False
    is_changed: bool = True

    @property
    def key(self) -> str:
        """Its name in a form."""
        return self.name.replace(".", "_")


_PERSON: Final = CustomerKind.INDIVIDUAL.value
_BUSINESS: Final = CustomerKind.BUSINESS.value
FIELDS: Final = (
    Field("first_name", _("First name"), of=_PERSON, required=True),
    Field("last_name", _("Last name"), of=_PERSON, required=True),
    Field("business_name", _("Business name"), of=_BUSINESS, required=True),
    Field("email", _("E-mail"), checking.email, required=True, hides=True),
    Field("phone", _("Phone"), checking.phone, hides=True, help=_("Such as +61412345678.")),
    Field(
        "date_of_birth",
        _("Date of birth"),
        checking.day,
        of=_PERSON,
        hides=True,
        help=_("Such as 1990-01-31."),
    ),
    Field(
        "ssn_last_4",
        _("Last four digits of the social security number"),
        checking.last_four,
        of=_PERSON,
        hides=True,
        is_changed=False,
    ),
    Field("business_type", _("Kind of business"), checking.business_type, of=_BUSINESS),
    Field("industry", _("Industry"), of=_BUSINESS),
    Field(
        "website",
        _("Website"),
        checking.website,
        of=_BUSINESS,
        help=_("Such as https://example.com."),
    ),
    Field("business_email", _("E-mail of the business"), checking.email, of=_BUSINESS, hides=True),
    Field("business_phone", _("Phone of the business"), checking.phone, of=_BUSINESS, hides=True),
    Field("business_ein", _("Employer identification number"), of=_BUSINESS, hides=True),
    Field("registration_number", _("Registration number"), of=_BUSINESS, hides=True),
    Field(
        "incorporation_date",
        _("Incorporated on"),
        checking.day,
        of=_BUSINESS,
        help=_("Such as 2015-01-31."),
    ),
    Field("incorporation_country", _("Incorporated in"), checking.country, of=_BUSINESS),
    Field("address.line1", _("Address"), hides=True),
    Field("address.line2", _("Address, second line"), hides=True),
    Field("address.city", _("City")),
    Field("address.state", _("State or region")),
    Field("address.postal_code", _("Postal code"), hides=True),
    Field("address.country", _("Country"), checking.country),
)
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in FIELDS}
# What our copy calls a business's own facts, by their name.
_OF_BUSINESS: Final[Mapping[str, str]] = {
    "business_name": "name",
    "business_type": "type",
    "business_ein": "ein",
    "business_phone": "phone",
    "business_email": "email",
    "website": "website",
    "industry": "industry",
    "registration_number": "registration_number",
    "incorporation_date": "incorporation_date",
    "incorporation_country": "incorporation_country",
}


def fields_for(kind: str, *, to_change: bool = False) -> tuple[Field, ...]:
    """What a customer of this kind has; `to_change`: only what may be changed later."""
    return tuple(
        field for field in FIELDS if field.of in ("", kind) and (field.is_changed or not to_change)
    )


def current(profile: Profile) -> dict[str, str]:
    """Every field of a customer as our copy holds it, "" where nothing is told."""
    return {field.name: _held(profile, field) for field in fields_for(profile.kind, to_change=True)}


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """As they want it: what lies within an address in an object of its own. No empty ones."""
    body: dict[str, Any] = {}
    for name, value in flat.items():
        outer, _point, inner = name.partition(".")
        if inner:
            body.setdefault(outer, {})[inner] = value
        else:
            body[outer] = value
    return body


def problems(kind: str, given: Mapping[str, str]) -> dict[str, Sayable]:
    """What is wrong with each field of a new customer."""
    if kind not in CustomerKind.values:
        return {"type": Text(_("Say whether it is a person or a business."))}
    known = fields_for(kind)
    missing = {
        field.name: Text(_("This is needed."))
        for field in known
        if field.required and not given.get(field.name)
    }
    return missing | _wrong(known, given)


def change_problems(kind: str, changes: Mapping[str, str]) -> dict[str, Sayable]:
    """What is wrong with each field of a change; what stays empty is not part of it."""
    return _wrong(fields_for(kind, to_change=True), changes)


def _wrong(known: Iterable[Field], given: Mapping[str, str]) -> dict[str, Sayable]:
    by_name = {field.name: field for field in known}
    found: dict[str, Sayable] = {}
    for name, value in given.items():
        if name not in by_name:
            found[name] = Text(_("This is not asked of a customer of this kind."))
        elif value and (wrong := checking.text(value) or by_name[name].problem(value)):
            found[name] = wrong
    return found


def _held(profile: Profile, field: Field) -> str:
    outer, _point, inner = field.name.partition(".")
    if inner:
        value = profile.address.get(inner)
    elif field.name in _OF_BUSINESS:
        value = profile.business.get(_OF_BUSINESS[field.name])
    else:
        value = getattr(profile, field.name)
    return str(value or "")
