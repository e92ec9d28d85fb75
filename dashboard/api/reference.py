"""The API's schema as people read it: endpoint by endpoint, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from staff.api import problems
from staff.tokens import Scope

_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Member:
    """One field of a body, or one parameter. Nested fields are written with dots."""

    name: str
    kind: str
    is_required: bool
    text: str


@dataclass(frozen=True)
class Answer:
    status: str
    text: str


@dataclass(frozen=True)
class Operation:
    """One thing that can be asked of the API."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    scope: str
    parameters: list[Member]
    body: list[Member]
    answer: list[Member]
    answers: list[Answer]


@dataclass(frozen=True)
class Reference:
    """The whole page."""

    version: str
    openapi: str
    scopes: list[tuple[str, str]]
    groups: list[tuple[str, list[Operation]]]
    problems: list[tuple[str, str]]

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Reference:
        """Read a generated schema."""
        groups: dict[str, list[Operation]] = {}
        for path, operations in schema["paths"].items():
            for method in _METHODS:
                if operation := operations.get(method):
                    made = _operation(method, path, operation, schema)
                    groups.setdefault(operation["tags"][0], []).append(made)
        return cls(
            version=schema["info"]["version"],
            openapi=schema["openapi"],
            scopes=list(Scope.choices),
            groups=list(groups.items()),
            problems=list(problems.TITLES.items()),
        )


def _operation(
    method: str, path: str, operation: Mapping[str, Any], schema: Mapping[str, Any]
) -> Operation:
    responses = operation["responses"]
    good = next(responses[status] for status in sorted(responses) if status.startswith("2"))
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        text=operation.get("description", ""),
        scope=operation.get("x-scope", ""),
        parameters=[_parameter(each) for each in operation.get("parameters", ())],
        body=_body(operation.get("requestBody", {}), schema),
        answer=_body(good, schema),
        answers=[Answer(status, responses[status]["description"]) for status in sorted(responses)],
    )


def _parameter(parameter: Mapping[str, Any]) -> Member:
    return Member(
        name=parameter["name"],
        kind=f"{parameter['in']}, {_kind(parameter['schema'])}",
        is_required=parameter.get("required", False),
        text=parameter.get("description", ""),
    )


def _body(holder: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Member]:
    content = holder.get("content", {}).get("application/json", {})
    return list(_members(content["schema"], schema)) if content else []


def _members(
    part: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = ""
) -> Iterator[Member]:
    """The fields of an object and, behind each, the fields of what it holds."""
    part = _resolved(part, schema)
    required = part.get("required", ())
    for name, held in part.get("properties", {}).items():
        inner = _resolved(held, schema)
        text = held.get("description") or inner.get("description", "")
        yield Member(prefix + name, _kind(inner), name in required, text)
        if inner.get("type") == "array":
            yield from _members(inner["items"], schema, f"{prefix}{name}[].")
        else:
            yield from _members(inner, schema, f"{prefix}{name}.")


def _resolved(part: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference points to; of several that apply, the first that is not null."""
    for word in ("allOf", "oneOf", "anyOf"):
        if word in part:
            several = [each for each in part[word] if each.get("type") != "null"]
            return _resolved(several[0], schema)
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    found: Mapping[str, Any] = schema["components"]["schemas"][name]
    return found


def _kind(part: Mapping[str, Any]) -> str:
    kind = part.get("type", "string")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    if part.get("format") == "date-time":
        words = words.replace("string", "moment")
    known = [str(value) for value in part.get("enum", ()) if value is not None]
    return f"{words}: {', '.join(known)}" if known else words
