"""The files behind the lists: the same rows as the page, masked as the reader's role demands."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from staff.models import AuditEvent
from tests.payments.factories import NOW, PaymentFactory, PolicyFactory, WithdrawalFactory
from tests.payments.pages.helpers import as_role, at, text_of

pytestmark = pytest.mark.django_db

PAYMENTS = "/payments/export/"
WITHDRAWALS = "/withdrawals/export/"


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


def rows(client: Client, path: str, query: str = "") -> list[dict[str, str]]:
    response = client.post(f"{path}?{query}")
    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


class TestPayments:
    def test_hold_what_the_filters_leave(self) -> None:
        PaymentFactory(completed=True, upstream_id="pay_done", merchant_reference="=ref")
        PaymentFactory(deposit=True, currency="MXN", method="spei", upstream_id="pay_in")

        everything = rows(as_role("viewer"), PAYMENTS)
        completed = rows(as_role("viewer"), PAYMENTS, "tab=completed")
        mexican = rows(as_role("viewer"), PAYMENTS, "currency=MXN&kind=deposit")

        assert {row["id"] for row in everything} == {"pay_done", "pay_in"}
        assert [row["id"] for row in completed] == ["pay_done"]
        assert [row["id"] for row in mexican] == ["pay_in"]
        assert completed[0]["amount"] == "2500.00"
        assert completed[0]["fee"] == "112.50"
        assert completed[0]["reference"] == "'=ref"
        assert completed[0]["created_at"] == "2026-02-18T10:20:00Z"

    def test_keep_a_negative_amount_a_number(self) -> None:
        PaymentFactory(net=Decimal("-12.5"))

        assert rows(as_role("viewer"), PAYMENTS)[0]["net"] == "-12.50"

    def test_mask_accounts_for_all_and_names_for_support(self) -> None:
        PaymentFactory()

        (seen,) = rows(as_role("viewer"), PAYMENTS)
        (masked,) = rows(as_role("support_lead"), PAYMENTS)

        assert (seen["counterparty"], masked["counterparty"]) == ("James Smith", "J•••• S••••")
        assert seen["account"] == masked["account"] == "j••••@e••••.com"

    def test_names_the_file_and_keeps_it_from_caches(self) -> None:
        response = as_role("viewer").post(PAYMENTS)

        assert response["Content-Type"] == "text/csv; charset=utf-8"
        assert (
            'attachment; filename="payments-20260218-103000.csv"' in response["Content-Disposition"]
        )
        assert "no-store" in response["Cache-Control"]

    def test_remember_the_filter_without_what_was_typed(self) -> None:
        rows(as_role("viewer"), PAYMENTS, "customer=James+Smith&currency=AUD&tab=all")

        asked = AuditEvent.objects.earliest("sequence").after["filter"]
        assert asked["currency"] == "AUD"
        assert asked["tab"] == "all"
        assert "James" not in str(asked)

    def test_are_offered_with_the_view_of_the_page(self) -> None:
        text = text_of(as_role("viewer").get("/payments/?currency=AUD"))

        assert f'action="{PAYMENTS}?currency=AUD"' in text
        assert PAYMENTS not in text_of(as_role("agent").get("/payments/"))


class TestWithdrawals:
    def test_hold_what_the_tab_and_filters_leave(self) -> None:
        WithdrawalFactory(code="wd-WAIT01")
        WithdrawalFactory(sent=True, code="wd-SENT01", payment=PaymentFactory(upstream_id="pay_1"))

        sent = rows(as_role("viewer"), WITHDRAWALS, "tab=flight")

        assert [row["code"] for row in sent] == ["wd-SENT01"]
        assert sent[0]["payment"] == "pay_1"
        assert sent[0]["payid"] == "j••••@e••••.com"
        assert sent[0]["recipient"] == "James Smith"
        assert len(rows(as_role("viewer"), WITHDRAWALS, "tab=all")) == 2
        assert rows(as_role("viewer"), WITHDRAWALS, "tab=all&currency=MXN") == []

    def test_mask_names_for_support(self) -> None:
        WithdrawalFactory()

        assert (
            rows(as_role("support_lead"), WITHDRAWALS, "tab=all")[0]["recipient"] == "J•••• S••••"
        )

    def test_are_offered_with_the_view_of_the_page(self) -> None:
        text = text_of(as_role("viewer").get("/withdrawals/?tab=all"))

        assert f'action="{WITHDRAWALS}?tab=all"' in text
