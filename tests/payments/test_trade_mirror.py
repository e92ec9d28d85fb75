"""Trades and ways to pay in, as Lumetrade shows them, become our copy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import feeds_lumetrade, mirror
from payments.enums import OrderStatus, TradeStatus
from payments.mirror import TradeSeen
from payments.models import DepositWallet, Fill, OfferedCurrency, Trade
from payments.trading import prices
from staff.models import AuditEvent
from tests.payments.factories import NOW, TradeOrderFactory
from tests.payments.lumetrade import Place
from tests.staff.factories import UserFactory
from upstreams import feeds as running
from upstreams.enums import RunState
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import parse_trade
from upstreams.models import Alarm, FeedRun

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)
FILL = {
    "transactionId": "FID1",
    "fromCurrency": "USD",
    "fromCurrencyAmount": 40,
    "toCurrency": "ZAR",
    "toCurrencyAmount": Decimal("730.8"),
    "status": "COMPLETED",
    "createdAt": "2026-02-18T10:29:01Z",
    "modifiedAt": "2026-02-18T10:29:01Z",
}


def seen(status: str = "PENDING", *, at: Any = NOW, **members: Any) -> TradeSeen:
    raw = {
        "transactionId": "TID1",
        "status": status,
        "fromCurrency": "USD",
        "toCurrency": "ZAR",
        "fromAmount": 100,
        "toAmount": Decimal("1827.01"),
        "rate": Decimal("18.2701"),
        "isRateInverted": False,
        "isRfq": True,
        "createdAt": "2026-02-18T10:29:00Z",
        "completedAt": None,
        "fills": [],
    }
    return TradeSeen(parse_trade({**raw, **members}), at)


def store(*trades: TradeSeen, at: Any = NOW) -> StoreCounts:
    return mirror.store_trades(trades, at=at)


def status() -> TradeStatus:
    return TradeStatus(Trade.objects.get().status)


class TestStoring:
    def test_keeps_amounts_as_they_are_and_parts_beside(self) -> None:
        result = store(seen(fills=[FILL]))

        trade, fill = Trade.objects.get(), Fill.objects.get()
        assert result.created == 1
        assert (trade.sold, trade.bought, trade.rate) == (
            100,
            Decimal("1827.01"),
            Decimal("18.2701"),
        )
        assert (fill.trade, fill.sold, fill.bought, fill.upstream_status) == (
            trade,
            40,
            Decimal("730.8"),
            "COMPLETED",
        )

    def test_keeps_a_rate_of_many_digits(self) -> None:
        store(seen(rate=Decimal("12345678901.5")))

        assert Trade.objects.get().rate == Decimal("12345678901.5")

    @pytest.mark.parametrize(
        ("stages", "end"),
        [
            (["PENDING", "COMPLETED", "REVERSED"], TradeStatus.REVERSED),
            (["COMPLETED", "PENDING"], TradeStatus.COMPLETED),
            (["REVERSED", "COMPLETED"], TradeStatus.REVERSED),
            (["CANCELLED", "PENDING"], TradeStatus.CANCELLED),
            (["SETTLING", "COMPLETED"], TradeStatus.COMPLETED),
            (["COMPLETED", "SETTLING"], TradeStatus.COMPLETED),
            (["PENDING", "SETTLING"], TradeStatus.UNKNOWN),
        ],
    )
    def test_follows_and_never_goes_back(self, stages: list[str], end: TradeStatus) -> None:
        for minutes, stage in enumerate(stages):
            store(seen(stage, at=NOW + timedelta(minutes=minutes)))

        assert status() == end

    def test_an_older_answer_changes_nothing_and_an_end_counts_whenever_it_was_read(self) -> None:
        store(seen("PENDING", at=LATER))
        older = store(seen("SETTLING", at=NOW))
        assert (older.unchanged, status()) == (1, TradeStatus.PENDING)

        store(seen("COMPLETED", at=NOW))

        assert status() == TradeStatus.COMPLETED

    def test_calls_a_person_about_two_ends(self) -> None:
        store(seen("COMPLETED"))

        store(seen("CANCELLED", at=LATER))

        assert status() == TradeStatus.COMPLETED
        assert "is completed, and now that it is cancelled" in Alarm.objects.get().text

    @pytest.mark.parametrize("end", ["CANCELLED", "REVERSED"])
    def test_calls_a_person_when_ours_is_undone(self, end: str) -> None:
        store(seen("PENDING"), seen("PENDING", transactionId="TID2"))
        trade = Trade.objects.get(upstream_id="TID1")
        order = TradeOrderFactory(
            status=OrderStatus.MADE, trade=trade, confirmed_by=UserFactory(roles=["ops_lead"])
        )

        for minutes in (1, 2):
            later = NOW + timedelta(minutes=minutes)
            store(seen(end, at=later), seen(end, at=later, transactionId="TID2", n=minutes))

        alarm = Alarm.objects.get()
        assert f"TID1, which {order.code} asked for, as {end.lower()}" in alarm.text
        event = AuditEvent.objects.get(verb=f"payments.tradeorder.{end.lower()}")
        assert (event.subject_id, event.by_label) == (str(order.pk), "Lumetrade")

    def test_calls_a_person_about_a_word_that_nobody_documented(self) -> None:
        store(seen("SETTLING"))

        assert "'SETTLING', which this desk does not know" in Alarm.objects.get().text

    def test_a_shorter_answer_forgets_no_part(self) -> None:
        store(seen("COMPLETED", fills=[FILL], completedAt="2026-02-18T10:29:05"))
        store(seen("REVERSED", at=LATER, toAmount=None))

        trade = Trade.objects.get()
        assert (trade.fills.count(), trade.bought) == (1, Decimal("1827.01"))
        assert trade.completed_at is not None

    def test_a_part_that_is_reversed_is_the_same_part(self) -> None:
        store(seen("COMPLETED", fills=[FILL]))
        store(seen("REVERSED", at=LATER, fills=[{**FILL, "status": "REVERSED"}]))

        assert Fill.objects.get().upstream_status == "REVERSED"

    def test_sets_aside_what_does_not_fit(self) -> None:
        result = store(seen(fromCurrency="X" * 13), seen(transactionId="TID2"))

        assert result.created == 1
        assert [item.reason for item in result.refused] == ["from_currency is too long"]

    def test_writes_nothing_for_what_has_not_changed(self, django_assert_num_queries: Any) -> None:
        store(*(seen(transactionId=f"TID{number}", fills=[FILL]) for number in range(150)))
        again = [
            seen(transactionId=f"TID{number}", fills=[FILL], at=LATER) for number in range(150)
        ]

        with django_assert_num_queries(8) as asked:  # two pages: a probe in a savepoint
            result = store(*again, at=LATER)

        assert result.unchanged == 150
        written = ("INSERT", "UPDATE", "DELETE")
        assert not [q for q in asked.captured_queries if q["sql"].startswith(written)]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "1 USD = 18.2701 ZAR"),
        ({"fromAmount": 1827, "toAmount": 100, "rate": 18}, "1 ZAR = 18.27 USD"),
        ({"toAmount": None}, "1 USD = 18.2701 ZAR"),
        ({"toAmount": None, "isRateInverted": True}, "1 ZAR = 18.2701 USD"),
        ({"toAmount": None, "rate": None}, ""),
    ],
)
def test_a_rate_is_said_so_that_nobody_takes_it_the_wrong_way(
    members: dict[str, Any], words: str
) -> None:
    store(seen(**members))

    assert prices.in_words(Trade.objects.get()) == words


@pytest.mark.django_db(transaction=True)
class TestFeeds:
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
        made = Place()
        monkeypatch.setattr("payments.feeds_lumetrade.get_client", made.get_client)
        yield made
        made.close()

    def run(self, name: str, *, at: Any = None) -> FeedRun:
        run = running.run(name, at=at)
        assert run is not None
        assert run.state == RunState.DONE, run.error
        return run

    def test_read_trades_follow_open_ones_and_notice_a_reversal(self, place: Place) -> None:
        trade_id = place.trade()
        self.run(feeds_lumetrade.TRADES)
        assert status() == TradeStatus.PENDING
        place.move(trade_id, "COMPLETED")
        place.calls.clear()
        soon = Trade.objects.get().created_at + timedelta(minutes=5)

        self.run(feeds_lumetrade.OPEN_TRADES, at=soon)

        assert place.calls == [("GET", f"/api/v1/trades/{trade_id}")]
        assert (status(), Fill.objects.count()) == (TradeStatus.COMPLETED, 2)
        place.move(trade_id, "REVERSED")
        self.run(feeds_lumetrade.TRADES)
        assert status() == TradeStatus.REVERSED
        again = self.run(feeds_lumetrade.TRADES)
        assert (again.created, again.changed, again.unchanged) == (0, 0, 1)

    def test_read_how_to_pay_in_and_what_is_gone(self, place: Place) -> None:
        run = self.run(feeds_lumetrade.WALLETS)
        known = DepositWallet.objects.listed().count()
        assert run.read == 1
        assert known > 3
        gone = DepositWallet.objects.create(
            upstream="lumetrade", upstream_id="wal_gone", currency="ZAR", changed_at=NOW
        )

        again = self.run(feeds_lumetrade.WALLETS)

        gone.refresh_from_db()
        assert (again.changed, again.unchanged, gone.is_listed) == (1, known, False)

    def test_read_currencies(self, place: Place) -> None:
        self.run(feeds_lumetrade.CURRENCIES)
        OfferedCurrency.objects.create(upstream="lumetrade", code="XOF")

        again = self.run(feeds_lumetrade.CURRENCIES)

        assert OfferedCurrency.objects.get(code="EUR").name == "Euro"
        assert (again.changed, OfferedCurrency.objects.get(code="XOF").is_listed) == (1, False)
