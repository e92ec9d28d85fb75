"""Whether the balance covers this payout after everything that was approved before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.db.models import Q, QuerySet

from payments.checks.results import Check
from payments.enums import Kind, Level, Status
from payments.models import Balance, Payment, Withdrawal
from upstreams.enums import Upstream
from upstreams.money import exponent

CODE: Final = "balance"
MAIN: Final = "main"  # the balance type that payouts are taken from

ASSUMED_FEE: Final = Decimal("0.045")  # LC-A9, while no payout has told its fee yet
_FEE_SAMPLE: Final = 5  # the latest payouts whose fee is looked at; the highest rate counts


@dataclass(frozen=True)
class Fee:
    """The share of the amount that the provider will probably take."""

    rate: Decimal
    is_assumed: bool

    def on(self, amount: Decimal, currency: str) -> Decimal:
        unit = Decimal(1).scaleb(-exponent(currency))
        return (amount * self.rate).quantize(unit, ROUND_HALF_UP)


def balance_suffices(withdrawal: Withdrawal, now: datetime) -> Check:
    """Available, less what is on its way, less this one with its estimated fee."""
    provider = Upstream(withdrawal.upstream).label
    if not withdrawal.is_ours:
        return Check(Level.PASS, CODE, f"{provider} has set the money aside already.")
    balance = main_balance(withdrawal).first()
    if balance is None:
        return Check(
            Level.BLOCK, CODE, f"The {withdrawal.currency} balance at {provider} is not known."
        )
    fee = estimated_fee(withdrawal)
    ahead = committed(withdrawal, balance)
    asked = withdrawal.amount + fee.on(withdrawal.amount, withdrawal.currency)
    promised = ahead.total + fee.on(ahead.total, withdrawal.currency)
    left = balance.available - promised - asked
    words = (
        f"{_figure(balance.available, withdrawal)} available, "
        f"{_figure(promised, withdrawal)} promised to {ahead.words}, "
        f"{_figure(asked, withdrawal)} for this one with its fee "
        f"({'assumed' if fee.is_assumed else 'estimated'} {fee.rate * 100:.2f} %)"
    )
    if left < 0:
        text = f"The balance is {_figure(-left, withdrawal)} short: {words}."
        return Check(Level.BLOCK, CODE, text, balance.as_of)
    text = f"{_figure(left, withdrawal)} left after this: {words}."
    return Check(Level.PASS, CODE, text, balance.as_of)


def main_balance(withdrawal: Withdrawal) -> QuerySet[Balance]:
    """The balance that this withdrawal would be paid from."""
    return Balance.objects.filter(
        upstream=withdrawal.upstream, currency=withdrawal.currency, balance_type=MAIN
    )


@dataclass(frozen=True)
class Committed:
    """What was promised to others and is not in the balance yet."""

    total: Decimal
    number: int

    @property
    def words(self) -> str:
        return "1 payout ahead" if self.number == 1 else f"{self.number} payouts ahead"


def committed(withdrawal: Withdrawal, balance: Balance) -> Committed:
    """Sum up what has been approved here and cannot be part of the balance that we know.

    That is everything without a payment there, and what was sent after the balance was read.
    """
    on_its_way = Q(status__in=[Status.APPROVED, Status.SENDING, Status.UNKNOWN], payment=None)
    not_in_yet = Q(sent_at__gte=balance.as_of)
    amounts = list(
        Withdrawal.objects.ours()
        .filter(
            on_its_way | not_in_yet,
            upstream=withdrawal.upstream,
            currency=withdrawal.currency,
        )
        .exclude(pk=withdrawal.pk)
        .values_list("amount", flat=True)
    )
    return Committed(sum(amounts, Decimal(0)), len(amounts))


def estimated_fee(withdrawal: Withdrawal) -> Fee:
    """The highest rate among this method's latest payouts, else the assumed one."""
    latest = (
        Payment.objects.filter(
            upstream=withdrawal.upstream,
            kind=Kind.WITHDRAWAL,
            currency=withdrawal.currency,
            method=withdrawal.method,
            fee__isnull=False,
            amount__gt=0,
        )
        .newest_first()
        .values_list("fee", "amount")[:_FEE_SAMPLE]
    )
    rates = [abs(fee) / amount for fee, amount in latest if fee is not None]
    return Fee(max(rates), is_assumed=False) if rates else Fee(ASSUMED_FEE, is_assumed=True)


def _figure(amount: Decimal, withdrawal: Withdrawal) -> str:
    places = exponent(withdrawal.currency)
    return f"{amount:,.{places}f} {withdrawal.currency}"
