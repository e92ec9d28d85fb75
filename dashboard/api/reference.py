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
    returned: str
    is_page: bool
    answers: list[Answer]


@dataclass(frozen=True)
class Object:
    """Something that answers consist of."""

    name: str
    text: str
    members: list[Member]


@dataclass(frozen=True)
class Reference:
    """The whole page."""

    version: str
    openapi: str
    scopes: list[tuple[str, str]]
    operations: list[Operation]
    objects: list[Object]
    problems: list[tuple[str, str]]

    @classmethod
    def of(cls, schema: Mapping[str, Any]) -> Reference:
        """Read a generated schema."""
        operations = [
            _operation(method, path, found[method], schema)
            for path, found in schema["paths"].items()
            for method in _METHODS
            if method in found
        ]
        returned = dict.fromkeys(operation.returned for operation in operations)
        return cls(
            version=schema["info"]["version"],
            openapi=schema["openapi"],
            scopes=list(Scope.choices),
            operations=operations,
            objects=[_object(name, schema) for name in returned],
            problems=list(problems.TITLES.items()),
        )


def _operation(
    method: str, path: str, operation: Mapping[str, Any], schema: Mapping[str, Any]
) -> Operation:
    responses = operation["responses"]
    good = next(responses[status] for status in sorted(responses) if status.startswith("2"))
    returned, is_page = _returned(good["content"]["application/json"]["schema"], schema)
    return Operation(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        text=operation.get("description", ""),
        scope=operation.get("x-scope", ""),
        parameters=[_parameter(each) for each in operation.get("parameters", ())],
        body=_body(operation.get("requestBody", {}), schema),
        returned=returned,
        is_page=is_page,
        answers=[Answer(status, responses[status]["description"]) for status in sorted(responses)],
    )


def _returned(part: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, bool]:
    """The name of what an answer is, or of what a page of a list holds."""
    rows = _resolved(part, schema)["properties"].get("results")
    reference: str = (rows["items"] if rows else part)["$ref"]
    return reference.rpartition("/")[2], rows is not None


def _object(name: str, schema: Mapping[str, Any]) -> Object:
    part = schema["components"]["schemas"][name]
    return Object(name, part.get("description", ""), list(_members(part, schema)))


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
