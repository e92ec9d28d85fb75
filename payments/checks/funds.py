"""Whether the balance covers this payout after everything that was approved before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from payments.checks.results import Check, figure
from payments.enums import Kind, Level, Status
from payments.models import Balance, Payment, Withdrawal
from staff.texts import Text, written_number
from upstreams.enums import Upstream
from upstreams.money import exponent

CODE: Final = "balance"
MAIN: Final = "main"  # the balance type that payouts are taken from

ASSUMED_FEE: Final = Decimal("0.045")  # LC-A9, while no payout has told its fee yet
_FEE_SAMPLE: Final = 5  # the latest payouts whose fee is looked at; the highest rate counts


@dataclass(frozen=True)
class Committed:
    """What was promised to others and is not in the balance yet."""

    total: Decimal
    number: int

    def __add__(self, other: Committed) -> Committed:
        return Committed(self.total + other.total, self.number + other.number)

    @property
    def words(self) -> Text:
        if self.number == 1:
            return Text(_("1 payout ahead"))
        return Text(_("%(number)s payouts ahead"), number=self.number)


NOTHING: Final = Committed(Decimal(0), 0)


@dataclass(frozen=True)
class Fee:
    """The share of the amount that the provider will probably take."""

    rate: Decimal
    is_assumed: bool

    def on(self, amount: Decimal, currency: str) -> Decimal:
        unit = Decimal(1).scaleb(-exponent(currency))
        return (amount * self.rate).quantize(unit, ROUND_HALF_UP)

    @property
    def words(self) -> Text:
        rate = written_number(self.rate * 100, 2)
        if self.is_assumed:
            return Text(_("assumed %(rate)s %%"), rate=rate)
        return Text(_("estimated %(rate)s %%"), rate=rate)


def balance_suffices(
    withdrawal: Withdrawal, now: datetime, *, planned: Committed = NOTHING
) -> Check:
    """Available, less what is on its way, less this one with its estimated fee.

    `planned` is what a dry run has promised to others before this one.
    """
    provider = Upstream(withdrawal.upstream).label
    if not withdrawal.is_ours:
        text = Text(_("%(provider)s has set the money aside already."), provider=provider)
        return Check(Level.PASS, CODE, text)
    balance = main_balance(withdrawal).first()
    if balance is None:
        text = Text(
            _("The %(currency)s balance at %(provider)s is not known."),
            currency=withdrawal.currency,
            provider=provider,
        )
        return Check(Level.BLOCK, CODE, text)
    fee = estimated_fee(withdrawal)
    ahead = committed(withdrawal, balance) + planned
    asked = withdrawal.amount + fee.on(withdrawal.amount, withdrawal.currency)
    promised = ahead.total + fee.on(ahead.total, withdrawal.currency)
    left = balance.available - promised - asked
    sums = Text(
        _(
            "%(available)s available, %(promised)s promised to %(ahead)s, "
            "%(asked)s for this one with its fee (%(fee)s)"
        ),
        available=figure(balance.available, withdrawal.currency),
        promised=figure(promised, withdrawal.currency),
        ahead=ahead.words,
        asked=figure(asked, withdrawal.currency),
        fee=fee.words,
    )
    if left < 0:
        text = Text(
            _("The balance is %(missing)s short: %(sums)s."),
            missing=figure(-left, withdrawal.currency),
            sums=sums,
        )
        return Check(Level.BLOCK, CODE, text, balance.as_of)
    text = Text(
        _("%(left)s left after this: %(sums)s."), left=figure(left, withdrawal.currency), sums=sums
    )
    return Check(Level.PASS, CODE, text, balance.as_of)


def main_balance(withdrawal: Withdrawal) -> QuerySet[Balance]:
    """The balance that this withdrawal would be paid from."""
    return Balance.objects.filter(
        upstream=withdrawal.upstream, currency=withdrawal.currency, balance_type=MAIN
    )


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
