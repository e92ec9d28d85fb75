"""Whether a balance moved by what the payments say."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments.enums import Kind, PaymentStatus
from payments.mirror import store_balances
from payments.models import DailyBalance, Drift
from payments.reconciliation import drifts, judging, money, readers
from tests.payments.factories import PaymentFactory
from tests.sandbox.helpers import NOON
from upstreams.enums import Upstream
from upstreams.luxcore.schemas import parse_balance

pytestmark = pytest.mark.django_db

DAY = NOON.date()
YESTERDAY = DAY - timedelta(days=1)


def told(at: datetime, amount: int, *, currency: str = "AUD") -> None:
    """The balance in minor units, as LuxCore tells it."""
    raw = {
        "currency": currency,
        "balance_type": "main",
        "balance_amount": str(amount),
        "available_amount": str(amount),
        "frozen_amount": "0",
    }
    store_balances([parse_balance(raw)], at=at)


def paid(**changes: Any) -> None:
    at = NOON - timedelta(hours=2)
    given = {
        "status": PaymentStatus.COMPLETED,
        "amount": Decimal(100),
        "fee": Decimal(5),
        "kind": Kind.DEPOSIT,
        "completed_at": at,
        "created_at": at,
        "changed_at": at,
    }
    PaymentFactory(**given | changes)


def verdicts(first: date = DAY) -> dict[str, Decimal | None]:
    found = money.judge(readers.get(Upstream.LUXCORE), first, DAY)
    return {one.subject: one.finding.amount if one.finding else None for one in found}


@pytest.fixture
def a_day() -> None:
    """1,000.00 AUD in the evening, and 1,095.00 at noon."""
    told(NOON - timedelta(hours=14), 100_000)
    told(NOON, 109_500)


def test_keeps_the_last_balance_of_each_day() -> None:
    told(NOON - timedelta(hours=3), 1)
    told(NOON, 2)
    told(NOON - timedelta(hours=1), 3)  # an answer that came late

    kept = DailyBalance.objects.get()
    assert (kept.day, kept.as_of, kept.amount) == (DAY, NOON, Decimal("0.02"))


@pytest.mark.parametrize(
    ("payments", "difference"),
    [
        ([{}], None),
        ([], Decimal(95)),
        ([{}, {"kind": Kind.WITHDRAWAL}], Decimal(105)),
        ([{"amount": Decimal(200)}, {"kind": Kind.WITHDRAWAL, "amount": Decimal(95)}], None),
        ([{"fee": None, "net": Decimal(95)}], None),
        ([{}, {"status": PaymentStatus.FAILED}], None),
        ([{}, {"currency": "MXN"}], None),
        ([{}, {"completed_at": NOON + timedelta(minutes=1)}], None),
        ([{}, {"completed_at": NOON - timedelta(hours=15)}], None),
        ([{"completed_at": None}], None),
        (
            [{"refunded": Decimal(100), "status": PaymentStatus.RETURNED}],
            Decimal(100),
        ),
    ],
)
def test_adds_up_what_ended_between(
    a_day: None, payments: list[dict[str, Any]], difference: Decimal | None
) -> None:
    for payment in payments:
        paid(**payment)

    assert verdicts() == {f"AUD {DAY}": difference}


def test_says_nothing_while_a_fee_is_not_told(a_day: None) -> None:
    paid(fee=None)

    assert verdicts() == {}


def test_says_nothing_without_a_balance_of_a_day_before() -> None:
    told(NOON, 109_500)

    assert verdicts() == {}


def test_judges_days_without_a_balance_with_the_next_that_has_one() -> None:
    told(NOON - timedelta(days=4), 100_000)
    told(NOON, 109_500)
    paid(completed_at=NOON - timedelta(days=3), changed_at=NOON - timedelta(days=3))

    assert verdicts() == {f"AUD {DAY}": None}


def test_judges_one_day_alone() -> None:
    for days_ago, amount in ((2, 50_000), (1, 100_000), (0, 109_500)):
        told(NOON - timedelta(days=days_ago), amount)

    one = money.judge_one(readers.get(Upstream.LUXCORE), f"AUD {DAY}")

    assert one is not None
    assert one.finding is not None
    assert one.finding.amount == Decimal(95)
    assert set(verdicts(YESTERDAY)) == {f"AUD {YESTERDAY}", f"AUD {DAY}"}


def test_a_difference_stands_while_it_cannot_be_judged(a_day: None) -> None:
    paid(amount=Decimal(200))
    [verdict] = money.judge(readers.get(Upstream.LUXCORE), DAY, DAY)
    assert verdict.finding is not None
    drifts.store([verdict.finding], at=NOON)
    drift = Drift.objects.get()
    paid(fee=None)  # nobody tells how much it moved

    still = judging.of_ours(readers.get(Upstream.LUXCORE), drift, now=NOON)

    assert still is not None
    assert still.fingerprint == drift.fingerprint
