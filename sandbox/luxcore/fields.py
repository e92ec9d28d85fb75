"""Reading request bodies and query strings, collecting every fault before refusing."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from sandbox.clock import parse_iso
from sandbox.luxcore.errors import ValidationFailed
from sandbox.web import Json

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
BIGGEST = 2**53 - 1  # what a JSON number carries exactly everywhere


def one_of(allowed: Collection[str]) -> str:
    return "must be one of the following values: " + ", ".join(sorted(allowed))


class Fields:
    """A JSON object's members, each read with its constraint; `finish` raises what was wrong."""

    def __init__(self, body: object, prefix: str = "", errors: list[str] | None = None) -> None:
        self.errors: list[str] = [] if errors is None else errors
        self.prefix = prefix
        self.body: Mapping[str, Any] = {}
        if isinstance(body, dict):
            self.body = body
        else:
            self.errors.append(f"{prefix.rstrip('.') or 'body'} must be an object")

    def fault(self, name: str, text: str) -> None:
        self.errors.append(f"{self.prefix}{name} {text}")

    def finish(self) -> None:
        if self.errors:
            raise ValidationFailed(*self.errors)

    def has(self, name: str) -> bool:
        return self.body.get(name) is not None

    def text(self, name: str, *, required: bool = False, longest: int = 0) -> str | None:
        value = self.body.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str):
            self.fault(name, "must be a string")
            return None
        if required and not value.strip():
            self.fault(name, "should not be empty")
        if longest and len(value) > longest:
            self.fault(name, f"must be shorter than or equal to {longest} characters")
        return value

    def email(self, name: str, *, longest: int) -> str | None:
        value = self.text(name, longest=longest)
        if value is not None and not EMAIL.fullmatch(value):
            self.fault(name, "must be an email")
        return value

    def choice(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        value = self.body.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or value not in allowed:
            self.fault(name, one_of(allowed))
            return None
        return value

    def integer(
        self, name: str, *, required: bool = False, least: int = 1, most: int = BIGGEST
    ) -> int | None:
        value = self.body.get(name)
        if value is None and not required:
            return None
        if isinstance(value, Decimal) and value.is_finite() and abs(value) <= BIGGEST:
            # 150000.0 is the integer 150000 in JSON; 1500.5 stays what it is.
            value = int(value) if value == int(value) else value
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(name, "must be an integer number")
            return None
        if value < least:
            self.fault(name, f"must not be less than {least}")
        if value > most:
            self.fault(name, f"must not be greater than {most}")
        return value

    def boolean(self, name: str) -> bool:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, "must be a boolean value")
        return value is True

    def child(self, name: str) -> "Fields | None":
        value = self.body.get(name)
        if value is None:
            return None
        return Fields(value, f"{self.prefix}{name}.", self.errors)

    def mapping(self, name: str) -> Json | None:
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.fault(name, "must be an object")
            return None
        return value

    def texts(
        self, name: str, *, allowed: Collection[str] = (), required: bool = False
    ) -> list[str] | None:
        value = self.body.get(name)
        if value is None and not required:
            return None
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fault(name, "must be an array of strings")
            return None
        if required and not value:
            self.fault(name, "should not be empty")
        if allowed and not set(value) <= set(allowed):
            self.fault(name, "each value " + one_of(allowed))
        return value


class Query:
    """The query string's parameters; `finish` raises what was wrong."""

    def __init__(self, args: MultiDict[str, str]) -> None:
        self.args = args
        self.errors: list[str] = []

    def finish(self) -> None:
        if self.errors:
            raise ValidationFailed(*self.errors)

    def number(self, name: str, default: int, *, least: int, most: int) -> int:
        text = self.args.get(name, str(default))
        if not re.fullmatch(r"-?[0-9]{1,15}", text):
            self.errors.append(f"{name} must be an integer number")
            return default
        if int(text) < least:
            self.errors.append(f"{name} must not be less than {least}")
        if int(text) > most:
            self.errors.append(f"{name} must not be greater than {most}")
        return int(text)

    def page(self) -> tuple[int, int]:
        """Limit and offset [S003]: 20 at most 100, from 0."""
        limit = self.number("limit", 20, least=1, most=100)
        return limit, self.number("offset", 0, least=0, most=10**12)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        value = self.args.get(name)
        if not value:
            return None
        if value not in allowed:
            self.errors.append(f"{name} {one_of(allowed)}")
        return value

    def choices(self, name: str, allowed: Collection[str]) -> list[str]:
        values = [value for value in self.args.getlist(name) if value]
        if not set(values) <= set(allowed):
            self.errors.append(f"each value in {name} {one_of(allowed)}")
        return values

    def moment(self, name: str) -> int | None:
        value = self.args.get(name)
        if not value:
            return None
        try:
            # A plus sign that was not escaped arrives as a space.
            return parse_iso(value.replace(" ", "+") if "T" in value else value)
        except ValueError:
            self.errors.append(f"{name} must be a valid ISO 8601 date string")
            return None

    def text(self, name: str, *, longest: int) -> str | None:
        value = self.args.get(name)
        if value is not None and len(value) > longest:
            self.errors.append(f"{name} must be shorter than or equal to {longest} characters")
        return value or None
