"""What every request of the desk passes through."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

import structlog
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django_structlog.middlewares import RequestMiddleware

from dashboard.views.errors import page_not_found

Handler = Callable[[HttpRequest], HttpResponse]


class NoStoreMiddleware:
    """Nothing of the desk stays in a cache: not in the browser, not on the way (proof S-7)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class PersonMiddleware:
    """Speak the person's language and tell the time in their zone."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        language = request.user.language or translation.get_language()
        request.LANGUAGE_CODE = language
        with timezone.override(_zone(request.user.time_zone)), translation.override(language):
            return self.get_response(request)


class NotFoundMiddleware:
    """Show the desk's own page where nothing is, under DEBUG too; without it Django asks for ours.

    Its technical page would meet everybody who tries the desk and mistypes an address.
    """

    def __init__(self, get_response: Handler) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and request.resolver_match is None:
            return page_not_found(request, Http404())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return page_not_found(request, exception) if isinstance(exception, Http404) else None


class RequestLogMiddleware(RequestMiddleware):
    """Log each request under an id of its own, with the caller's address as sign-in counts it."""

    def prepare(self, request: HttpRequest) -> None:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(ip=get_adapter(request).get_client_ip(request))
        super().prepare(request)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Leave the query out: people search for names and account numbers."""
        return f"{request.method} {request.path}"


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the zone of that name; None (the desk's own, UTC) for an empty or unheard one."""
    try:
        return zoneinfo.ZoneInfo(name) if name else None
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
