"""A hold and the news of another e-mail at the same moment: held under what was told, both ways."""

from __future__ import annotations

import pytest

from customers import actions, holds, linking, mirror
from customers.contacts import Contact
from customers.enums import HoldKind
from customers.models import Customer, Hold
from staff import audit
from tests.customers.factories import NOW, CustomerFactory, IdentityFactory, record
from tests.payments.test_races import at_once
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def held(email: str) -> bool:
    return bool(holds.on({1: Contact(email=email)})[1])


def test_a_hold_another_email_and_a_link_at_once() -> None:
    by = UserFactory(roles=["reviewer"])
    for number in range(rounds(20)):
        key, first, second, third = (f"{name}{number}@x.com" for name in ("cus", "a", "b", "c"))
        mirror.store_profiles([record(id=key, email=first, phone=...)], at=NOW)
        customer = Customer.objects.get(identities__upstream_id=key)
        other = CustomerFactory(email=second, phone="")
        IdentityFactory(customer=other)
        changed = record(id=key, email=second, phone=..., updated_at="2026-02-01T00:00:00Z")
        again = record(id=key, email=third, phone=..., updated_at="2026-02-02T00:00:00Z")

        results = at_once(
            lambda: actions.place_hold(
                customer=customer,  # noqa: B023
                kind=HoldKind.MANUAL,
                reason="Asked for.",
                by=by,
                at=NOW,
            ),
            lambda: mirror.store_profiles([changed], at=NOW),  # noqa: B023
            lambda: linking.match_new(at=NOW),
        )
        was_told_before = held(first)
        mirror.store_profiles([again], at=NOW)

        assert not [result for result in results if isinstance(result, Exception)], results
        assert held(second)
        assert held(third)
        assert held(first) is was_told_before
    assert Hold.objects.count() == rounds(20)
    assert audit.verify().ok
