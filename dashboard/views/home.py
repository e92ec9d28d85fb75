"""The first page of the day."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.home import Home
from staff.permissions import Permission, can
from staff.sessions import person_of


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Everybody who is signed in has a first page; what it shows follows their roles."""
    person, now = person_of(request), timezone.now()
    context = {
        "home": Home(person, now=now),
        "now": now,
        "may_manage_staff": can(person, Permission.MANAGE_STAFF),
        "may_make": can(person, Permission.MAKE_WITHDRAWALS),
    }
    return render(request, "dashboard/home.html", context)
