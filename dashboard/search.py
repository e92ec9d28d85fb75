"""Searching the desk: exact matches and beginnings, never the middle of a word."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext

from customers import people, words
from customers.models import Customer, CustomerQuerySet
from payments.models import Beneficiary, Payment, Trade, Withdrawal
from payments.models.beneficiaries import BeneficiaryQuerySet
from payments.models.beneficiaries import code_begins as beneficiary_code_begins
from payments.models.payments import PaymentQuerySet
from payments.models.trades import TradeQuerySet
from payments.queues import WithdrawalQuerySet, code_begins
from payments.sight import Sight
from staff.lists import begins
from upstreams.enums import Upstream

LEAST = 3  # letters; fewer find everything
LONGEST = 120
MOST = 20  # of each kind


@dataclass(frozen=True)
class Hit:
    """One thing found, as this person may read it."""

    code: str
    url: str
    name: str
    amount: Decimal | None  # None: nobody has told it yet
    currency: str
    status: str
    status_words: str
    created_at: datetime
    reference: str


@dataclass(frozen=True)
class Payee:
    """A beneficiary found, as this person may read it."""

    code: str
    url: str
    name: str
    currency: str
    provider: str
    first_asked_at: datetime


@dataclass(frozen=True)
class Somebody:
    """A customer found, as this person may read them."""

    number: int
    url: str
    name: str
    kyc_status: str
    kyc: str
    is_held: bool
    providers: Sequence[str]
    since: datetime


@dataclass(frozen=True)
class Found:
    """What was found. `is_cut`: there is more than is shown."""

    withdrawals: list[Hit]
    payments: list[Hit]
    trades: list[Hit]
    beneficiaries: list[Payee]
    customers: list[Somebody]
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        kinds: Sequence[Sized] = (self.withdrawals, self.payments, self.trades)
        return not any((*kinds, self.beneficiaries, self.customers))


def find(text: str, *, sight: Sight) -> Found:
    """Return what has this text as its code, reference, payment id or recipient, or begins so.

    People who read names masked find neither by name nor by the payout's own reference: what they
    type would tell them what it is. A customer is found by e-mail and phone too, where they are
    typed whole. A fixed number of queries, none for less than three letters.
    """
    text = text.strip()[:LONGEST]
    if len(text) < LEAST or "\x00" in text:
        return Found([], [], [], [], [], is_cut=False)
    paid_out = [_withdrawal(row, sight) for row in withdrawals(text, sight)[: MOST + 1]]
    moved = [_payment(row, sight) for row in payments(text, sight)[: MOST + 1]]
    exchanged = [_trade(row) for row in trades(text)[: MOST + 1]]
    payees = [_payee(row, sight) for row in beneficiaries(text, sight)[: MOST + 1]]
    them = [_somebody(row, sight) for row in people.people(customers(text, sight)[: MOST + 1])]
    hits: Sequence[Sized] = (paid_out, moved, exchanged, payees, them)
    return Found(
        paid_out[:MOST],
        moved[:MOST],
        exchanged[:MOST],
        payees[:MOST],
        them[:MOST],
        is_cut=any(len(found) > MOST for found in hits),
    )


def withdrawals(text: str, sight: Sight) -> WithdrawalQuerySet:
    """Return the withdrawals that this text may mean, newest first."""
    match = code_begins(text)
    match |= Q(upstream__in=Upstream.values) & begins("merchant_reference", text)
    if sight.names_in_clear:
        match |= _names("recipient_name", text) | begins("payout_reference", text)
    return Withdrawal.objects.filter(match).newest_first()


def payments(text: str, sight: Sight) -> PaymentQuerySet:
    """Return the payments that this text may mean, newest first."""
    match = Q(upstream__in=Upstream.values) & (
        begins("upstream_id", text) | begins("merchant_reference", text)
    )
    if sight.names_in_clear:
        match |= _names("counterparty_name", text)
    rows = Payment.objects.filter(match).select_related("customer").defer("raw", "stamps")
    return rows.newest_first()


def trades(text: str) -> TradeQuerySet:
    """Return the trades with this id, or that were asked for under this code, newest first."""
    match = Q(upstream__in=Upstream.values) & begins("upstream_id", text)
    match |= Q(order__code__iexact=text)
    rows = Trade.objects.filter(match).select_related("order").defer("raw")
    return rows.order_by("-created_at", "-pk")


def beneficiaries(text: str, sight: Sight) -> BeneficiaryQuerySet:
    """Return the beneficiaries that this text may mean, newest first."""
    match = beneficiary_code_begins(text)
    if sight.names_in_clear:
        match |= _names("recipient_name", text)
    return Beneficiary.objects.filter(match).newest_first()


def customers(text: str, sight: Sight) -> CustomerQuerySet:
    """Return the customers that this text may mean, each person once, newest first."""
    names = "istartswith" if sight.names_in_clear else ""
    found = people.called(Customer.objects.all(), text, names=names)
    return people.with_members(found).order_by("-created_at", "-pk")


def _names(field: str, text: str) -> Q:
    """Nobody is asked to write a name in the right case."""
    return Q(**{f"{field}__istartswith": text})


def _withdrawal(row: Withdrawal, sight: Sight) -> Hit:
    return Hit(
        code=row.code,
        url=row.get_absolute_url(),
        name=sight.name(row.recipient_name or row.customer_name),
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        status_words=gettext(row.get_status_display()),
        created_at=row.created_at,
        reference=sight.reference(row),
    )


def _payee(row: Beneficiary, sight: Sight) -> Payee:
    return Payee(
        code=row.code,
        url=row.get_absolute_url(),
        name=sight.name(row.recipient_name),
        currency=row.currency,
        provider=row.get_upstream_display(),
        first_asked_at=row.first_asked_at,
    )


def _somebody(one: people.Person, sight: Sight) -> Somebody:
    profile = one.profile
    return Somebody(
        number=one.root.pk,
        url=one.root.get_absolute_url(),
        name=sight.name(one.name) or gettext("not named"),
        kyc_status=profile.kyc_status if profile else "",
        kyc=words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
        is_held=bool(one.holds),
        providers=one.providers,
        since=one.root.created_at,
    )


def _payment(row: Payment, sight: Sight) -> Hit:
    return Hit(
        code=row.upstream_id,
        url=row.get_absolute_url(),
        name=sight.name(row.counterparty_name or (row.customer.name if row.customer else "")),
        amount=row.amount,
        currency=row.currency,
        status=row.status,
        status_words=f"{gettext(row.get_kind_display())}: {gettext(row.get_status_display())}",
        created_at=row.created_at,
        reference=row.merchant_reference,
    )


def _trade(row: Trade) -> Hit:
    order = getattr(row, "order", None)
    return Hit(
        code=row.upstream_id,
        url=row.get_absolute_url(),
        name=f"{row.from_currency} → {row.to_currency}",
        amount=row.sold,
        currency=row.from_currency,
        status=row.status,
        status_words=gettext(row.get_status_display()),
        created_at=row.created_at,
        reference=order.code if order else "",
    )
