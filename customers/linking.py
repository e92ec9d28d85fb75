"""Which customers are one person: found by the documented order, joined and taken apart.

A join is a `Link` between two rows, each of which stands for the rows below it; `merged_into` of
all of them leads to the one on top. Links make a tree, so any of them can be taken apart again and
leaves two whole people behind.

Whoever joins or parts holds one lock first, then the rows, then that of the audit chain: what is
one person is decided by one at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, Q

from customers import holds
from customers.enums import LinkState
from customers.models import ROOT, Customer, Identity, Link
from staff.journal import Journal
from staff.models import User
from upstreams.enums import Upstream

logger = structlog.get_logger(__name__)

EMAIL: Final = "email"
PHONE: Final = "phone"
NAME: Final = "name"
BATCH: Final = 500
MOST: Final = 10  # people who share a contact; what more have says nothing about who they are
_ROWS: Final = 100  # of those people, read to find out
_CONTACTS: Final = ("email_key", "phone_key")

# Any number will do, as long as nothing else in the database takes the same advisory lock.
_LOCK: Final = 5_309_166_202
_JUDGED: Final = (LinkState.DISMISSED, LinkState.UNDONE)


@dataclass(frozen=True)
class Matched:
    """What came of looking into those that were told of."""

    linked: int = 0
    suggested: int = 0

    def __add__(self, other: Matched) -> Matched:
        return Matched(self.linked + other.linked, self.suggested + other.suggested)


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be the same.

    `contradicts`: not all that is known of both agrees, or too many have some of it.
    """

    root: Customer
    agrees: Sequence[str]
    contradicts: bool


class NotTwo(Exception):
    """The two are one person already."""


def match_new(*, at: datetime) -> Matched:
    """Look into everybody who was told of, or whose contact data changed, since the last time.

    Who has exactly one candidate, and contradicts them in nothing, is linked with them; any other
    candidate is suggested to people.
    """
    found = Matched()
    behind: int | None = 0
    while behind is not None:
        alike, behind = _waiting(behind)
        for customer_id in alike:
            found += _try_match(customer_id, at=at)
    return found


def _waiting(behind: int) -> tuple[list[int], int | None]:
    """The next of those to look into, and behind whom to go on; None at the end.

    Who shares nothing with anybody is done with at once.
    """
    with transaction.atomic():
        rows = list(
            Customer.objects.select_for_update(of=("self",), no_key=True)
            .filter(is_matched=False, pk__gt=behind)
            .order_by("pk")[:BATCH]
        )
        alike = _with_look_alikes(rows)
        alone = {row.pk for row in rows} - set(alike)
        Customer.objects.filter(pk__in=alone).update(is_matched=True)
    return alike, rows[-1].pk if len(rows) == BATCH else None


def _with_look_alikes(rows: Sequence[Customer]) -> list[int]:
    """Those who share their e-mail or phone with somebody else. Two queries."""
    emails = _shared("email_key", {row.email_key for row in rows} - {""})
    phones = _shared("phone_key", {row.phone_key for row in rows} - {""})
    return [row.pk for row in rows if row.email_key in emails or row.phone_key in phones]


def _shared(column: str, keys: set[str]) -> set[str]:
    rows = Customer.objects.filter(**{f"{column}__in": keys}).order_by().values(column)
    several = rows.annotate(times=Count("pk")).filter(times__gt=1)
    return set(several.values_list(column, flat=True))


def _try_match(customer_id: int, *, at: datetime) -> Matched:
    """One of whom this fails waits for the next time, and keeps nobody else waiting."""
    try:
        return _match(customer_id, at=at)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("customers.matching.failed", customer=customer_id)
        return Matched()


def _match(customer_id: int, *, at: datetime) -> Matched:
    with transaction.atomic():
        take_lock()
        customer = Customer.objects.get(pk=customer_id)
        if customer.is_matched:
            return Matched()
        found = candidates(customer)
        journal = Journal(by=None, at=at)
        Customer.objects.filter(pk=customer_id).update(is_matched=True)
        matched = _act(customer, found, journal=journal, at=at)
        journal.write()
    return matched


def _act(
    customer: Customer, found: Sequence[Candidate], *, journal: Journal, at: datetime
) -> Matched:
    if len(found) == 1 and not found[0].contradicts:
        join(customer, found[0].root, why=found[0].agrees, by=None, at=at, journal=journal)
        return Matched(linked=1)
    new = [one for one in found if _suggest(customer, one, journal=journal, at=at)]
    return Matched(suggested=len(new))


def candidates(customer: Customer) -> list[Candidate]:
    """Everybody else who shares their e-mail or phone and whom nobody said they are not.

    An e-mail or phone of more than a few people is an office's or a placeholder: nobody is found by
    it, and nobody who has one is linked without being asked about. Costs the same for any number.
    """
    sharing = [_sharing(customer, column) for column in _CONTACTS]
    roots = set[int]().union(*(found for found in sharing if found is not None))
    roots -= _judged(customer, roots)
    if not roots:
        return []
    people = _people(roots | {customer.root_id})
    systems = _systems(people)
    mine = systems[customer.root_id]
    return [
        _candidate(
            customer, people[root], is_doubtful=bool(mine & systems[root]) or None in sharing
        )
        for root in sorted(roots)
    ]


def _sharing(customer: Customer, column: str) -> set[int] | None:
    """The other people with this contact of theirs; None where it is shared by many."""
    key = getattr(customer, column)
    if not key:
        return set()
    others = Customer.objects.filter(**{column: key}).annotate(root=ROOT)
    rows = others.exclude(root=customer.root_id).order_by().values_list("root", flat=True)
    found = list(rows[: _ROWS + 1])
    roots = set(found)
    return None if len(found) > _ROWS or len(roots) > MOST else roots


def _candidate(customer: Customer, rows: Sequence[Customer], *, is_doubtful: bool) -> Candidate:
    facts = {
        EMAIL: (customer.email_key, {row.email_key for row in rows} - {""}),
        PHONE: (customer.phone_key, {row.phone_key for row in rows} - {""}),
    }
    told = {name: (mine, theirs) for name, (mine, theirs) in facts.items() if mine and theirs}
    agrees = [name for name, (mine, theirs) in told.items() if mine in theirs]
    contradicts = is_doubtful or len(agrees) < len(told)
    if customer.name and customer.name.casefold() in {row.name.casefold() for row in rows}:
        agrees.append(NAME)
    return Candidate(rows[0], agrees, contradicts)


def _systems(people: Mapping[int, Sequence[Customer]]) -> dict[int, set[str]]:
    """Where each is known. One system knows why it has two: it is not for us to join them."""
    roots = {row.pk: root for root, rows in people.items() for row in rows}
    known: dict[int, set[str]] = {root: set() for root in people}
    identities = Identity.objects.filter(customer__in=list(roots))
    for customer, upstream in identities.values_list("customer", "upstream"):
        known[roots[customer]].add(upstream)
    return known


def _people(roots: Iterable[int]) -> dict[int, list[Customer]]:
    """All rows of these people, each with the one that stands for them first."""
    people: dict[int, list[Customer]] = {root: [] for root in roots}
    rows = Customer.objects.filter(Q(pk__in=people) | Q(merged_into__in=people))
    for row in rows.order_by("pk"):
        people[row.root_id].append(row)
    for root, members in people.items():
        members.sort(key=lambda row: (row.pk != root, row.pk))
    return people


def _judged(customer: Customer, roots: set[int]) -> set[int]:
    """Those of these people of whom somebody said that they are not this one."""
    links = Link.objects.filter(state__in=_JUDGED).select_related("other", "into")
    about = Customer.objects.same_as(customer).values("pk")
    judged = set()
    for link in links.filter(Q(other__in=about) | Q(into__in=about)):
        judged |= {link.other.root_id, link.into.root_id} & roots
    return judged


def _suggest(customer: Customer, candidate: Candidate, *, journal: Journal, at: datetime) -> bool:
    """Leave it to people; whether nobody was asked about these two before."""
    one, other = customer.root_id, candidate.root.pk
    pair = Q(other=one, into=other) | Q(other=other, into=one)
    if Link.objects.filter(pair, state=LinkState.SUGGESTED).exists():
        return False
    below, above = _ordered(customer.root_id, candidate.root.pk)
    link = Link.objects.create(
        other_id=below,
        into_id=above,
        state=LinkState.SUGGESTED,
        why=list(candidate.agrees),
        made_at=at,
    )
    _note("customers.link.suggested", link, journal=journal)
    return True


def join(
    one: Customer,
    other: Customer,
    *,
    why: Sequence[str] = (),
    by: User | None,
    at: datetime,
    journal: Journal,
    reason: str = "",
    known: Link | None = None,
) -> Link:
    """Make these two people one, by `known` where somebody was asked about them before.

    The caller holds the lock (`take_lock`), and locks nothing else behind this. Raises NotTwo.
    """
    if one.root_id == other.root_id:
        raise NotTwo
    below, above = _ordered(one.root_id, other.root_id)
    link = known or Link(why=list(why), made_at=at)
    link.other_id, link.into_id, link.state = below, above, LinkState.LINKED
    link.by, link.at, link.reason = by, at, reason
    _lock_rows([below, above])
    link.save()
    Customer.objects.filter(Q(pk=below) | Q(merged_into=below)).update(merged_into=above)
    holds.remember_person(above)
    _note("customers.link.made", link, journal=journal, reason=reason)
    return link


def dismiss(link: Link, *, by: User, at: datetime, journal: Journal, reason: str) -> None:
    """Note that the two are not the same. The caller holds the lock (`take_lock`)."""
    link.state, link.by, link.at, link.reason = LinkState.DISMISSED, by, at, reason
    link.save(update_fields=["state", "by", "at", "reason"])
    _note("customers.link.dismissed", link, journal=journal, reason=reason)


def locked_members(link: Link) -> list[int]:
    """All rows of the person whom this link is part of. The caller holds the lock (`take_lock`)."""
    top = Customer.objects.get(pk=link.other_id).root_id
    rows = list(Customer.objects.same_as(Customer(pk=top)).values_list("pk", flat=True))
    _lock_rows(rows)
    return rows


def part(
    link: Link,
    rows: Sequence[int],
    *,
    by: User,
    at: datetime,
    journal: Journal,
    reason: str,
    stands: Mapping[str, int],
) -> None:
    """Take the two apart again, each with what was linked with them otherwise.

    `rows` are the `locked_members`; `stands` tells what held them together until now, and is kept.
    """
    link.state, link.by, link.at, link.reason = LinkState.UNDONE, by, at, reason
    link.save(update_fields=["state", "by", "at", "reason"])
    below = _below(link.other_id, rows)
    Customer.objects.filter(pk__in=below - {link.other_id}).update(merged_into=link.other_id)
    Customer.objects.filter(pk=link.other_id).update(merged_into=None)
    _note("customers.link.undone", link, journal=journal, reason=reason, told=stands)


def _below(root: int, rows: Iterable[int]) -> set[int]:
    """The rows that standing links lead from, down from this one, itself among them."""
    leads: Mapping[int, list[int]] = defaultdict(list)
    standing = Link.objects.standing().filter(other__in=list(rows))
    for other, into in standing.values_list("other", "into"):
        leads[into].append(other)
    found, new = set[int](), [root]
    while new:
        found.add(here := new.pop())
        new.extend(leads[here])
    return found


def _ordered(one: int, other: int) -> tuple[int, int]:
    """Which of two roots goes below which: who has a profile is on top, else the older."""
    known = set(
        Identity.objects.filter(upstream=Upstream.LUX, customer__in=[one, other]).values_list(
            "customer", flat=True
        )
    )
    above, below = sorted([one, other], key=lambda pk: (pk not in known, pk))
    return below, above


def _lock_rows(pks: Sequence[int]) -> None:
    rows = Customer.objects.select_for_update(of=("self",), no_key=True)
    list(rows.filter(Q(pk__in=pks) | Q(merged_into__in=pks)).order_by("pk"))


def _note(
    verb: str,
    link: Link,
    *,
    journal: Journal,
    reason: str = "",
    told: Mapping[str, int] | None = None,
) -> None:
    """Told of both: each keeps its history when they are taken apart."""
    for one, other in ((link.other_id, link.into_id), (link.into_id, link.other_id)):
        journal.add(
            verb,
            Customer(pk=one),
            after={"link": link.pk, "with": other, "why": list(link.why), **(told or {})},
            reason=reason,
        )


def take_lock() -> None:
    """Wait until nobody else joins or parts people, until this transaction ends.

    SQLite's IMMEDIATE transactions are such a lock already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
