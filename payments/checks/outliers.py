"""Whether the amount is usual for who is paid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.checks.history import paid_to
from payments.checks.results import Check, figure
from payments.enums import Level
from payments.models import Payment, Withdrawal
from payments.models.payments import PaymentQuerySet
from staff.texts import Text, joined, written_number

CODE: Final = "outlier"
SAMPLE: Final = 50  # the latest payouts that are looked at
ENOUGH: Final = 5  # fewer tell nothing about what is usual
TIMES: Final = 3  # so many times the largest one before is unusual


@dataclass(frozen=True)
class _Usual:
    """What was paid before, in the same currency."""

    number: int
    largest: Decimal

    def is_exceeded_by(self, amount: Decimal) -> bool:
        return self.number >= ENOUGH and amount > self.largest * TIMES


def amount_is_usual(withdrawal: Withdrawal, now: datetime) -> Check:
    """Warn when it is more than three times the largest of this account's or customer's payouts."""
    account = _usual(paid_to(withdrawal), withdrawal.account_key, withdrawal.currency)
    theirs = Payment.objects.paid_out().filter(customer=withdrawal.customer_id)
    customer = _usual(theirs, withdrawal.customer_id, withdrawal.currency)
    found = []
    if account.is_exceeded_by(withdrawal.amount):
        found.append(
            _told(
                _(
                    "%(times)s times the largest of %(number)s payouts to this account "
                    "(%(largest)s)."
                ),
                account,
                withdrawal,
            )
        )
    if customer.is_exceeded_by(withdrawal.amount):
        found.append(
            _told(
                _(
                    "%(times)s times the largest of %(number)s payouts to this customer "
                    "(%(largest)s)."
                ),
                customer,
                withdrawal,
            )
        )
    if found:
        return Check(Level.WARN, CODE, joined(found), now)
    if max(account.number, customer.number) < ENOUGH:
        return Check(Level.PASS, CODE, Text(_("Too few payouts before to say what is usual.")), now)
    return Check(Level.PASS, CODE, Text(_("The amount is usual for who is paid.")), now)


def _usual(paid: PaymentQuerySet, who: object, currency: str) -> _Usual:
    if not who:
        return _Usual(0, Decimal(0))
    paid = paid.filter(currency=currency)
    amounts = list(paid.newest_first().values_list("amount", flat=True)[:SAMPLE])
    return _Usual(len(amounts), max(amounts, default=Decimal(0)))


def _told(english: str, usual: _Usual, withdrawal: Withdrawal) -> Text:
    return Text(
        english,
        times=written_number(withdrawal.amount / usual.largest, 1),
        number=usual.number,
        largest=figure(usual.largest, withdrawal.currency),
    )
