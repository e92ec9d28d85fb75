"""Payouts through Lux Financial, asked for by other systems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from payments.models import RouteCheck, Withdrawal
from tests.customers.lux import Place
from tests.payments.api.helpers import Caller, told, wrong_fields
from tests.payments.lux import PAYER, Books

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/withdrawals/"


@pytest.fixture(scope="module")
def somewhere() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


@pytest.fixture
def books(somewhere: Place) -> Books:
    return Books(somewhere)


def body(books: Books, **destination: str) -> dict[str, Any]:
    return {
        "upstream": "lux",
        "amount": "1000.00",
        "transfer": {
            "on_behalf_of": books.customer.id,
            "source": {"payment_rail": "polygon", "currency": "USDC", "from_address": PAYER},
            "destination": {
                "payment_rail": "wire",
                "currency": "USD",
                "external_account_id": books.account.id,
                "wire_message": "Invoice 17",
                **destination,
            },
            "developer_fee": "2.50",
        },
        "description": "For rent",
    }


def test_are_answered_as_they_were_asked_for_and_masked(books: Books, caller: Caller) -> None:
    answer = caller.post(ADDRESS, body(books))

    assert answer.status_code == 201, answer.content
    said = told(answer)
    assert (said["upstream"], said["amount"], said["method"]) == ("lux", "1000.000000", "wire")
    assert said["transfer"]["on_behalf_of"] == books.customer.id
    assert said["transfer"]["destination"]["wire_message"] == "Invoice 17"
    assert said["transfer"]["developer_fee"] == "2.50"
    assert said["transfer"]["source"]["from_address"] == f"••••{PAYER[-4:]}"
    assert PAYER not in answer.text
    assert RouteCheck.objects.get().withdrawal == Withdrawal.objects.get()


def test_are_made_once_under_one_key(books: Books, caller: Caller) -> None:
    first = caller.post(ADDRESS, body(books), key="rent-1")

    again = caller.post(ADDRESS, body(books), key="rent-1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert Withdrawal.objects.count() == 1


def test_are_refused_at_their_field(books: Books, caller: Caller) -> None:
    wrong = body(books, payment_rail="sepa")
    wrong["transfer"]["source"]["from_address"] = "somewhere"
    wrong["transfer"]["developer_fee_percent"] = "1"

    found = wrong_fields(caller.post(ADDRESS, wrong))

    assert set(found) == {
        "#/transfer/destination/currency",
        "#/transfer/destination/wire_message",
        "#/transfer/source/from_address",
        "#/transfer/developer_fee_percent",
    }


def test_say_what_is_missing(books: Books, caller: Caller) -> None:
    lacking = body(books)
    del lacking["transfer"]["source"]

    assert set(wrong_fields(caller.post(ADDRESS, lacking))) == {"#/transfer/source"}
