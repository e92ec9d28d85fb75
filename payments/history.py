"""What happened to a payout, told from the audit trail: people, the desk itself, the provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.holds import ever_held
from customers.models import Customer
from payments.checks.holds import contact_of
from payments.models import Payment, PaymentRequest, Trade, TradeOrder, Withdrawal
from payments.sight import Sight, Subject
from staff import audit, timelines
from staff.models import AuditEvent
from staff.timelines import LONGEST, Entry, Words
from upstreams.enums import Upstream

# What a verb of the audit trail is called here, and how it is coloured.
WORDS: Words = {
    "payments.withdrawal.requested": (_("requested it"), ""),
    "payments.withdrawal.seen": (_("holds it as pending; it was seen there"), ""),
    "payments.withdrawal.route_asked": (_("asked Lux Financial whether the way works"), ""),
    "payments.withdrawal.amended": (_("changed it: signatures given before are void"), ""),
    "payments.withdrawal.signed": (_("signed it"), "good"),
    "payments.withdrawal.signed_against": (_("decided against it"), "bad"),
    "payments.withdrawal.signature_refused": (_("tried to sign it and could not"), "bad"),
    "payments.withdrawal.rejection_refused": (_("tried to reject it and could not"), "bad"),
    "payments.withdrawal.approved": (_("gave the last signature: it is approved"), "good"),
    "payments.withdrawal.approval_undone": (_("undid the approval: all signatures are void"), ""),
    "payments.withdrawal.sending": (_("began to send it"), ""),
    "payments.withdrawal.postponed": (_("could not send it yet; nothing has left"), ""),
    "payments.withdrawal.sent": (_("has it"), ""),
    "payments.withdrawal.agreed": (_("left it to the provider, where it lies already"), ""),
    "payments.withdrawal.came_back": (_("sent the money back, or part of it"), "bad"),
    "payments.withdrawal.went_on": (_("went on with it, although it was rejected here"), "bad"),
    "payments.withdrawal.payment_seen": (_("shows the payment that two people had named"), ""),
    "payments.withdrawal.unknown": (_("left it in doubt: the outcome is unknown"), "bad"),
    "payments.withdrawal.completed": (_("paid it"), "good"),
    "payments.withdrawal.failed": (_("says that it failed"), "bad"),
    "payments.withdrawal.cancelled": (_("says that it was cancelled"), "bad"),
    "payments.withdrawal.refused": (_("refused it"), "bad"),
    "payments.withdrawal.rejected": (_("rejected it"), "bad"),
    "payments.withdrawal.retracted": (_("took it back"), ""),
    "payments.withdrawal.lapsed": (_("let it lapse"), ""),
    "payments.withdrawal.attended": (_("looked after it"), ""),
    "payments.settlement.proposed": (_("proposed what became of it"), ""),
    "payments.settlement.confirmed": (_("confirmed what became of it"), "good"),
    "payments.settlement.dropped": (_("dropped the proposal"), ""),
    "payments.paymentrequest.asked": (_("asked for it"), ""),
    "payments.paymentrequest.queued": (_("could not send it yet; nothing has left"), ""),
    "payments.paymentrequest.sending": (_("began to send it"), ""),
    "payments.paymentrequest.made": (_("has it"), "good"),
    "payments.paymentrequest.unknown": (_("got no clear answer: the outcome is unknown"), "bad"),
    "payments.paymentrequest.refused": (_("refused it"), "bad"),
    "payments.paymentrequest.settled": (_("said what became of it"), ""),
    "payments.tradeorder.quoted": (_("asked for a price"), ""),
    "payments.tradeorder.confirmed": (_("confirmed it"), "good"),
    "payments.tradeorder.queued": (_("could not send it yet; nothing has left"), ""),
    "payments.tradeorder.confirmation_refused": (_("tried to confirm it and could not"), "bad"),
    "payments.tradeorder.sending": (_("began to send it"), ""),
    "payments.tradeorder.made": (_("has it"), "good"),
    "payments.tradeorder.unknown": (_("got no clear answer: the outcome is unknown"), "bad"),
    "payments.tradeorder.found": (_("found its trade"), "good"),
    "payments.tradeorder.trade_seen": (_("shows the trade that two people had named"), ""),
    "payments.tradeorder.refused": (_("found that it was not carried out"), "bad"),
    "payments.tradeorder.cancelled": (_("cancelled it: nothing was exchanged"), "bad"),
    "payments.tradeorder.reversed": (_("took the exchange back"), "bad"),
    "payments.ordersettlement.proposed": (_("proposed what became of it"), ""),
    "payments.ordersettlement.confirmed": (_("confirmed what became of it"), "good"),
    "payments.ordersettlement.dropped": (_("dropped the proposal"), ""),
    "payments.payment.address_shown": (_("saw the address that is handed to the payee"), ""),
    "payments.payment.cancel_asked": (_("asked to have it cancelled"), ""),
    "payments.payment.cancel_read": (_("read what became of the cancellation"), ""),
    "payments.payment.cancel_answered": (_("answered that it is now:"), ""),
    "customers.hold.placed": (_("held the customer"), "warn"),
    "customers.hold.lifted": (_("let the customer go"), ""),
    "staff.claim.taken_over": (_("took it over"), ""),
}


def of_withdrawal(withdrawal: Withdrawal, *, sight: Sight) -> list[Entry]:
    """Return what happened to the withdrawal, its payment and its customer, newest first.

    Two queries. Of the customer only what stopped it and let it go again, while it was open.
    """
    subjects = [audit.subject_of(withdrawal)]
    if withdrawal.payment_id:
        subjects.append((Payment._meta.label_lower, str(withdrawal.payment_id)))
    held = Q(
        subject_type=Customer._meta.label_lower,
        subject_id__in=map(str, ever_held(contact_of(withdrawal))),
        verb__in=["customers.hold.placed", "customers.hold.lifted"],
        at__gte=withdrawal.created_at,
    )
    if withdrawal.settled_at:
        held &= Q(at__lte=withdrawal.settled_at)
    return _entries(subjects, about=withdrawal, sight=sight, also=held)


def of_payment(payment: Payment, *, sight: Sight) -> list[Entry]:
    """Return what happened to a payment, newest first: its own moments, and ours. One query."""
    ours = _entries([audit.subject_of(payment)], about=payment, sight=sight)
    said = payment.get_status_display(), payment.get_seen_by_display()
    moments = _moments(payment, payment.get_upstream_display(), *said)
    return sorted([*ours, *moments], key=lambda entry: entry.at, reverse=True)


def of_request(request: PaymentRequest, *, sight: Sight) -> list[Entry]:
    """Return what happened to a deposit that we asked for, newest first. One query."""
    return _entries([audit.subject_of(request)], about=request, sight=sight)


def of_order(order: TradeOrder, *, sight: Sight) -> list[Entry]:
    """Return what happened to an exchange that we asked for, newest first. One query."""
    return _entries([audit.subject_of(order)], about=order, sight=sight)


def of_trade(trade: Trade, order: TradeOrder | None, *, sight: Sight) -> list[Entry]:
    """Return what happened to a trade, newest first: its own moments, and ours. One query."""
    ours = of_order(order, sight=sight) if order else []
    moments = _moments(trade, trade.get_upstream_display(), trade.get_status_display())
    return sorted([*ours, *moments], key=lambda entry: entry.at, reverse=True)


def _moments(
    row: Payment | Trade, provider: str, status: str, seen_by: str = ""
) -> Iterator[Entry]:
    def at_provider(at: datetime, text: str, tone: str = "") -> Entry:
        return Entry(at, provider, text, "upstream", detail="", quote="", tone=tone)

    yield at_provider(row.created_at, gettext("created it"))
    yield Entry(
        row.first_seen_at,
        gettext("Lightdesk"),
        gettext("saw it for the first time"),
        "system",
        detail="",
        quote="",
    )
    if row.completed_at:
        yield at_provider(row.completed_at, gettext("completed it"), "good")
    if row.changed_at > row.first_seen_at:
        yield Entry(
            row.changed_at,
            gettext("Lightdesk"),
            gettext("saw it change: %(status)s") % {"status": gettext(status).lower()},
            "system",
            detail=gettext(seen_by) if seen_by else "",
            quote="",
        )


def _entries(
    subjects: list[tuple[str, str]], *, about: Subject, sight: Sight, also: Q | None = None
) -> list[Entry]:
    match = also or Q()
    for subject_type, subject_id in subjects:
        match |= Q(subject_type=subject_type, subject_id=subject_id)
    events = AuditEvent.objects.filter(match).select_related("by").order_by("-sequence")[:LONGEST]
    return [_entry(event, about, sight) for event in events]


def _entry(event: AuditEvent, about: Subject, sight: Sight) -> Entry:
    quote = sight.text(timelines.reason_of(event), about=about)
    return timelines.of_event(event, words=WORDS, quote=quote, providers=Upstream.labels)
