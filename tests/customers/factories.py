"""Customers and what holds them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import factory

from customers.enums import HoldKind, RequestKind
from customers.models import Customer, CustomerRequest, ExternalAccount, Hold, Identity, Profile
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


class ProfileFactory(factory.django.DjangoModelFactory[Profile]):
    """James Smith as Lux Financial holds him, with his identity there (`upstream_id`)."""

    class Meta:
        model = Profile
        skip_postgeneration_save = True

    customer = factory.SubFactory(CustomerFactory)
    kind = "individual"
    first_name = "James"
    last_name = "Smith"
    email = "james@example.com"
    phone = "+61412345678"
    date_of_birth = "1990-01-31"
    address = factory.LazyFunction(
        lambda: {"line1": "1 King Street", "city": "Sydney", "country": "AU"}
    )
    country = "AU"
    status = "active"
    kyc_status = "approved"
    digest = "0" * 64
    seen_at = NOW

    class Params:
        business_kind = factory.Trait(
            kind="business",
            first_name="",
            last_name="",
            date_of_birth="",
            business={"name": "Harbour Pty", "type": "llc", "industry": "Shipping"},
        )

    @factory.post_generation
    def upstream_id(self: Any, create: bool, extracted: str | None, **kwargs: Any) -> None:
        Identity.objects.create(
            customer=self.customer,
            upstream="lux",
            upstream_id=extracted or f"cus_{self.customer_id}",
            seen_at=NOW,
        )


class ExternalAccountFactory(factory.django.DjangoModelFactory[ExternalAccount]):
    """A bank account in the United States that waits for its two small deposits."""

    class Meta:
        model = ExternalAccount

    customer = factory.LazyFunction(lambda: ProfileFactory().customer)
    upstream_id = factory.Sequence(lambda n: f"ext_{n}")
    kind = "us_bank_account"
    account_name = "James Smith"
    bank_name = "Lead Bank"
    last_4 = "6789"
    status = "pending"
    verification_method = "micro_deposits"
    digest = "0" * 64
    seen_at = NOW


class CustomerRequestFactory(factory.django.DjangoModelFactory[CustomerRequest]):
    """A change of somebody's e-mail, queued, without its command."""

    class Meta:
        model = CustomerRequest

    kind = RequestKind.CHANGE
    customer = factory.LazyFunction(lambda: ProfileFactory().customer)
    target = factory.LazyAttribute(
        lambda row: row.customer.identities.get().upstream_id if row.customer else ""
    )
    body = factory.LazyFunction(lambda: {"email": "new@example.com"})
    told = factory.LazyFunction(lambda: {"fields": ["email"]})
    created_by = factory.LazyFunction(lambda: UserFactory(roles=["reviewer"]))
    created_at = NOW
