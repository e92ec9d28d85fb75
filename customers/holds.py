"""Which holds are in force on whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from customers.models import Customer, Hold, Identity
from customers.phones import same_phone

Key = TypeVar("Key")


@dataclass(frozen=True)
class Contact:
    """One person as a desk knows them: linked to a customer, or by contact data. "": not told.

    `upstream_id` is how `upstream` calls them, and says nothing without it.
    """

    customer_id: int | None = None
    upstream: str = ""
    upstream_id: str = ""
    external_id: str = ""
    email: str = ""
    phone: str = ""

    @property
    def phone_key(self) -> str:
        """The phone number in one spelling."""
        return same_phone(self.phone)

    @property
    def is_nobody(self) -> bool:
        """Whether nothing is told by which anybody could be known again."""
        told = (self.upstream_id, self.external_id, self.email, self.phone)
        return self.customer_id is None and not any(told)

    def is_known_by(self, customer: Customer) -> bool:
        """Whether this is that customer, as far as one can tell. Reads the identities."""
        return (
            self.customer_id == customer.pk
            or (self.email != "" and self.email.casefold() == customer.email.casefold())
            or (self.phone_key != "" and self.phone_key == customer.phone_key)
            or any(self._is(one) for one in customer.identities.all())
        )

    def _is(self, identity: Identity) -> bool:
        return (self.external_id != "" and self.external_id == identity.external_id) or (
            self.upstream_id != ""
            and (self.upstream, self.upstream_id) == (identity.upstream, identity.upstream_id)
        )


def on(contacts: Mapping[Key, Contact]) -> dict[Key, list[Hold]]:
    """The holds in force on each of them, oldest first. One query, two where somebody is held.

    Whoever shares a held customer's e-mail, phone or external id is held too: what is asked for
    here is linked to its customer only when the provider tells of it, and a stop errs on the safe
    side.
    """
    holds = list(
        Hold.objects.in_force()
        .annotate(email=Lower("customer__email"))
        .filter(_any_of(contacts.values()))
        .select_related("customer", "placed_by")
        .prefetch_related("customer__identities")
        .order_by("placed_at", "pk")
        .distinct()
    )
    return {
        key: [hold for hold in holds if contact.is_known_by(hold.customer)]
        for key, contact in contacts.items()
    }


def find_customer(contact: Contact) -> Customer | None:
    """The customer they are, the oldest where several could be; None when nobody is known."""
    if contact.customer_id is not None:
        return Customer.objects.get(pk=contact.customer_id)
    likely = Customer.objects.none()
    if contact.external_id:
        likely |= Customer.objects.filter(identities__external_id=contact.external_id)
    if contact.upstream_id:
        likely |= Customer.objects.filter(
            identities__upstream=contact.upstream, identities__upstream_id=contact.upstream_id
        )
    if contact.email:
        likely |= Customer.objects.filter(email__iexact=contact.email)
    if contact.phone_key:
        likely |= Customer.objects.filter(phone_key=contact.phone_key)
    return likely.order_by("pk").first()


def _any_of(contacts: Iterable[Contact]) -> Q:
    them = list(contacts)
    return (
        Q(customer__in={one.customer_id for one in them if one.customer_id is not None})
        | Q(email__in={one.email.lower() for one in them if one.email})
        | Q(customer__phone_key__in={one.phone_key for one in them} - {""})
        | Q(customer__identities__in=_named(them))
        | Q(customer__identities__external_id__in={one.external_id for one in them} - {""})
    )


def _named(them: Iterable[Contact]) -> QuerySet[Identity]:
    """The identities that these contacts name by the provider's own id."""
    named: dict[str, set[str]] = {}
    for one in them:
        if one.upstream_id:
            named.setdefault(one.upstream, set()).add(one.upstream_id)
    found = Identity.objects.none()
    for upstream, ids in named.items():
        found |= Identity.objects.filter(upstream=upstream, upstream_id__in=ids)
    return found


def ever_held(contact: Contact) -> list[int]:
    """The customers they may be who are held, or were once. One query."""
    if contact.is_nobody:
        return []
    holds = Hold.objects.annotate(email=Lower("customer__email")).filter(_any_of([contact]))
    return list(holds.values_list("customer", flat=True).distinct())
