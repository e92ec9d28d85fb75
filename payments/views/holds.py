"""Holding a customer from the page of a payout, and lifting the hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from customers.enums import HoldKind
from customers.forms.holds import HoldForm
from customers.holds import is_held_by
from customers.models import Hold
from payments import actions
from payments.checks.holds import contact_of
from payments.models import NotPossible
from payments.views.withdrawal import Page, back_to, find
from staff.forms import ReasonForm
from staff.permissions import Permission, permission_required


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PLACE_HOLDS)
def withdrawal_hold(request: HttpRequest, code: str) -> HttpResponse:
    """Ask why, and stop the customer."""
    page = Page(request, find(code))
    form = HoldForm(request.POST if request.method == "POST" else None)
    return _asked(
        request,
        page,
        form,
        "payments/hold.html",
        lambda: actions.hold_customer(
            withdrawal_id=page.withdrawal.pk,
            kind=HoldKind(form.cleaned_data["kind"]),
            reason=form.cleaned_data["reason"],
            by=page.person,
            at=timezone.now(),
        ),
        done=gettext("The customer is held. Nothing of theirs is signed or sent."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.LIFT_HOLDS)
def withdrawal_lift(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Ask why, and let the customer go."""
    page = Page(request, find(code))
    hold = get_object_or_404(Hold.objects.select_related("customer__profile", "placed_by"), pk=pk)
    if not is_held_by(contact_of(page.withdrawal), hold):
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    return _asked(
        request,
        page,
        form,
        "payments/lift.html",
        lambda: actions.lift_hold(
            hold_id=hold.pk,
            reason=form.cleaned_data["reason"],
            by=page.person,
            at=timezone.now(),
        ),
        done=gettext("The hold is lifted. What waits is sent by itself."),
        hold=hold,
        hold_label=gettext(hold.get_kind_display()),
        hold_reason=page.sight.hold_reason(hold, about=page.withdrawal),
    )


def _asked(
    request: HttpRequest,
    page: Page,
    form: ReasonForm,
    template: str,
    act: Callable[[], object],
    *,
    done: str,
    **more: Any,
) -> HttpResponse:
    """Show the question, or make the one call and go back to the payout."""
    if form.is_valid():
        try:
            act()
        except NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done)
            return back_to(request, page.withdrawal)
    back = page.view.address(page.withdrawal)
    context = {**page.context(), "form": form, "back": back, **more}
    return render(request, template, context, status=422 if form.errors else 200)
