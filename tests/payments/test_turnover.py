"""The sums of what was paid say what the payments say, whatever order those came in."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import mirror
from payments.enums import SeenBy
from payments.models import Payment, Turnover
from tests.payments.factories import NOW, record
from tests.payments.test_races import at_once
from tests.support.rounds import rounds
from upstreams.luxcore.schemas import PaymentRecord

QUARTER = datetime(2026, 2, 18, 10, 30, tzinfo=UTC)


def store(*records: PaymentRecord) -> None:
    mirror.store_payments(records, seen_by=SeenBy.POLL, at=NOW)


def paid(number: int = 1, **members: Any) -> PaymentRecord:
    told = {
        "transaction_id": f"pay_{number}",
        "merchant_reference": f"theirs-{number}",
        "status": "completed",
    }
    return record(**(told | members))


def sums() -> dict[tuple[datetime, str, str], tuple[Decimal, int]]:
    return {
        (row.start_at, row.currency, row.kind): (row.total, row.number)
        for row in Turnover.objects.all()
    }


@pytest.mark.django_db
class TestTurnover:
    def test_adds_up_what_was_paid_by_quarter_currency_and_kind(self) -> None:
        store(
            paid(1, created_at="2026-02-18T10:30:00Z"),
            paid(2, created_at="2026-02-18T10:44:59.999Z", amount=50),
            paid(3, created_at="2026-02-18T10:45:00Z"),
            paid(4, currency="ARS"),
            paid(5, type="deposit"),
            paid(6, status="refunded"),
            record(transaction_id="pay_7"),
            record(transaction_id="pay_8", status="failed"),
        )

        later = QUARTER.replace(minute=45)
        assert sums() == {
            (QUARTER, "AUD", "withdrawal"): (Decimal("5000.50"), 3),
            (later, "AUD", "withdrawal"): (Decimal(2500), 1),
            (QUARTER, "ARS", "withdrawal"): (Decimal(2500), 1),
            (QUARTER, "AUD", "deposit"): (Decimal(2500), 1),
        }

    def test_adds_a_payment_once_it_is_paid_and_never_again(self) -> None:
        store(paid(status="processing"))
        assert sums() == {}

        for status in ("completed", "completed", "partial_refund", "refunded", "processing"):
            store(paid(status=status))

        assert sums() == {(QUARTER, "AUD", "withdrawal"): (Decimal(2500), 1)}

    def test_asks_no_more_of_the_database_for_a_hundred_than_for_one(self) -> None:
        with CaptureQueriesContext(connection) as one:
            store(paid(0))
        with CaptureQueriesContext(connection) as hundred:
            store(*(paid(number) for number in range(1, 101)))
        with CaptureQueriesContext(connection) as unchanged:
            store(*(paid(number) for number in range(1, 101)))

        about_sums = [
            [query for query in queries if "turnover" in query["sql"]]
            for queries in (one, hundred, unchanged)
        ]
        assert [len(queries) for queries in about_sums] == [3, 3, 0]

    def test_is_what_the_payments_add_up_to(self) -> None:
        store(*(paid(number, amount=number) for number in range(1, 60)))
        store(*(paid(number, amount=number) for number in range(40, 80)))

        [total] = sums().values()
        assert total == (sum(Payment.objects.values_list("amount", flat=True)), 79)


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
class TestManyWorkers:
    def test_count_each_payment_once_and_wait_for_no_circle(self) -> None:
        for turn in range(rounds(20)):
            records = [
                paid(10 * turn + number, created_at=f"2026-02-18T{10 + number}:30:00Z")
                for number in range(6)
            ]

            results = at_once(
                lambda records=records: store(*records),
                lambda records=records: store(*reversed(records)),
                lambda records=records: store(records[3]),
                lambda records=records: store(records[5], records[0]),
            )

            assert results == [None] * 4

        assert {number for _total, number in sums().values()} == {rounds(20)}
