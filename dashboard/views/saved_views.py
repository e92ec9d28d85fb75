"""Keeping a view of a list, sharing it, letting it open first."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from staff import saved_views
from staff.models import SavedView
from staff.sessions import person_of


@require_POST
def saved_view_new(request: HttpRequest) -> HttpResponse:
    """Keep what the list shows now under a name, and show it."""
    page, query = request.POST.get("page", ""), request.POST.get("query", "")
    address = _address_of(page)
    try:
        view = saved_views.keep(
            owner=person_of(request),
            page=page,
            name=request.POST.get("name", ""),
            query=query,
            is_shared=request.POST.get("is_shared") == "1",
            at=timezone.now(),
        )
    except saved_views.ViewNotPossible as refusal:
        messages.error(request, str(refusal.says))
        return redirect(f"{address}?{query or saved_views.NO_VIEW + '='}")
    messages.success(request, gettext("The view “%(name)s” is saved.") % {"name": view.name})
    return redirect(f"{address}?{view.query or saved_views.NO_VIEW + '='}")


@require_POST
def saved_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a view open first, or no more, or forget it."""
    person = person_of(request)
    mine_and_shared = SavedView.objects.filter(owner=person) | SavedView.objects.filter(
        is_shared=True
    )
    view = get_object_or_404(mine_and_shared, pk=pk)
    match request.POST.get("do"):
        case "default":
            saved_views.open_first(view=view, person=person)
        case "unset":
            saved_views.open_plain(page=view.page, person=person)
        case "forget" if view.owner_id == person.pk:
            saved_views.forget(view=view, by=person)
        case _:
            raise Http404
    return redirect(f"{_address_of(view.page)}?{view.query or saved_views.NO_VIEW + '='}")


def _address_of(page: str) -> str:
    """Where a list stands; raises Http404 for a name that no list has."""
    try:
        return reverse(page)
    except NoReverseMatch as unknown:
        raise Http404 from unknown
