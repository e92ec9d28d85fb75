"""Cancelling a payment at its provider while it is pending there."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from payments import actions, cancelling, words
from payments.models import NotPossible, Payment
from payments.sight import MAY_SEE
from payments.views.withdrawal import STOP_POLLING
from staff.forms import ReasonForm
from staff.permissions import Permission, permission_required
from staff.sessions import person_of
from upstreams.errors import UpstreamError


@require_http_methods(["GET", "POST"])
@permission_required(
    Permission.SIGN_WITHDRAWALS, Permission.MAKE_DEPOSITS, Permission.MAKE_WITHDRAWALS
)
def payment_cancel(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """Ask once more, and why, and then ask the provider."""
    row, person = _find(upstream, upstream_id), person_of(request)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    refusal = cancelling.problem(row, person)
    if form.is_valid():
        try:
            actions.cancel_payment(
                payment_id=row.pk,
                reason=form.cleaned_data["reason"],
                by=person,
                at=timezone.now(),
            )
        except NotPossible as problem:
            refusal = str(problem)
        else:
            messages.info(
                request,
                gettext("%(provider)s is asked to cancel it. Its answer stands below.")
                % {"provider": row.get_upstream_display()},
            )
            return redirect(row)
    status = 422 if form.errors else 409 if request.method == "POST" else 200
    context = {"payment": row, "form": form, "refusal": refusal, "now": timezone.now()}
    return render(request, "payments/payment_cancel.html", context, status=status)


@require_POST
@permission_required(
    Permission.SIGN_WITHDRAWALS, Permission.MAKE_DEPOSITS, Permission.MAKE_WITHDRAWALS
)
def payment_cancel_read(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """Find out what became of a cancellation that got no clear answer."""
    row = _find(upstream, upstream_id)
    provider = row.get_upstream_display()
    try:
        fresh = actions.read_cancellation(
            payment_id=row.pk, by=person_of(request), at=timezone.now()
        )
    except UpstreamError as problem:
        text = gettext("%(provider)s could not be asked: %(problem)s Nothing is settled yet.")
        messages.error(request, text % {"provider": provider, "problem": problem})
    except NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        status = words.theirs(fresh.upstream_status)
        messages.info(
            request,
            gettext("%(provider)s says: %(status)s.") % {"provider": provider, "status": status},
        )
    return redirect(row)


@require_safe
@permission_required(*MAY_SEE)
def payment_cancel_live(request: HttpRequest, upstream: str, upstream_id: str) -> HttpResponse:
    """What became of a cancellation; stops asking when the provider has answered."""
    row = _find(upstream, upstream_id)
    story = cancelling.story(row)
    status = 200 if story and story.is_open else STOP_POLLING
    may_read = cancelling.may_cancel(row, person_of(request))
    context = {"payment": row, "story": story, "may_read": may_read, "now": timezone.now()}
    return render(request, "payments/_cancel_live.html", context, status=status)


def _find(upstream: str, upstream_id: str) -> Payment:
    rows = Payment.objects.select_related("withdrawal", "request")
    return get_object_or_404(rows, upstream=upstream, upstream_id=upstream_id)
