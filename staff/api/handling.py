"""Making a problem of every exception that an endpoint raises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from staff.api.problems import MEDIA_TYPE, TITLES, BadParameter, body


def handle(exc: Exception, context: dict[str, Any]) -> Response:
    """The handler that `settings.REST_FRAMEWORK` names."""
    response = exception_handler(exc, context)
    if response is None:
        return _broken(context)
    if isinstance(exc, exceptions.ValidationError):
        response.status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
        errors = list(_pointed(exc.detail, "#"))
        code, detail = "invalid", " ".join(dict.fromkeys(error["detail"] for error in errors))
    else:
        errors = exc.errors if isinstance(exc, BadParameter) else []
        code, detail = _code(exc, response.status_code), _detail(exc)
    response.data = body(response.status_code, code=code, detail=detail, errors=errors)
    response.content_type = MEDIA_TYPE
    return response


def _broken(context: dict[str, Any]) -> Response:
    """The 500; who listens to the signal logs it. Left to Django it would be a page, not JSON."""
    got_request_exception.send(sender=handle, request=context["request"]._request)
    code = status.HTTP_500_INTERNAL_SERVER_ERROR
    return Response(body(code, code="error"), status=code, content_type=MEDIA_TYPE)


def _code(exc: Exception, status_code: int) -> str:
    """Django's own two, not found and not permitted, have no code."""
    if isinstance(exc, exceptions.APIException):
        return exc.default_code if exc.default_code in TITLES else "bad_request"
    return "permission_denied" if status_code == status.HTTP_403_FORBIDDEN else "not_found"


def _detail(exc: Exception) -> str:
    """What is told. Of a row that was not found, not which query found none."""
    return "" if isinstance(exc, Http404) else str(exc)


def _pointed(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Every message with the JSON Pointer of the field it is about."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = pointer if name == "non_field_errors" else f"{pointer}/{_escaped(str(name))}"
            yield from _pointed(inner, own)
    elif isinstance(detail, list):
        for inner in detail:
            yield from _pointed(inner, pointer)
    else:
        yield {"pointer": pointer, "detail": str(detail)}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
