"""How the API says no: RFC 9457 problem details, always.

Endpoints raise the exceptions of Django REST framework or one of those here; `handling` makes
problems of all of them. What fails around an endpoint becomes one where the desk makes its pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.http import JsonResponse
from django.utils.translation import gettext_noop as _
from rest_framework import exceptions, status

MEDIA_TYPE: Final = "application/problem+json"

# Every problem there is: its code, which is the end of its `type`, and its title.
TITLES: Final[Mapping[str, str]] = {
    "parse_error": _("The body cannot be read"),
    "bad_parameter": _("A parameter cannot be understood"),
    "not_authenticated": _("No token was given"),
    "authentication_failed": _("The token opens nothing"),
    "permission_denied": _("The token, or its owner, may not do this"),
    "not_found": _("There is nothing here"),
    "method_not_allowed": _("This address does not take this method"),
    "conflict": _("It is too late for this, or not possible as things stand"),
    "length_required": _("The body came without its length"),
    "body_too_large": _("The body is too large"),
    "unsupported_media_type": _("The body is not JSON"),
    "invalid": _("A field breaks a rule"),
    "idempotency_key_reused": _("The Idempotency-Key was used for something else"),
    "throttled": _("Too many calls"),
    "bad_request": _("The request cannot be understood"),
    "error": _("Something broke on our side"),
}


class BadParameter(exceptions.APIException):
    """A parameter of the address, or a header, that cannot be understood."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_parameter"

    def __init__(self, errors: Mapping[str, str], *, where: str = "parameter") -> None:
        self.errors = [{where: name, "detail": text} for name, text in errors.items()]
        super().__init__(" ".join(errors.values()))


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class LengthRequired(exceptions.APIException):
    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_code = "length_required"
    default_detail = "Send the body whole, with Content-Length: it was read as empty."


class BodyTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"


class IdempotencyKeyReused(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "idempotency_key_reused"


def answer(status_code: int, *, code: str, detail: str = "") -> JsonResponse:
    """The same for what goes wrong around the endpoints."""
    return JsonResponse(
        body(status_code, code=code, detail=detail), status=status_code, content_type=MEDIA_TYPE
    )


def body(
    status_code: int, *, code: str, detail: str = "", errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """The members of one problem. `request_id` is how our log knows the call."""
    title = TITLES[code]
    told: dict[str, Any] = {
        "type": f"/api/docs/#{code}",
        "title": title,
        "status": status_code,
        "detail": detail or f"{title}.",
        "request_id": str(structlog.contextvars.get_contextvars().get("request_id", "")),
    }
    return told | {"errors": errors} if errors else told
