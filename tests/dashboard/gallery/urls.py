"""The gallery's own addresses, and quiet stand-ins for those that the frame leads to."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import path
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from tests.dashboard.gallery import facts

PAGES = ["list", "detail", "form", "wrong", "pieces"]


@login_not_required
def page(request: HttpRequest, name: str) -> HttpResponse:
    """Show one page of the gallery to somebody who is signed in."""
    now = timezone.now()
    request.user = SimpleNamespace(is_authenticated=True, **vars(facts.APPROVER))  # type: ignore[assignment]
    context = facts.page(now) | {
        "fee": Decimal("112.5"),
        "total": Decimal("2612.5"),
        "asked_at": now - timedelta(minutes=18),
        "user": request.user,
    }
    context["frame"].letter_keys = "mute" not in request.GET
    context["frame"].alarms = facts.alarms(now) if name == "pieces" else []
    language = request.GET.get("language", "en")
    with timezone.override(ZoneInfo("Australia/Sydney")), translation.override(language):
        return render(request, f"gallery/{name}.html", context)


@login_not_required
def trouble(request: HttpRequest, name: str) -> HttpResponse:
    """Show one of the pages for what went wrong, inside the frame or without one."""
    now = timezone.now()
    context = {"frame": None, "user": SimpleNamespace(is_authenticated=False)}
    if "inside" in request.GET:
        user = SimpleNamespace(is_authenticated=True, **vars(facts.APPROVER))
        context = {"frame": facts.frame(now), "user": user}
    return render(request, f"{name}.html", context | {"reason": request.GET.get("reason", "")})


@csrf_exempt
@login_not_required
def quiet(request: HttpRequest) -> HttpResponse:
    """Stand in for every page that the frame leads to."""
    return HttpResponse(
        f"<!doctype html><title>{request.method} {request.path}</title>"
        f'<link rel="icon" href="{static("img/favicon.svg")}">'
    )


_rounds = count(1)


@login_not_required
def rounds(request: HttpRequest) -> HttpResponse:
    """Answer the inside of a live fragment and another part of the page with it."""
    number = next(_rounds)
    return HttpResponse(
        f'<p data-announce="Round {number}">Round {number}</p>'
        '<div class="field"><label for="reason">Reason</label>'
        '<input type="text" id="reason"></div>'
        f'<span id="beside" data-hx-swap-oob="true">beside {number}</span>'
    )


urlpatterns = [
    path("gallery/<str:name>/", page, name="gallery"),
    path("trouble/<str:name>/", trouble, name="trouble"),
    path("", quiet, name="home"),
    path("search/", quiet, name="search"),
    path("upstreams/", quiet, name="upstreams"),
    path("preferences/", quiet, name="preferences"),
    path("preferences/tokens/", quiet, name="api-tokens"),
    path("rounds/", rounds, name="rounds"),
    path("opened/", quiet, name="opened"),
    path("accounts/login/", quiet, name="account_login"),
    path("accounts/logout/", quiet, name="account_logout"),
    path("accounts/password/change/", quiet, name="account_change_password"),
]
