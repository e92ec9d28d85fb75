"""Whether the customer is held."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop as _

from customers import holds
from customers.contacts import Contact
from customers.enums import HoldKind
from customers.models import Hold
from payments.checks.results import Check
from payments.enums import Level, Status
from payments.models import Withdrawal
from staff.texts import Text, listed

HELD: Final = "hold"
# What a hold still stops; what was sent goes on at the provider.
STOPPABLE: Final = (Status.AWAITING_APPROVAL, Status.APPROVED, Status.SENDING, Status.UNKNOWN)


def is_stoppable(withdrawal: Withdrawal) -> bool:
    """Whether a hold still stops it: a page, too, whose payee has yet to say where to."""
    if withdrawal.status == Status.SENT:
        return withdrawal.hosted and not withdrawal.account_key
    return withdrawal.status in STOPPABLE


def contact_of(withdrawal: Withdrawal) -> Contact:
    """Whose payout it is."""
    return Contact(
        customer_id=withdrawal.customer_id,
        upstream=withdrawal.upstream,
        upstream_id=withdrawal.customer_number or withdrawal.lux.get("on_behalf_of", ""),
        external_id=withdrawal.customer_external_id,
        email=withdrawal.customer_email,
        phone=withdrawal.customer_phone,
    )


def over(withdrawals: Iterable[Withdrawal]) -> dict[int, list[Hold]]:
    """The holds in force over each withdrawal, for as many queries as for one."""
    return holds.on({withdrawal.pk: contact_of(withdrawal) for withdrawal in withdrawals})


def no_hold(withdrawal: Withdrawal, now: datetime) -> Check:
    """Nothing of a held customer is signed or sent."""
    found = over([withdrawal])[withdrawal.pk]
    if not found:
        return Check(Level.PASS, HELD, Text(_("The customer is not held.")), now)
    return Check(Level.BLOCK, HELD, told(found), now)


def told(found: Iterable[Hold]) -> Text:
    return Text(_("The customer is held: %(holds)s."), holds=listed(map(_in_words, found)))


def _in_words(hold: Hold) -> Text:
    """The kind of a hold, since when, and by whom."""
    return Text(
        _("%(kind)s since %(since)s UTC, placed by %(who)s"),
        kind=Text(HoldKind(hold.kind).label),
        since=f"{hold.placed_at:%Y-%m-%d %H:%M}",
        who=hold.placed_by.email,
    )
