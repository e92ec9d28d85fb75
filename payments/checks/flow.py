"""Whether the way out is open: the switch, the reference, the provider's own state."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.checks.results import Check
from payments.enums import Level, PaymentStatus
from payments.models import Payment, Withdrawal
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream

SENDING: Final = "sending"
REFERENCE: Final = "reference"
WAITS: Final = "pending_there"


def sending_is_on(withdrawal: Withdrawal, now: datetime) -> Check:
    """A switched-off provider does not stop a signature: what is approved waits in the outbox."""
    provider = Upstream(withdrawal.upstream).label
    if outbox.sending_is_on(withdrawal.upstream):
        text = Text(_("Sending to %(provider)s is switched on."), provider=provider)
        return Check(Level.PASS, SENDING, text, now)
    text = Text(
        _("Sending to %(provider)s is switched off: what is approved waits until it is on again."),
        provider=provider,
    )
    return Check(Level.WARN, SENDING, text, now)


def reference_is_free(withdrawal: Withdrawal, now: datetime) -> Check:
    """A payment there that bears our reference before we sent anything is not ours to add to."""
    if not withdrawal.is_ours:
        text = Text(_("It was made at the provider: no second payment can come of it."))
        return Check(Level.PASS, REFERENCE, text, now)
    taken = Payment.objects.filter(
        upstream=withdrawal.upstream,
        merchant_reference=withdrawal.merchant_reference,
        withdrawal=None,
    )
    if taken.exists():
        text = Text(
            _("A payment with this reference exists there already, and not through this desk.")
        )
        return Check(Level.BLOCK, REFERENCE, text, now)
    text = Text(_("No payment bears this reference yet."))
    return Check(Level.PASS, REFERENCE, text, now)


def payment_still_waits(withdrawal: Withdrawal, now: datetime) -> Check:
    """One that was seen at the provider can be decided only while it is pending there."""
    payment = withdrawal.payment
    if withdrawal.is_ours or payment is None:
        text = Text(_("Nothing was sent to the provider yet."))
        return Check(Level.PASS, WAITS, text, now)
    if payment.status == PaymentStatus.CREATED:
        text = Text(_("It is still %(status)s at the provider."), status=payment.upstream_status)
        return Check(Level.PASS, WAITS, text, payment.seen_at)
    text = Text(
        _("It is %(status)s at the provider: there is nothing left to decide."),
        status=payment.upstream_status,
    )
    return Check(Level.BLOCK, WAITS, text, payment.seen_at)
