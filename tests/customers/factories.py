"""Customers and what holds them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime

import factory

from customers.enums import HoldKind
from customers.models import Customer, Hold
from tests.staff.factories import UserFactory

NOW = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)


class CustomerFactory(factory.django.DjangoModelFactory[Customer]):
    """Whoever the payouts of the tests go to, by their e-mail and phone."""

    class Meta:
        model = Customer

    name = "James Smith"
    email = "James@example.com"
    phone = "+61412345678"
    created_at = NOW


class HoldFactory(factory.django.DjangoModelFactory[Hold]):
    """A hold by hand, in force."""

    class Meta:
        model = Hold

    customer = factory.SubFactory(CustomerFactory)
    kind = HoldKind.MANUAL
    reason = "Asked for by the police."
    placed_by = factory.LazyFunction(lambda: UserFactory(roles=["reviewer"]))
    placed_at = NOW
