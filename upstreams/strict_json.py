"""JSON from outside, read without believing it.

Nesting is measured before parsing, without recursion. Fractions become `Decimal`, never float.
A name given twice, NaN, Infinity and absurdly long integers are *flaws*: `loads` refuses a
document with flaws unless the caller wants them kept, to go on with the healthy rest of a page.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

MAX_DEPTH: Final = 32
MAX_INTEGER_DIGITS: Final = 40

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)  # possessive: linear on any input
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class NotStrictJson(ValueError):
    """The bytes are not a JSON document we accept. `str()` holds nothing of the document."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Stands where a value stood that must not be used."""

    reason: str
    found: Any


def loads(data: bytes, *, keep_flaws: bool = False) -> Any:
    """The document in `data`; raises NotStrictJson. `keep_flaws` leaves `Flaw`s in their places."""
    _check_depth(data)
    flaws: list[Flaw] = []

    def flaw(reason: str, found: Any) -> Flaw:
        flaws.append(Flaw(reason, found))
        return flaws[-1]

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any] | Flaw:
        members = dict(pairs)
        return members if len(members) == len(pairs) else flaw("a name is given twice", pairs)

    def integer(digits: str) -> int | Flaw:
        if len(digits) > MAX_INTEGER_DIGITS:
            return flaw("a number is too long", digits[:MAX_INTEGER_DIGITS] + "…")
        return int(digits)

    try:
        document = json.loads(
            data.decode("utf-8"),  # a byte order mark is left in and refused by the parser
            parse_float=Decimal,
            parse_int=integer,
            parse_constant=lambda word: flaw("not a number", word),
            object_pairs_hook=unique,
        )
    except UnicodeDecodeError:
        raise NotStrictJson("not UTF-8") from None
    except (ValueError, ArithmeticError, RecursionError):
        raise NotStrictJson("not JSON") from None
    if flaws and not keep_flaws:
        raise NotStrictJson(flaws[0].reason)
    return document


def storable(value: Any) -> Any:
    """`value` as a JSON column takes it on every database.

    Fractions become their text, flaws a description of themselves; NUL and lone surrogates, which
    PostgreSQL refuses, become U+FFFD.
    """
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:  # nearly all: long lists are read often
            return value
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {storable(name): storable(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [storable(member) for member in value]
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Flaw):
        return {"refused": value.reason, "found": storable(value.found)}
    return value


def first_flaw(value: Any) -> Flaw | None:
    """The first flaw anywhere inside a parsed value."""
    if isinstance(value, Flaw):
        return value
    members: Any = ()
    if isinstance(value, dict):
        members = value.values()
    elif isinstance(value, list):
        members = value
    for member in members:  # most are leaves: a call for each would be most of reading a record
        if isinstance(member, dict | list | Flaw) and (flaw := first_flaw(member)):
            return flaw
    return None


def digest(value: Any) -> str:
    """SHA-256 in hex over the canonical JSON of a storable value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_depth(data: bytes) -> None:
    depth = 0
    for bracket in _STRINGS.sub(b"", data).translate(None, _NOT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotStrictJson(f"nested deeper than {MAX_DEPTH}")
        else:
            depth -= 1
