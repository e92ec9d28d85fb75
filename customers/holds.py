"""Which holds are in force on whom, and by what those who are held were known meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from customers.contacts import Contact, matches, sharing
from customers.models import ROOT, Customer, Hold, HoldContact
from staff import audit

Key = TypeVar("Key")
_HELD_ROOT = Coalesce("customer__merged_into", "customer")


class Known(NamedTuple):
    """By what a row is known, or was a moment ago."""

    customer_id: int
    email_key: str
    phone_key: str


def on(contacts: Mapping[Key, Contact]) -> dict[Key, list[Hold]]:
    """The holds in force on each of them, oldest first. One query, four where somebody is held.

    Whoever shares a held customer's e-mail, phone or external id is held too: what is asked for
    here is linked to its customer only when the provider tells of it, and a stop errs on the safe
    side. A hold on one row holds the whole person, for as long as the rows are linked, and under
    every e-mail and phone that they had while it was in force.
    """
    holds = list(
        _of_any(Hold.objects.in_force(), contacts.values())
        .select_related("customer__profile", "placed_by")
        .prefetch_related("contacts")
        .order_by("placed_at", "pk")
    )
    rows = _members(holds)
    return {
        key: [hold for hold in holds if _is_held(contact, hold, rows[hold.customer.root_id])]
        for key, contact in contacts.items()
    }


def is_held_by(contact: Contact, hold: Hold) -> bool:
    """Whether this hold is one on them, in force or not."""
    return _is_held(contact, hold, _members([hold])[hold.customer.root_id])


def ever_held(contact: Contact) -> list[int]:
    """The rows they may be that are held, or were once. One query."""
    if contact.is_nobody:
        return []
    holds = _of_any(Hold.objects.all(), [contact])
    return list(holds.order_by().values_list("customer", flat=True).distinct())


def remember_person(customer_id: int) -> None:
    """Keep with the holds in force on this whole person by what each of their rows is known.

    Like `remember`.
    """
    person = Customer.objects.same_as(Customer.objects.get(pk=customer_id))
    remember(Known(*row) for row in person.values_list("pk", "email_key", "phone_key"))


def remember(known: Iterable[Known]) -> None:
    """Keep it with the holds in force on the people whose rows these are.

    Call it when all other rows are locked and written: it waits for the lock of the audit chain,
    so that no hold is placed meanwhile.
    """
    told = {one for one in known if one.email_key or one.phone_key}
    if not told:
        return
    audit.take_chain_lock()
    rows = Customer.objects.filter(pk__in={one.customer_id for one in told})
    roots = dict(rows.values_list("pk", ROOT))
    held: dict[int, list[int]] = defaultdict(list)
    holds = Hold.objects.in_force().annotate(root=_HELD_ROOT).filter(root__in=roots.values())
    for root, hold in holds.values_list("root", "pk"):
        held[root].append(hold)
    kept = [
        HoldContact(hold_id=hold, **one._asdict())
        for one in sorted(told)
        for hold in held[roots[one.customer_id]]
    ]
    HoldContact.objects.bulk_create(kept, ignore_conflicts=True)


def _of_any(holds: QuerySet[Hold], contacts: Iterable[Contact]) -> QuerySet[Hold]:
    """The holds on people of whom one row is one of these contacts, or was."""
    them = list(contacts)
    match = Q(pk__in=[])
    for rows in matches(them):
        roots = Customer.objects.filter(rows).order_by()
        match |= Q(root__in=roots.values(whole=ROOT))
    for rows in sharing(them):
        match |= Q(pk__in=_kept().filter(rows).values("hold"))
    return holds.annotate(root=_HELD_ROOT).filter(match)


def _kept() -> QuerySet[HoldContact]:
    """What is kept of rows that are of the held person still."""
    held = Coalesce("hold__customer__merged_into", "hold__customer")
    return HoldContact.objects.annotate(root=_HELD_ROOT, held=held).filter(root=F("held"))


def _members(holds: Iterable[Hold]) -> dict[int, list[Customer]]:
    """All rows of the people who are held, by the row that stands for them."""
    roots = {hold.customer.root_id for hold in holds}
    members: dict[int, list[Customer]] = {root: [] for root in roots}
    if roots:
        rows = Customer.objects.filter(Q(pk__in=roots) | Q(merged_into__in=roots))
        for row in rows.prefetch_related("identities").order_by("pk"):
            members[row.root_id].append(row)
    return members


def _is_held(contact: Contact, hold: Hold, rows: Iterable[Customer]) -> bool:
    """Whether they are one of these rows of the held person, or were while the hold was on them."""
    members = {row.pk: row for row in rows}
    return any(contact.is_known_by(row) for row in members.values()) or any(
        contact.shares(kept) for kept in hold.contacts.all() if kept.customer_id in members
    )
