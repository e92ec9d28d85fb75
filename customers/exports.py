"""The columns of the list of customers as a file, each value as this person may read it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from customers.models import Customer, Profile
from customers.people import Person, person
from customers.sight import Sight
from staff.exports import Column
from upstreams.enums import Upstream


def customer_columns(sight: Sight) -> list[Column[Customer]]:
    """One line for each person. Codes stay codes: machines read these files too."""

    def of(value: Callable[[Person], object]) -> Callable[[Customer], object]:
        return lambda row: value(person(row))

    def of_profile(value: Callable[[Profile], object]) -> Callable[[Customer], object]:
        return of(lambda one: value(one.profile) if one.profile else "")

    return [
        Column("since", lambda row: row.created_at),
        Column("customer", lambda row: row.pk),
        Column("name", of(lambda one: sight.name(one.name))),
        Column("kind", of(lambda one: one.kind)),
        Column("email", of(lambda one: sight.email(one.email))),
        Column("phone", of(lambda one: sight.phone(one.phone))),
        *(
            Column(f"{upstream}_id", of(partial(_ids, upstream=upstream)))
            for upstream in Upstream.values
        ),
        Column("kyc_status", of_profile(lambda profile: profile.kyc_status)),
        Column("status", of_profile(lambda profile: profile.status)),
        Column("risk_rating", of_profile(lambda profile: profile.risk_rating)),
        Column("country", of_profile(lambda profile: profile.country)),
        Column("endorsements", of_profile(lambda profile: " ".join(profile.endorsements))),
        Column("held", of(lambda one: bool(one.holds))),
    ]


def _ids(one: Person, *, upstream: str) -> str:
    return " ".join(
        identity.upstream_id for identity in one.identities if identity.upstream == upstream
    )
