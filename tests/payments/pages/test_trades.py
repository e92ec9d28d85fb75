from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from payments import feeds_lumetrade
from payments.enums import OrderStatus, TradeStatus
from payments.models import Fill, OfferedCurrency, OrderSettlement, TradeOrder
from tests.payments.factories import (
    NOW,
    TradeFactory,
    TradeOrderFactory,
    approver,
    maker,
)
from tests.payments.lumetrade import Place
from tests.payments.pages.helpers import at
from tests.staff.factories import UserFactory
from upstreams import feeds
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db


def signed_in(client: Client, role: str) -> Client:
    client.force_login(UserFactory(roles=[role]))
    return client


class TestList:
    @pytest.fixture(autouse=True)
    def _now(self) -> Iterator[None]:
        OfferedCurrency.objects.create(upstream="lumetrade", code="USD")
        OfferedCurrency.objects.create(upstream="lumetrade", code="ZAR")
        OfferedCurrency.objects.create(upstream="lumetrade", code="BTC")
        with at(NOW):
            yield

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", {"TID1", "TID2", "TID3"}),
            ("?status=reversed", {"TID2"}),
            ("?from_currency=USD", {"TID1", "TID2"}),
            ("?to_currency=USD", {"TID3"}),
            ("?from_date=2026-02-18", {"TID1", "TID3"}),
            ("?to_date=2026-02-17", {"TID2"}),
            ("?status=nonsense", {"TID1", "TID2", "TID3"}),
        ],
    )
    def test_is_narrowed_and_taken_along(self, client: Client, query: str, found: set[str]) -> None:
        TradeFactory(upstream_id="TID1")
        TradeFactory(
            upstream_id="TID2", status=TradeStatus.REVERSED, created_at=NOW - timedelta(days=1)
        )
        TradeFactory(
            upstream_id="TID3", from_currency="BTC", to_currency="USD", sold=Decimal("0.1")
        )
        signed_in(client, "viewer")

        page = client.get(f"/trades/{query}")
        file = client.post(f"{reverse('payments:trades-export')}{query}").getvalue().decode()

        assert {trade.upstream_id for trade, _ in page.context["rows"]} == found
        assert {line.split(",")[2] for line in file.splitlines()[1:]} == found

    def test_costs_the_same_for_fifty(self, client: Client) -> None:
        signed_in(client, "viewer")
        TradeOrderFactory(status=OrderStatus.MADE, confirmed_by=approver(), trade=TradeFactory())
        client.get("/trades/")
        with CaptureQueriesContext(connection) as few:
            client.get("/trades/?size=50")
        TradeFactory.create_batch(49)

        with CaptureQueriesContext(connection) as many:
            page = client.get("/trades/?size=50")

        assert len(page.context["rows"]) == 50
        assert len(many) == len(few) <= 20

    def test_says_when_lumetrade_is_not_configured(self, client: Client, settings: Any) -> None:
        settings.LUMETRADE_API_KEY = ""
        signed_in(client, "ops_lead")

        for name in ("trades", "accounts", "trade-new"):
            assert "not configured" in client.get(reverse(f"payments:{name}")).text


def test_a_trade_shows_its_parts_and_its_record(client: Client) -> None:
    trade = TradeFactory(
        status=TradeStatus.UNKNOWN,
        upstream_status="SETTLING",
        raw={"transactionId": "TID1", "fromAmount": 100, "memo": "12345678"},
    )
    Fill.objects.create(
        trade=trade,
        upstream_id="FID1",
        from_currency="USD",
        to_currency="ZAR",
        sold=40,
        bought=Decimal("730.80"),
        upstream_status="COMPLETED",
    )
    signed_in(client, "viewer")

    page = client.get(trade.get_absolute_url())

    assert "FID1" in page.text
    assert "SETTLING" in page.text
    assert json.loads(page.context["raw"]) == {
        "transactionId": "TID1",
        "fromAmount": 100,
        "memo": "••••5678",
    }


class TestQuote:
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Place]:
        settings.LUMETRADE_API_KEY, settings.LUMETRADE_API_SECRET = "key", "secret"
        made = Place()
        for asker in ("payments.feeds_lumetrade", "payments.actions.trades"):
            monkeypatch.setattr(f"{asker}.get_client", made.get_client)
        feeds.run(feeds_lumetrade.ACCOUNTS)
        yield made
        made.close()

    TYPED = {
        "from_currency": "USD",
        "to_currency": "ZAR",
        "from_amount": "100.00",
        "to_amount": "",
    }

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"from_amount": ""}, "Give one of the two amounts."),
            ({"to_amount": "5.00"}, "Give only one of the two amounts."),
            ({"to_currency": "USD"}, "Choose another currency"),
            ({"from_amount": "1.001"}, "USD has 2 decimals"),
            ({"from_amount": "1,000"}, "plain digits"),
            ({"from_amount": "0.00"}, "above zero"),
            ({"from_currency": "GBP"}, "Select a valid choice"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self, place: Place, client: Client, typed: dict[str, str], said: str
    ) -> None:
        signed_in(client, "maker")

        page = client.post("/trades/new/", {**self.TYPED, **typed})

        assert page.status_code == 422
        assert said in page.text
        assert f'value="{typed.get("from_amount", "100.00")}"' in page.text or not typed.get(
            "from_amount", "100.00"
        )
        assert not TradeOrder.objects.exists()

    def test_keeps_what_was_typed_when_lumetrade_is_silent(
        self, place: Place, client: Client
    ) -> None:
        place.fault("answer_null", method="POST", path="/lumetrade/api/v1/trades/quote")
        signed_in(client, "maker")

        page = client.post("/trades/new/", self.TYPED)

        assert page.status_code == 422
        assert "Nothing was exchanged. Try again." in page.text
        assert 'value="100.00"' in page.text

    def test_is_asked_for_shown_and_confirmed(self, place: Place, client: Client) -> None:
        signed_in(client, "maker")
        shown = client.post("/trades/new/", self.TYPED, follow=True)
        order = TradeOrder.objects.get()
        assert "1 USD = " in shown.text
        assert "an ops lead confirms it" in shown.text
        confirm = reverse("payments:order-confirm", args=[order.code])
        assert client.post(confirm).status_code == 403
        client.force_login(UserFactory(roles=["ops_lead"]))
        assert "data-seconds-left" in client.get(order.get_absolute_url()).text

        answer = client.post(confirm, follow=True)

        assert "is confirmed" in answer.text
        assert Command.objects.get().state == CommandState.QUEUED
        live = client.get(reverse("payments:order-live", args=[order.code]))
        assert (live.status_code, "waits to be sent" in live.text) == (200, True)
        TradeOrder.objects.update(status=OrderStatus.REFUSED)
        again = client.post(confirm, follow=True)
        assert "was confirmed already. It is refused by provider." in again.text

    def test_asks_who_they_are_before_much_is_exchanged(
        self, place: Place, client: Client, settings: Any
    ) -> None:
        settings.TRADE_WITHOUT_PROOF = {}
        signed_in(client, "ops_lead")
        shown = client.post("/trades/new/", self.TYPED, follow=True)
        order = TradeOrder.objects.get()
        assert "Prove who you are" in shown.text

        answer = client.post(reverse("payments:order-confirm", args=[order.code]))

        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
        assert not Command.objects.exists()


def test_an_expired_quote_is_refused_by_the_page_too(client: Client) -> None:
    order = TradeOrderFactory()
    signed_in(client, "ops_lead")

    shown = client.get(order.get_absolute_url())
    answer = client.post(reverse("payments:order-confirm", args=[order.code]))

    assert "The quote has expired: ask again" in shown.text
    assert "from_amount=100.00" in shown.text
    assert (answer.status_code, "The quote has expired" in answer.text) == (409, True)


def given_up(order: TradeOrder, **fields: Any) -> None:
    """The command of an unknown order, which no machine tries again."""
    Command.objects.create(
        kind="lumetrade.trade",
        upstream="lumetrade",
        subject_type="payments.tradeorder",
        subject_id=str(order.pk),
        attempt_no=1,
        request=b"{}",
        request_hash="",
        idempotency_key="key",
        state=CommandState.UNKNOWN,
        created_at=NOW,
        first_sent_at=NOW,
        unknown_since=NOW,
        **fields,
    )


def test_two_people_settle_what_is_unknown_and_see_what_it_may_be(client: Client) -> None:
    order = TradeOrderFactory(unknown=True)
    given_up(order)
    there = TradeFactory(created_at=NOW, first_seen_at=NOW, bought=Decimal("1800.00"))
    url = reverse("payments:order-settle", args=[order.code])
    client.force_login(maker())
    asked = client.get(url)
    assert there.upstream_id in asked.text
    assert "not the amounts that were quoted" in asked.text
    missing = client.post(url, {"outcome": "made", "reason": "Seen."})
    assert (missing.status_code, "Write the id" in missing.text) == (422, True)
    typed = {"outcome": "made", "upstream_id": there.upstream_id, "reason": "Seen."}
    client.post(url, typed)
    assert "somebody else confirms it" in client.get(url).text

    client.force_login(UserFactory(roles=["ops_lead"]))
    told = client.post(url, {"outcome": "none", "reason": "Not there, says their page."})
    assert (told.status_code, "Somebody proposed an outcome" in told.text) == (409, True)
    assert "Not there, says their page." in told.text
    assert client.post(url, {"do": "confirm"}).status_code == 409  # of which proposal?
    assert OrderSettlement.objects.get().confirmed_at is None

    client.force_login(approver())
    client.post(url, {"do": "confirm", "proposal": OrderSettlement.objects.get().pk})

    order.refresh_from_db()
    assert (order.status, order.trade) == (OrderStatus.MADE, there)


def test_the_written_word_is_asked_for_under_another_key_and_shown(client: Client) -> None:
    order = TradeOrderFactory(unknown=True)
    given_up(order, credential="another")
    url = reverse("payments:order-settle", args=[order.code])
    client.force_login(maker())
    assert "written word" in client.get(url).text
    for found in ({"outcome": "none"}, {"outcome": "made", "upstream_id": "TID9"}):
        refused = client.post(url, {**found, "reason": "Asked them."})
        assert (refused.status_code, "Nothing else proves it" in refused.text) == (422, True)

    client.post(url, {**found, "written_word": "Ticket 4711: yes.", "reason": "Asked them."})

    client.force_login(approver())
    shown = client.get(url).text
    assert "Ticket 4711: yes." in shown
    assert "not seen by this desk" in shown


def test_a_list_of_what_was_asked_for(client: Client) -> None:
    TradeOrderFactory(code="tr-AAAAAA")
    TradeOrderFactory(code="tr-BBBBBB", expires_at=timezone.now() + timedelta(minutes=1))
    signed_in(client, "viewer")

    rows = client.get(reverse("payments:orders")).context["rows"]

    assert {(order.code, state) for order, state, _ in rows} == {
        ("tr-AAAAAA", "expired"),
        ("tr-BBBBBB", "quoted"),
    }
