"""People as a desk knows them, and the customers they may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Coalesce

from customers.emails import same_email
from customers.models import Customer, HoldContact, Identity, Profile
from customers.phones import same_phone


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
    def email_key(self) -> str:
        """The e-mail address in one spelling."""
        return same_email(self.email)

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
        """Whether this is that very row, as far as one can tell. Reads the identities."""
        return (
            self.customer_id == customer.pk
            or self.shares(customer)
            or any(self._is(one) for one in customer.identities.all())
        )

    def shares(self, known: Customer | HoldContact) -> bool:
        """Whether the e-mail or the phone is the one that is known here."""
        return (self.email_key != "" and self.email_key == known.email_key) or (
            self.phone_key != "" and self.phone_key == known.phone_key
        )

    def _is(self, identity: Identity) -> bool:
        return (self.external_id != "" and self.external_id == identity.external_id) or (
            self.upstream_id != ""
            and (self.upstream, self.upstream_id) == (identity.upstream, identity.upstream_id)
        )


def find_customer(contact: Contact) -> Customer | None:
    """The row they are, the oldest where several could be; None when nobody is known."""
    if contact.customer_id is not None:
        return Customer.objects.get(pk=contact.customer_id)
    found = [Customer.objects.filter(match).order_by("pk").first() for match in matches([contact])]
    return min((row for row in found if row is not None), key=lambda row: row.pk, default=None)


def profiles(contact: Contact) -> list[Profile]:
    """What Lux Financial tells of whoever they may be, all rows of a person alike. Two queries."""
    if contact.is_nobody:
        return []
    roots = {
        root
        for match in matches([contact])
        for root in Customer.objects.filter(match).values_list(
            Coalesce("merged_into", "pk"), flat=True
        )
    }
    if not roots:
        return []
    whole = Q(customer__in=roots) | Q(customer__merged_into__in=roots)
    return list(Profile.objects.filter(whole).order_by("pk"))


def matches(them: list[Contact]) -> Iterator[Q]:
    """The rows that these contacts may be, one condition for each way of knowing: each has its
    index, all in one would have none."""
    if ids := {one.customer_id for one in them if one.customer_id is not None}:
        yield Q(pk__in=ids)
    yield from sharing(them)
    named = _named(them)
    if outside := {one.external_id for one in them} - {""}:
        named |= Q(external_id__in=outside)
    if named:
        yield Q(pk__in=Identity.objects.filter(named).values("customer"))


def sharing(them: Iterable[Contact]) -> Iterator[Q]:
    """What shares their e-mail or phone, of customers as of what is kept with holds."""
    keys = [(one.email_key, one.phone_key) for one in them]
    if emails := {email for email, _ in keys} - {""}:
        yield Q(email_key__in=emails)
    if phones := {phone for _, phone in keys} - {""}:
        yield Q(phone_key__in=phones)


def _named(them: Iterable[Contact]) -> Q:
    """The identities that these contacts name by the provider's own id."""
    named: dict[str, set[str]] = {}
    for one in them:
        if one.upstream_id:
            named.setdefault(one.upstream, set()).add(one.upstream_id)
    match = Q()
    for upstream, ids in named.items():
        match |= Q(upstream=upstream, upstream_id__in=ids)
    return match
