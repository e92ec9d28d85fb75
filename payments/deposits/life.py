"""Where a deposit that we asked for stands, in words: what is known and what happens next."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext

from payments import words
from payments.enums import PaymentStatus, RequestStatus
from payments.life import Life
from payments.models import PAID_STATUSES, PaymentRequest
from payments.sight import Sight
from staff import audit
from upstreams.models import Command, SendingSwitch
from upstreams.outbox import waits_for_people


def is_moving(request: PaymentRequest) -> bool:
    """Whether it can still change by itself, so that its page keeps looking."""
    if request.status == RequestStatus.MADE:
        return request.payment is not None and request.payment.is_open
    return request.status != RequestStatus.REFUSED


def newest_command(request: PaymentRequest) -> Command | None:
    subject_type, subject_id = audit.subject_of(request)
    return Command.objects.about(subject_type=subject_type, subject_id=subject_id).last()


def tell(request: PaymentRequest, *, now: datetime, sight: Sight) -> Life:
    """Return where it stands, with nothing in it that `sight` masks (at most 2 queries)."""
    provider = request.get_upstream_display()
    match RequestStatus(request.status):
        case RequestStatus.QUEUED:
            return _queued(request, provider, now)
        case RequestStatus.SENDING:
            return Life(
                tone="flow",
                known=gettext("The request is on its way to %(provider)s.")
                % {"provider": provider},
                money=gettext("Nothing can be paid yet."),
                next=gettext("The answer comes within a minute. There is nothing to do."),
            )
        case RequestStatus.UNKNOWN:
            return _unknown(request, provider)
        case RequestStatus.REFUSED:
            said = sight.text(request.status_reason, about=request) or request.error_code
            return Life(
                tone="bad",
                known=gettext("%(provider)s refused it: %(said)s")
                % {"provider": provider, "said": said},
                money=gettext("There is no deposit, and nobody can pay it."),
                next=gettext("Mend what is wrong in a new one."),
            )
    return _made(request, provider)


def _queued(request: PaymentRequest, provider: str, now: datetime) -> Life:
    money = gettext("Nothing can be paid yet.")
    switch = SendingSwitch.objects.filter(upstream=request.upstream, is_on=False).first()
    if switch is not None:
        return Life(
            tone="warn",
            known=gettext("It waits here."),
            money=money,
            next=gettext("Sending to %(provider)s is stopped: %(reason)s It goes when resumed.")
            % {"provider": provider, "reason": switch.reason},
        )
    command = newest_command(request)
    if command and command.attempts and command.next_at and command.next_at > now:
        return Life(
            tone="warn",
            known=gettext("It could not be sent yet: %(why)s") % {"why": command.error},
            money=money,
            next=gettext("It is tried again by itself"),
            next_at=command.next_at,
        )
    return Life(
        tone="flow",
        known=gettext("It waits to be sent."),
        money=money,
        next=gettext("It is sent within a few seconds."),
    )


def _unknown(request: PaymentRequest, provider: str) -> Life:
    known = gettext("%(provider)s was asked and gave no clear answer.") % {"provider": provider}
    money = gettext("The deposit may exist there. It is never asked for under another reference.")
    command = newest_command(request)
    if command is not None and not waits_for_people(command):
        return Life(
            tone="warn",
            known=known,
            money=money,
            next=gettext("There is nothing to do: we look for it at the provider again"),
            next_at=command.next_at,
        )
    return Life(
        tone="bad",
        known=known,
        money=money,
        next=gettext("No machine asks again: read it there, and say here what you found."),
    )


def _made(request: PaymentRequest, provider: str) -> Life:
    payment = request.payment
    assert payment is not None  # a request is made by having one
    says = gettext("%(provider)s has it and says: %(status)s.") % {
        "provider": provider,
        "status": words.theirs(payment.upstream_status),
    }
    if payment.is_open:
        return Life(
            tone="flow",
            known=says,
            money=gettext("The money has not arrived yet."),
            next=gettext("Hand on what stands below; this page tells when the money is there."),
        )
    if payment.status in PAID_STATUSES:
        arrived = payment.status == PaymentStatus.COMPLETED
        return Life(
            tone="good" if arrived else "warn",
            known=says,
            money=gettext("The money has arrived.")
            if arrived
            else gettext("The money arrived and was returned, or part of it."),
            next="",
        )
    return Life(
        tone="bad",
        known=says,
        money=gettext("No money has arrived, and none can any more."),
        next=gettext("If it must still be paid, ask for a new one."),
    )
