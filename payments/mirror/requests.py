"""Letting the deposits that we asked for find their payments at the provider."""

from __future__ import annotations

from collections.abc import Sequence

from payments.deposits.moves import move
from payments.enums import Kind, RequestStatus
from payments.intent import deposit_differences
from payments.mirror.alerts import Alerts
from payments.models import Payment, PaymentRequest
from staff import audit
from staff.journal import Journal


def match_requests(payments: Sequence[Payment], journal: Journal, alerts: Alerts) -> None:
    """Link these locked payments to the requests whose references they bear."""
    deposits = [p for p in payments if p.kind == Kind.DEPOSIT and p.merchant_reference]
    if not deposits:
        return
    requests = {
        request.merchant_reference: request
        for request in PaymentRequest.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            upstream=deposits[0].upstream,
            merchant_reference__in={payment.merchant_reference for payment in deposits},
        )
        .order_by("pk")
    }
    for payment in deposits:
        if request := requests.get(payment.merchant_reference):
            _claim(request, payment, journal, alerts)


def _claim(request: PaymentRequest, payment: Payment, journal: Journal, alerts: Alerts) -> None:
    if request.payment_id == payment.pk:
        return
    if request.payment_id is not None:
        alerts.second_payment(request, payment)
        return
    if request.status in (RequestStatus.REFUSED, RequestStatus.MADE):
        alerts.not_by_us(request.code, payment, audit.subject_of(request))
        return
    if found := deposit_differences(request, payment):
        alerts.mismatch(request, payment, found)
        if request.status == RequestStatus.SENDING:
            reason = "LuxCore holds another payment under this reference: people compare both."
            move(request, RequestStatus.UNKNOWN, journal=journal, reason=reason)
        return
    if request.status == RequestStatus.QUEUED:
        # Made before we sent it: a desk restored from a backup, or somebody else with our key.
        alerts.not_by_us(request.code, payment, audit.subject_of(request))
    move(
        request,
        RequestStatus.MADE,
        journal=journal,
        payment=payment,
        settled_at=journal.at,
    )
