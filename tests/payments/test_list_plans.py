"""That PostgreSQL has an index for every way to narrow a list."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict

from customers.models import Customer
from dashboard import search
from payments.forms.filters import BeneficiaryFilter, PaymentFilter, WithdrawalFilter
from payments.models import Beneficiary, Payment, Withdrawal
from payments.sight import Sight
from payments.views.payments import TABS, narrowed
from payments.views.queue import ORDERS
from payments.views.queue import TABS as TABS_OF_QUEUE
from tests.payments.factories import NOW, PaymentFactory, WithdrawalFactory, approver

pytestmark = [pytest.mark.services, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _indexes_or_nothing() -> None:
    """Tables of a few rows are read whole and sorted: keep the planner from it."""
    customer = Customer.objects.create(name="James Smith", created_at=NOW)
    PaymentFactory.create_batch(3, customer=customer)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
        cursor.execute("ANALYZE payments_payment, payments_withdrawal, customers_customer")


def asked(**filters: str) -> QueryDict:
    return QueryDict(urlencode(filters))


class TestPayments:
    @pytest.mark.parametrize(
        ("filters", "index"),
        [
            ({}, "payment_newest"),
            ({"status": "failed"}, "payment_by_status"),
            ({"upstream": "lux"}, "payment_by_upstream"),
            ({"kind": "transfer"}, "payment_by_kind"),
            ({"method": "spei"}, "payment_by_method"),
            ({"currency": "LKR"}, "payment_by_currency"),
        ],
    )
    def test_are_read_in_order_from_an_index(self, filters: dict[str, str], index: str) -> None:
        rows = PaymentFilter(asked(**filters), with_names=True).narrow(Payment.objects.all())

        plan = rows.newest_first()[:26].explain()

        # Either that index, or one that holds these statuses alone.
        assert f"Index Scan using {index} " in plan or "payment_unpaid_newest" in plan
        assert "Sort" not in plan

    @pytest.mark.parametrize(
        ("filters", "indexes"),
        [
            ({"amount_from": "10", "amount_to": "20"}, ["payment_by_amount"]),
            ({"reference": "pay_7"}, ["payment_id_letters", "payment_reference_letters"]),
            ({"customer": "smith"}, ["payment_name_trigrams", "customer_id"]),
        ],
    )
    def test_that_few_match_are_found_by_an_index(
        self, filters: dict[str, str], indexes: list[str]
    ) -> None:
        rows = PaymentFilter(asked(**filters), with_names=True).narrow(Payment.objects.all())

        plan = rows.order_by().explain()

        assert "Seq Scan" not in plan
        for index in indexes:
            assert index in plan

    @pytest.mark.parametrize(
        ("tab", "index"),
        [
            ("open", "payment_open_newest"),
            ("returned", "payment_returned_newest"),
            ("unpaid", "payment_unpaid_newest"),
        ],
    )
    def test_of_a_tab_have_an_index_of_their_own(self, tab: str, index: str) -> None:
        assert tab in TABS

        assert index in narrowed(Payment.objects.all(), tab).newest_first()[:26].explain()

    @pytest.mark.parametrize("tab", ["open", "returned", "unpaid"])
    def test_are_counted_from_an_index_alone(self, tab: str) -> None:
        query = asked(kind="deposit", currency="AUD", method="payid", amount_from="10")
        rows = PaymentFilter(query, with_names=True).narrow(Payment.objects.all())

        with connection.cursor() as cursor:  # of three rows a bitmap is as cheap
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        plan = narrowed(rows, tab).order_by().values("pk")[:1000].explain()

        assert "Index Only Scan" in plan


class TestWithdrawals:
    @pytest.fixture(autouse=True)
    def _others(self) -> None:
        """Of an empty table every index costs the same."""
        WithdrawalFactory.create_batch(40)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE payments_withdrawal")

    @pytest.mark.parametrize(
        ("filters", "index"),
        [
            ({"currency": "LKR"}, "withdrawal_by_currency"),
            ({"method": "spei"}, "withdrawal_by_method"),
            ({"origin": "import"}, "withdrawal_by_origin"),
        ],
    )
    def test_are_read_in_order_from_an_index(self, filters: dict[str, str], index: str) -> None:
        rows = WithdrawalFilter(asked(**filters), with_names=True).narrow(Withdrawal.objects.all())

        plan = rows.newest_first()[:26].explain()

        assert f"Index Scan using {index} " in plan

    @pytest.mark.parametrize(
        ("tab", "order", "index"),
        [
            ("attention", "newest", "withdrawal_attention"),
            ("all", "due", "withdrawal_due"),
            ("all", "newest", "withdrawal_newest"),
        ],
    )
    def test_of_a_tab_are_read_in_its_order(self, tab: str, order: str, index: str) -> None:
        rows = TABS_OF_QUEUE[tab].rows(Withdrawal.objects.all(), approver(), NOW)

        plan = rows.order_by(*ORDERS[order][0].names)[:26].explain()

        assert f"Index Scan using {index} " in plan
        assert "Sort" not in plan

    def test_are_found_by_text_with_four_indexes(self) -> None:
        form = WithdrawalFilter(asked(q="Smith"), with_names=True)

        plan = form.narrow(Withdrawal.objects.all()).order_by().explain()

        assert "Seq Scan" not in plan
        for index in (
            "withdrawal_name_trigrams",
            "withdrawal_reference_letters",
            "withdrawal_payout_reference_letters",
            "payments_withdrawal_code",
        ):
            assert index in plan


class TestBeneficiaries:
    @pytest.mark.parametrize(
        ("filters", "index"),
        [
            ({}, "beneficiary_newest"),
            ({"currency": "LKR"}, "beneficiary_by_currency"),
            ({"upstream": "lux"}, "beneficiary_by_upstream"),
        ],
    )
    def test_are_read_in_order_from_an_index(self, filters: dict[str, str], index: str) -> None:
        form = BeneficiaryFilter(asked(**filters), with_names=True)

        plan = form.narrow(Beneficiary.objects.all(), now=NOW).newest_first()[:26].explain()

        assert f"Index Scan using {index} " in plan
        assert "Sort" not in plan

    @pytest.mark.parametrize(
        ("filters", "index"),
        [
            ({"q": "smith"}, "beneficiary_name_trigrams"),
            ({"q": "smith"}, "payments_beneficiary_code"),
            ({"lately": "changed"}, "beneficiary_changed"),
        ],
    )
    def test_that_few_match_are_found_by_an_index(
        self, filters: dict[str, str], index: str
    ) -> None:
        form = BeneficiaryFilter(asked(**filters), with_names=True)

        plan = form.narrow(Beneficiary.objects.all(), now=NOW).order_by().explain()

        assert index in plan
        assert "Seq Scan" not in plan

    def test_have_their_payouts_in_order_in_an_index(self) -> None:
        form = WithdrawalFilter(asked(beneficiary="bn-7F3MK2QXRA"), with_names=True)

        plan = form.narrow(Withdrawal.objects.all()).newest_first()[:26].explain()

        assert "Index Scan using withdrawal_by_beneficiary " in plan
        assert "Sort" not in plan


class TestSearch:
    def test_reads_no_table_whole(self) -> None:
        with connection.cursor() as cursor:  # of three rows, walking all of them is as cheap
            cursor.execute("SET LOCAL enable_indexscan = off")
        sight = Sight(names_in_clear=True)

        plans = [
            rows.order_by().explain()
            for rows in (search.withdrawals("smith", sight), search.payments("smith", sight))
        ]

        assert "trigrams" in plans[0]
        assert "trigrams" in plans[1]
        assert "Seq Scan on payments_" not in "".join(plans)
