"""One withdrawal: what is known, the decision rail, what happens while it is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from payments import actions, decision, history, life, transfers, words
from payments.checks.history import DUPLICATE
from payments.checks.remedies import remedy
from payments.enums import Level, Status
from payments.models import NotPossible, Settlement, Withdrawal
from payments.queues import UNPAID_ENDS
from payments.sight import MAY_SEE, Sight
from payments.views.queue import MAY_WORK, SUBJECT, QueueView
from payments.views.withdrawal_facts import Told
from staff import claims, lists, masking, sessions
from staff.models import Claim, User
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of
from staff.timelines import Entry
from upstreams.enums import Upstream
from upstreams.outbox import has_another_key, waits_for_people

LAST_ONES = 5
SAW = 16  # how much of the digest of what was shown travels in an address
STOP_POLLING = 286  # htmx: swap this one in and ask no more


def find(code: str) -> Withdrawal:
    """Return the withdrawal with all that its page shows of it, or raise the 404."""
    rows = Withdrawal.objects.select_related(
        "payment",
        "customer",
        "created_by",
        "last_edited_by",
        "copy_of",
        "beneficiary__first_asked_by",
    )
    return get_object_or_404(rows, code=code)


@dataclass(frozen=True)
class Signed:
    """One signature, its note as this person may read it."""

    by: User
    at: datetime
    verdict: str
    reason: str


class Page:
    """All that the page of one withdrawal shows to one person at one moment."""

    def __init__(self, request: HttpRequest, withdrawal: Withdrawal) -> None:
        self.view = QueueView(request)
        self.person = self.view.person
        self.now = self.view.now
        self.withdrawal = withdrawal
        self.sight = Sight.of(self.person)
        self.proved_at = sessions.proved_at(request)

    @cached_property
    def told(self) -> Told:
        return Told(self.withdrawal, self.review.facts, self.sight)

    @cached_property
    def review(self) -> decision.Review:
        return decision.review(self.withdrawal, viewer=self.person, now=self.now)

    @cached_property
    def outbox(self) -> life.Facts:
        return life.facts(self.withdrawal)

    @cached_property
    def life(self) -> life.Life:
        return life.tell(self.outbox, now=self.now, sight=self.sight)

    @cached_property
    def claim(self) -> Claim | None:
        pk = str(self.withdrawal.pk)
        return claims.for_subjects(SUBJECT, [pk], self.now).get(pk)

    @cached_property
    def settlement(self) -> Settlement | None:
        """The answer to an unknown outcome that waits for a second person."""
        if self.withdrawal.status != Status.UNKNOWN:
            return None
        open_ones = self.withdrawal.settlements.filter(confirmed_at=None, dropped_at=None)
        return open_ones.select_related("proposed_by", "payment").first()

    @cached_property
    def place(self) -> lists.Place[Withdrawal]:
        return lists.place(self.view.rows(), order=self.view.order, row=self.withdrawal)

    @property
    def transfer(self) -> transfers.TransferFacts | None:
        """What Lux Financial tells beside the rest: how it is paid in, what it cost and brought."""
        payment = self.withdrawal.payment
        if payment is None:
            return None
        makes = can(self.person, Permission.MAKE_WITHDRAWALS)
        return transfers.facts_of(payment, hands_on=makes)

    @property
    def is_transfer(self) -> bool:
        return self.withdrawal.upstream == Upstream.LUX

    @property
    def asks_route(self) -> bool:
        """Whether somebody may have Lux Financial asked anew about its way."""
        return self.is_waiting and self.is_transfer and can(self.person, Permission.SEE_PAYMENTS)

    @property
    def is_waiting(self) -> bool:
        return self.withdrawal.status == Status.AWAITING_APPROVAL

    @property
    def is_moving(self) -> bool:
        return self.withdrawal.status in life.MOVING

    @property
    def is_unsettled(self) -> bool:
        """Whether no machine will find out any more what became of it."""
        if self.withdrawal.status != Status.UNKNOWN:
            return False
        return self.outbox.command is None or waits_for_people(self.outbox.command)

    @property
    def has_another_key(self) -> bool:
        """Whether it was sent under another key than the one set now."""
        return self.outbox.command is not None and has_another_key(self.outbox.command)

    @property
    def is_typed(self) -> bool:
        """Whether the amount must be typed once more before signing."""
        return self.review.requirement.typed_amount

    @property
    def must_prove(self) -> bool:
        """Whether this person proves anew who they are before they sign."""
        if not self.review.requirement.reauthenticate or self.review.cannot_sign:
            return False
        return not decision.is_proved(self.proved_at, now=self.now)

    @property
    def may_claim(self) -> bool:
        return any(can(self.person, permission) for permission in MAY_WORK)

    @property
    def look_alikes(self) -> list[str]:
        """Payouts like this one, of which this person may say that they are no duplicates."""
        if self.review.cannot_reject:
            return []
        return [
            label
            for check in self.review.checks
            if check.code == DUPLICATE
            for label, _ in check.links
        ]

    @cached_property
    def blocks(self) -> list[tuple[str, str]]:
        """What stops it now, and who can do what about it."""
        if not self.is_waiting:
            return []
        found = [check for check in self.review.checks if check.level == Level.BLOCK]
        return [(check.text, str(remedy(check) or "")) for check in found]

    @property
    def is_over(self) -> bool:
        """Whether nobody decides about it any more, and nothing about it goes on by itself."""
        return not self.is_waiting and not self.is_moving

    @property
    def is_mine(self) -> bool:
        return self.claim is not None and self.claim.user_id == self.person.pk

    @property
    def can_copy(self) -> bool:
        may_make = can(self.person, Permission.MAKE_WITHDRAWALS)
        return may_make and self.withdrawal.may_be_made_again()

    @property
    def undo_seconds(self) -> int:
        """How long the approval can still be undone at most, in whole seconds."""
        if self.review.cannot_undo or self.withdrawal.approved_at is None:
            return 0
        until = self.withdrawal.approved_at + timedelta(seconds=settings.UNDO_SECONDS)
        return max(0, round((until - self.now).total_seconds()))

    @property
    def amount_words(self) -> str:
        """The amount with its currency as text, in the reader's notation: `2,500.00 AUD`."""
        shown = self.review.facts
        number = number_format(Decimal(shown["amount"]), use_l10n=True, force_grouping=True)
        return f"{number} {shown['currency']}"

    @property
    def masked_name(self) -> str:
        """The recipient as the last question says it: enough to notice a wrong one."""
        if self.withdrawal.hosted:
            return gettext("whom the payee names on LuxCore's page")
        return masking.mask_name(self.withdrawal.recipient_name) or gettext("somebody not named")

    @property
    def claim_minutes(self) -> int:
        if self.claim is None:
            return 0
        return max(1, round((self.claim.expires_at - self.now).total_seconds() / 60))

    @property
    def cannot_settle(self) -> str:
        """Why this person cannot say what became of an unknown outcome; "" if they can."""
        may_propose = can(self.person, Permission.RECONCILE)
        may_confirm = can(self.person, Permission.SIGN_WITHDRAWALS)
        if self.settlement is None:
            return (
                ""
                if may_propose
                else gettext(
                    "A maker or an ops lead says first what became of it; your roles do not."
                )
            )
        if may_confirm or may_propose:
            return ""
        return gettext("An outcome is proposed; your roles do not confirm it.")

    @property
    def copy_address(self) -> str:
        """Where a new withdrawal is made from this one."""
        return f"{reverse('payments:withdrawal-new')}?copy_of={self.withdrawal.code}"

    @property
    def is_over_badly(self) -> bool:
        return self.withdrawal.status in UNPAID_ENDS or self.withdrawal.contradicted_at is not None

    @property
    def may_attend(self) -> bool:
        return self.withdrawal.needs_a_look and can(self.person, Permission.RECONCILE)

    @property
    def query(self) -> str:
        """The view this page was opened from, to be carried on."""
        return f"?{self.view.query.urlencode()}" if self.view.query else ""

    def context(self) -> dict[str, Any]:
        """What the whole page, its questions and its live fragment share."""
        withdrawal, payment = self.withdrawal, self.withdrawal.payment
        saw = self.view.query.copy()
        saw["saw"] = self.review.digest[:SAW]
        return {
            "page": self,
            "withdrawal": withdrawal,
            "payment": payment,
            "theirs": words.at_provider(withdrawal),
            "review": self.review,
            "missing": self.review.missing if self.is_waiting else 0,
            "life": self.life,
            "now": self.now,
            "query": self.query,
            "question_query": f"?{saw.urlencode()}",
            "may_sign": can(self.person, Permission.SIGN_WITHDRAWALS),
            "may_make": can(self.person, Permission.MAKE_WITHDRAWALS),
            "can_undo": not self.review.cannot_undo,
        }

    @property
    def signatures(self) -> list[Signed]:
        return [
            Signed(
                by=signature.by,
                at=signature.at,
                verdict=signature.verdict,
                reason=self.sight.text(signature.reason, about=self.withdrawal),
            )
            for signature in self.review.signatures
        ]

    def headline(self) -> list[str]:
        """The payout in one line: rail, usual time, fee as far as it is known."""
        withdrawal, payment = self.withdrawal, self.withdrawal.payment
        facts = [words.method(withdrawal.method), words.expected(withdrawal)]
        if payment and payment.fee:
            fee = number_format(payment.fee.normalize(), use_l10n=True, force_grouping=True)
            facts.append(
                gettext("fee %(fee)s %(currency)s")
                % {
                    "fee": fee,
                    "currency": payment.currency,
                }
            )
        return facts

    def timeline(self) -> list[Entry]:
        return history.of_withdrawal(self.withdrawal, sight=self.sight)

    def last_ones(self) -> list[Withdrawal]:
        """The newest other payouts to the same account, or to the same name where none is known.

        Where the payee names both on LuxCore's page, of the same customer.
        """
        withdrawal = self.withdrawal
        same = Q(account_key=withdrawal.account_key)
        if not withdrawal.account_key and withdrawal.hosted:
            same = _same_customer(withdrawal)
        elif not withdrawal.account_key:
            same = Q(recipient_name=withdrawal.recipient_name, upstream=withdrawal.upstream)
        others = Withdrawal.objects.filter(same).exclude(pk=withdrawal.pk)
        return list(others.newest_first()[:LAST_ONES])


@require_safe
@permission_required(*MAY_SEE)
def withdrawal(request: HttpRequest, code: str) -> HttpResponse:
    """The page of one withdrawal."""
    page = Page(request, find(code))
    payment = page.withdrawal.payment
    context = {
        **page.context(),
        "transfer": page.transfer,
        "payee": page.told.payee,
        "headline": page.headline(),
        "place_words": _place_words(page.place),
        "timeline": page.timeline(),
        "customer": page.told.customer,
        "request_facts": page.told.request,
        "last_ones": page.last_ones(),
        "raw": page.sight.raw(payment.raw) if payment else "",
        "previous": page.view.address(page.place.previous) if page.place.previous else "",
        "next": page.view.address(page.place.next) if page.place.next else "",
    }
    return render(request, "payments/withdrawal.html", context)


@require_safe
@permission_required(*MAY_SEE)
def withdrawal_live(request: HttpRequest, code: str) -> HttpResponse:
    """What may have changed on the page since it was drawn; stops asking when all is over."""
    page = Page(request, find(code))
    has_moved = request.GET.get("was", "") != page.withdrawal.status
    context = {**page.context(), "has_moved": has_moved}
    if has_moved:
        context |= {"timeline": page.timeline(), "transfer": page.transfer}
    status = 200 if page.is_moving else STOP_POLLING
    return render(request, "payments/_withdrawal_live.html", context, status=status)


@require_POST
@permission_required(*MAY_WORK)
def withdrawal_claim(request: HttpRequest, code: str) -> HttpResponse:
    """Tell the others "I am looking at this"; with a reason, take it over from somebody."""
    row, person, at = find(code), person_of(request), timezone.now()
    reason = request.POST.get("reason", "").strip()
    try:
        if reason:
            claims.take_over(subject=row, by=person, at=at, reason=reason)
        else:
            claims.claim(subject=row, by=person, at=at)
    except claims.ClaimedByOther as taken:
        messages.warning(request, str(taken))
    return back_to(request, row)


@require_POST
@permission_required(Permission.SEE_PAYMENTS)
def withdrawal_route(request: HttpRequest, code: str) -> HttpResponse:
    """Have Lux Financial asked anew whether the way of a transfer can be taken."""
    row = find(code)
    try:
        actions.ask_route(withdrawal_id=row.pk, by=person_of(request), at=timezone.now())
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.info(request, gettext("Lux Financial is asked; its answer appears in the checks."))
    return back_to(request, row)


@require_POST
@permission_required(*MAY_WORK)
def withdrawal_release(request: HttpRequest, code: str) -> HttpResponse:
    """Stop looking at it."""
    row = find(code)
    if not claims.release(subject=row, by=person_of(request), at=timezone.now()):
        messages.info(request, gettext("You were not looking at it any more."))
    return back_to(request, row)


def _same_customer(withdrawal: Withdrawal) -> Q:
    """Whatever is told of them; the rules see to it that something is."""
    told = {
        name: value
        for name in ("customer_number", "customer_email", "customer_phone", "customer_external_id")
        if (value := getattr(withdrawal, name))
    }
    return Q(**told, upstream=withdrawal.upstream) if told else Q(pk=None)


def _place_words(place: lists.Place[Withdrawal]) -> str:
    if place.position is None:
        return gettext("not in this queue, %(total)s there") % {"total": place.total}
    return gettext("%(position)s of %(total)s") % {
        "position": place.position,
        "total": place.total,
    }


def back_to(request: HttpRequest, row: Withdrawal) -> HttpResponse:
    """Return to the page of the withdrawal, within the view it was opened from."""
    return redirect(QueueView(request).address(row))
