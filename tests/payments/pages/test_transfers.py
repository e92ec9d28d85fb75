"""The page of a transfer: what it cost, how it is paid in, and to whom what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments import mirror
from payments.enums import SeenBy
from payments.models import Payment
from staff.permissions import Role
from tests.customers.factories import ExternalAccountFactory, ProfileFactory
from tests.payments.factories import NOW
from tests.staff.factories import UserFactory
from tests.upstreams.lux import transfer
from upstreams.lux.schemas import parse_transfer

pytestmark = pytest.mark.django_db

URL = "https://lux.financial/receipts/s3cret"
RECEIPT = {
    "initial_amount": "1000.00",
    "exchange_fee": "2.50",
    "final_amount": "997.50",
    "destination_tx_hash": "0xfeed",
    "url": URL,
}
INSTRUCTIONS = {
    "payment_rail": "wire",
    "amount": "1000.00",
    "currency": "usd",
    "deposit_message": "LUX7F3K9ABCD",
    "bank_name": "Lead Bank",
    "bank_routing_number": "101019644",
    "bank_account_number": "215268120000",
    "bank_beneficiary_name": "Lux Financial",
}


def shown(client: Client, role: str, state: str = "awaiting_funds", **members: Any) -> str:
    record = parse_transfer(transfer(state=state, **members))
    mirror.store_payments([record], seen_by=SeenBy.POLL, at=NOW, source=mirror.LUX)
    client.force_login(UserFactory(roles=[role]))
    url = reverse("payments:payment", args=["lux", "txfr_1"])
    return client.get(url).text


def test_tells_the_receipt_line_by_line(client: Client) -> None:
    page = shown(client, "viewer", "payment_processed", receipt=RECEIPT)

    for words in ("Exchange fee", "2.50", "Arrives", "997.50", "0xfeed"):
        assert words in page


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMIN])
def test_shows_nobody_the_customer_s_own_receipt(client: Client, role: str) -> None:
    page = shown(client, role, "payment_processed", receipt=RECEIPT)

    assert "s3cret" not in page
    assert "0xabc" not in page


def test_tells_those_who_hand_it_on_how_it_is_paid_in(client: Client) -> None:
    page = shown(client, "maker", source_deposit_instructions=INSTRUCTIONS)

    assert "It goes on when this has arrived." in page
    for value in {**INSTRUCTIONS, "payment_rail": "Wire", "currency": "USD"}.values():
        assert value in page


@pytest.mark.parametrize(
    ("role", "state"), [("viewer", "awaiting_funds"), ("maker", "funds_received")]
)
def test_masks_where_it_is_paid_in_for_everybody_else(
    client: Client, role: str, state: str
) -> None:
    page = shown(client, role, state, source_deposit_instructions=INSTRUCTIONS)

    assert "Lead Bank" in page
    assert "215268120000" not in page
    assert "LUX7F3K9ABCD" not in page


def test_says_that_what_was_not_delivered_comes_back(client: Client) -> None:
    assert "returns or refunds the money" in shown(client, "viewer", "undeliverable")
    assert "returns or refunds the money" not in shown(client, "viewer", "returned")


def test_names_the_account_it_goes_to(client: Client) -> None:
    profile = ProfileFactory(upstream_id="cus_1")
    ExternalAccountFactory(customer=profile.customer, upstream_id="ext_1")

    page = shown(client, "viewer")

    for words in ("••••6789", "Lead Bank", "James Smith", "Goes by", "Wire"):
        assert words in page


def test_costs_one_query_more_than_any_payment(client: Client) -> None:
    shown(client, "viewer")
    with CaptureQueriesContext(connection) as with_account:
        client.get(Payment.objects.get().get_absolute_url())
    Payment.objects.update(counterparty={})
    with CaptureQueriesContext(connection) as without:
        client.get(Payment.objects.get().get_absolute_url())

    assert len(with_account) == len(without) + 1


def test_is_found_in_the_list_by_its_provider(client: Client) -> None:
    shown(client, "viewer")

    found = client.get(reverse("payments:payments"), {"upstream": "lux", "method": "wire"})

    assert "txfr_1" in found.text
