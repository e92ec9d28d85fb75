"""Which payments can be cancelled at their provider, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext

from payments.enums import PaymentStatus, Status
from payments.models import Payment, PaymentRequest, Withdrawal
from payments.references import CANCEL
from staff import audit
from staff.models import User
from staff.permissions import Permission, can
from upstreams import outbox
from upstreams.enums import CommandState, Upstream
from upstreams.models import Command
from upstreams.outbox import waits_for_people


def newest_command(payment: Payment) -> Command | None:
    """What was last asked of the provider about cancelling this payment (one query).

    On its own page, or by rejecting the withdrawal that lies there.
    """
    subjects: list[Payment | Withdrawal] = [payment]
    if (withdrawal := withdrawal_of(payment)) is not None:
        subjects.append(withdrawal)
    about = Q()
    for subject in subjects:
        subject_type, subject_id = audit.subject_of(subject)
        about |= Q(subject_type=subject_type, subject_id=subject_id)
    return Command.objects.filter(about, kind=CANCEL).order_by("pk").last()


def is_pending(payment: Payment) -> bool:
    """Whether the provider lets it be cancelled as far as we know (upstreams.md LC-C1)."""
    return (
        payment.upstream == Upstream.LUXCORE
        and payment.upstream_status in settings.LUXCORE_CANCELLABLE_STATUSES
        and payment.is_open
    )


def may_cancel(payment: Payment, person: User) -> bool:
    """Everybody who signs, and whoever asked for it."""
    if can(person, Permission.SIGN_WITHDRAWALS):
        return True
    request, withdrawal = request_of(payment), withdrawal_of(payment)
    if request is not None and request.created_by_id == person.pk:
        return can(person, Permission.MAKE_DEPOSITS)
    if withdrawal is not None and withdrawal.created_by_id == person.pk:
        return can(person, Permission.MAKE_WITHDRAWALS)
    return False


def problem(payment: Payment, person: User) -> str:
    """Why this person cannot cancel it now, in words; "" when they can."""
    if not may_cancel(payment, person):
        return gettext("Only who asked for it, or an approver, cancels it.")
    if not is_pending(payment):
        return gettext("It is %(status)s: only what is pending can be cancelled.") % {
            "status": payment.upstream_status.replace("_", " ")
        }
    withdrawal = withdrawal_of(payment)
    if withdrawal is not None and withdrawal.status == Status.AWAITING_APPROVAL:
        return gettext("%(code)s waits for a decision here: reject it on its own page.") % {
            "code": withdrawal.code
        }
    if withdrawal is not None and withdrawal.status == Status.REJECTED:
        return gettext("%(code)s was rejected: that cancels it.") % {"code": withdrawal.code}
    command = newest_command(payment)
    if command is not None and command.state != CommandState.REFUSED:
        return gettext("Somebody asked for that already.")
    return ""


def request_of(payment: Payment) -> PaymentRequest | None:
    """The request behind a deposit; None for one that was not asked for here."""
    return getattr(payment, "request", None)


def withdrawal_of(payment: Payment) -> Withdrawal | None:
    """The withdrawal behind a payout; None where there is none."""
    return getattr(payment, "withdrawal", None)


@dataclass(frozen=True)
class Story:
    """What became of a cancellation, in words. `is_open`: the provider has not answered yet.

    `in_doubt`: it was asked and gave no clear answer; to read the payment again settles that.
    """

    tone: str
    text: str
    is_open: bool
    in_doubt: bool = False


def story(payment: Payment) -> Story | None:
    """What became of the newest cancellation of this payment; None when there was none."""
    command = newest_command(payment)
    if command is None:
        return None
    provider = payment.get_upstream_display()
    status = payment.upstream_status.replace("_", " ")
    match command.state:
        case CommandState.DONE if payment.status == PaymentStatus.CANCELLED:
            text = gettext("%(provider)s cancelled it, as it was asked to.")
            return Story("good", text % {"provider": provider}, is_open=False)
        case CommandState.DONE if is_pending(payment):
            text = gettext("%(provider)s took the cancellation and still shows it as %(status)s.")
            return Story("bad", text % {"provider": provider, "status": status}, is_open=False)
        case CommandState.DONE:
            text = gettext(
                "It is %(status)s: the cancellation came too late, and %(provider)s kept it so."
            )
            return Story("warn", text % {"provider": provider, "status": status}, is_open=False)
        case CommandState.REFUSED:
            text = gettext("%(provider)s refused to cancel it (%(code)s).")
            told = {"provider": provider, "code": command.outcome.get("code", "")}
            return Story("bad", text % told, is_open=False)
        case CommandState.UNKNOWN if waits_for_people(command):
            text = gettext(
                "%(provider)s was asked to cancel it and gave no clear answer. The desk does not "
                "ask again by itself: read it there, and what it says settles it."
            )
            return Story("bad", text % {"provider": provider}, is_open=False, in_doubt=True)
        case CommandState.UNKNOWN:
            text = gettext(
                "%(provider)s was asked to cancel it and gave no clear answer: it is asked again."
            )
            return Story("warn", text % {"provider": provider}, is_open=True, in_doubt=True)
    if not outbox.sending_is_on(payment.upstream):
        text = gettext(
            "Sending to %(provider)s is stopped, so it is not asked to cancel it yet: it may still "
            "be paid. An ops lead resumes sending, or cancels it there."
        )
        return Story("bad", text % {"provider": provider}, is_open=True)
    text = gettext("%(provider)s is being asked to cancel it. It may still go on until it answers.")
    return Story("flow", text % {"provider": provider}, is_open=True)
