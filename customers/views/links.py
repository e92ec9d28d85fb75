"""Saying from the page of a customer whether another row is the same person."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from customers import actions, showing
from customers.models import Customer, Link
from customers.sight import Sight
from staff.forms import ReasonForm
from staff.permissions import Permission, permission_required
from staff.sessions import person_of

Deed = Callable[..., Link]


@require_http_methods(["GET", "POST"])
@permission_required(Permission.LINK_CUSTOMERS)
def link_accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, and make the two one person."""
    return _asked(request, pk, "accept", actions.accept_link, gettext("They are one person now."))


@require_http_methods(["GET", "POST"])
@permission_required(Permission.LINK_CUSTOMERS)
def link_dismiss(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, and keep the two apart."""
    done = gettext("They stay two, and nobody is asked about them again.")
    return _asked(request, pk, "dismiss", actions.dismiss_link, done)


@require_http_methods(["GET", "POST"])
@permission_required(Permission.LINK_CUSTOMERS)
def link_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, and take the two apart."""
    done = gettext("They are two again. Holds stay with the row that each was placed on.")
    return _asked(request, pk, "undo", actions.undo_link, done)


def _asked(request: HttpRequest, pk: int, name: str, act: Deed, done: str) -> HttpResponse:
    """Show both sides and the question, or make the one call and go back to the customer."""
    link = get_object_or_404(Link.objects.all().with_sides(), pk=pk)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            act(
                link_id=pk,
                reason=form.cleaned_data["reason"],
                by=person_of(request),
                at=timezone.now(),
            )
        except actions.LinkNotPossible as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, done)
            return redirect(Customer.objects.get(pk=link.into_id))
    context = {
        "form": form,
        "pair": showing.pair(link, Sight.of(request.user)),
        "deed": name,
        "back": link.into.get_absolute_url(),
        "now": timezone.now(),
    }
    return render(request, "customers/link.html", context, status=422 if form.errors else 200)
