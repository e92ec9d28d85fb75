"""What Lux Financial is asked about a customer (upstreams.md §1.9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from customers.models import Customer
from upstreams import strict_json
from upstreams.lux import words
from upstreams.lux.calls.sanctions import Entity

FACTS: Final = ("name", "type", "date_of_birth", "country")
_COUNTRY = re.compile("[A-Z]{2}", re.ASCII)
_TYPES: Final = (words.INDIVIDUAL, words.BUSINESS)


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts that are told of one customer; "" is not told."""

    name: str = field(repr=False)
    type: str = ""
    date_of_birth: str = field(default="", repr=False)
    country: str = ""

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Asked:
        return cls(**{name: str(kept.get(name, "")) for name in FACTS})

    def as_json(self) -> dict[str, str]:
        return {name: getattr(self, name) for name in FACTS}

    @property
    def digest(self) -> str:
        """Changes when one of the facts does."""
        return strict_json.digest(self.as_json())

    @property
    def entity(self) -> Entity:
        return Entity(**self.as_json())


def about(customer: Customer) -> Asked | None:
    """What is told of this customer; None for one without a name, about whom nobody can be asked.

    What the lists would not understand is left out: one bad fact would spoil the question about a
    hundred others.
    """
    profile = getattr(customer, "profile", None)
    name = _plain((profile.name if profile else "") or customer.name)
    if not name:
        return None
    kind = profile.kind if profile else customer.kind
    return Asked(
        name=name,
        type=kind if kind in _TYPES else "",
        date_of_birth=_day(profile.date_of_birth) if profile else "",
        country=_country(profile.country) if profile else "",
    )


def rows_of(customer: Customer) -> list[Customer]:
    """The rows of this person that are asked about: those that Lux Financial knows, each as it is
    known there; else the one that stands for them."""
    rows = list(
        Customer.objects.same_as(customer)
        .filter(profile__isnull=False)
        .select_related("profile")
        .order_by("pk")
    )
    return rows or [customer.merged_into or customer]


def by_key(keys: Iterable[int]) -> dict[int, Customer]:
    """These customers with what is known of them, in one query."""
    return Customer.objects.select_related("profile").in_bulk(list(keys))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _country(text: str) -> str:
    return code if _COUNTRY.fullmatch(code := text.upper()) else ""
