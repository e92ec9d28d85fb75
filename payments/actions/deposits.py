"""Asking for a deposit, finding out by hand what became of it, and cancelling a payment.

Deposits bring money in: a maker asks, and nobody signs.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from payments import deposits, senders
from payments.actions import reads
from payments.actions.common import stated, waiting_command
from payments.actions.errors import CancelNotPossible, InvalidDraft, SettlementNotPossible
from payments.cancelling import is_pending, may_cancel, newest_command
from payments.cancelling import problem as cancel_problem
from payments.deposits import DepositDraft
from payments.enums import Kind
from payments.models import NotPossible, Payment, PaymentRequest
from payments.references import CANCEL, DEPOSIT, deposit_reference_for, payment_cancel_key_for
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.errors import UpstreamError
from upstreams.models import Command


def request_deposit(
    *, draft: DepositDraft, by: User, at: datetime, token: UUID | None = None
) -> PaymentRequest:
    """Ask LuxCore for a deposit: it is queued here and asked for once, after the commit.

    LuxCore is asked first whether it would take it, within the time a click may wait. `token` names
    the form: the same request with it again returns the first one. Raises NotPermitted,
    InvalidDraft, and NotPossible for a form that was used for something else.
    """
    require(by, Permission.MAKE_DEPOSITS)
    if errors := deposits.validate(draft, rails=deposits.open_rails()):
        raise InvalidDraft(errors)
    if token and (first := _asked_with(token, by, draft)):
        return first
    if objections := reads.objections(draft):
        raise InvalidDraft({"provider": objections})
    try:
        return _request(draft, by=by, at=at, token=token)
    except IntegrityError:
        # The same form came twice at the same moment, and the other one was faster.
        if token and (first := _asked_with(token, by, draft)):
            return first
        raise


def cancel_payment(*, payment_id: int, reason: str, by: User, at: datetime) -> Command:
    """Ask the provider to cancel a payment that is still pending there.

    Whoever asked for it may, and everybody who signs. The provider may have moved it on meanwhile:
    its answer, told on the payment's page, says what became of it. Raises NotPermitted,
    ReasonMissing, CancelNotPossible.
    """
    reason = stated(reason)
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)
        if why := cancel_problem(payment, by):
            raise CancelNotPossible(why)
        subject = audit.subject_of(payment)
        before = Command.objects.about(subject_type=subject[0], subject_id=subject[1])
        attempt_no = before.filter(kind=CANCEL).count() + 1
        command = outbox.put(
            kind=CANCEL,
            upstream=payment.upstream,
            subject=subject,
            attempt_no=attempt_no,
            request=json.dumps({"payment": payment.upstream_id}).encode(),
            idempotency_key=payment_cancel_key_for(payment, attempt_no),
            at=at,
        )
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.payment.cancel_asked",
            payment,
            before={"status": payment.status},
            after={"attempt_no": attempt_no},
            reason=reason,
        )
        journal.write()
    return command


def read_cancellation(*, payment_id: int, by: User, at: datetime) -> Payment:
    """Read a payment whose cancellation got no clear answer: what it says settles that.

    What is still pending there is asked for once more, under the same key. Raises NotPermitted,
    CancelNotPossible, and every UpstreamError.
    """
    payment = reads.refresh_payment(payment_id=payment_id, by=by, at=at)
    if not may_cancel(payment, by):
        raise CancelNotPossible(gettext("Only who asked for it, or an approver, cancels it."))
    command = newest_command(payment)
    if command is None or command.state != CommandState.UNKNOWN:
        return payment
    with transaction.atomic():
        if is_pending(payment):
            _ask_again(command, at=at)
        else:
            with suppress(outbox.NotSettleable):  # a late answer was faster
                outbox.settle_seen(command=command, reference=payment.upstream_id, at=at)
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.payment.cancel_read", payment, after={"status": payment.upstream_status}
        )
        journal.write()
    return payment


def _ask_again(command: Command, *, at: datetime) -> None:
    if why := outbox.why_not_again(command):
        raise CancelNotPossible(why)
    outbox.try_again(command, at=at)


def settle_request(
    *, request_id: int, payment: Payment | None, reason: str, by: User, at: datetime
) -> PaymentRequest:
    """Say what became of a deposit whose outcome no machine could find: that payment, or none.

    One person may: no money of ours moves. "There is none" is held against LuxCore's list first.
    Raises NotPermitted, ReasonMissing, SettlementNotPossible.
    """
    require(by, Permission.RECONCILE)
    reason = stated(reason)
    request = PaymentRequest.objects.get(pk=request_id)
    command = waiting_command(request, kinds=[DEPOSIT])
    outcome: outbox.Done | outbox.Refused
    if payment is None:
        _refuse_when_it_is_there(command)
        outcome = outbox.Refused(code="SETTLED_BY_HAND", message="It was not made.")
    else:
        _refuse_foreign(payment, request)
        outcome = outbox.Done(reference=payment.upstream_id)
    with transaction.atomic():
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise SettlementNotPossible(
                Text(_("The provider has answered meanwhile: look at the request again."))
            ) from late
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.paymentrequest.settled",
            request,
            after={"payment": payment.upstream_id if payment else ""},
            reason=reason,
        )
        journal.write()
    request.refresh_from_db()
    return request


def _request(draft: DepositDraft, *, by: User, at: datetime, token: UUID | None) -> PaymentRequest:
    with transaction.atomic():
        request = PaymentRequest(
            **draft.values(), created_by=by, created_at=at, request_token=token
        )
        request.merchant_reference = deposit_reference_for(request)
        request.save()
        outbox.put(
            kind=DEPOSIT,
            upstream=request.upstream,
            subject=audit.subject_of(request),
            attempt_no=1,
            request=deposits.payload(request),
            idempotency_key=request.merchant_reference,
            at=at,
        )
        journal = Journal(by=by, at=at)
        journal.add("payments.paymentrequest.asked", request, after=_audited(request))
        journal.write()
    return request


def _audited(request: PaymentRequest) -> dict[str, object]:
    """What may be kept for ever: nothing of who pays, of a webhook only its host."""
    return {
        "status": request.status,
        "amount": str(request.amount.normalize()),
        "currency": request.currency,
        "method": request.method,
        "hosted": request.hosted,
        "reference": request.merchant_reference,
        "webhook_host": request.webhook_host,
        "webhook_events": request.webhook_events,
    }


def _asked_with(token: UUID, by: User, draft: DepositDraft) -> PaymentRequest | None:
    """Return what the form asked for before; raises NotPossible if that was something else."""
    first = PaymentRequest.objects.filter(request_token=token).first()
    if first is None:
        return None
    if first.created_by_id != by.pk:
        raise NotPossible(gettext("This form was used before. Open a new one."))
    if DepositDraft.of(first) != draft:
        raise NotPossible(
            gettext(
                "This form asked for %(code)s already and now says something else. Open a new form."
            )
            % {"code": first.code}
        )
    return first


def _refuse_foreign(payment: Payment, request: PaymentRequest) -> None:
    if payment.upstream != request.upstream or payment.kind != Kind.DEPOSIT:
        raise SettlementNotPossible(Text(_("Name a deposit at the same provider.")))
    if PaymentRequest.objects.filter(payment=payment).exists():
        raise SettlementNotPossible(Text(_("That payment belongs to another request.")))


def _refuse_when_it_is_there(command: Command) -> None:
    """Look at the provider's list, now: "it was not made" must not be wrong.

    Under another key than it was sent with, a list proves nothing, whether it is read or not: then
    the person's word stands alone.
    """
    try:
        there = senders.payments_bearing(command, seconds=settings.APPROVAL_READ_SECONDS)
    except (UpstreamError, senders.CannotTell) as trouble:
        if outbox.has_another_key(command):
            return
        raise SettlementNotPossible(
            Text(
                _("The provider's list cannot be read now, so nobody can say that: %(trouble)s"),
                trouble=trouble,
            )
        ) from trouble
    if there:
        raise SettlementNotPossible(
            Text(
                _("The provider shows %(payment)s under this reference (%(status)s)."),
                payment=there[0].id,
                status=there[0].status,
            )
        )
