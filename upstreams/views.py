"""Where upstreams post their events."""

from __future__ import annotations

import structlog
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from upstreams import webhooks
from upstreams.lux import receiver as lux
from upstreams.luxcore import receiver as luxcore
from upstreams.webhooks import Receiver, Refusal

logger = structlog.get_logger(__name__)


@csrf_exempt
@login_not_required
def receive_luxcore(request: HttpRequest) -> HttpResponse:
    return _receive(request, luxcore.receiver())


@csrf_exempt
@login_not_required
def receive_lux(request: HttpRequest) -> HttpResponse:
    return _receive(request, lux.receiver())


def _receive(request: HttpRequest, receiver: Receiver) -> HttpResponse:
    """Answer 200 once the event is kept, and never 5xx but when it cannot be kept at all.

    Refusals all read alike: the sender learns nothing from them.
    """
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        body = _body(request)
    except OSError:  # they hung up half-way
        return JsonResponse({"error": "refused"}, status=400)
    if body is None:
        webhooks.count_refusal(receiver.upstream, Refusal.TOO_LARGE)
        return JsonResponse({"error": "refused"}, status=413)
    try:
        webhooks.receive(receiver, body, request.headers, at=timezone.now())
    except webhooks.Refused as refused:
        webhooks.count_refusal(receiver.upstream, refused.refusal)
        return JsonResponse({"error": "refused"}, status=401)
    except (OperationalError, InterfaceError):
        logger.exception("upstreams.webhook.not_kept", upstream=receiver.upstream)
        return JsonResponse({"error": "unavailable"}, status=503)  # they send it again
    return JsonResponse({"received": True})


def _body(request: HttpRequest) -> bytes | None:
    """The raw body, None when it is longer than the cap. Never reads more than one byte past it.

    Django sees an empty body when the length is not announced (chunked). Servers that mark the
    end of the stream themselves, as Granian does, let us read it all the same.
    """
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced.isdigit() and int(announced) > webhooks.MAX_BYTES:
        return None
    stream = request
    if not announced and request.META.get("wsgi.input_terminated"):
        stream = request.META["wsgi.input"]
    body: bytes = stream.read(webhooks.MAX_BYTES + 1)
    return body if len(body) <= webhooks.MAX_BYTES else None
