"""What is posted to a case: claims, drafts, decisions, and the answers of a second person.

Opening a question is a GET and writes nothing. Every answer is a POST that makes one call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from customers import actions
from customers.actions.common import Receipt
from customers.actions.errors import (
    Blocked,
    CaseNotPossible,
    EvidenceChanged,
    EvidenceIsYours,
    Incomplete,
    ProposerCannotConfirm,
)
from customers.enums import CaseStatus, Outcome
from customers.forms.cases import DecisionForm
from customers.kyc import queue, reasons
from customers.models import KycCase
from customers.views.case import Page, find, render_case
from staff import claims
from staff.forms import ReasonForm
from staff.permissions import Permission, permission_required
from staff.sessions import person_of

# The form calls its two lists of reasons by their outcome.
_FIELDS: Final = {"customer_text", "internal_note"}
LOOKING: Final = (claims.ClaimLost, claims.ClaimedByOther)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def case_claim(request: HttpRequest, code: str) -> HttpResponse:
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
    return _back_to(request, row)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def case_release(request: HttpRequest, code: str) -> HttpResponse:
    """Stop looking at it."""
    row = find(code)
    if not claims.release(subject=row, by=person_of(request), at=timezone.now()):
        messages.info(request, gettext("You were not looking at it any more."))
    return _back_to(request, row)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def case_draft(request: HttpRequest, code: str) -> HttpResponse:
    """Keep what is typed while it is typed, claimed or not."""
    row = find(code)
    form = Page(request, row).form(request.POST)
    actions.keep_draft(case=row, data=form.typed(), by=person_of(request), at=timezone.now())
    return JsonResponse({"kept": True})


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def case_decide(request: HttpRequest, code: str) -> HttpResponse:
    """Save the checklist, or decide: whatever was typed is kept first, so that nothing is lost."""
    page = Page(request, find(code))
    form = page.form(request.POST)
    actions.keep_draft(case=page.case, data=form.typed(), by=page.person, at=page.now)
    is_deciding = request.POST.get("do") == "decide"
    if not form.is_valid():
        return render_case(request, page, form, status=422)
    if is_deciding and form.outcome_asked is None:
        form.add_error("outcome", gettext("Choose an outcome."))
        return render_case(request, page, form, status=422)
    if is_deciding and _wants_text(form):
        return render_case(request, page, _with_text(page, form), status=422)
    try:
        if is_deciding:
            return _decided(request, page, form)
        actions.save_checklist(
            case_id=page.case.pk,
            ticked=form.cleaned_data["ticked"],
            by=page.person,
            at=timezone.now(),
        )
    except Incomplete as refusal:
        for name, says in refusal.errors.items():
            form.add_error(name if name in _FIELDS else form.outcome_asked.value, str(says))  # type: ignore[union-attr]
        return render_case(request, page, form, status=422)
    except (CaseNotPossible, *LOOKING) as refusal:
        fresh = Page(request, find(code))
        return render_case(
            request, fresh, fresh.form(request.POST), status=409, trouble=str(refusal)
        )
    messages.success(request, gettext("The checklist is saved."))
    return _back_to(request, page.case)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.CONFIRM_KYC)
def case_confirm(request: HttpRequest, code: str) -> HttpResponse:
    """Ask once more, in one sentence, and then confirm exactly what was proposed."""
    page = Page(request, find(code))
    if request.method != "POST":
        return _question(request, page, "customers/case_confirm.html")
    try:
        receipt = actions.confirm_decision(
            case_id=page.case.pk,
            proposal_id=_proposal_id(request),
            by=page.person,
            at=timezone.now(),
        )
    except (CaseNotPossible, *LOOKING) as refusal:
        return _refused(request, page, refusal)
    messages.success(request, _receipt_words(receipt, page))
    return _back_to(request, page.case)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.CONFIRM_KYC)
def case_return(request: HttpRequest, code: str) -> HttpResponse:
    """Give a proposal back to the reviewers."""
    return _with_reason(
        request,
        code,
        lambda page, reason: actions.return_proposal(
            case_id=page.case.pk,
            proposal_id=_proposal_id(request),
            reason=reason,
            by=page.person,
            at=timezone.now(),
        ),
        ask=_("Return the proposal to the reviewers"),
        done=_("%(code)s is with the reviewers again."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def case_withdraw(request: HttpRequest, code: str) -> HttpResponse:
    """Take back what one proposed."""
    return _with_reason(
        request,
        code,
        lambda page, reason: actions.withdraw_proposal(
            case_id=page.case.pk,
            proposal_id=_proposal_id(request),
            reason=reason,
            by=page.person,
            at=timezone.now(),
        ),
        ask=_("Take your proposal back"),
        done=_("The proposal for %(code)s is taken back."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def case_escalate(request: HttpRequest, code: str) -> HttpResponse:
    """Hand a case up to the leads."""
    return _with_reason(
        request,
        code,
        lambda page, reason: actions.escalate_case(
            case_id=page.case.pk, reason=reason, by=page.person, at=timezone.now()
        ),
        ask=_("Escalate it: from then on every decision about it takes two people"),
        done=_("%(code)s is escalated."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def case_reopen(request: HttpRequest, code: str) -> HttpResponse:
    """Take up again what waits for the customer, or hand an escalated case back."""
    return _with_reason(
        request,
        code,
        lambda page, reason: actions.reopen_case(
            case_id=page.case.pk, reason=reason, by=page.person, at=timezone.now()
        ),
        ask=_("Let it be reviewed again"),
        done=_("%(code)s is to be reviewed again."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def case_recall(request: HttpRequest, code: str) -> HttpResponse:
    """Take a decision back that has not left yet."""
    return _with_reason(
        request,
        code,
        lambda page, reason: actions.recall_decision(
            case_id=page.case.pk, reason=reason, by=page.person, at=timezone.now()
        ),
        ask=_("Take the decision back before it leaves"),
        done=_("The decision about %(code)s is taken back. Nothing was sent."),
    )


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def case_look(request: HttpRequest, code: str) -> HttpResponse:
    """Let the desk look once more for an answer that was lost."""
    page = Page(request, find(code))
    try:
        actions.look_for_decision(case_id=page.case.pk, by=page.person, at=timezone.now())
    except CaseNotPossible as refusal:
        return _refused(request, page, refusal)
    messages.success(request, gettext("The desk looks at Lux Financial once more."))
    return _back_to(request, page.case)


# --- Asking ---------------------------------------------------------------------------------------


def _question(
    request: HttpRequest, page: Page, template: str, *, status: int = 200, **more: Any
) -> HttpResponse:
    return render(request, template, {**page.context(), **more}, status=status)


def _with_reason(
    request: HttpRequest,
    code: str,
    act: Callable[[Page, str], object],
    *,
    ask: Promise,
    done: Promise,
) -> HttpResponse:
    """Ask why, and then do it."""
    page = Page(request, find(code))
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        status = 422 if form.errors else 200
        return _question(
            request, page, "customers/case_why.html", status=status, form=form, ask=ask
        )
    try:
        act(page, form.cleaned_data["reason"])
    except (CaseNotPossible, *LOOKING) as refusal:
        if isinstance(refusal, LOOKING):
            form.add_error(None, str(refusal))
            return _question(
                request, page, "customers/case_why.html", status=409, form=form, ask=ask
            )
        return _refused(request, page, refusal)
    messages.success(request, str(done) % {"code": page.case.code})
    return _back_to(request, page.case)


def _proposal_id(request: HttpRequest) -> int:
    """The key of the proposal that was shown to them; 0, which is nobody's, where it is none."""
    told = request.POST.get("proposal", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


def _wants_text(form: DecisionForm) -> bool:
    """Whether the customer would read nothing although reasons were chosen."""
    return bool(form.codes) and not form.cleaned_data["customer_text"].strip()


def _with_text(page: Page, form: DecisionForm) -> DecisionForm:
    """The same form with what is usually written for these reasons, to be read and sent again."""
    assert isinstance(form.data, QueryDict)
    filled = form.data.copy()
    filled["customer_text"] = reasons.text_of(form.codes)
    again = page.form(filled)
    again.add_error("customer_text", gettext("Read what the customer will read, and send again."))
    return again


# --- Answering ------------------------------------------------------------------------------------


def _decided(request: HttpRequest, page: Page, form: DecisionForm) -> HttpResponse:
    """Make the decision and hand out its receipt, with the way to the next case."""
    outcome = form.outcome_asked
    assert outcome is not None
    receipt = actions.propose_decision(
        case_id=page.case.pk,
        outcome=outcome,
        codes=form.codes,
        customer_text=form.cleaned_data["customer_text"] if outcome != Outcome.APPROVE else "",
        internal_note=form.cleaned_data["internal_note"],
        ticked=form.cleaned_data["ticked"],
        by=page.person,
        at=timezone.now(),
    )
    messages.success(request, _receipt_words(receipt, page))
    return _back_to(request, page.case)


def _refused(request: HttpRequest, page: Page, refusal: Exception) -> HttpResponse:
    """Say why it did not happen: 409 for what has changed, 403 for who may never do it."""
    fresh = Page(request, find(page.case.code))
    context: dict[str, Any] = {**fresh.context(), "refusal": str(refusal), "checks": []}
    match refusal:
        case EvidenceChanged():
            context["differences"] = refusal.differences
            return render(request, "customers/case_changed.html", context, status=409)
        case ProposerCannotConfirm() | EvidenceIsYours():
            raise PermissionDenied(str(refusal)) from refusal
        case Blocked():
            context["checks"] = refusal.checks
    return render(request, "customers/case_not_possible.html", context, status=409)


def _receipt_words(receipt: Receipt, page: Page) -> str:
    """What happened, the number under which the audit trail holds it, and what is next."""
    code, outcome = {"code": receipt.case.code}, Outcome(receipt.proposal.outcome)
    words = gettext("This was recorded before, once: ") if receipt.repeated else ""
    match CaseStatus(receipt.case.status):
        case CaseStatus.PROPOSED:
            words += gettext("Your proposal for %(code)s waits for a second person.") % code
        case CaseStatus.WAITING:
            words += gettext("%(code)s waits for the customer.") % code
        case _ if outcome == Outcome.APPROVE:
            words += gettext("%(code)s is approved.") % code
        case _ if outcome == Outcome.REJECT:
            words += gettext("%(code)s is rejected.") % code
        case _:
            words += gettext("The customer of %(code)s is asked again.") % code
    number = gettext("Audit #%(number)s.") % {"number": receipt.audit.sequence}
    following = queue.upcoming(page.person, now=page.now, but=receipt.case.pk)
    if not following:
        return f"{words} {number}"
    return format_html(
        '{} {} <a href="{}">{}</a> {}',
        words,
        number,
        page.view.address(following[0].case),
        gettext("Next: %(code)s") % {"code": following[0].case.code},
        following[0].why,
    )


def _back_to(request: HttpRequest, row: KycCase) -> HttpResponse:
    """Return to the page of the case as it was opened."""
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    return redirect(f"{row.get_absolute_url()}{query}")
