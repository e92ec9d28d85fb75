"""Whether the balance covers this payout after everything that was approved before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from customers.models import Wallet
from payments.checks.results import Check, figure
from payments.enums import Kind, Level, Status
from payments.models import Balance, Payment, TradeOrder, Withdrawal
from staff.texts import Sayable, Text, written_number
from upstreams.enums import Upstream
from upstreams.money import exponent

CODE: Final = "balance"
MAIN: Final = "main"  # the balance type that payouts are taken from

ASSUMED_FEE: Final = Decimal("0.045")  # LC-A9, while no payout has told its fee yet
_FEE_SAMPLE: Final = 5  # the latest payouts whose fee is looked at; the highest rate counts


@dataclass(frozen=True)
class Committed:
    """What was promised to others and is not in the balance yet."""

    total: Decimal  # of payouts, of which the provider takes a fee
    number: int
    exchanged: Decimal = Decimal(0)
    exchanges: int = 0

    def __add__(self, other: Committed) -> Committed:
        return Committed(
            self.total + other.total,
            self.number + other.number,
            self.exchanged + other.exchanged,
            self.exchanges + other.exchanges,
        )

    def with_fee(self, fee: Fee, currency: str) -> Decimal:
        """All that will be gone when it was carried out."""
        if not self.total:
            return self.exchanged
        return self.total + fee.on(self.total, currency) + self.exchanged

    @property
    def words(self) -> Sayable:
        if not self.exchanges:
            return self._payouts
        if not self.number:
            return self._exchanges
        both = {"payouts": self._payouts, "exchanges": self._exchanges}
        return Text(_("%(payouts)s and %(exchanges)s"), **both)

    @property
    def _payouts(self) -> Text:
        if self.number == 1:
            return Text(_("1 payout ahead"))
        return Text(_("%(number)s payouts ahead"), number=self.number)

    @property
    def _exchanges(self) -> Text:
        if self.exchanges == 1:
            return Text(_("1 exchange ahead"))
        return Text(_("%(number)s exchanges ahead"), number=self.exchanges)


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
    if withdrawal.upstream == Upstream.LUX:
        return _funds_of_transfer(withdrawal, now)
    balance = main_balance(withdrawal).first()
    if balance is None:
        text = Text(
            _("The %(currency)s balance at %(provider)s is not known."),
            currency=withdrawal.currency,
            provider=provider,
        )
        return Check(Level.BLOCK, CODE, text)
    fee = estimated_fee(withdrawal)
    ahead = committed(balance, besides=withdrawal) + planned
    asked = withdrawal.amount + fee.on(withdrawal.amount, withdrawal.currency)
    promised = ahead.with_fee(fee, withdrawal.currency)
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


def _funds_of_transfer(withdrawal: Withdrawal, now: datetime) -> Check:
    """Nothing of ours pays it: Lux Financial waits until somebody has paid in.

    Where that is a wallet that we know, one that holds less is worth a warning.
    """
    address = withdrawal.lux.get("from_address", "")
    wallet = _wallet_of(withdrawal, address) if address else None
    if wallet is None or wallet.balances_at is None:
        text = Text(
            _("Lux Financial waits for the funds: nothing leaves a balance of ours until then.")
        )
        return Check(Level.PASS, CODE, text, now)
    held = _held_in(wallet, withdrawal.currency, withdrawal.lux.get("source_rail", ""))
    told = {
        "held": figure(held, withdrawal.currency),
        "asked": figure(withdrawal.amount, withdrawal.currency),
    }
    if held < withdrawal.amount:
        text = Text(
            _("The wallet it comes from holds %(held)s of %(asked)s: it waits for the rest."),
            **told,
        )
        return Check(Level.WARN, CODE, text, wallet.balances_at)
    text = Text(_("The wallet it comes from holds %(held)s, and %(asked)s are asked for."), **told)
    return Check(Level.PASS, CODE, text, wallet.balances_at)


def _wallet_of(withdrawal: Withdrawal, address: str) -> Wallet | None:
    """The customer's own wallet that has this address."""
    wallets = Wallet.objects.filter(customer=withdrawal.customer_id).order_by("pk")
    return next((one for one in wallets if address in one.addresses.values()), None)


def _held_in(wallet: Wallet, currency: str, chain: str) -> Decimal:
    """What may be taken from it on this chain, as it was last told."""
    told = (
        coin.get("available") or coin.get("balance") or "0"
        for coin in wallet.balances
        if coin.get("currency") == currency and coin.get("chain") in ("", chain)
    )
    return sum(map(Decimal, told), Decimal(0))


def main_balance(withdrawal: Withdrawal) -> QuerySet[Balance]:
    """The balance that this withdrawal would be paid from."""
    return Balance.objects.filter(
        upstream=withdrawal.upstream, currency=withdrawal.currency, balance_type=MAIN
    )


def committed(balance: Balance, *, besides: Withdrawal | None = None) -> Committed:
    """Sum up what has been approved or confirmed here and cannot be part of this balance.

    That is everything without a payment or a trade there, and what became of it after the balance
    was read.
    """
    payouts = (
        Withdrawal.objects.ours()
        .filter(
            Q(status__in=[Status.APPROVED, Status.SENDING, Status.UNKNOWN], payment=None)
            | Q(sent_at__gte=balance.as_of),
            upstream=balance.upstream,
            currency=balance.currency,
        )
        .values_list("amount", flat=True)
    )
    if besides is not None:
        payouts = payouts.exclude(pk=besides.pk)
    exchanges = (
        TradeOrder.objects.promised_since(balance.as_of)
        .filter(upstream=balance.upstream, from_currency=balance.currency)
        .values_list("sold", flat=True)
    )
    amounts, sold = list(payouts), list(exchanges)
    return Committed(sum(amounts, Decimal(0)), len(amounts), sum(sold, Decimal(0)), len(sold))


def estimated_fee(withdrawal: Withdrawal) -> Fee:
    """The highest rate among this method's latest payouts, else the assumed one."""
    return _fee(
        upstream=withdrawal.upstream, currency=withdrawal.currency, method=withdrawal.method
    )


def estimated_fee_from(balance: Balance) -> Fee:
    """The same of the latest payouts from this balance, by whichever method."""
    return _fee(upstream=balance.upstream, currency=balance.currency)


def _fee(**payouts: str) -> Fee:
    latest = (
        Payment.objects.filter(**payouts, kind=Kind.WITHDRAWAL, fee__isnull=False, amount__gt=0)
        .newest_first()
        .values_list("fee", "amount")[:_FEE_SAMPLE]
    )
    rates = [abs(fee) / amount for fee, amount in latest if fee is not None]
    return Fee(max(rates), is_assumed=False) if rates else Fee(ASSUMED_FEE, is_assumed=True)
