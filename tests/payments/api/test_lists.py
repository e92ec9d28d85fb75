"""Lists of the API: pages that neither lose nor repeat a row, filters, bounded queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.enums import Kind, Status
from tests.payments.api.helpers import Caller, told
from tests.payments.factories import NOW, PaymentFactory, WithdrawalFactory

pytestmark = pytest.mark.django_db

PATHS = pytest.mark.parametrize("path", ["/api/v1/withdrawals/", "/api/v1/payments/"])


def fill(number: int) -> None:
    """So many of each, many of them from the same moment."""
    for n in range(number):
        moment = NOW - timedelta(minutes=n // 20)
        WithdrawalFactory(sent=True, payment=PaymentFactory(created_at=moment), created_at=moment)


@PATHS
class TestPages:
    def test_show_every_row_once_newest_first(self, caller: Caller, path: str) -> None:
        fill(60)
        seen, query = [], {"size": "25"}
        while True:
            page = told(caller.get(path, query))
            seen += page["results"]
            if page["after"] is None:
                break
            query["after"] = page["after"]

        names = [row.get("code") or row["upstream_id"] for row in seen]
        moments = [row["created_at"] for row in seen]
        assert len(names) == len(set(names)) == 60
        assert moments == sorted(moments, reverse=True)

    def test_cost_the_same_for_fifty_rows_as_for_one(self, caller: Caller, path: str) -> None:
        caller.get(path)  # notes that the token was used
        fill(1)
        with CaptureQueriesContext(connection) as one:
            caller.get(path, {"size": "50"})
        fill(49)
        with CaptureQueriesContext(connection) as fifty:
            caller.get(path, {"size": "50"})

        assert len(one) == len(fifty) <= 13, [query["sql"] for query in fifty]


class TestFilters:
    def test_narrow_withdrawals(self, caller: Caller) -> None:
        old = WithdrawalFactory(currency="MXN", method="spei", created_at=NOW - timedelta(days=9))
        new = WithdrawalFactory(sent=True)
        path = "/api/v1/withdrawals/"

        def codes(**query: str) -> list[str]:
            return [row["code"] for row in told(caller.get(path, query))["results"]]

        assert codes() == [new.code, old.code]
        assert codes(status=Status.SENT) == [new.code]
        assert codes(currency="MXN", method="spei", upstream="luxcore") == [old.code]
        assert codes(origin="api") == []
        assert codes(merchant_reference=new.merchant_reference) == [new.code]
        assert codes(created_before="2026-02-18T00:00:00Z") == [old.code]
        assert codes(created_from="2026-02-18T00:00:00Z") == [new.code]

    def test_narrow_payments(self, caller: Caller) -> None:
        payout = PaymentFactory(completed=True)
        deposit = PaymentFactory(deposit=True)
        path = "/api/v1/payments/"

        def ids(**query: str) -> list[str]:
            return [row["upstream_id"] for row in told(caller.get(path, query))["results"]]

        assert ids() == [deposit.upstream_id, payout.upstream_id]
        assert ids(kind=Kind.DEPOSIT) == [deposit.upstream_id]
        assert ids(status="completed") == [payout.upstream_id]

    def test_are_refused_when_misspelt_or_empty(self, caller: Caller) -> None:
        """A filter that is silently left out returns everything."""
        for query in ({"created_form": "2026-02-18"}, {"status": ""}, {"origin": ""}):
            assert caller.get("/api/v1/withdrawals/", query).status_code == 400


class TestPayment:
    def test_tells_amounts_as_decimal_text_and_leads_to_its_withdrawal(
        self, caller: Caller
    ) -> None:
        payment = PaymentFactory(completed=True)
        row = WithdrawalFactory(sent=True, payment=payment)

        answer = told(caller.get(f"/api/v1/payments/luxcore/{payment.upstream_id}/"))

        assert (answer["amount"], answer["fee"], answer["net"]) == ("2500.00", "112.50", None)
        assert answer["withdrawal"] == row.code
        assert answer["counterparty"] == {"payid": "j••••@e••••.com", "payid_type": "email"}
        assert "raw" not in answer
