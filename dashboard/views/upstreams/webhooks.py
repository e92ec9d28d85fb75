"""Events that arrived, and the endpoints a provider posts them to."""

from __future__ import annotations

import json

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from dashboard.context import MAY_SEE_UPSTREAMS
from payments.sight import Sight
from staff import lists
from staff.permissions import Permission, can, permission_required
from staff.sessions import person_of
from upstreams import webhooks as door
from upstreams.enums import EventState, Upstream
from upstreams.errors import UpstreamError
from upstreams.http import Priority
from upstreams.luxcore.client import get_client
from upstreams.models import WebhookEvent

NEWEST_FIRST = lists.Order("received_at", newest_first=True)
PATIENCE = 5.0  # seconds that a person waits for the list of endpoints


@require_safe
@permission_required(*MAY_SEE_UPSTREAMS)
def webhooks(request: HttpRequest) -> HttpResponse:
    """The events, newest first, by what became of them."""
    return render(request, "upstreams/webhooks.html", _context(request))


@require_safe
@permission_required(*MAY_SEE_UPSTREAMS)
def webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """One event: its verdict, its attempts, what it said (masked)."""
    event = get_object_or_404(WebhookEvent, pk=pk)
    context = {
        "event": event,
        "now": timezone.now(),
        "payload": _payload(event, Sight.of(request.user)),
        "back": lists.address(request.GET),
        "may_manage": can(request.user, Permission.MANAGE_FEEDS),
    }
    return render(request, "upstreams/webhook.html", context)


@require_POST
@permission_required(Permission.MANAGE_FEEDS)
def webhook_replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand one event out again."""
    event = get_object_or_404(WebhookEvent, pk=pk)
    door.replay(
        WebhookEvent.objects.filter(pk=event.pk),
        by_label=person_of(request).email,
        at=timezone.now(),
    )
    messages.success(
        request,
        gettext("%(event)s is handed out again. Applying it twice changes nothing.")
        % {"event": event.event_id},
    )
    return redirect("upstreams-webhook", event.pk)


@require_POST
@permission_required(Permission.MANAGE_FEEDS)
def endpoints(request: HttpRequest) -> HttpResponse:
    """Ask LuxCore which endpoints it posts to. Asked for by hand: no page waits for it."""
    context = _context(request)
    try:
        client = get_client(priority=Priority.OPERATOR, deadline=PATIENCE)
        context["endpoints"] = client.list_webhooks().items
    except UpstreamError as problem:
        context["problem"] = str(problem)
    return render(request, "upstreams/webhooks.html", context)


def _context(request: HttpRequest) -> dict[str, object]:
    wanted = request.GET.get("state", "")
    state = wanted if wanted in EventState.values else ""
    totals = {key: lists.count(_in(key)) for key in ("", *EventState.values)}
    page = lists.page(_in(state), order=NEWEST_FIRST, query=request.GET)
    return {
        "now": timezone.now(),
        "page": page,
        "pages": lists.steps(page, query=request.GET, total=totals[state]),
        "query": f"?{request.GET.urlencode()}" if request.GET else "",
        "refusals": door.refusal_counts(Upstream.LUXCORE),
        "endpoints": None,
        "problem": "",
        "may_manage": can(request.user, Permission.MANAGE_FEEDS),
        "tabs": [
            {
                "label": gettext(EventState(key).label if key else "All"),
                "url": lists.address(request.GET, state=key or None),
                "count": total.shown,
                "is_current": key == state,
            }
            for key, total in totals.items()
        ],
    }


def _in(state: str) -> QuerySet[WebhookEvent]:
    rows = WebhookEvent.objects.defer("body", "headers")
    return rows.filter(state=state) if state else rows


def _payload(event: WebhookEvent, sight: Sight) -> str:
    try:
        return sight.raw(json.loads(event.body_bytes))
    except ValueError:
        return gettext("%(n)s bytes that are not JSON.") % {"n": len(event.body_bytes)}
