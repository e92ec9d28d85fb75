"""Which holds are in force on whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from customers.contacts import Contact, matches
from customers.models import ROOT, Customer, Hold

Key = TypeVar("Key")


def on(contacts: Mapping[Key, Contact]) -> dict[Key, list[Hold]]:
    """The holds in force on each of them, oldest first. One query, three where somebody is held.

    Whoever shares a held customer's e-mail, phone or external id is held too: what is asked for
    here is linked to its customer only when the provider tells of it, and a stop errs on the safe
    side. A hold on one row holds the whole person, for as long as the rows are linked.
    """
    holds = list(
        _of_any(Hold.objects.in_force(), contacts.values())
        .select_related("customer__profile", "placed_by")
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


def ever_held(contact: Contact) -> list[int]:
    """The rows they may be that are held, or were once. One query."""
    if contact.is_nobody:
        return []
    holds = _of_any(Hold.objects.all(), [contact])
    return list(holds.order_by().values_list("customer", flat=True).distinct())


def _of_any(holds: QuerySet[Hold], contacts: Iterable[Contact]) -> QuerySet[Hold]:
    """The holds on people of whom one row is one of these contacts."""
    match = Q(pk__in=[])
    for rows in matches(list(contacts)):
        roots = Customer.objects.filter(rows).order_by()
        match |= Q(root__in=roots.values(whole=ROOT))
    return holds.annotate(root=Coalesce("customer__merged_into", "customer")).filter(match)


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
