"""Handing on what a payee needs, with a trace of who had it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from payments import handout
from payments.handout import Handout
from payments.models import NotPossible, Payment
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text


def show_address(*, payment_id: int, by: User, at: datetime) -> Handout:
    """Show a maker the page on which a payee says where the money goes, and note who saw it.

    Whoever has the address can take the money. Raises NotPermitted, and NotPossible for what waits
    for no payee, or whose customer is held.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    with transaction.atomic():
        audit.take_chain_lock()  # under which holds are placed: none slips between
        payment = Payment.objects.select_related("withdrawal").get(pk=payment_id)
        found = handout.of(payment)
        if found is None or not found.is_payout:
            raise NotPossible(Text(_("It waits for no payee: there is no address to hand on.")))
        if why := handout.why_not(payment.withdrawal):
            raise NotPossible(why)
        journal = Journal(by=by, at=at)
        journal.add("payments.payment.address_shown", payment)
        journal.write()
    return found
