"""What was asked of Lux Financial about a customer, and how it stands."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from customers import actions
from customers.forms.requests import SettleForm, say
from customers.models import Customer, CustomerRequest
from customers.requests import life, listing
from customers.sight import MAY_SEE, Sight
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of

STOP_POLLING: Final = 286  # htmx stops asking


@require_safe
@permission_required(*MAY_SEE)
def request_page(request: HttpRequest, code: str) -> HttpResponse:
    """One thing that was asked for."""
    return render(request, "customers/request.html", _context(request, _find(code)))


@require_safe
@permission_required(*MAY_SEE)
def request_live(request: HttpRequest, code: str) -> HttpResponse:
    """How it stands now; stops asking when all is over."""
    row = _find(code)
    status = 200 if life.is_moving(row) else STOP_POLLING
    return render(request, "customers/_request_live.html", _context(request, row), status=status)


@require_safe
@permission_required(*MAY_SEE)
def requests_live(request: HttpRequest, pk: int) -> HttpResponse:
    """How what was asked about one customer stands now; stops asking when all is over."""
    customer = get_object_or_404(Customer, pk=pk)
    now = timezone.now()
    asked = listing.about(customer, sight=Sight.of(request.user), now=now)
    context = {"requests": asked, "now": now}
    is_moving = any(life.is_moving(one.request) for one in asked)
    status = 200 if is_moving else STOP_POLLING
    return render(request, "customers/_requests.html", context, status=status)


@require_POST
@permission_required(Permission.EDIT_CUSTOMERS)
def request_look(request: HttpRequest, code: str) -> HttpResponse:
    """Let the desk try once more what got no clear answer."""
    row = _find(code)
    try:
        actions.look_again(request_id=row.pk, by=person_of(request), at=timezone.now())
    except actions.NotPossible as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, gettext("The desk looks for it now."))
    return redirect(row)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.EDIT_CUSTOMERS)
def request_settle(request: HttpRequest, code: str) -> HttpResponse:
    """Say what became of something that no machine finds out about."""
    row = _find(code)
    form = SettleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.settle_request(
                request_id=row.pk,
                was_made=form.cleaned_data["outcome"] == "made",
                made=form.cleaned_data["made"],
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            )
        except actions.InvalidRequest as refusal:
            say(form, refusal.errors)
        except actions.NotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, gettext("%(code)s is settled.") % {"code": row.code})
            return redirect(row)
    context = {**_context(request, row), "form": form}
    status = 422 if form.errors else 200
    return render(request, "customers/request_settle.html", context, status=status)


def _find(code: str) -> CustomerRequest:
    rows = CustomerRequest.objects.select_related("customer", "created_by")
    return get_object_or_404(rows, code=code)


def _context(request: HttpRequest, row: CustomerRequest) -> dict[str, Any]:
    command = life.newest_commands([row]).get(row.pk)
    sight = Sight.of(request.user)
    name = sight.name(row.customer.name) if row.customer else ""
    return {
        "asked": listing.asked(row, command, sight=sight),
        "name": name or gettext("not named"),
        "facts": listing.facts(row),
        "wrong": life.what_was_wrong(row),
        "is_moving": life.is_moving(row),
        "may_settle": can(request.user, Permission.EDIT_CUSTOMERS)
        and life.is_given_up(row, command),
        "now": timezone.now(),
    }
