"""Deciding: approve what was seen, reject, undo, and settle an unknown outcome by two people.

Opening a question is a GET and writes nothing. Every answer is a POST that makes one call.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from payments import actions, matching
from payments.actions.common import Receipt
from payments.actions.errors import (
    AlreadyDecided,
    Blocked,
    FactsChanged,
    MakerCannotSign,
    NotYours,
)
from payments.enums import RejectCode, Status, Verdict
from payments.forms.decisions import ApproveForm, RejectForm, SettleForm
from payments.models import NotPossible, Payment, Withdrawal
from payments.views import seconding
from payments.views.withdrawal import Page, back_to, find
from staff.forms import ReasonForm
from staff.permissions import Permission, can, permission_required
from upstreams.enums import Upstream

# In the session, while they prove who they are: what somebody typed to sign a withdrawal.
TYPED = "payments_typed"


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SIGN_WITHDRAWALS)
def withdrawal_approve(request: HttpRequest, code: str) -> HttpResponse:
    """Ask once more, in one sentence, and then sign exactly what was shown."""
    page = Page(request, find(code))
    amount = Decimal(page.review.facts["amount"])
    if request.method == "POST":
        form = ApproveForm(request.POST, amount=amount, typed=page.is_typed)
        if form.is_valid() and page.must_prove:
            return _prove_first(request, page)
        if form.is_valid():
            return _decided(
                request,
                page,
                lambda: actions.sign_withdrawal(
                    withdrawal_id=page.withdrawal.pk,
                    seen=form.cleaned_data["seen"],
                    reason=form.cleaned_data["reason"],
                    typed_amount=form.cleaned_data.get("typed_amount"),
                    proved_at=page.proved_at,
                    by=page.person,
                    at=timezone.now(),
                ),
            )
    else:
        typed = request.session.get(TYPED, {})
        form = ApproveForm(
            seen=page.review.seen,
            amount=amount,
            typed=page.is_typed,
            known=typed if typed.get("code") == code else {},
        )
    saw = request.GET.get("saw", "")
    return _question(
        request,
        page,
        form,
        "payments/approve.html",
        is_other=bool(saw) and not page.review.digest.startswith(saw),
        undo_limit=settings.UNDO_SECONDS,
        others_missing=page.review.missing - 1,
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SIGN_WITHDRAWALS)
def withdrawal_reject(request: HttpRequest, code: str) -> HttpResponse:
    """Refuse it, with a code and in words."""
    page = Page(request, find(code))
    if request.method == "POST":
        form = RejectForm(request.POST)
        if form.is_valid():
            return _decided(
                request,
                page,
                lambda: actions.reject_withdrawal(
                    withdrawal_id=page.withdrawal.pk,
                    seen=form.cleaned_data["seen"],
                    code=RejectCode(form.cleaned_data["code"]),
                    reason=form.cleaned_data["reason"],
                    by=page.person,
                    at=timezone.now(),
                ),
            )
    else:
        form = RejectForm(seen=page.review.seen)
    return _question(request, page, form, "payments/reject.html")


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SIGN_WITHDRAWALS)
def withdrawal_undo(request: HttpRequest, code: str) -> HttpResponse:
    """Take an approval back while nothing has begun to be sent."""
    return _with_reason(
        request,
        code,
        "payments/undo.html",
        lambda page, reason: actions.undo_approval(
            withdrawal_id=page.withdrawal.pk, by=page.person, at=timezone.now(), reason=reason
        ),
        done=_("The approval of %(code)s is undone. Nothing was sent."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.SIGN_WITHDRAWALS)
def withdrawal_not_duplicate(request: HttpRequest, code: str, other: str) -> HttpResponse:
    """Say that two payouts that look alike are meant to be two."""
    return _with_reason(
        request,
        code,
        "payments/not_duplicate.html",
        lambda page, reason: actions.mark_not_duplicate(
            withdrawal_id=page.withdrawal.pk,
            other=other,
            reason=reason,
            by=page.person,
            at=timezone.now(),
        ),
        done=_("%(code)s no longer counts as a duplicate of it."),
        other=other,
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.MAKE_WITHDRAWALS)
def withdrawal_retract(request: HttpRequest, code: str) -> HttpResponse:
    """Take back what one has asked for, before it is approved."""
    return _with_reason(
        request,
        code,
        "payments/retract.html",
        lambda page, reason: actions.retract_withdrawal(
            withdrawal_id=page.withdrawal.pk, by=page.person, at=timezone.now(), reason=reason
        ),
        done=_("%(code)s is retracted. Nothing was sent."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.RECONCILE, Permission.SIGN_WITHDRAWALS)
def withdrawal_settle(request: HttpRequest, code: str) -> HttpResponse:
    """Say what became of an unknown outcome; a second person confirms or drops it."""
    page = Page(request, find(code))
    if seconding.is_answer(request):
        return _second_opinion(request, page)
    form = SettleForm(
        request.POST if request.method == "POST" else None,
        withdrawal=page.withdrawal,
        another_key=page.has_another_key,
    )
    if form.is_valid():
        return _proposed(request, page, form)
    return _settle_page(request, page, form)


def _proposed(request: HttpRequest, page: Page, form: SettleForm) -> HttpResponse:
    """Propose what the form says; what stands against it is told beside what was typed."""
    try:
        actions.propose_settlement(
            withdrawal_id=page.withdrawal.pk,
            outcome=Status(form.cleaned_data["outcome"]),
            upstream_id=form.cleaned_data["upstream_id"],
            written_word=form.cleaned_data.get("written_word", ""),
            reason=form.cleaned_data["reason"],
            by=page.person,
            at=timezone.now(),
        )
    except NotPossible as refusal:
        fresh = Page(request, find(page.withdrawal.code))
        form.add_error(None, fresh.sight.refusal(refusal, about=fresh.withdrawal))
        return _settle_page(request, fresh, form, status=409)
    said = gettext("Proposed for %(code)s. A second person confirms it.")
    messages.success(request, said % {"code": page.withdrawal.code})
    return back_to(request, page.withdrawal)


def _settle_page(
    request: HttpRequest, page: Page, form: SettleForm, *, status: int = 422
) -> HttpResponse:
    return _question(
        request,
        page,
        form,
        "payments/settle.html",
        status=status,
        settlement_reason=_as_readable(page, "reason"),
        written_word=_as_readable(page, "written_word"),
        cannot_confirm=_against_confirming(page),
        evidence=_evidence(page),
    )


def _evidence(page: Page) -> list[Payment] | None:
    """What may be it, where no reference says; None where one does."""
    command = page.outbox.command
    if page.withdrawal.upstream != Upstream.LUMETRADE or command is None:
        return None
    return matching.candidates(page.withdrawal, command)


def _second_opinion(request: HttpRequest, page: Page) -> HttpResponse:
    act, done = (
        (
            actions.drop_settlement,
            _("The proposal for %(code)s is dropped. Its outcome is still unknown."),
        )
        if seconding.is_drop(request)
        else (actions.confirm_settlement, _("%(code)s is settled by two people."))
    )
    return _told(
        request,
        page,
        lambda: act(
            withdrawal_id=page.withdrawal.pk,
            settlement_id=seconding.proposal_id(request),
            by=page.person,
            at=timezone.now(),
        ),
        done=done,
    )


@require_POST
@permission_required(Permission.RECONCILE)
def withdrawal_attend(request: HttpRequest, code: str) -> HttpResponse:
    """Note that somebody has seen a failure and knows what to do about it."""
    page = Page(request, find(code))
    return _told(
        request,
        page,
        lambda: actions.attend_withdrawal(
            withdrawal_id=page.withdrawal.pk, by=page.person, at=timezone.now()
        ),
        done=_("%(code)s is looked after: it left the list of what needs attention."),
    )


def _as_readable(page: Page, name: str) -> str:
    """A text of the proposal as this person may read it; "" where nothing is proposed."""
    if page.settlement is None:
        return ""
    return page.sight.text(getattr(page.settlement, name), about=page.withdrawal)


def _against_confirming(page: Page) -> str:
    """Why this person is not the second one; "" if they may be."""
    if page.settlement is None:
        return ""
    if page.settlement.proposed_by_id == page.person.pk:
        return gettext("You proposed it, so somebody else confirms it.")
    if not can(page.person, Permission.SIGN_WITHDRAWALS):
        return gettext("Your roles do not confirm it; an approver does.")
    return ""


# --- Asking ---------------------------------------------------------------------------------------


def _question(
    request: HttpRequest,
    page: Page,
    form: forms.Form,
    template: str,
    *,
    status: int = 422,
    **more: Any,
) -> HttpResponse:
    """Show a question about the withdrawal; `status` where the answer needs another look."""
    context = {**_frame(page), "form": form, "payee": page.told.stakes, **more}
    return render(request, template, context, status=status if form.errors else 200)


def _frame(page: Page) -> dict[str, Any]:
    """What every page around a question shows, and the way back to the withdrawal."""
    return {**page.context(), "back": page.view.address(page.withdrawal)}


def _with_reason(
    request: HttpRequest,
    code: str,
    template: str,
    act: Callable[[Page, str], object],
    *,
    done: Promise,
    **shown: Any,
) -> HttpResponse:
    """Ask why, and then do it."""
    page = Page(request, find(code))
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        return _told(request, page, lambda: act(page, form.cleaned_data["reason"]), done=done)
    return _question(request, page, form, template, **shown)


def _prove_first(request: HttpRequest, page: Page) -> HttpResponse:
    """Ask who they are before they sign. What they typed is there when they come back."""
    request.session[TYPED] = {
        "code": page.withdrawal.code,
        "typed_amount": request.POST.get("typed_amount", ""),
        "reason": request.POST.get("reason", ""),
    }
    back = urlencode({REDIRECT_FIELD_NAME: request.get_full_path()})
    return redirect(f"{reverse('account_reauthenticate')}?{back}")


# --- Answering ------------------------------------------------------------------------------------


def _decided(request: HttpRequest, page: Page, decide: Callable[[], Receipt]) -> HttpResponse:
    """Make the decision and hand out its receipt, with the way to the next item."""
    following = page.place.next
    try:
        receipt = decide()
    except NotPossible as refusal:
        return _refused(request, page, refusal)
    request.session.pop(TYPED, None)
    messages.success(request, _receipt_words(receipt, page, following))
    return back_to(request, page.withdrawal)


def _told(
    request: HttpRequest, page: Page, act: Callable[[], object], *, done: Promise
) -> HttpResponse:
    try:
        act()
    except NotPossible as refusal:
        return _refused(request, page, refusal)
    messages.success(request, str(done) % {"code": page.withdrawal.code})
    return back_to(request, page.withdrawal)


def _refused(request: HttpRequest, page: Page, refusal: NotPossible) -> HttpResponse:
    """Say why it did not happen: 409 for what has changed, 403 for who may never do it."""
    fresh = Page(request, find(page.withdrawal.code))
    context: dict[str, Any] = {
        **_frame(fresh),
        "refusal": fresh.sight.refusal(refusal, about=fresh.withdrawal),
        "by": None,
        "at": None,
        "checks": [],
    }
    match refusal:
        case FactsChanged():
            context["differences"] = refusal.differences
            return render(request, "payments/changed.html", context, status=409)
        case MakerCannotSign() | NotYours():
            raise PermissionDenied(str(refusal)) from refusal
        case Blocked():
            context["checks"] = refusal.checks
        case AlreadyDecided():
            context["by"], context["at"] = refusal.by, refusal.at
    return render(request, "payments/not_possible.html", context, status=409)


def _receipt_words(receipt: Receipt, page: Page, following: Withdrawal | None) -> str:
    """Return what happened, the number under which the audit trail holds it, and what is next."""
    code = receipt.withdrawal.code
    words = gettext("This was recorded before, once: ") if receipt.repeated else ""
    if receipt.signature.verdict == Verdict.REJECT:
        words += gettext("%(code)s is rejected.") % {"code": code}
    elif receipt.withdrawal.status == Status.AWAITING_APPROVAL:
        words += gettext("%(code)s is signed by you and waits for another signature.") % {
            "code": code
        }
    else:
        words += gettext("%(code)s is approved.") % {"code": code}
    number = gettext("Audit #%(number)s.") % {"number": receipt.audit.sequence}
    if following is None:
        return f"{words} {number}"
    return format_html(
        '{} {} <a href="{}">{}</a>',
        words,
        number,
        page.view.address(following),
        gettext("Next: %(code)s") % {"code": following.code},
    )
