"""The one error envelope of Lumetrade (upstreams.md §2.4)."""

from collections.abc import Mapping

from sandbox.clock import iso_ms
from sandbox.web import Json, Refusal

VALIDATION = 1133
UNEXPECTED = 1500


class Refused(Refusal):
    """The operation says no. `errors` names the fields that are wrong."""

    def __init__(
        self, status: int, message: str, *, errors: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, dict(errors or {})

    def body(self, now: int) -> Json:
        """As the control door shows it: without a number or a request's id."""
        return {"error": self.message, "errors": self.errors}


def invalid(**errors: str) -> Refused:
    return Refused(400, "Validation failed", errors=errors)


def not_found(what: str) -> Refused:
    return Refused(404, f"{what} not found")


def envelope(
    status: int,
    message: str,
    *,
    code: int,
    request_id: str,
    now: int,
    errors: Mapping[str, str] | None = None,
) -> Json:
    return {
        "code": code,
        "message": message,
        "httpStatus": status,
        "requestId": request_id,
        "timestamp": iso_ms(now),
        "errors": [{"field": name, "message": text} for name, text in (errors or {}).items()],
    }
