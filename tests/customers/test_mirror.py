"""Customers learned from what upstreams show."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from customers.mirror import Told, learn
from customers.models import Customer, Identity
from upstreams.enums import Upstream

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)
MARIA = Told("12345", "Maria Garcia", "maria@example.com", "+5491112345678", "usr_1")


def told(*people: Told) -> dict[str, int]:
    return learn(people, upstream=Upstream.LUXCORE, at=NOW)


class TestLearn:
    def test_makes_a_customer_with_an_identity(self) -> None:
        found = told(MARIA)

        identity = Identity.objects.select_related("customer").get()
        assert found == {"12345": identity.customer_id}
        assert identity.external_id == "usr_1"
        assert identity.customer.email == "maria@example.com"
        assert identity.raw["phone"] == "+5491112345678"

    def test_knows_somebody_again(self) -> None:
        assert told(MARIA) == told(MARIA)
        assert Customer.objects.count() == Identity.objects.count() == 1

    def test_fills_gaps_and_overwrites_nothing(self) -> None:
        told(Told("12345", name="Maria Garcia"))

        told(Told("12345", "M. Garcia", "maria@example.com", external_id="usr_1"))

        customer, identity = Customer.objects.get(), Identity.objects.get()
        assert (customer.name, customer.email) == ("Maria Garcia", "maria@example.com")
        assert identity.external_id == "usr_1"

    def test_puts_together_what_one_page_tells_twice(self) -> None:
        told(Told("12345", name="Maria Garcia"), Told("12345", email="maria@example.com"))

        customer = Customer.objects.get()
        assert (customer.name, customer.email) == ("Maria Garcia", "maria@example.com")

    def test_passes_over_who_cannot_be_named(self) -> None:
        assert told(Told(""), Told("x" * 121), Told("1", external_id="x" * 256)) == {}
        assert not Customer.objects.exists()

    def test_cuts_a_name_that_is_too_long(self) -> None:
        told(Told("1", name="n" * 300, phone="5" * 60))

        customer = Customer.objects.get()
        assert (len(customer.name), len(customer.phone)) == (255, 50)

    def test_leaves_nobody_behind_when_another_worker_was_faster(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = Customer.objects.bulk_create

        def somebody_else_first(rows: Any, **kwargs: Any) -> Any:
            customers = made(rows, **kwargs)
            winner = Customer.objects.create(created_at=NOW)
            Identity.objects.create(
                customer=winner, upstream=Upstream.LUXCORE, upstream_id="12345", seen_at=NOW
            )
            return customers

        monkeypatch.setattr(Customer.objects, "bulk_create", somebody_else_first)

        found = told(MARIA)

        assert Customer.objects.count() == 1
        assert found == {"12345": Customer.objects.get().pk}

    def test_costs_for_fifty_what_it_costs_for_one(self, django_assert_num_queries: Any) -> None:
        def people(start: int, size: int) -> list[Told]:
            return [Told(str(number), name="A") for number in range(start, start + size)]

        with django_assert_num_queries(5):
            told(*people(0, 1))
        with django_assert_num_queries(5):
            told(*people(1, 50))
        with django_assert_num_queries(1):
            learn(people(0, 51), upstream=Upstream.LUXCORE, at=NOW + timedelta(days=1))
