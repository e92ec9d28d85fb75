"""Money is promised once: exchanges count payouts that wait, and payouts count exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from payments import actions
from payments.checks import funds
from payments.enums import OrderStatus, Status
from payments.models import Balance, TradeOrder
from staff.models import User
from tests.payments.factories import TradeOrderFactory, WithdrawalFactory, approver
from tests.payments.test_races import at_once, refusals
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from upstreams.models import Command


def dollars(available: str = "100.00") -> Balance:
    return Balance.objects.create(
        upstream="lumetrade",
        currency="USD",
        balance_type="main",
        amount=Decimal(available),
        available=Decimal(available),
        frozen=0,
        as_of=timezone.now() - timedelta(seconds=5),
    )


def quote(**fields: object) -> TradeOrder:
    return TradeOrderFactory(expires_at=timezone.now() + timedelta(seconds=30), **fields)


def under_way(status: OrderStatus, **fields: object) -> TradeOrder:
    return quote(status=status, confirmed_by=approver(), confirmed_at=timezone.now(), **fields)


def confirm(order: TradeOrder, by: User) -> TradeOrder:
    now = timezone.now()
    return actions.confirm_quote(order_id=order.pk, proved_at=now, by=by, at=now)


def lead() -> User:
    return UserFactory(roles=["ops_lead"])


@pytest.mark.django_db
class TestAnExchange:
    def test_leaves_what_is_promised_to_payouts(self) -> None:
        dollars("150.00")
        WithdrawalFactory(
            upstream="lumetrade", currency="USD", amount=Decimal("60.00"), status=Status.APPROVED
        )

        with pytest.raises(actions.QuoteNotPossible, match=r"of 150\.00 USD, 62\.70 USD are"):
            confirm(quote(), lead())

        assert not Command.objects.exists()

    @pytest.mark.parametrize("status", [OrderStatus.QUEUED, OrderStatus.SENDING, "unknown"])
    def test_leaves_what_another_may_take(self, status: OrderStatus) -> None:
        dollars("150.00")
        under_way(status)

        with pytest.raises(actions.QuoteNotPossible, match="promised to 1 exchange ahead"):
            confirm(quote(), lead())

    def test_is_not_made_from_an_account_of_which_nothing_is_known(self) -> None:
        with pytest.raises(actions.QuoteNotPossible, match="USD balance at Lumetrade is not known"):
            confirm(quote(), lead())

    def test_says_on_its_page_what_is_promised(self, client: Client) -> None:
        dollars("250.00")
        under_way(OrderStatus.QUEUED)
        order = quote()
        client.force_login(lead())

        page = client.get(order.get_absolute_url())

        (purse,) = page.context["purses"]
        assert (purse.promised, purse.after) == (100, 50)
        assert "1 exchange ahead" in page.text
        assert "1 exchange" in client.get(reverse("payments:balances")).text


@pytest.mark.django_db
class TestAPayout:
    @pytest.mark.parametrize(
        ("status", "settled_after", "is_counted"),
        [
            (OrderStatus.QUEUED, None, True),
            (OrderStatus.UNKNOWN, None, True),
            (OrderStatus.MADE, 1, True),
            (OrderStatus.MADE, -1, False),
            (OrderStatus.REFUSED, 1, False),
            (OrderStatus.QUOTED, None, False),
        ],
    )
    def test_counts_exchanges_that_the_balance_cannot_know(
        self, status: OrderStatus, settled_after: int | None, is_counted: bool
    ) -> None:
        balance = dollars()
        settled_at = settled_after and balance.as_of + timedelta(seconds=settled_after)
        under_way(status, settled_at=settled_at)

        ahead = funds.committed(balance)

        assert (ahead.exchanged, ahead.exchanges) == ((100, 1) if is_counted else (0, 0))

    def test_is_blocked_by_them(self) -> None:
        dollars()
        under_way(OrderStatus.QUEUED)
        payout = WithdrawalFactory(upstream="lumetrade", currency="USD", amount=Decimal("1.00"))

        check = funds.balance_suffices(payout, timezone.now())

        assert check.level == "block"
        assert "100.00 USD promised to 1 exchange ahead" in check.text


def test_words_tell_payouts_and_exchanges() -> None:
    ahead = funds.Committed(Decimal(1), 2, Decimal(1), 1)

    assert str(ahead.words) == "2 payouts ahead and 1 exchange ahead"


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.fixture(autouse=True)
    def _whole_balance(self) -> Iterator[None]:
        dollars()
        yield

    def test_of_two_orders_over_the_whole_balance_one_is_queued(self) -> None:
        one, other = lead(), lead()
        for _ in range(rounds(10)):
            TradeOrder.objects.exclude(confirmed_by=None).update(status=OrderStatus.REFUSED)
            first, second = quote(), quote()

            results = at_once(
                lambda: confirm(first, one),  # noqa: B023
                lambda: confirm(second, other),  # noqa: B023
            )

            (no,) = refusals(results, actions.QuoteNotPossible)
            assert "promised to 1 exchange ahead" in str(no)
            assert TradeOrder.objects.filter(status=OrderStatus.QUEUED).count() == 1
