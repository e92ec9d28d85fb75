"""Holding the customer of a payout, and letting them go again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers import actions as customers
from customers.contacts import find_customer
from customers.enums import HoldKind
from customers.models import Customer, Hold
from payments.actions.common import stated
from payments.checks.holds import contact_of
from payments.models import NotPossible, Withdrawal
from staff import audit
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text


def hold_customer(
    *, withdrawal_id: int, kind: HoldKind, reason: str, by: User, at: datetime
) -> Hold:
    """Stop everything of the customer whose payout this is; who is not known yet becomes known.

    The same hold again changes nothing. Raises NotPermitted, ReasonMissing, and NotPossible where
    nothing tells whose payout it is.
    """
    require(by, Permission.PLACE_HOLDS)
    reason = stated(reason)
    with transaction.atomic():
        audit.take_chain_lock()  # two at once make one customer known
        withdrawal = Withdrawal.objects.get(pk=withdrawal_id)
        contact = contact_of(withdrawal)
        if contact.is_nobody:
            raise NotPossible(Text(_("Nothing tells whose payout this is: nobody can be held.")))
        customer = find_customer(contact) or _make_known(withdrawal, at)
        return customers.place_hold(customer=customer, kind=kind, reason=reason, by=by, at=at)


def lift_hold(*, hold_id: int, reason: str, by: User, at: datetime) -> Hold:
    """Let the customer go: what waits is sent by itself. Raises NotPermitted, ReasonMissing."""
    require(by, Permission.LIFT_HOLDS)
    return customers.lift_hold(hold_id=hold_id, reason=stated(reason), by=by, at=at)


def _make_known(withdrawal: Withdrawal, at: datetime) -> Customer:
    number = withdrawal.customer_number
    if not (withdrawal.customer_email or withdrawal.customer_phone or number):
        raise NotPossible(
            Text(_("Without an e-mail or a phone nobody would be recognised: nobody can be held."))
        )
    customer = Customer.objects.create(
        name=withdrawal.customer_name,
        email=withdrawal.customer_email,
        phone=withdrawal.customer_phone,
        created_at=at,
    )
    if number:
        customer.identities.create(upstream=withdrawal.upstream, upstream_id=number, seen_at=at)
    return customer
