"""What staff asks of every request: whether its session may go on."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from staff import sessions


class SessionLimitsMiddleware:
    """Sign out whoever was away too long, or has been signed in for a whole working day."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if sessions.is_signed_in(request) and not sessions.go_on(request, at=timezone.now()):
            logout(request)
        return self.get_response(request)
