"""What went wrong, said inside the frame: what happened, whether money moved, what to do."""

from __future__ import annotations

import structlog
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.views.debug import ExceptionReporter

from staff.api import problems

log = structlog.get_logger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problems.answer(400, code="bad_request")
    # The host name itself may be what was refused: nothing here may ask for it again.
    return HttpResponse(render_to_string("400.html"), status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    reason = str(exception) if isinstance(exception, PermissionDenied) else ""
    if _is_api(request):
        return problems.answer(403, code="permission_denied", detail=reason)
    return render(request, "403.html", {"reason": reason}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without its token: an old tab, or somebody else's page."""
    log.warning("dashboard.csrf.refused", reason=reason, path=request.path)
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    if _is_api(request):
        return problems.answer(500, code="error")
    try:
        return render(request, "500.html", status=500)
    except Exception:
        # The frame itself may be what failed, with the database away for one.
        log.exception("dashboard.error_page.failed")
        return HttpResponse(render_to_string("500.html"), status=500)


class PlainReporter(ExceptionReporter):
    """What Django shows under DEBUG in place of its technical pages; tracebacks go to the log."""

    def get_traceback_html(self) -> SafeString:
        assert self.request is not None  # nothing but requests is reported on here
        if isinstance(self.exc_value, SuspiciousOperation | BadRequest):
            page = bad_request(self.request, self.exc_value)
        else:
            page = server_error(self.request)
        return mark_safe(page.content.decode())


def _is_api(request: HttpRequest) -> bool:
    """Whether a program asked: it is told in JSON."""
    return request.path.startswith("/api/")
