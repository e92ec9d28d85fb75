"""Whether the way out is open: the switch, the reference, the provider's own state."""

from __future__ import annotations

from datetime import datetime

from payments.checks.results import Check
from payments.enums import Level, PaymentStatus
from payments.models import Payment, Withdrawal
from upstreams import outbox
from upstreams.enums import Upstream


def sending_is_on(withdrawal: Withdrawal, now: datetime) -> Check:
    """A switched-off provider does not stop a signature: what is approved waits in the outbox."""
    provider = Upstream(withdrawal.upstream).label
    if outbox.sending_is_on(withdrawal.upstream):
        return Check(Level.PASS, "sending", f"Sending to {provider} is switched on.", now)
    text = f"Sending to {provider} is switched off: what is approved waits until it is on again."
    return Check(Level.WARN, "sending", text, now)


def reference_is_free(withdrawal: Withdrawal, now: datetime) -> Check:
    """A payment there that bears our reference before we sent anything is not ours to add to."""
    taken = withdrawal.is_ours and (
        Payment.objects.filter(
            upstream=withdrawal.upstream,
            merchant_reference=withdrawal.merchant_reference,
            withdrawal=None,
        ).exists()
    )
    if taken:
        text = "A payment with this reference exists there already, and not through this desk."
        return Check(Level.BLOCK, "reference", text, now)
    return Check(Level.PASS, "reference", "No payment bears this reference yet.", now)


def payment_still_waits(withdrawal: Withdrawal, now: datetime) -> Check:
    """One that was seen at the provider can be decided only while it is pending there."""
    payment = withdrawal.payment
    if withdrawal.is_ours or payment is None:
        return Check(Level.PASS, "pending_there", "Nothing was sent to the provider yet.", now)
    if payment.status == PaymentStatus.CREATED:
        text = f"It is still {payment.upstream_status} at the provider."
        return Check(Level.PASS, "pending_there", text, payment.seen_at)
    text = f"It is {payment.upstream_status} at the provider: there is nothing left to decide."
    return Check(Level.BLOCK, "pending_there", text, payment.seen_at)
