"""Customers as the upstreams tell of them, learned on the side of what they did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from customers.columns import longest
from customers.emails import same_email
from customers.models import Customer, Identity
from customers.phones import same_phone
from upstreams.enums import Upstream

_TOLD: Final = ("name", "email", "phone")


@dataclass(frozen=True)
class Told:
    """What one observation says about one customer. "" means "not told"."""

    upstream_id: str
    name: str = ""
    email: str = ""
    phone: str = ""
    external_id: str = ""
    created_at: datetime | None = None


def learn(told: Iterable[Told], *, upstream: Upstream, at: datetime) -> dict[str, int]:
    """Make sure that everybody told of is known; returns the customer's key by upstream id.

    Gaps are filled, what we know is not overwritten: an old payment tells old contact data. Whom
    else they may be is looked into afterwards (`linking.match_new`). Call inside a transaction.
    """
    everybody: dict[str, Told] = {}
    for one in told:
        if _fits(one):
            everybody[one.upstream_id] = _together(everybody.get(one.upstream_id), one)
    if not everybody:
        return {}
    identities = _identities(upstream, everybody)
    if new := [everybody[key] for key in sorted(everybody.keys() - identities.keys())]:
        _make(new, upstream=upstream, at=at)
        identities = _identities(upstream, everybody)
    _fill_gaps(identities, everybody, at=at)
    return {key: identity.customer_id for key, identity in identities.items()}


def _identities(upstream: Upstream, told: Iterable[str]) -> dict[str, Identity]:
    known = Identity.objects.filter(upstream=upstream, upstream_id__in=list(told))
    return {
        identity.upstream_id: identity
        for identity in known.select_related("customer").order_by("pk")
    }


def _make(new: list[Told], *, upstream: Upstream, at: datetime) -> None:
    """Make a customer and an identity for each. Another worker may do the same at this moment."""
    customers = Customer.objects.bulk_create(
        Customer(
            name=_cut("name", one.name),
            email=_cut("email", one.email),
            phone=_cut("phone", one.phone),
            created_at=one.created_at or at,
        )
        for one in new
    )
    Identity.objects.bulk_create(
        (
            Identity(
                customer=customer,
                upstream=upstream,
                upstream_id=one.upstream_id,
                external_id=one.external_id,
                raw=_raw(one),
                seen_at=at,
            )
            for one, customer in zip(new, customers, strict=True)
        ),
        ignore_conflicts=True,
    )
    # Whoever lost that race leaves nobody behind who is known nowhere.
    Customer.objects.filter(
        pk__in=[customer.pk for customer in customers], identities=None
    ).delete()


def _fill_gaps(identities: dict[str, Identity], told: dict[str, Told], *, at: datetime) -> None:
    customers, changed = [], []
    for key, identity in identities.items():
        one = told[key]
        customer = identity.customer
        gaps = [name for name in _TOLD if getattr(one, name) and not getattr(customer, name)]
        for name in gaps:
            setattr(customer, name, _cut(name, getattr(one, name)))
        if gaps:
            customers.append(customer)
        raw = {**_raw(one), **identity.raw}
        if raw != identity.raw or (one.external_id and not identity.external_id):
            identity.raw = raw
            identity.external_id = identity.external_id or one.external_id
            identity.seen_at = at
            changed.append(identity)
    if customers:
        customers.sort(key=lambda customer: customer.pk)
        for customer in customers:
            customer.email_key = same_email(customer.email)
            customer.phone_key = same_phone(customer.phone)
            customer.is_matched = False
        columns = [*_TOLD, "email_key", "phone_key", "is_matched"]
        Customer.objects.bulk_update(customers, columns)
    if changed:
        changed.sort(key=lambda identity: identity.pk)
        Identity.objects.bulk_update(changed, ["raw", "external_id", "seen_at"])


def _fits(one: Told) -> bool:
    """Whether the identifiers can be kept as they are; a name may be cut, a key may not."""
    return bool(one.upstream_id) and all(
        len(getattr(one, name)) <= (longest(Identity, name) or 0)
        for name in ("upstream_id", "external_id")
    )


def _together(before: Told | None, one: Told) -> Told:
    """One page may tell of the same customer twice: the first word stands, gaps are filled."""
    if before is None:
        return one
    return replace(
        before,
        created_at=before.created_at or one.created_at,
        **{name: getattr(before, name) or getattr(one, name) for name in (*_TOLD, "external_id")},
    )


def _raw(one: Told) -> dict[str, str]:
    fields = {name: getattr(one, name) for name in (*_TOLD, "external_id")}
    return {name: value for name, value in fields.items() if value}


def _cut(name: str, value: str) -> str:
    return value[: longest(Customer, name)]
