"""Reading request bodies: what is missing is told together, what is wrong one at a time."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sandbox.lux.errors import Refused, invalid
from sandbox.web import Json

AMOUNT = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?", re.ASCII)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Body:
    """The members of a JSON object. `code` is what a missing one is refused with."""

    def __init__(self, body: object, *, code: str = "missing_parameter", prefix: str = "") -> None:
        if not isinstance(body, dict):
            raise Refused(400, "invalid_request", f"{prefix or 'body'} must be an object")
        self.members: Mapping[str, Any] = body
        self._code, self._prefix = code, prefix

    def name(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def require(self, *names: str) -> None:
        missing = [self.name(name) for name in names if self.members.get(name) in (None, "", [])]
        if missing:
            text = f"Fields missing from body: {', '.join(missing)}"
            raise Refused(400, self._code, text, key=",".join(missing))

    def text(self, name: str, *, longest: int = 255) -> str | None:
        value = self.members.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(self.name(name), "must be a string")
        if len(value) > longest:
            text = f"{name} has more than {longest} characters"
            raise Refused(400, "parameter_too_long", text, key=self.name(name))
        return value

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise invalid(self.name(name), f"must be one of {', '.join(sorted(allowed))}")
        return value

    def matching(self, name: str, pattern: str, what: str) -> str | None:
        value = self.text(name)
        if value is not None and not re.fullmatch(pattern, value, re.ASCII):
            raise invalid(self.name(name), f"must be {what}")
        return value

    def amount(self, name: str) -> Decimal | None:
        """A decimal string above zero."""
        value = self.text(name)
        if value is None:
            return None
        if not AMOUNT.fullmatch(value) or not Decimal(value):
            raise invalid(self.name(name), "must be a positive decimal string")
        return Decimal(value)

    def texts(self, name: str, *, allowed: Collection[str] = ()) -> list[str]:
        value = self.members.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(self.name(name), "must be a list of strings")
        if allowed and not set(value) <= set(allowed):
            raise invalid(self.name(name), f"must be of {', '.join(sorted(allowed))}")
        return value

    def mapping(self, name: str) -> Json:
        value = self.members.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise invalid(self.name(name), "must be an object")
        return value

    def flag(self, name: str) -> bool:
        value = self.members.get(name)
        if value is not None and not isinstance(value, bool):
            raise invalid(self.name(name), "must be a boolean")
        return value is True

    def child(self, name: str) -> "Body":
        return Body(self.mapping(name), code=self._code, prefix=f"{self.name(name)}.")
