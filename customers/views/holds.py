"""Holding a customer from their page, and lifting the hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from customers import actions
from customers.enums import HoldKind
from customers.forms.holds import HoldForm
from customers.models import Customer, Hold
from customers.sight import Sight
from staff.forms import ReasonForm
from staff.permissions import Permission, permission_required
from staff.sessions import person_of


@require_http_methods(["GET", "POST"])
@permission_required(Permission.PLACE_HOLDS)
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask what for and why, and hold the customer."""
    customer = get_object_or_404(Customer, pk=pk)
    form = HoldForm(request.POST if request.method == "POST" else None)
    return _asked(
        request,
        customer,
        form,
        "customers/hold.html",
        lambda: actions.place_hold(
            customer=customer,
            kind=HoldKind(form.cleaned_data["kind"]),
            reason=form.cleaned_data["reason"],
            by=person_of(request),
            at=timezone.now(),
        ),
        done=gettext("The customer is held. Nothing of theirs is signed or sent."),
    )


@require_http_methods(["GET", "POST"])
@permission_required(Permission.LIFT_HOLDS)
def lift(request: HttpRequest, pk: int, hold_pk: int) -> HttpResponse:
    """Ask why, and let the customer go."""
    customer = get_object_or_404(Customer, pk=pk)
    held = get_object_or_404(
        Hold.objects.select_related("customer", "placed_by"),
        pk=hold_pk,
        customer__in=Customer.objects.same_as(customer),
    )
    form = ReasonForm(request.POST if request.method == "POST" else None)
    sight = Sight.of(request.user)
    return _asked(
        request,
        customer,
        form,
        "customers/lift.html",
        lambda: actions.lift_hold(
            hold_id=held.pk,
            reason=form.cleaned_data["reason"],
            by=person_of(request),
            at=timezone.now(),
        ),
        done=gettext("The hold is lifted. What waits is sent by itself."),
        hold=held,
        hold_label=gettext(held.get_kind_display()),
        hold_reason=sight.text(held.reason, about=held.customer),
    )


def _asked(
    request: HttpRequest,
    customer: Customer,
    form: ReasonForm,
    template: str,
    act: Callable[[], object],
    *,
    done: str,
    **more: Any,
) -> HttpResponse:
    """Show the question, or make the one call and go back to the customer."""
    if form.is_valid():
        try:
            act()
        except actions.HoldNotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done)
            return redirect(customer)
    context = {
        "customer": customer,
        "name": Sight.of(request.user).name(customer.name) or gettext("not named"),
        "back": customer.get_absolute_url(),
        "form": form,
        "now": timezone.now(),
        **more,
    }
    return render(request, template, context, status=422 if form.errors else 200)
