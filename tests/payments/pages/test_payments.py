from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from payments.enums import PaymentStatus
from payments.forms import filters
from payments.models import Balance, Payment
from tests.payments.factories import (
    NOW,
    BalanceFactory,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    record,
)
from tests.payments.pages.helpers import as_role, at, text_of
from upstreams.errors import Unavailable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


def ids(response: Any) -> set[str]:
    return {row.payment.upstream_id for row in response.context["rows"]}


class TestList:
    @pytest.fixture
    def rows(self) -> dict[str, Payment]:
        return {
            "payout": PaymentFactory(completed=True, merchant_reference="PAYOUT-1"),
            "deposit": PaymentFactory(
                deposit=True,
                currency="ARS",
                method="bank_transfer",
                amount=Decimal(7000),
                counterparty_name="María García",
                created_at=NOW - timedelta(days=3),
            ),
            "lost": PaymentFactory(
                upstream_id="pay_known",
                status=PaymentStatus.FAILED,
                upstream_status="failed",
                amount=Decimal(50),
                customer=Customer.objects.create(name="ACME Ltd", created_at=NOW),
            ),
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"payout", "deposit", "lost"}),
            ("tab=open", {"deposit"}),
            ("tab=completed", {"payout"}),
            ("tab=unpaid", {"lost"}),
            ("tab=returned", set()),
            ("status=failed", {"lost"}),
            ("upstream=luxcore", {"payout", "deposit", "lost"}),
            ("upstream=lux", set()),
            ("kind=deposit", {"deposit"}),
            ("currency=ARS", {"deposit"}),
            ("method=payid", {"payout", "lost"}),
            ("reference=PAYOUT-1", {"payout"}),
            ("reference=PAYOUT", {"payout"}),
            ("reference=AYOUT", set()),
            ("reference=pay_known", {"lost"}),
            ("customer=garc", {"deposit"}),
            ("customer=acme", {"lost"}),
            ("customer=nobody", set()),
            ("amount_from=2500", {"payout", "deposit"}),
            ("amount_from=2500.01", {"deposit"}),
            ("amount_to=2500", {"payout", "lost"}),
            ("amount_from=100&amount_to=2600", {"payout"}),
            ("kind=withdrawal&method=payid&amount_to=100&customer=acme&reference=pay_", {"lost"}),
            ("tab=unpaid&status=failed&currency=AUD&from_date=2026-02-18&amount_from=1", {"lost"}),
            ("tab=completed&customer=garc", set()),
            ("from_date=2026-02-18", {"payout", "lost"}),
            ("to_date=2026-02-17", {"deposit"}),
            ("from_date=2026-02-15&to_date=2026-02-15", {"deposit"}),
        ],
    )
    def test_narrows(self, query: str, found: set[str], rows: dict[str, Payment]) -> None:
        response = as_role("viewer").get(f"/payments/?{query}")

        assert ids(response) == {rows[name].upstream_id for name in found}

    @pytest.mark.parametrize(
        "day", ["18/02/2026", "tomorrow", "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31"]
    )
    def test_says_which_date_it_does_not_understand(self, day: str) -> None:
        wanted = {"from_date": day, "to_date": day}

        text = text_of(as_role("viewer").get("/payments/", wanted))

        assert "From: " in text
        assert "To: " in text

    def test_shows_what_is_in_force_as_chips_that_can_be_taken_out(
        self, rows: dict[str, Payment]
    ) -> None:
        query = "tab=all&amount_from=10&customer=acme&to_date=2026-02-18"

        chips = as_role("viewer").get(f"/payments/?{query}").context["chips"]

        assert [(chip.label, chip.value) for chip in chips] == [
            ("Amount from", "10"),
            ("To", "2026-02-18"),
            ("Customer", "acme"),
        ]
        assert chips[2].remove_url == "?tab=all&amount_from=10&to_date=2026-02-18"

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            ("amount_from=10&amount_to=5", "Amount to: This range ends before it begins."),
            ("from_date=2026-02-18&to_date=2026-02-17", "To: This range ends before it begins."),
            ("amount_from=ten", "Amount from: Write the amount in plain digits"),
            ("customer=ab", "Customer: Ensure this value has at least 3 characters"),
            ("status=lost", "Status: Select a valid choice"),
        ],
    )
    def test_says_what_it_does_not_understand(self, query: str, said: str) -> None:
        assert said in text_of(as_role("viewer").get(f"/payments/?{query}"))

    def test_finds_nobody_by_name_for_people_who_read_names_masked(
        self, rows: dict[str, Payment]
    ) -> None:
        response = as_role("agent").get("/payments/?customer=acme")

        assert ids(response) == {row.upstream_id for row in rows.values()}
        assert response.context["chips"] == []
        assert "id_customer" not in text_of(response)

    def test_finds_the_payments_of_more_customers_than_can_be_named_one_by_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filters, "FEW_CUSTOMERS", 2)
        for number in range(3):
            customer = Customer.objects.create(name=f"ACME {number}", created_at=NOW)
            PaymentFactory(customer=customer)

        assert len(ids(as_role("viewer").get("/payments/?customer=acme"))) == 3

    def test_keeps_every_filter_on_the_way_through_the_pages(self) -> None:
        customer = Customer.objects.create(name="ACME Ltd", created_at=NOW)
        PaymentFactory.create_batch(30, customer=customer, merchant_reference="order-7")
        PaymentFactory.create_batch(3)
        client = as_role("viewer")
        query = (
            "?tab=open&status=created&upstream=luxcore&kind=withdrawal&method=payid&currency=AUD"
            "&amount_from=1&amount_to=9999&from_date=2026-02-01&to_date=2026-02-28"
            "&reference=order-&customer=acme"
        )

        first = client.get(f"/payments/{query}")
        second = client.get(f"/payments/{first.context['pages'].next}")
        back = client.get(f"/payments/{second.context['pages'].previous}")

        assert [len(ids(page)) for page in (first, second, back)] == [25, 5, 25]
        assert len(ids(first) | ids(second)) == 30
        assert len(second.context["chips"]) == 11

    def test_counts_each_tab_by_itself_when_there_is_much(
        self, rows: dict[str, Payment], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = as_role("viewer")
        few = [tab["count"] for tab in client.get("/payments/?tab=open").context["tabs"]]
        monkeypatch.setattr("staff.lists.TAB_CAP", 2)
        much = [tab["count"] for tab in client.get("/payments/?tab=open").context["tabs"]]

        assert few == [3, 1, 1, 0, 1]
        assert much == ["more than 2", 1, 1, 0, 1]

    def test_pages_through(self) -> None:
        for number in range(30):
            PaymentFactory(created_at=NOW - timedelta(minutes=number))
        client = as_role("viewer")

        first = client.get("/payments/?currency=AUD")
        second = client.get(f"/payments/{first.context['pages'].next}")

        assert (len(ids(first)), len(ids(second))) == (25, 5)
        assert not ids(first) & ids(second)

    def test_costs_the_same_for_one_row_and_for_fifty(self) -> None:
        client = as_role("viewer")
        PaymentFactory()
        with CaptureQueriesContext(connection) as one:
            client.get("/payments/?size=50")
        PaymentFactory.create_batch(49)

        with CaptureQueriesContext(connection) as fifty:
            assert len(ids(client.get("/payments/?size=50"))) == 50

        assert len(fifty) == len(one)


class TestDetail:
    def test_shows_facts_story_and_record_masked(self) -> None:
        payment = PaymentFactory(
            completed=True,
            raw={
                "transaction_id": "pay_1",
                "status": "completed",
                "payout": {"recipient_name": "James Smith", "payid": "james@example.com"},
                "customer": {"email": "james@example.com", "phone": "+61412345678"},
                "something_new": "12345678",
            },
        )

        text = text_of(as_role("viewer").get(payment.get_absolute_url()))

        assert "2,500.00" in text
        assert "James Smith" in text
        assert "completed it" in text
        for secret in ("james@example.com", "+61412345678", '"12345678"'):
            assert secret not in text

    def test_links_the_withdrawal_behind_it(self) -> None:
        row = WithdrawalFactory(seen_upstream=True)

        assert row.get_absolute_url() in text_of(
            as_role("viewer").get(row.payment.get_absolute_url())
        )

    def test_shows_the_error_without_repeating_the_account(self) -> None:
        payment = PaymentFactory(
            counterparty={"bank_account": "12345678"},
            error_code="INVALID_ACCOUNT",
            error_message="Account 12345678 is closed.",
        )

        text = text_of(as_role("viewer").get(payment.get_absolute_url()))

        assert "INVALID_ACCOUNT" in text
        assert "Account ••••" in text
        assert "12345678" not in text

    @pytest.mark.parametrize("path", ["luxcore/pay_nobody", "lux/pay_0", "nowhere/pay_0"])
    def test_of_nothing_is_not_found(self, path: str) -> None:
        assert as_role("viewer").get(f"/payments/{path}/").status_code == 404


class TestRefresh:
    def asked(self, monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
        class Client:
            def get_payment(self, payment_id: str) -> Any:
                if isinstance(answer, Exception):
                    raise answer
                return answer

        monkeypatch.setattr("payments.actions.reads.get_client", lambda **_: Client())

    def test_says_what_the_provider_says_now(self, monkeypatch: pytest.MonkeyPatch) -> None:
        payment = PaymentFactory(upstream_id="pay_1234567890_abcdefgh")
        self.asked(monkeypatch, record(status="processing"))

        response = as_role("viewer").post(payment.get_absolute_url() + "refresh/", follow=True)

        assert "It has changed: in progress." in text_of(response)

    def test_says_when_nothing_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        payment = PaymentFactory(upstream_id="pay_1234567890_abcdefgh")
        self.asked(monkeypatch, record())

        response = as_role("viewer").post(payment.get_absolute_url() + "refresh/", follow=True)

        assert "It is created, as before." in text_of(response)

    def test_says_when_the_provider_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        payment = PaymentFactory()
        self.asked(monkeypatch, Unavailable("No answer within 10 s."))

        response = as_role("viewer").post(payment.get_absolute_url() + "refresh/", follow=True)

        assert "No answer within 10 s. What you see is as old as before." in text_of(response)


class TestBalances:
    def test_show_what_is_left_after_what_was_promised(self) -> None:
        BalanceFactory(available=Decimal("50000.00"))
        WithdrawalFactory(approved=True, amount=Decimal("2500.00"))
        WithdrawalFactory(sent=True, amount=Decimal("100.00"))
        WithdrawalFactory(amount=Decimal("700.00"))

        purse = as_role("viewer").get("/balances/").context["purses"][0]

        assert (purse.promised, purse.promised_number) == (Decimal("2600.00"), 2)
        assert purse.projected == Decimal("47400.00")
        assert (purse.waiting, purse.waiting_number) == (Decimal("700.00"), 1)

    def test_count_the_fee_where_it_is_known(self) -> None:
        BalanceFactory(available=Decimal("50000.00"))
        PaymentFactory(completed=True, amount=100, fee=Decimal("4.50"))  # the rate of this method
        WithdrawalFactory(approved=True, amount=Decimal("1000.00"))
        WithdrawalFactory(approved=True, amount=Decimal("1000.00"), method="bank_transfer")
        told = PaymentFactory(amount=200, fee=Decimal("-3.00"))
        WithdrawalFactory(sent=True, amount=Decimal("200.00"), payment=told)

        purse = as_role("viewer").get("/balances/").context["purses"][0]

        assert purse.promised == Decimal("1045.00") + Decimal("1000.00") + Decimal("203.00")
        assert purse.projected == Decimal("47752.00")

    def test_ask_once_for_the_fee_of_a_method(self) -> None:
        client = as_role("viewer")
        BalanceFactory()
        WithdrawalFactory(approved=True)
        with CaptureQueriesContext(connection) as one:
            client.get("/balances/")
        WithdrawalFactory.create_batch(9, approved=True)

        with CaptureQueriesContext(connection) as ten:
            client.get("/balances/")

        assert len(ten) == len(one)

    def test_keep_currencies_and_kinds_apart(self) -> None:
        BalanceFactory()
        BalanceFactory(currency="ARS")
        BalanceFactory(balance_type="rolling_reserve")
        BalanceFactory(currency="MXN", balance_type="pending")

        purses = as_role("viewer").get("/balances/").context["purses"]

        assert [(purse.balance.currency, len(purse.others)) for purse in purses] == [
            ("ARS", 0),
            ("AUD", 1),
            ("MXN", 0),
        ]

    def test_say_when_nothing_is_known(self) -> None:
        assert not Balance.objects.exists()
        assert "No balance has been read yet" in text_of(as_role("viewer").get("/balances/"))

    def test_cost_the_same_for_every_number_of_currencies(self) -> None:
        client = as_role("viewer")
        BalanceFactory()
        with CaptureQueriesContext(connection) as one:
            client.get("/balances/")
        for currency in ("ARS", "MXN", "UYU", "LKR"):
            BalanceFactory(currency=currency)
            WithdrawalFactory(currency=currency)

        with CaptureQueriesContext(connection) as five:
            client.get("/balances/")

        assert len(five) == len(one)
