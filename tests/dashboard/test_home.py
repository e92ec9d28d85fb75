from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.enums import PaymentStatus
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
)
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.staff.factories import UserFactory
from upstreams.models import Alarm

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


class TestHome:
    def test_tells_an_approver_what_waits_and_what_is_next(self) -> None:
        ada = approver()
        WithdrawalFactory(last_edited_by=ada)
        late = WithdrawalFactory(created_at=NOW - timedelta(hours=3), recipient_name="María")
        WithdrawalFactory(amount=Decimal("84120.50"), currency="MXN", method="spei")

        response = client_of(ada).get("/")

        text = text_of(response)
        home = response.context["home"]
        assert (home.waiting.number, home.waiting.overdue) == (2, 1)
        assert home.next_ones[0].withdrawal == late
        assert "Waiting for you" in text
        assert "2 withdrawals" in text
        assert "1 overdue" in text
        assert "2,500.00 AUD · 84,120.50 MXN" in text

    def test_tells_everybody_else_what_waits_for_approval(self) -> None:
        WithdrawalFactory()

        text = text_of(as_role("viewer").get("/"))

        assert "Waiting for approval" in text
        assert "James Smith" in text

    def test_counts_unknown_outcomes_and_what_needs_attention(self) -> None:
        WithdrawalFactory(unknown=True)
        WithdrawalFactory(refused=True)

        home = as_role("viewer").get("/").context["home"]

        assert (home.unknown, home.attention) == (1, 2)

    def test_shows_open_alarms(self) -> None:
        Alarm.objects.create(upstream="luxcore", code="a", text="Look at this.", raised_at=NOW)
        Alarm.objects.create(
            upstream="luxcore", code="b", text="Long over.", raised_at=NOW, closed_at=NOW
        )

        text = text_of(as_role("ops_lead").get("/"))

        assert "Look at this." in text
        assert "Long over." not in text

    def test_shows_the_settings_to_an_admin_and_no_payment(self) -> None:
        WithdrawalFactory()

        text = text_of(as_role("admin").get("/"))

        assert "People and roles" in text
        assert "James Smith" not in text
        assert "2,500.00" not in text

    def test_greets_somebody_without_any_role(self) -> None:
        response = client_of(UserFactory()).get("/")

        assert response.status_code == 200
        assert "Good morning" in text_of(response)
        assert "Withdrawals" not in text_of(response)

    def test_costs_the_same_however_much_there_is(self) -> None:
        everything_is_fresh()
        client, person = as_role("approver"), maker()
        WithdrawalFactory()
        PaymentFactory(completed=True)
        with CaptureQueriesContext(connection) as little:
            client.get("/")
        for number in range(20):
            WithdrawalFactory(created_by=person)
            PaymentFactory(completed=True, created_at=NOW - timedelta(days=number))

        with CaptureQueriesContext(connection) as much:
            client.get("/")

        assert len(much) == len(little)


class TestDay:
    def test_is_held_against_the_usual_day_per_currency(self) -> None:
        for days in range(1, 14):
            PaymentFactory(completed=True, amount=100, created_at=NOW - timedelta(days=days))
        PaymentFactory(completed=True, amount=150)
        PaymentFactory(completed=True, amount=7, currency="ARS")
        PaymentFactory(amount=1_000_000)  # pending: it has not moved
        PaymentFactory(status=PaymentStatus.FAILED, amount=1_000_000)

        home = as_role("viewer").get("/").context["home"]

        sums = {row.currency: row for row in home.day_sums}
        assert (sums["AUD"].today, sums["AUD"].usual) == (150, 100)
        assert sums["AUD"].words == "150 % of a usual day"
        assert sums["ARS"].words == "nothing usual yet"

    def test_is_drawn_as_bars_with_their_table(self) -> None:
        PaymentFactory(completed=True, amount=150)
        PaymentFactory(completed=True, amount=100, created_at=NOW - timedelta(days=13))

        response = as_role("viewer").get("/")

        bars = response.context["home"].bars
        assert [bar.text for bar in bars if bar.value] == ["100.00 AUD", "150.00 AUD"]
        assert len(bars) == 14
        assert "<svg viewBox" in text_of(response)
        assert "As a table" in text_of(response)

    def test_begins_at_the_readers_own_midnight(self) -> None:
        # 10:30 UTC is 21:30 in Sydney; 14:00 UTC the day before was 01:00 of this Sydney day.
        PaymentFactory(completed=True, amount=5, created_at=NOW - timedelta(hours=20, minutes=30))
        person = UserFactory(roles=["viewer"], time_zone="Australia/Sydney")

        in_sydney = client_of(person).get("/").context["home"].day_sums[0]
        in_utc = as_role("viewer").get("/").context["home"].day_sums[0]

        assert (in_sydney.today, in_utc.today) == (5, 0)
