"""What Lux Financial tells of transfers becomes our copy, by the graph of their states."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from customers.models import Identity
from payments import actions, feeds_lux, hooks, mirror
from payments.enums import Kind, PaymentStatus, SeenBy
from payments.models import Payment, Turnover, Withdrawal
from tests.customers.factories import ProfileFactory
from tests.customers.lux import Place
from tests.payments.factories import NOW
from tests.staff.factories import UserFactory
from tests.upstreams.lux import transfer
from upstreams import feeds
from upstreams.enums import RunState
from upstreams.feeds import StoreCounts
from upstreams.lux.calls.base import fresh_key, json_body
from upstreams.lux.schemas import parse_transfer
from upstreams.models import Alarm, FeedRun, FeedState, RefusedRecord
from upstreams.webhooks import WebhookMessage

pytestmark = pytest.mark.django_db

CREATED = datetime(2026, 1, 15, 10, tzinfo=UTC)
STATES = tuple(mirror.lux.STATUSES)
# What follows what (upstreams.md §1.6), jumps along the way included.
FOLLOWS = {
    "awaiting_funds": set(STATES) - {"awaiting_funds"},
    "funds_received": set(STATES) - {"awaiting_funds", "funds_received"},
    "in_review": set(STATES) - {"awaiting_funds", "funds_received", "in_review"},
    "payment_submitted": {
        *("payment_processed", "canceled", "undeliverable", "returned", "refunded"),
    },
    "undeliverable": {"returned", "refunded"},
    "payment_processed": {"returned", "refunded"},  # banks do, whatever the drawing says
    "returned": {"refunded"},
    "refunded": {"returned"},
    "canceled": set(),
}
# What cannot both be true: somebody is called, and what was first stays.
CONTRADICTS = {
    frozenset({"payment_processed", "canceled"}),
    frozenset({"payment_processed", "undeliverable"}),
    frozenset({"canceled", "undeliverable"}),
    frozenset({"canceled", "returned"}),
    frozenset({"canceled", "refunded"}),
}
RECEIPT = {
    "initial_amount": "1000.00",
    "developer_fee": "2.50",
    "exchange_fee": "2.50",
    "gas_fee": "0.50",
    "subtotal_amount": "995.00",
    "final_amount": "994.50",
    "exchange_rate": "1.000000",
    "url": "https://lux.financial/receipts/s3cret",
}


def seen(state: str = "awaiting_funds", *, minute: int = 0, **members: Any) -> Any:
    moment = (CREATED + timedelta(minutes=minute)).isoformat()
    return parse_transfer(transfer(state=state, updated_at=moment, **members))


def store(*records: Any, at: datetime = NOW) -> StoreCounts:
    return mirror.store_payments(records, seen_by=SeenBy.POLL, at=at, source=mirror.LUX)


class TestATransfer:
    def test_is_kept_as_it_was_shown(self) -> None:
        store(seen())

        payment = Payment.objects.get()
        assert (payment.upstream, payment.kind, payment.method) == ("lux", Kind.TRANSFER, "wire")
        assert (payment.amount, payment.currency) == (Decimal("1000.00"), "USD")
        assert (payment.status, payment.upstream_status) == ("created", "awaiting_funds")
        assert payment.merchant_reference == "ours-1"
        assert payment.created_at == CREATED
        assert payment.counterparty == {
            "from_rail": "polygon",
            "from_currency": "USDC",
            "from_address": "0xabc",
            "to_rail": "wire",
            "to_currency": "USD",
            "to_external_account": "ext_1",
            "trace_number": "T-1",
        }
        assert not Withdrawal.objects.exists()

    def test_is_of_the_customer_on_whose_behalf_it_goes(self) -> None:
        profile = ProfileFactory(upstream_id="cus_1")

        store(seen(), seen(id="txfr_2", on_behalf_of="cus_new"))

        known, new = Payment.objects.order_by("upstream_id")
        assert known.customer == profile.customer
        assert Identity.objects.get(upstream_id="cus_new").customer == new.customer

    def test_tells_what_it_cost_by_its_receipt(self) -> None:
        store(seen("payment_processed", currency="usd", receipt=RECEIPT))

        payment = Payment.objects.get()
        assert (payment.fee, payment.net) == (Decimal("5.50"), Decimal("994.50"))
        assert payment.completed_at == CREATED
        assert Turnover.objects.get().total == 1000

    def test_tells_no_net_amount_in_another_currency(self) -> None:
        store(seen("payment_processed", currency="usdc", receipt=RECEIPT))

        assert Payment.objects.get().net is None

    def test_tells_why_it_came_back(self) -> None:
        details = {"reason": "R03", "description": "No account, unable to locate"}

        store(seen("undeliverable", return_details=details))

        payment = Payment.objects.get()
        assert (payment.error_code, payment.error_message) == ("R03", details["description"])

    def test_in_the_short_form_goes_between_accounts(self) -> None:
        ends = {"source": {"account_id": "acc_1"}, "destination": {"account_id": "acc_2"}}

        store(seen("funds_received", on_behalf_of=None, **ends))

        payment = Payment.objects.get()
        assert (payment.method, payment.customer) == (mirror.lux.BETWEEN_ACCOUNTS, None)
        assert payment.counterparty == {"from_account": "acc_1", "to_account": "acc_2"}

    @pytest.mark.parametrize("members", [{"amount": None}, {"currency": "x" * 13}])
    def test_that_does_not_fit_is_set_aside(self, members: dict[str, Any]) -> None:
        result = store(seen(**members), seen(id="txfr_2"))

        assert (result.created, len(result.refused)) == (1, 1)


class TestStates:
    @pytest.mark.parametrize(
        ("state", "expected"), [*mirror.lux.STATUSES.items(), ("paused", PaymentStatus.UNKNOWN)]
    )
    def test_have_a_common_word_each(self, state: str, expected: PaymentStatus) -> None:
        store(seen(state))

        payment = Payment.objects.get()
        assert (payment.status, payment.upstream_status) == (expected, state)

    @pytest.mark.parametrize(("first", "then"), list(itertools.product(STATES, STATES)))
    def test_follow_their_graph_whatever_comes_late(self, first: str, then: str) -> None:
        store(seen(first, minute=1))

        store(seen(then, minute=2))

        contradicts = frozenset({first, then}) in CONTRADICTS
        follows = then in FOLLOWS[first] and not contradicts
        assert Payment.objects.get().upstream_status == (then if follows else first)
        assert Alarm.objects.filter(code="payment-conflict").exists() is contradicts

    @pytest.mark.parametrize(("first", "then"), list(itertools.combinations(STATES, 2)))
    def test_end_alike_in_whatever_order_they_are_told(self, first: str, then: str) -> None:
        if frozenset({first, then}) in CONTRADICTS:
            return
        told = [seen(first, minute=1), seen(then, minute=2)]
        store(*told)
        straight = Payment.objects.get().upstream_status
        Payment.objects.all().delete()

        store(*reversed(told))

        assert Payment.objects.get().upstream_status == straight

    def test_that_nobody_documented_are_shown_and_no_end(self) -> None:
        store(seen("in_review"))
        store(seen("paused", minute=1))
        assert Payment.objects.get().status == PaymentStatus.UNKNOWN
        assert Alarm.objects.get().code == "unknown-status"

        store(seen("payment_processed", minute=2))

        assert Payment.objects.get().status == PaymentStatus.COMPLETED

    def test_undeliverable_is_not_the_end(self) -> None:
        store(seen("undeliverable"))
        assert Payment.objects.get().will_come_back
        assert list(Payment.objects.coming_back()) == [Payment.objects.get()]

        store(seen("returned", minute=1))

        assert Payment.objects.get().status == PaymentStatus.RETURNED
        assert not Alarm.objects.exists()
        assert not Turnover.objects.exists()  # it never arrived

    def test_returned_after_it_arrived_stays_counted(self) -> None:
        store(seen("payment_processed"))
        store(seen("returned", minute=1))

        assert Payment.objects.get().status == PaymentStatus.RETURNED
        assert Turnover.objects.get().number == 1


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place()
    monkeypatch.setattr("payments.feeds_lux.get_client", made.get_client)
    monkeypatch.setattr("payments.actions.reads.lux.get_client", made.get_client)
    yield made
    made.close()


def make(place: Place, number: int = 1, *, hours_ago: int = 1) -> list[str]:
    """So many transfers between two accounts there, a second apart; their ids."""
    place.sandbox.clock.set(timezone.now() - timedelta(hours=hours_ago))
    made = []
    for _ in range(number):
        place.pass_time(1)
        body = {
            "amount": "1.00",
            "currency": "USD",
            "source": {"account_id": "acc_operating"},
            "destination": {"account_id": "acc_reserve"},
        }
        made.append(place.client.create_transfer(json_body(body), idempotency_key=fresh_key()).id)
    place.calls.clear()
    return made


class TestTheFeeds:
    def read(self, name: str = feeds_lux.TRANSFERS, *, full: bool = False) -> FeedRun:
        run = feeds.run(name, full=full)
        assert isinstance(run, FeedRun)
        return run

    def test_read_everything_once_and_then_the_newest_page(self, place: Place) -> None:
        make(place, 130, hours_ago=3)
        made = make(place, 120)

        first = self.read()
        assert (first.state, first.created, first.pages) == (RunState.DONE, 250, 3)
        place.control(f"/lux/transfers/{made[-1]}/payment_submitted", {})
        second = self.read()

        assert (second.pages, second.changed, second.unchanged) == (1, 1, 99)

    def test_go_on_where_they_broke_off(self, place: Place) -> None:
        make(place, 150)
        page = next(feeds_lux.read_new({}, timezone.now(), False))
        state = FeedState.objects.update_or_create(
            name=feeds_lux.TRANSFERS, defaults={"upstream": "lux", "cursor": dict(page.cursor)}
        )[0]
        assert state.cursor["list"]

        run = self.read()

        assert run.read >= 150

    def test_begin_anew_where_their_place_is_forgotten(self, place: Place) -> None:
        make(place, 3)
        FeedState.objects.create(
            name=feeds_lux.TRANSFERS,
            upstream="lux",
            cursor={"list": "cur_gone", "reading_until": timezone.now().isoformat()},
        )

        run = self.read()

        assert (run.created, "begins anew" in run.error) == (3, True)

    @pytest.mark.parametrize("endless", ["cursor", "page", "empty"])
    def test_stop_a_list_without_an_end(self, place: Place, endless: str) -> None:
        make(place, 3)
        place.control("/lux/manners", {"endless": endless})

        run = self.read()

        assert "read no further" in run.error
        assert FeedState.objects.get(name=feeds_lux.TRANSFERS).complete_until is None

    def test_read_older_open_ones_in_turns_within_their_share(
        self, place: Place, settings: Any
    ) -> None:
        settings.LUX_RATE_LIMIT_RPD = 20_000  # two a minute
        make(place, 105)
        self.read()
        place.calls.clear()

        for _ in range(3):
            self.read(feeds_lux.OPEN)

        oldest = Payment.objects.order_by("pk").values_list("upstream_id", flat=True)
        assert len({path for _method, path in place.calls}) == 5
        assert len(place.calls) == 6
        assert set(place.calls) <= {("GET", f"/transfers/{one}") for one in oldest}

    def test_refresh_reads_one_now(self, place: Place) -> None:
        (made,) = make(place)
        self.read()
        place.control(f"/lux/transfers/{made}/payment_submitted", {})

        fresh = actions.refresh_payment(
            payment_id=Payment.objects.get().pk,
            by=UserFactory(roles=["viewer"]),
            at=timezone.now(),
        )

        assert (fresh.upstream_status, fresh.seen_by) == ("payment_submitted", SeenBy.CLICK)


class TestAnEvent:
    def tell(self, data: Any) -> None:
        hooks.apply_transfer(
            WebhookMessage("lux", "evt_1", "transfer.state_changed", {"data": data}, NOW)
        )

    def test_is_merged(self) -> None:
        self.tell(transfer(state="in_review"))

        payment = Payment.objects.get()
        assert (payment.upstream_status, payment.seen_by) == ("in_review", SeenBy.WEBHOOK)

    @pytest.mark.parametrize("data", [None, {"id": "txfr_1"}, transfer(currency="x" * 13)])
    def test_that_cannot_be_read_is_set_aside(self, data: Any) -> None:
        self.tell(data)

        assert not Payment.objects.exists()
        assert RefusedRecord.objects.get().source == hooks.TRANSFERS
