"""The members of a huge JSON array, one at a time, in bounded memory.

Members are cut apart by their brackets and strings alone, and each is read by `strict_json`. So a
member that is no JSON spoils itself and not the rest, and one reader decides what JSON we accept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any, Final

from upstreams import strict_json
from upstreams.strict_json import Flaw, NotStrictJson

MAX_MEMBER_BYTES: Final = 1_000_000
CHUNK: Final = 65_536
SHOWN: Final = 2_000  # bytes of a member that cannot be read, kept to be looked at

# Possessive throughout: linear on any input. Each stops before what it is not about, and before a
# string whose end has not been read yet.
_SPACE = b" \t\r\n"
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|' + _STRING + rb")*+", re.DOTALL)
_INSIDE = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)


def members(file: IO[bytes]) -> Iterator[Any]:
    """Every member of the array in `file`, parsed; a `Flaw` where one cannot be.

    Raises NotStrictJson when it is no array, ends too early or goes on after its end; what was
    whole before that has been yielded.
    """
    for member in _cut(file):
        try:
            yield strict_json.loads(member, keep_flaws=True)
        except NotStrictJson as problem:
            yield Flaw(str(problem), member[:SHOWN].decode("utf-8", "replace"))


def _cut(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of each member."""
    buffer = _opened(file)
    start = at = depth = 0
    is_first = True
    while True:
        at = _stop(_INSIDE if depth else _BETWEEN, buffer, at)
        sign = bytes(buffer[at : at + 1])
        if sign in (b"", b'"'):  # all of the buffer was looked at, or a string goes on
            del buffer[:start]
            at, start = at - start, 0
            _read_on(file, buffer)
            continue
        if depth == 0 and sign in (b",", b"]"):
            member = bytes(buffer[start:at])
            if sign == b"," or not is_first or member.strip(_SPACE):
                yield member
            if sign == b"]":
                break
            is_first = False
            start = at + 1
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(sign, 0)
        if depth < 0:
            raise NotStrictJson("not JSON")
        at += 1
    if buffer[at + 1 :].strip(_SPACE) or any(
        chunk.strip(_SPACE) for chunk in iter(lambda: file.read(CHUNK), b"")
    ):
        raise NotStrictJson("more comes after the list's end")


def _opened(file: IO[bytes]) -> bytearray:
    """The first bytes behind the array's opening bracket."""
    while chunk := file.read(CHUNK):
        if begun := chunk.lstrip(_SPACE):
            if begun[:1] != b"[":
                break
            return bytearray(begun[1:])
    raise NotStrictJson("something else than a list")


def _stop(pattern: re.Pattern[bytes], buffer: bytearray, at: int) -> int:
    found = pattern.match(buffer, at)
    assert found is not None  # both match nothing at least
    return found.end()


def _read_on(file: IO[bytes], buffer: bytearray) -> None:
    """Add to the buffer, in which nothing but the member at hand is left."""
    if len(buffer) > MAX_MEMBER_BYTES:
        raise NotStrictJson(f"a member is larger than {MAX_MEMBER_BYTES} bytes")
    chunk = file.read(CHUNK)
    if not chunk:
        raise NotStrictJson("the list breaks off")
    buffer += chunk
