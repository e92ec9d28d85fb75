"""Typed reading of the upstreams' objects: what is missing is empty, what is wrong is refused."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Self, TypeVar

from upstreams import strict_json

T = TypeVar("T")


class BadRecord(ValueError):
    """An object that cannot be used. `reason` holds no value of it; `raw` is safe to store."""

    def __init__(self, reason: str, raw: Any) -> None:
        super().__init__(reason)
        self.reason, self.raw = reason, strict_json.storable(raw)


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """A record that could not be read, with the reason. `payload` is safe to store as JSON."""

    record_id: str
    payload: Any
    reason: str

    def __repr__(self) -> str:
        return f"RefusedItem({self.record_id!r}, {self.reason!r})"


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Some records of a list, and beside them those that could not be read."""

    items: list[T]
    refused: list[RefusedItem]


class Fields:
    """The members of one object. Every getter takes alternative names, the first present wins.

    Each upstream adds how it writes money.
    """

    def __init__(self, raw: Any) -> None:
        """Raises BadRecord unless `raw` is an object without flaws."""
        if isinstance(raw, strict_json.Flaw):
            raise BadRecord(raw.reason, raw)
        if not isinstance(raw, Mapping):
            raise BadRecord("not an object", raw)
        if flaw := strict_json.first_flaw(raw):
            raise BadRecord(flaw.reason, raw)
        self.raw: dict[str, Any] = strict_json.storable(raw)
        self._members: Mapping[str, Any] = raw
        self._prefix = ""

    @property
    def members(self) -> dict[str, Any]:
        """This very object, safe to store; `raw` is the outermost one."""
        return dict(strict_json.storable(dict(self._members)))

    def bad(self, name: str, problem: str) -> BadRecord:
        """To raise when the member `name` cannot be used. Refuses the whole outermost object."""
        return BadRecord(f"{self._prefix}{name} {problem}", self.raw)

    def find(self, *names: str) -> tuple[str, Any]:
        """The first name that has a value other than null, and that value."""
        for name in names:
            if (value := self._members.get(name)) is not None:
                return name, value
        return names[0], None

    def text(self, *names: str) -> str:
        """Text, "" when absent. A number is taken as its text: identifiers come either way."""
        name, value = self.find(*names)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise self.bad(name, "is not text")
        return str(strict_json.storable(value))

    def required_text(self, *names: str) -> str:
        if value := self.text(*names):
            return value
        raise self.bad(names[0], "is missing")

    def integer(self, *names: str) -> int | None:
        name, value = self.find(*names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.bad(name, "is not a whole number")
        return value

    def flag(self, *names: str) -> bool:
        name, value = self.find(*names)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.bad(name, "is neither true nor false")
        return value

    def texts(self, *names: str) -> list[str]:
        name, value = self.find(*names)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.bad(name, "is not a list of texts")
        return [str(strict_json.storable(item)) for item in value]

    def section(self, *names: str) -> Mapping[str, Any] | None:
        """A nested object, None when absent or empty."""
        name, value = self.find(*names)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.bad(name, "is not an object")
        return value or None

    def child(self, name: str) -> Self | None:
        """A nested object to be read in turn, None when absent or empty."""
        section = self.section(name)
        return None if section is None else self._nested(section, f"{name}.")

    def children(self, name: str) -> list[Self]:
        """The objects of a nested list."""
        _, listed = self.find(name)
        if listed is None:
            return []
        if not isinstance(listed, list) or not all(isinstance(m, Mapping) for m in listed):
            raise self.bad(name, "is not a list of objects")
        return [self._nested(members, f"{name}.") for members in listed]

    def _nested(self, members: Mapping[str, Any], prefix: str) -> Self:
        nested = copy.copy(self)
        nested._members, nested._prefix = members, self._prefix + prefix
        return nested

    def moment(self, *names: str) -> datetime | None:
        """A moment in UTC, which is also what a time without a zone is taken for."""
        name, value = self.find(*names)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise self.bad(name, "is not a time")
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.bad(name, "is not a time") from None

    def required_moment(self, *names: str) -> datetime:
        if moment := self.moment(*names):
            return moment
        raise self.bad(names[0], "is missing")


def read_items(
    listed: Iterable[Any], parse: Callable[[Any], T], *, ids: Sequence[str]
) -> tuple[list[T], list[RefusedItem]]:
    """Each item parsed, or refused with its reason. `ids`: where an object's id may stand."""
    items: list[T] = []
    refused: list[RefusedItem] = []
    for raw in listed:
        try:
            items.append(parse(raw))
        except BadRecord as bad:
            refused.append(RefusedItem(_id_of(bad.raw, ids), bad.raw, bad.reason))
    return items, refused


def _id_of(raw: Any, ids: Sequence[str]) -> str:
    if not isinstance(raw, dict):
        return ""
    found = (raw.get(name) for name in ids)
    return next((str(value)[:120] for value in found if isinstance(value, str | int)), "")
