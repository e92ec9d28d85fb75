"""Which holds are in force on whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from customers.emails import same_email
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
            or (self.email_key != "" and self.email_key == customer.email_key)
            or (self.phone_key != "" and self.phone_key == customer.phone_key)
            or any(self._is(one) for one in customer.identities.all())
        )

    def _is(self, identity: Identity) -> bool:
        return (self.external_id != "" and self.external_id == identity.external_id) or (
            self.upstream_id != ""
            and (self.upstream, self.upstream_id) == (identity.upstream, identity.upstream_id)
        )


def on(contacts: Mapping[Key, Contact]) -> dict[Key, list[Hold]]:
    """The holds in force on each of them, oldest first. One query, three where somebody is held.

    Whoever shares a held customer's e-mail, phone or external id is held too: what is asked for
    here is linked to its customer only when the provider tells of it, and a stop errs on the safe
    side. A hold on one row holds the whole person, for as long as the rows are linked.
    """
    holds = list(
        _of_any(Hold.objects.in_force(), contacts.values())
        .select_related("customer", "placed_by")
        .order_by("placed_at", "pk")
    )
    rows = _members(holds)
    return {
        key: [hold for hold in holds if _is_one_of(contact, rows[hold.customer.root_id])]
        for key, contact in contacts.items()
    }


def is_held_by(contact: Contact, hold: Hold) -> bool:
    """Whether this hold is one on them, in force or not."""
    return _is_one_of(contact, _members([hold])[hold.customer.root_id])


def find_customer(contact: Contact) -> Customer | None:
    """The row they are, the oldest where several could be; None when nobody is known."""
    if contact.customer_id is not None:
        return Customer.objects.get(pk=contact.customer_id)
    found = [Customer.objects.filter(match).order_by("pk").first() for match in _matches([contact])]
    return min((row for row in found if row is not None), key=lambda row: row.pk, default=None)


def ever_held(contact: Contact) -> list[int]:
    """The rows they may be that are held, or were once. One query."""
    if contact.is_nobody:
        return []
    holds = _of_any(Hold.objects.all(), [contact])
    return list(holds.order_by().values_list("customer", flat=True).distinct())


def _of_any(holds: QuerySet[Hold], contacts: Iterable[Contact]) -> QuerySet[Hold]:
    """The holds on people of whom one row is one of these contacts."""
    match = Q(pk__in=[])
    for rows in _matches(list(contacts)):
        roots = Customer.objects.filter(rows).order_by()
        match |= Q(root__in=roots.values(whole=Coalesce("merged_into", "pk")))
    return holds.annotate(root=Coalesce("customer__merged_into", "customer")).filter(match)


def _matches(them: list[Contact]) -> Iterator[Q]:
    """The rows that these contacts may be, one condition for each way of knowing: each has its
    index, all in one would have none."""
    if ids := {one.customer_id for one in them if one.customer_id is not None}:
        yield Q(pk__in=ids)
    if emails := {one.email_key for one in them} - {""}:
        yield Q(email_key__in=emails)
    if phones := {one.phone_key for one in them} - {""}:
        yield Q(phone_key__in=phones)
    named = _named(them)
    if outside := {one.external_id for one in them} - {""}:
        named |= Q(external_id__in=outside)
    if named:
        yield Q(pk__in=Identity.objects.filter(named).values("customer"))


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


def _members(holds: Iterable[Hold]) -> dict[int, list[Customer]]:
    """All rows of the people who are held, by the row that stands for them."""
    roots = {hold.customer.root_id for hold in holds}
    members: dict[int, list[Customer]] = {root: [] for root in roots}
    if roots:
        rows = Customer.objects.filter(Q(pk__in=roots) | Q(merged_into__in=roots))
        for row in rows.prefetch_related("identities").order_by("pk"):
            members[row.root_id].append(row)
    return members


def _is_one_of(contact: Contact, rows: Iterable[Customer]) -> bool:
    return any(contact.is_known_by(row) for row in rows)
