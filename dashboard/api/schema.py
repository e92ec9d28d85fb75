"""What the schema says beyond the endpoints themselves: tokens, scopes, and every problem."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from staff.api import problems

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": [f"/api/docs/#{code}" for code in problems.TITLES]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "How our log knows this call"},
        "errors": {
            "type": "array",
            "description": "Each thing that is wrong, where several may be.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {
                        "type": "string",
                        "description": "The field of the body, as a JSON Pointer: #/payout/payid",
                    },
                    "parameter": {"type": "string"},
                    "header": {"type": "string"},
                },
            },
        },
    },
}

# What each problem status may mean, for the one line that the schema has for it.
_MEANINGS: Final = {
    "400": "The body, a parameter or a header cannot be read.",
    "401": "There is no token, or it opens nothing: unknown, expired, revoked.",
    "403": "The token lacks the scope, or its owner the role, or it is somebody else's.",
    "404": "There is nothing here.",
    "409": "It is too late for this, or not possible as things stand.",
    "411": "The body came in chunks, without its length.",
    "413": "The body is too large.",
    "415": "The body is not application/json.",
    "422": "A field breaks a rule, or the Idempotency-Key stands for another body.",
    "429": "Too many calls with this token. Retry-After says how many seconds to wait.",
    "500": "Something broke on our side. Send the same request again, with the same key.",
}


class ApiSchema(AutoSchema):
    """Every operation says which scope it needs."""

    def get_extensions(self) -> dict[str, Any]:
        scope = getattr(self.view, "scopes", {}).get(self.method)
        return {"x-scope": scope.value} if scope else {}

    def get_description(self) -> str:  # type: ignore[override]
        """Only what an endpoint says of itself: docstrings are for those who read the code."""
        return ""

    def get_tags(self) -> list[str]:
        """Group by the word behind `/api/v1/`."""
        return [self.path.split("/")[3].capitalize()]


class BearerToken(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "staff.api.callers.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that somebody made under their own settings.",
        }


def add_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Write down every way in which an operation may say no."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        for operation in operations.values():
            for answer in operation["responses"].values():
                answer["description"] = answer["description"] or "What was asked for."
            for status in _statuses(path, operation):
                operation["responses"][status] = _problem(status)
    return result


def close_requests(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say that bodies have the members named, and no others."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False
    return result


def _statuses(path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("401", "403", "429", "500")
    if "requestBody" in operation:
        yield from ("400", "411", "413", "415", "422")
    elif any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        yield "400"
    if "{" in path:
        yield from ("404", "409") if "requestBody" in operation else ("404",)


def _problem(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    told: dict[str, Any] = {
        "description": _MEANINGS[status],
        "content": {problems.MEDIA_TYPE: {"schema": schema}},
    }
    if status == "429":
        told["headers"] = {"Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return told
