"""Exchanging our money: a price that holds for half a minute, confirmed once and never again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from payments import actions, feeds_lumetrade, mirror
from payments.actions import Wish
from payments.enums import OrderStatus, TradeStatus
from payments.mirror import TradeSeen
from payments.models import ORDER_MOVES, Balance, OrderNotMovable, Trade, TradeOrder
from payments.trading import life, matching
from payments.trading.moves import move
from staff.journal import Journal
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.payments.factories import TradeFactory, TradeOrderFactory, approver, maker
from tests.payments.lumetrade import Place
from tests.staff.factories import UserFactory
from upstreams import feeds, outbox
from upstreams.enums import CommandState
from upstreams.errors import Conflict
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import TradeRecord
from upstreams.models import Alarm, Command, SendingSwitch
from upstreams.money import Money
from upstreams.records import Batch, RefusedItem

pytestmark = pytest.mark.django_db

CONFIRM = ("POST", "/api/v1/trades/quote/confirm")
CONFIRM_PATH = "/lumetrade/api/v1/trades/quote/confirm"
QUOTE_PATH = "/lumetrade/api/v1/trades/quote"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Lumetrade at the other end, its accounts known."""
    made = Place()
    for asker in (
        "payments.feeds_lumetrade",
        "payments.actions.trades",
        "payments.trading.sending",
    ):
        monkeypatch.setattr(f"{asker}.get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    feeds.run(feeds_lumetrade.ACCOUNTS)
    yield made
    made.close()


def lead() -> User:
    return UserFactory(roles=["ops_lead"])


def wish(amount: str = "100.00", *, fixes_bought: bool = False) -> Wish:
    return Wish("USD", "ZAR", Decimal(amount), fixes_bought)


def quoted(by: User, amount: str = "100.00") -> TradeOrder:
    return actions.request_quote(wish=wish(amount), by=by, at=timezone.now())


def confirmed(by: User, amount: str = "100.00") -> TradeOrder:
    order = quoted(by, amount)
    return actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=timezone.now())


def deliver() -> CommandState | None:
    return outbox.deliver(Command.objects.latest("pk").pk)


def look_again() -> CommandState | None:
    Command.objects.update(next_at=timezone.now())
    return deliver()


def a_minute_ago() -> None:
    """Let the first of two readings after a 409 have been long enough ago."""
    command = Command.objects.get()
    then = (timezone.now() - timedelta(minutes=2)).isoformat()
    Command.objects.update(outcome={**command.outcome, "refused_at": then})


def _untold(trade: TradeRecord) -> TradeRecord:
    """As it is listed while Lumetrade does not tell its amounts."""
    return replace(trade, sold=None, bought=None)


def ours(order: TradeOrder) -> TradeOrder:
    return TradeOrder.objects.select_related("trade").get(pk=order.pk)


def confirmations(place: Place) -> int:
    return place.calls.count(CONFIRM)


def test_a_price_is_asked_for_confirmed_sent_and_followed(place: Place) -> None:
    by = lead()
    order = quoted(by)
    assert (order.status, order.sold, order.fixes_bought) == (OrderStatus.QUOTED, 100, False)
    assert order.bought > 1000
    assert not Command.objects.exists()
    actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=timezone.now())

    assert deliver() == CommandState.DONE

    made = ours(order)
    assert made.trade is not None
    assert (made.status, made.trade.status) == (OrderStatus.MADE, TradeStatus.PENDING)
    assert (made.trade.sold, made.trade.bought) == (order.sold, order.bought)
    assert confirmations(place) == 1
    place.move(made.trade.upstream_id, "COMPLETED")
    feeds.run(feeds_lumetrade.TRADES)
    assert life.tell(ours(order), now=timezone.now()).money == "The money is exchanged."
    verbs = AuditEvent.objects.filter(subject_id=str(order.pk)).order_by("sequence")
    assert list(verbs.values_list("verb", flat=True)) == [
        "payments.tradeorder.quoted",
        "payments.tradeorder.confirmed",
        "payments.tradeorder.sending",
        "payments.tradeorder.made",
    ]


def test_what_is_to_arrive_may_be_fixed_instead(place: Place) -> None:
    order = actions.request_quote(
        wish=wish("2000.00", fixes_bought=True), by=maker(), at=timezone.now()
    )

    assert (order.bought, order.fixes_bought) == (2000, True)
    by = lead()
    actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=timezone.now())
    assert deliver() == CommandState.DONE
    assert ours(order).status == OrderStatus.MADE


class TestAskingForAPrice:
    def test_is_for_makers_and_ops_leads(self, place: Place) -> None:
        for person in (approver(), UserFactory(roles=["viewer"])):
            with pytest.raises(NotPermitted):
                quoted(person)
        assert place.calls.count(("POST", "/api/v1/trades/quote")) == 0

    def test_tells_their_objection_at_its_field(self, place: Place) -> None:
        with pytest.raises(actions.InvalidDraft) as refusal:
            actions.request_quote(
                wish=Wish("USD", "GBP", Decimal(100), False), by=maker(), at=timezone.now()
            )

        assert refusal.value.errors == {"to_currency": "Lumetrade says: is not supported"}

    @pytest.mark.parametrize("fault", ["answer_null", "answer_empty_object"])
    def test_says_so_when_no_answer_comes(self, place: Place, fault: str) -> None:
        place.fault(fault, method="POST", path=QUOTE_PATH, times=1)

        with pytest.raises(actions.QuoteNotPossible, match="No price could be had"):
            quoted(maker())

        assert not TradeOrder.objects.exists()

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps every digit")
    @pytest.mark.parametrize(
        ("bought", "is_kept"), [("0.123456789012345", True), ("0.1234567890123456", False)]
    )
    def test_keeps_the_amounts_of_the_quote_or_none(
        self, place: Place, monkeypatch: pytest.MonkeyPatch, bought: str, is_kept: bool
    ) -> None:
        real = place.client.quote(wish().exchange, confirmable=True)
        exact = replace(real, bought=Money(Decimal(bought), "ZAR"))
        monkeypatch.setattr(place.client, "quote", lambda exchange, confirmable: exact)

        if is_kept:
            assert ours(quoted(maker())).bought == Decimal(bought)
            return
        with pytest.raises(actions.QuoteNotPossible, match="more than the 15 digits"):
            quoted(maker())
        assert not TradeOrder.objects.exists()

    def test_takes_a_rate_of_many_digits(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rate = Decimal("12345678901.5")
        priced = replace(place.client.quote(wish().exchange, confirmable=True), rate=rate)
        monkeypatch.setattr(place.client, "quote", lambda exchange, confirmable: priced)

        assert ours(quoted(maker())).rate == rate


class TestConfirming:
    def test_is_for_ops_leads_and_the_attempt_of_others_is_remembered(self, place: Place) -> None:
        order = quoted(maker())

        for person in (maker(), approver()):
            with pytest.raises(NotPermitted):
                actions.confirm_quote(
                    order_id=order.pk, proved_at=None, by=person, at=timezone.now()
                )

        assert ours(order).status == OrderStatus.QUOTED
        tried = AuditEvent.objects.filter(verb="payments.tradeorder.confirmation_refused")
        assert tried.count() == 2

    def test_is_refused_once_the_price_has_expired(self, place: Place) -> None:
        order, by = quoted(maker()), lead()

        with pytest.raises(actions.QuoteExpired):
            actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=order.expires_at)

        assert not Command.objects.exists()

    def test_twice_is_once(self, place: Place) -> None:
        by = lead()
        order = confirmed(by)

        again = actions.confirm_quote(
            order_id=order.pk, proved_at=None, by=by, at=timezone.now() + timedelta(hours=1)
        )

        assert (again.pk, Command.objects.count()) == (order.pk, 1)
        with pytest.raises(actions.QuoteNotPossible, match="Somebody else has confirmed"):
            actions.confirm_quote(order_id=order.pk, proved_at=None, by=lead(), at=timezone.now())

    def test_of_much_asks_who_they_are(self, place: Place, settings: Any) -> None:
        settings.TRADE_WITHOUT_PROOF = {"USD": Decimal(99)}
        order, by, now = quoted(maker()), lead(), timezone.now()

        for proof in (None, now - timedelta(minutes=6)):
            with pytest.raises(actions.ProofTooOld):
                actions.confirm_quote(order_id=order.pk, proved_at=proof, by=by, at=now)
        settings.TRADE_WITHOUT_PROOF = {"ZAR": Decimal(1)}  # of dollars nothing is said: always
        with pytest.raises(actions.ProofTooOld):
            actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=now)

        actions.confirm_quote(order_id=order.pk, proved_at=now, by=by, at=now)

        assert ours(order).status == OrderStatus.QUEUED

    def test_of_more_than_there_is_is_refused(self, place: Place) -> None:
        order, by = quoted(maker()), lead()
        Balance.objects.filter(currency="USD").update(available=Decimal("99.99"))

        with pytest.raises(actions.QuoteNotPossible, match="not enough USD"):
            actions.confirm_quote(order_id=order.pk, proved_at=None, by=by, at=timezone.now())


class TestSending:
    def test_never_sends_a_price_that_has_expired(self, place: Place) -> None:
        order = confirmed(lead())
        TradeOrder.objects.update(expires_at=timezone.now())

        assert deliver() == CommandState.REFUSED

        assert (confirmations(place), ours(order).error_code) == (0, "QUOTE_EXPIRED")
        assert "expired before" in life.tell(ours(order), now=timezone.now()).known

    def test_waits_while_sending_is_stopped(self, place: Place) -> None:
        order = confirmed(lead())
        outbox.stop_sending("lumetrade", reason="Look.", by_label="test", at=timezone.now())

        assert deliver() is None

        assert "Look." in life.tell(ours(order), now=timezone.now()).known
        assert SendingSwitch.objects.get().is_on is False

    def test_a_clear_no_is_told_in_words(self, place: Place) -> None:
        order = confirmed(lead())
        TradeOrder.objects.update(reference="Q-unknown")
        body = Command.objects.get().request_bytes.replace(order.reference.encode(), b"Q-unknown")
        Command.objects.update(request=body)

        assert deliver() == CommandState.REFUSED

        assert ours(order).status == OrderStatus.REFUSED
        assert "Nothing was exchanged" in life.tell(ours(order), now=timezone.now()).money

    def test_a_conflict_is_refused_when_two_readings_show_nothing(self, place: Place) -> None:
        order = confirmed(lead())
        place.control("/lumetrade/balances", {"currency": "USD", "available": 1})
        assert deliver() == CommandState.UNKNOWN
        told = life.tell(ours(order), now=timezone.now())
        assert "Insufficient funds" in told.known
        assert look_again() == CommandState.UNKNOWN  # the first reading proves nothing alone
        assert look_again() == CommandState.UNKNOWN
        a_minute_ago()

        assert look_again() == CommandState.REFUSED

        assert (ours(order).status, confirmations(place)) == (OrderStatus.REFUSED, 1)
        assert "Insufficient funds" in ours(order).status_reason

    def test_a_trade_whose_amounts_are_not_told_yet_may_be_it(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listed, asked = place.client.list_trades, place.client.confirm_quote

        def untold() -> Iterator[Batch[TradeRecord]]:
            for batch in listed():
                yield replace(batch, items=[_untold(trade) for trade in batch.items])

        def contradicted(body: bytes) -> None:
            asked(body)
            raise Conflict("conflicting state", upstream="lumetrade")

        monkeypatch.setattr(place.client, "list_trades", untold)
        monkeypatch.setattr(place.client, "confirm_quote", contradicted)
        order, now = confirmed(lead()), timezone.now()
        deliver()
        look_again()
        a_minute_ago()

        assert look_again() == CommandState.UNKNOWN

        Command.objects.update(next_at=None)
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=None, reason="Not there.", by=maker(), at=now
        )
        with pytest.raises(actions.SettlementNotPossible, match="does not tell its amounts"):
            actions.confirm_order_settlement(
                order_id=order.pk, settlement_id=proposal.pk, by=approver(), at=now
            )

    def test_what_cannot_be_kept_may_be_it(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.fault("drop", method="POST", path=CONFIRM_PATH)
        confirmed(lead())
        deliver()
        counts = StoreCounts(refused=[RefusedItem("TID9", {}, "too long")])
        monkeypatch.setattr("payments.mirror.store_trades", lambda *_, **__: counts)

        assert look_again() == CommandState.UNKNOWN

        assert "TID9 may be it" in Command.objects.get().error

    @pytest.mark.parametrize(
        ("told", "known", "state"),
        [
            ({"createdAt": "2019-01-01T00:00:00Z"}, False, CommandState.DONE),
            ({}, True, CommandState.DONE),
            ({}, False, CommandState.UNKNOWN),
            ({"createdAt": "now"}, False, CommandState.UNKNOWN),
        ],
    )
    def test_only_what_may_be_it_stands_in_the_way_of_looking(
        self,
        place: Place,
        monkeypatch: pytest.MonkeyPatch,
        told: dict[str, str],
        known: bool,
        state: CommandState,
    ) -> None:
        place.fault("drop", method="POST", path=CONFIRM_PATH)
        confirmed(lead())
        deliver()
        if known:
            TradeFactory(upstream_id="TID9")
        listed, bad = place.client.list_trades, RefusedItem("TID9", told, "bad")
        monkeypatch.setattr(
            place.client, "list_trades", lambda: iter([Batch([], [bad]), *listed()])
        )

        assert look_again() == state

    def test_a_lost_reply_is_found_and_linked(self, place: Place) -> None:
        place.fault("drop", method="POST", path=CONFIRM_PATH)
        order = confirmed(lead())
        assert deliver() == CommandState.UNKNOWN

        assert look_again() == CommandState.DONE

        assert ours(order).trade == Trade.objects.get()
        assert confirmations(place) == 1

    def test_one_that_was_cancelled_when_it_is_found_calls_a_person(self, place: Place) -> None:
        place.fault("drop", method="POST", path=CONFIRM_PATH)
        order = confirmed(lead())
        deliver()
        feeds.run(feeds_lumetrade.TRADES)
        place.move(Trade.objects.get().upstream_id, "CANCELLED")

        look_again()

        told = AuditEvent.objects.filter(verb="payments.tradeorder.cancelled")
        assert (ours(order).status, told.count()) == (OrderStatus.MADE, 1)
        assert "as cancelled" in Alarm.objects.get(code="exchange-undone").text

    def test_what_never_arrived_is_never_sent_again(self, place: Place) -> None:
        place.fault("drop_before", method="POST", path=CONFIRM_PATH)
        order = confirmed(lead())
        deliver()

        for _ in range(7):
            look_again()

        assert (ours(order).status, confirmations(place)) == (OrderStatus.UNKNOWN, 1)

    def test_another_exchange_than_was_quoted_stops_the_provider(self, place: Place) -> None:
        order = confirmed(lead())
        TradeOrder.objects.update(bought=Decimal("1.00"))

        deliver()

        assert ours(order).status == OrderStatus.UNKNOWN
        assert SendingSwitch.objects.get(upstream="lumetrade").is_on is False
        assert Command.objects.get().outcome["differences"][0][0] == "bought"


class TestSettling:
    def unknown(self, place: Place) -> TradeOrder:
        """An order whose answer was lost and of which the list shows a like one, not certainly."""
        place.fault("drop_before", method="POST", path=CONFIRM_PATH)
        order = confirmed(lead())
        deliver()
        place.trade("100")
        Trade.objects.all().delete()
        feeds.run(feeds_lumetrade.TRADES)
        Trade.objects.update(bought=Decimal("1826.00"))
        Command.objects.update(next_at=None)
        return ours(order)

    def test_takes_two_people_who_see_what_it_may_be(self, place: Place) -> None:
        order = self.unknown(place)
        (candidate,) = matching.candidates(order, Command.objects.get())
        first, now = lead(), timezone.now()
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=candidate, reason="Their page shows it.", by=first, at=now
        )
        for person in (first, order.confirmed_by):
            assert person is not None
            with pytest.raises(actions.SettlementNotPossible):
                actions.confirm_order_settlement(
                    order_id=proposal.order_id, settlement_id=proposal.pk, by=person, at=now
                )
        with pytest.raises(NotPermitted):
            actions.confirm_order_settlement(
                order_id=proposal.order_id, settlement_id=proposal.pk, by=maker(), at=now
            )
        with pytest.raises(actions.SettlementNotPossible, match="already"):
            actions.propose_order_settlement(
                order_id=order.pk, trade=None, reason="No.", by=maker(), at=now
            )

        actions.confirm_order_settlement(
            order_id=proposal.order_id, settlement_id=proposal.pk, by=approver(), at=now
        )

        settled = ours(order)
        assert (settled.status, settled.trade) == (OrderStatus.MADE, candidate)
        assert Command.objects.get().state == CommandState.DONE

    def test_does_not_believe_that_nothing_happened_while_it_is_shown(self, place: Place) -> None:
        order = self.unknown(place)
        Trade.objects.update(bought=order.bought)
        now = timezone.now()
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=None, reason="Not there.", by=maker(), at=now
        )

        with pytest.raises(actions.SettlementNotPossible, match="shows TID"):
            actions.confirm_order_settlement(
                order_id=proposal.order_id, settlement_id=proposal.pk, by=approver(), at=now
            )

        actions.drop_order_settlement(
            order_id=proposal.order_id, settlement_id=proposal.pk, by=maker(), at=now
        )
        assert ours(order).status == OrderStatus.UNKNOWN

    def test_says_that_nothing_happened(self, place: Place) -> None:
        order = self.unknown(place)
        now = timezone.now()
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=None, reason="Not there.", by=maker(), at=now
        )

        actions.confirm_order_settlement(
            order_id=proposal.order_id, settlement_id=proposal.pk, by=approver(), at=now
        )

        assert ours(order).status == OrderStatus.REFUSED
        assert "Two people" in life.tell(ours(order), now=now).known

    def test_after_another_exchange_than_was_quoted_is_about_that_one(self, place: Place) -> None:
        order = confirmed(lead())
        TradeOrder.objects.update(sold=Decimal("150.00"), bought=Decimal("1.00"))
        deliver()
        answered, other, now = Trade.objects.get(), TradeFactory(), timezone.now()
        assert matching.evidence(ours(order), Command.objects.get()) == [answered]
        assert answered.upstream_id in life.tell(ours(order), now=now).known
        SendingSwitch.objects.update(is_on=True)
        assert look_again() == CommandState.UNKNOWN  # what was answered is not forgotten
        for untrue, said in ((None, "answered with the trade"), (other, "cannot be it")):
            with pytest.raises(actions.SettlementNotPossible, match=said):
                actions.propose_order_settlement(
                    order_id=order.pk, trade=untrue, reason="x", by=maker(), at=now
                )
        with transaction.atomic():
            Trade.objects.filter(pk=answered.pk).update(status=TradeStatus.CANCELLED)
            actions.propose_order_settlement(
                order_id=order.pk, trade=None, reason="x", by=maker(), at=now
            )
            transaction.set_rollback(True)
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=answered, reason="x", by=maker(), at=now
        )
        second = approver()

        actions.confirm_order_settlement(
            order_id=order.pk, settlement_id=proposal.pk, by=second, at=now
        )

        assert ours(order).trade == answered
        assert AuditEvent.objects.get(verb="payments.tradeorder.found").by_label == second.email

    def test_takes_lumetrades_written_word_under_another_key(self, place: Place) -> None:
        order, now = self.unknown(place), timezone.now()
        Command.objects.update(credential="another")
        for upstream_id, said in (("", "no list that is read now proves"), ("TID9", "has seen")):
            with pytest.raises(actions.SettlementNotPossible, match=said):
                actions.propose_order_settlement(
                    order_id=order.pk,
                    trade=None,
                    upstream_id=upstream_id,
                    reason="x",
                    by=maker(),
                    at=now,
                )
        proposal = actions.propose_order_settlement(
            order_id=order.pk,
            trade=None,
            upstream_id="TID9",
            written_word="Ticket 4711: yes.",
            reason="x",
            by=maker(),
            at=now,
        )

        actions.confirm_order_settlement(
            order_id=order.pk, settlement_id=proposal.pk, by=approver(), at=now
        )

        made = ours(order)
        assert (made.status, made.trade) == (OrderStatus.MADE, None)
        assert "written word of Lumetrade" in life.tell(made, now=now).known
        (shown, *_), *_ = (batch.items for batch in place.client.list_trades())
        mirror.store_trades([TradeSeen(replace(shown, id="TID9"), now)], at=now)
        assert ours(order).trade == Trade.objects.get(upstream_id="TID9")

    def test_takes_no_trade_of_another_time(self, place: Place) -> None:
        order, now = self.unknown(place), timezone.now()
        old = TradeFactory(created_at=now - timedelta(days=400), first_seen_at=now)

        with pytest.raises(actions.SettlementNotPossible, match="cannot be it"):
            actions.propose_order_settlement(
                order_id=order.pk, trade=old, reason="x", by=maker(), at=now
            )

    def test_tells_the_slower_of_two_that_the_trade_is_anothers(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        order, now = self.unknown(place), timezone.now()
        (candidate,) = matching.candidates(order, Command.objects.get())
        proposal = actions.propose_order_settlement(
            order_id=order.pk, trade=candidate, reason="x", by=maker(), at=now
        )
        settle = outbox.settle_by_hand

        def outrun(**told: Any) -> Command:
            TradeOrderFactory(unknown=True, trade=candidate)
            return settle(**told)

        monkeypatch.setattr("upstreams.outbox.settle_by_hand", outrun)

        with pytest.raises(actions.SettlementNotPossible, match="belongs to another order"):
            actions.confirm_order_settlement(
                order_id=order.pk, settlement_id=proposal.pk, by=approver(), at=now
            )

        assert ours(order).status == OrderStatus.UNKNOWN

    def test_waits_for_the_machine(self, place: Place) -> None:
        order = self.unknown(place)
        Command.objects.update(next_at=timezone.now() + timedelta(minutes=1))

        with pytest.raises(actions.SettlementNotPossible, match="still looking"):
            actions.propose_order_settlement(
                order_id=order.pk, trade=None, reason="x", by=maker(), at=timezone.now()
            )


def test_moves_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TradeOrder, "save", lambda self, **_: None)
    journal = Journal(by=None, at=timezone.now())
    for current, wanted in itertools.product(OrderStatus, OrderStatus):
        order = TradeOrder(pk=1, status=current)
        if wanted in ORDER_MOVES[current]:
            move(order, wanted, journal=journal)
            assert order.status == wanted
            continue
        with pytest.raises(OrderNotMovable):
            move(order, wanted, journal=journal)
