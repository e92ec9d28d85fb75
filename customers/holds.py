"""Which holds are in force on whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Q
from django.db.models.functions import Lower

from customers.models import Customer, Hold

Key = TypeVar("Key")


@dataclass(frozen=True)
class Contact:
    """One person as a desk knows them: linked to a customer, or by contact data. "": not told."""

    customer_id: int | None = None
    external_id: str = ""
    email: str = ""
    phone: str = ""

    def is_known_by(self, customer: Customer) -> bool:
        """Whether this is that customer, as far as one can tell. Reads the identities."""
        return (
            self.customer_id == customer.pk
            or (self.email != "" and self.email.casefold() == customer.email.casefold())
            or (self.phone != "" and self.phone == customer.phone)
            or (
                self.external_id != ""
                and any(self.external_id == one.external_id for one in customer.identities.all())
            )
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
    if contact.email:
        likely |= Customer.objects.filter(email__iexact=contact.email)
    if contact.phone:
        likely |= Customer.objects.filter(phone=contact.phone)
    return likely.order_by("pk").first()


def _any_of(contacts: Iterable[Contact]) -> Q:
    them = list(contacts)
    return (
        Q(customer__in={one.customer_id for one in them if one.customer_id is not None})
        | Q(email__in={one.email.lower() for one in them if one.email})
        | Q(customer__phone__in={one.phone for one in them if one.phone})
        | Q(customer__identities__external_id__in={one.external_id for one in them} - {""})
    )
