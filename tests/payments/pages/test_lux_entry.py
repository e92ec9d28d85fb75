"""The form of a payout through Lux Financial, and its page, in a browser without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer
from payments.enums import PaymentStatus, Status
from payments.models import Payment, RouteCheck, Withdrawal
from tests.customers.factories import ExternalAccountFactory
from tests.customers.lux import Place
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    WithdrawalFactory,
    everything_is_fresh,
    maker,
)
from tests.payments.lux import PAYEE, PAYER, Books
from tests.payments.pages.helpers import as_role, client_of, page, text_of

pytestmark = pytest.mark.django_db

NEW = "/withdrawals/new/lux/"
TOKEN = "6f1d4b0e-5d0c-4a53-9b43-2d1f7f0f9a11"
INSTRUCTIONS = {
    "payment_rail": "wire",
    "amount": "1000.00",
    "currency": "usd",
    "bank_name": "Lead Bank",
    "bank_account_number": "215268120000",
    "deposit_message": "LUX7F3K9",
}


@pytest.fixture(scope="module")
def somewhere() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


@pytest.fixture
def books(somewhere: Place) -> Books:
    return Books(somewhere)


@pytest.fixture
def browser() -> Client:
    return client_of(maker())


def typed(books: Books, **changes: str) -> dict[str, str]:
    return {"token": TOKEN, "amount": "1000.00", **books.told(), **changes}


def a_transfer(books: Books, **payment: Any) -> Withdrawal:
    """One that Lux Financial has."""
    draft = books.draft()
    told: dict[str, Any] = {
        "upstream": "lux",
        "kind": "transfer",
        "amount": Decimal(1000),
        "currency": "USDC",
        "method": "wire",
        "upstream_status": "awaiting_funds",
        "counterparty": {},
        "raw": {"source_deposit_instructions": INSTRUCTIONS},
    }
    made = PaymentFactory(**(told | payment))
    fields = {name: value for name, value in draft.values().items() if name != "webhook_events"}
    return WithdrawalFactory(sent=True, payment=made, account_key=draft.account_key, **fields)


class TestTheForm:
    def test_is_offered_beside_the_others(self, browser: Client) -> None:
        assert NEW in text_of(browser.get("/withdrawals/new/"))

    def test_asks_for_a_payout(self, books: Books, browser: Client) -> None:
        answer = browser.post(NEW, typed(books))

        row = Withdrawal.objects.get()
        assert answer.headers["Location"] == f"/withdrawals/{row.code}/"
        assert (row.upstream, row.method, row.currency) == ("lux", "wire", "USDC")
        assert row.lux["on_behalf_of"] == books.customer.id
        assert RouteCheck.objects.get().withdrawal == row

    def test_offers_the_verified_accounts_of_the_customer(
        self, books: Books, browser: Client
    ) -> None:
        customer = Customer.objects.get()
        ExternalAccountFactory(customer=customer, account_name="Waits", status="pending")
        ExternalAccountFactory(account_name="Somebody else", status="verified")

        shown = text_of(browser.get(NEW, {"on_behalf_of": books.customer.id}))

        assert "James Smith ·" in shown
        assert "Waits" not in shown
        assert "Somebody else" not in shown

    def test_follows_the_rails_and_keeps_what_was_typed(
        self, books: Books, browser: Client
    ) -> None:
        told = typed(books, continue_="1") | {"continue": "1", "description": "For rent"}

        by_wire = text_of(browser.post(NEW, told))
        on_chain = text_of(browser.post(NEW, {**told, "destination_rail": "solana"}))

        assert 'id="id_external_account_id"' in by_wire
        assert 'id="id_to_address"' not in by_wire
        assert 'id="id_to_address"' in on_chain
        assert 'id="id_wire_message"' not in on_chain
        assert '<input type="hidden" name="wire_message" value="Invoice 17">' in on_chain
        assert "For rent" in on_chain
        assert not Withdrawal.objects.exists()

    def test_says_what_is_wrong_at_its_field(self, books: Books, browser: Client) -> None:
        answer = browser.post(NEW, typed(books, from_address=PAYER[:-1], amount="1000"))

        assert answer.status_code == 422
        assert "An address on this chain is 0x" in text_of(answer)

    def test_shows_no_address_of_what_it_changes(self, books: Books, browser: Client) -> None:
        way = {"destination_rail": "polygon", "destination_currency": "USDC", "to_address": PAYEE}
        told = typed(books, **way)
        for name in ("external_account_id", "wire_message"):
            del told[name]
        browser.post(NEW, told)
        row = Withdrawal.objects.get()
        assert row.bank_account == PAYEE
        amend = reverse("payments:withdrawal-amend", args=[row.code])
        shown = text_of(browser.get(amend))
        assert PAYEE not in shown
        assert PAYER not in shown

        browser.post(
            amend, {**told, "amount": "900", "from_address": "", "to_address": "", "reason": "Less"}
        )

        row.refresh_from_db()
        assert (row.amount, row.bank_account) == (900, PAYEE)
        assert row.lux["from_address"] == PAYER

    def test_begins_with_the_way_of_another_one(self, books: Books, browser: Client) -> None:
        browser.post(NEW, typed(books))
        row = Withdrawal.objects.get()

        answer = browser.get(f"/withdrawals/new/?like={row.code}", follow=True)

        assert answer.redirect_chain[-1][0] == f"{NEW}?like={row.code}"
        assert books.customer.id in text_of(answer)
        assert "Invoice 17" not in text_of(answer)

    def test_fifty_accounts_cost_what_one_does(
        self, books: Books, browser: Client, django_assert_num_queries: Any
    ) -> None:
        where = {"on_behalf_of": books.customer.id}
        browser.get(NEW, where)
        with CaptureQueriesContext(connection) as one:
            browser.get(NEW, where)
        customer = Customer.objects.get()
        ExternalAccountFactory.create_batch(49, customer=customer, status="verified")

        with django_assert_num_queries(len(one)):
            browser.get(NEW, where)


class TestThePage:
    def test_tells_the_terms_and_masks_the_address(self, books: Books, browser: Client) -> None:
        everything_is_fresh()
        browser.post(NEW, typed(books))

        shown = text_of(browser.get(page(Withdrawal.objects.get())))

        for told in ("Polygon", "Invoice 17", books.customer.id, "2.50", "Paid out in"):
            assert told in shown
        assert PAYER not in shown
        assert "is being asked whether this way works" in shown

    def test_tells_makers_how_it_is_paid_in(self, books: Books) -> None:
        row = a_transfer(books)

        to_maker = text_of(as_role("maker").get(page(row)))
        to_viewer = text_of(as_role("viewer").get(page(row)))

        assert "waits for the funds" in to_maker
        assert "215268120000" in to_maker
        assert "215268120000" not in to_viewer
        assert "Lead Bank" in to_viewer

    def test_brings_how_it_is_paid_in_as_soon_as_it_is_sent(self, books: Books) -> None:
        row = a_transfer(books)

        live = as_role("maker").get(page(row, "live/"), {"was": "sending"})

        assert "215268120000" in text_of(live)

    @pytest.mark.parametrize(
        ("status", "word", "said"),
        [
            (PaymentStatus.FAILED, "undeliverable", "on its way back"),
            (PaymentStatus.RETURNED, "returned", "is back with who paid it in"),
        ],
    )
    def test_tells_where_the_money_is(
        self, books: Books, status: str, word: str, said: str
    ) -> None:
        row = a_transfer(books, status=status, upstream_status=word, error_message="No account")
        Withdrawal.objects.update(status=Status.FAILED, settled_at=NOW)

        shown = text_of(as_role("maker").get(page(row)))

        assert said in shown
        assert "No account" in shown
        assert f"copy_of={row.code}" in shown

    def test_lets_the_way_be_asked_for_again(self, books: Books, browser: Client) -> None:
        browser.post(NEW, typed(books))
        row = Withdrawal.objects.get()
        RouteCheck.objects.update(state="refused", words="No")

        browser.post(page(row, "route/"))

        assert RouteCheck.objects.filter(state="asked").count() == 1

    def test_of_others_has_nothing_to_ask(self, browser: Client) -> None:
        row = WithdrawalFactory()

        answer = browser.post(page(row, "route/"), follow=True)

        assert "Only Lux Financial says" in text_of(answer)
        assert not Payment.objects.exists()
