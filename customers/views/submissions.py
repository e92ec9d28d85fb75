"""Handing documents in at Lux Financial: choose, confirm, and see what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers import words
from customers.actions import submissions as actions
from customers.actions.documents import DocumentNotPossible
from customers.documents import submitting, viewing
from customers.enums import SubmissionStatus
from customers.models import Customer, Submission
from customers.sight import Sight
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

SHOWN = 5
STOP_POLLING = 286  # htmx's own status: the last answer


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PROPOSE_KYC)
def documents_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Restate which document goes, then hand it in once."""
    customer = get_object_or_404(Customer, pk=pk)
    found = submitting.choices(viewing.documents_of(customer))
    wanted = request.POST.get("front") or request.GET.get("front", "")
    chosen = next((one for one in found if str(one.front.key) == wanted), None)
    profile = submitting.profile_of(customer)
    why_not = submitting.why_not_now(profile)
    refusal = str(why_not) if why_not else ""
    if request.method == "POST" and not refusal:
        if chosen is None:
            refusal = gettext("Choose a document that is whole and was not found wanting.")
        else:
            try:
                return _submit(request, customer, chosen.front.key)
            except DocumentNotPossible as problem:
                refusal = str(problem.says)
    context = {
        "customer": customer,
        "name": Sight.of(request.user).name(customer.name) or gettext("not named"),
        "choices": [(one, submitting.label(one)) for one in found],
        "chosen": chosen or (found[0] if found else None),
        "kyc_status": profile.kyc_status if profile else "",
        "status": words.say(words.KYC_STATUSES, profile.kyc_status) if profile else "",
        "refusal": refusal,
        "now": timezone.now(),
    }
    code = 409 if request.method == "POST" else 200
    return render(request, "customers/documents_submit.html", context, status=code)


@require_safe
@permission_required(Permission.SEE_KYC)
def documents_live(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of what was handed in, as long as it moves by itself."""
    context = submissions_of(get_object_or_404(Customer, pk=pk), request)
    status = 200 if context["is_moving"] else STOP_POLLING
    return render(request, "customers/_submissions.html", context, status=status)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def submission_look(request: HttpRequest, code: str) -> HttpResponse:
    """Let the desk try once more what got no clear answer."""
    submission = get_object_or_404(Submission, code=code)
    try:
        actions.look_for_submission(code=code, by=person_of(request), at=timezone.now())
        messages.info(request, gettext("The desk tries it now."))
    except DocumentNotPossible as refusal:
        messages.error(request, str(refusal.says))
    return redirect(submission)


@require_POST
@permission_required(Permission.PROPOSE_KYC)
def submission_settle(request: HttpRequest, code: str) -> HttpResponse:
    """Say whether Lux Financial has what got no clear answer."""
    submission = get_object_or_404(Submission, code=code)
    try:
        actions.settle_submission(
            code=code,
            is_there=request.POST.get("is_there") == "yes",
            reason=request.POST.get("reason", ""),
            by=person_of(request),
            at=timezone.now(),
        )
        messages.success(request, gettext("%(code)s is settled.") % {"code": code})
    except DocumentNotPossible as refusal:
        messages.error(request, str(refusal.says))
    return redirect(submission)


def submissions_of(customer: Customer, request: HttpRequest) -> dict[str, Any]:
    """What was handed in for this person lately, in words. Three queries."""
    rows = Submission.objects.filter(customer__in=Customer.objects.same_as(customer))
    shown = list(rows.select_related("created_by").newest_first()[:SHOWN])
    commands = submitting.newest_commands(shown)
    sight, profile = Sight.of(request.user), submitting.profile_of(customer)

    def standing(one: Submission) -> submitting.Standing:
        """Where it stands, with nothing in it that this person reads masked elsewhere."""
        told = submitting.tell(one, commands.get(one.pk))
        return replace(told, known=sight.text(told.known, about=customer, profile=profile))

    may = can(request.user, Permission.PROPOSE_KYC)
    return {
        "submissions": [
            {
                "submission": one,
                "standing": standing(one),
                "is_given_up": may and submitting.is_given_up(one, commands.get(one.pk)),
            }
            for one in shown
        ],
        "is_moving": any(not _is_over(one) for one in shown),
        "customer": customer,
        "now": timezone.now(),
    }


def _is_over(submission: Submission) -> bool:
    return submission.status in (SubmissionStatus.ACCEPTED, SubmissionStatus.REFUSED)


def _submit(request: HttpRequest, customer: Customer, front_key: UUID) -> HttpResponse:
    submission, event = actions.submit_documents(
        customer=customer, front_key=front_key, by=person_of(request), at=timezone.now()
    )
    said = gettext("%(code)s is on its way to Lux Financial (audit #%(number)s).")
    messages.success(request, said % {"code": submission.code, "number": event.sequence})
    return redirect("customers:documents", customer.merged_into_id or customer.pk)
