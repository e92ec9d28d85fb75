"""One person as the desk reads them: a customer with all that is known to be the same one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Prefetch, Q

from customers.emails import same_email
from customers.models import Customer, CustomerQuerySet, Hold, Identity, Profile
from customers.phones import same_phone
from staff.lists import begins
from upstreams.enums import Upstream

LEAST_DIGITS = 6  # of a phone number


@dataclass(frozen=True)
class Person:
    """A whole customer and the rows that are known to be them, the whole one first."""

    root: Customer
    members: Sequence[Customer]

    @cached_property
    def profiles(self) -> list[Profile]:
        """What Lux Financial tells of them: mostly once."""
        return [found for one in self.members if (found := profile_of(one)) is not None]

    @property
    def profile(self) -> Profile | None:
        return self.profiles[0] if self.profiles else None

    @cached_property
    def identities(self) -> list[Identity]:
        found = [identity for one in self.members for identity in one.identities.all()]
        return sorted(found, key=lambda one: (one.upstream, one.upstream_id))

    @property
    def providers(self) -> list[str]:
        """Who knows them."""
        return [Upstream(name).label for name in dict.fromkeys(i.upstream for i in self.identities)]

    @cached_property
    def holds(self) -> list[Hold]:
        """Those in force on any of them, oldest first. Only where they were read with them."""
        found = [hold for one in self.members for hold in one.holds.all()]
        in_force = [hold for hold in found if hold.lifted_at is None]
        return sorted(in_force, key=lambda hold: (hold.placed_at, hold.pk))

    @property
    def name(self) -> str:
        """The first that anybody told."""
        return next((one.name for one in self.members if one.name), "")

    @property
    def email(self) -> str:
        """The first that anybody told."""
        return next((one.email for one in self.members if one.email), "")

    @property
    def phone(self) -> str:
        """The first that anybody told."""
        return next((one.phone for one in self.members if one.phone), "")

    @property
    def kind(self) -> str:
        return next((one.kind for one in self.members if one.kind), "")


def with_members(rows: CustomerQuerySet) -> CustomerQuerySet:
    """Read whole customers with everything that `Person` tells, in a fixed number of queries."""
    holds = Prefetch("holds", Hold.objects.in_force().select_related("placed_by"))
    members = (
        Customer.objects.select_related("profile")
        .prefetch_related("identities", holds)
        .order_by("pk")
    )
    return rows.select_related("profile").prefetch_related(
        "identities", holds, Prefetch("members", members)
    )


def person(root: Customer) -> Person:
    """The person that this row stands for; it was read by `with_members`."""
    return Person(root, [root, *root.members.all()])


def people(roots: Iterable[Customer]) -> list[Person]:
    return [person(root) for root in roots]


def called(rows: CustomerQuerySet, text: str, *, names: str) -> CustomerQuerySet:
    """Those whole ones of these that this text may mean.

    E-mail and phone count only whole: who types a part would be told the rest. Ids count by their
    beginning. `names` is how names are looked up, "" not at all. A few are looked up first, each
    way by its own index; those of thousands are met soon enough on the way through the list.
    """
    found = Customer.objects.none()
    for match in _meanings(text, names):
        found |= rows.people_with(match)
    return found


def _meanings(text: str, names: str) -> list[Q]:
    ids = Identity.objects.filter(begins("upstream_id", text) | begins("external_id", text))
    matches = [Q(email_key=same_email(text)), Q(pk__in=ids.values("customer"))]
    if len(digits := same_phone(text)) >= LEAST_DIGITS:
        matches.append(Q(phone_key=digits))
    if names:
        matches.append(Q(**{f"name__{names}": text}))
    return matches


def profile_of(customer: Customer) -> Profile | None:
    """What Lux Financial tells of this one row, None where it tells nothing."""
    return getattr(customer, "profile", None)
