"""Finding what the object streams of a PDF hide. Runs in the child process alone; no Django."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from customers.documents.reasons import NotTaken, Reason

_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECT: Final = re.compile(rb"(?<!end)obj")
# `/ObjStm`, whichever of its letters are spelled as `#4F`.
_NAME: Final = re.compile(
    b"/" + b"".join(b"(?:%c|(?i:#%02x))" % (letter, letter) for letter in b"ObjStm")
)
_BLANK: Final = re.compile(rb"(?:[\0\t\n\f\r ]+|%[^\r\n]*)*")
_TOKEN: Final = re.compile(
    rb"<<|>>|<[^>]*>|/[^\0\t\n\f\r ()<>\[\]{}/%]*|[\[\]{}(]|[^\0\t\n\f\r ()<>\[\]{}/%]+"
)
_IN_TEXT: Final = re.compile(rb"\\.|[()]", re.DOTALL)
_BEGIN: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_FLATE: Final = ([b"/FlateDecode"], [b"/Fl"], [b"[", b"/FlateDecode", b"]"], [b"[", b"/Fl", b"]"])
_MOST_UNFOLDED: Final = 20_000_000  # bytes of object streams that are looked through


def unescaped(part: bytes) -> bytes:
    """The bytes with `#4A` read as `J`, as readers of PDFs do in names."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), part)


def unfolded(content: bytes) -> Iterator[bytes]:
    """What each object stream holds.

    Raises NotTaken where one is packed in another way than by Flate alone, does not unfold, or is
    named where no stream can be read: nobody could say what it hides.
    """
    left, seen = _MOST_UNFOLDED, 0
    for found in _OBJECT.finditer(content):
        start = _after_blanks(content, found.end())
        tokens, end = _dictionary(content, start)
        names = {unescaped(token) for token in tokens}
        if b"/ObjStm" not in names and not {b"/N", b"/First"} <= names:
            continue
        begin = _BEGIN.match(content, _after_blanks(content, end))
        if begin is None:
            continue
        seen += len(_NAME.findall(content, start, end))
        part = _inflated(content, begin.end(), tokens, most=left)
        left -= len(part)
        yield part
    if seen < len(_NAME.findall(content)):
        raise NotTaken(Reason.SCRIPTED_PDF)


def _inflated(content: bytes, start: int, tokens: list[bytes], *, most: int) -> bytes:
    if _filter([unescaped(token) for token in tokens]) not in _FLATE:
        raise NotTaken(Reason.SCRIPTED_PDF)
    inflating = zlib.decompressobj()
    try:
        part = inflating.decompress(memoryview(content)[start:], most)
    except zlib.error:
        raise NotTaken(Reason.SCRIPTED_PDF) from None
    if len(part) >= most:
        raise NotTaken(Reason.TOO_HEAVY)
    if not inflating.eof:
        raise NotTaken(Reason.SCRIPTED_PDF)
    return part


def _filter(tokens: list[bytes]) -> list[bytes]:
    """What `/Filter` says; [] where it is not said once, or more is said of the decoding."""
    more = (b"/DecodeParms", b"/DP", b"/F", b"/FFilter", b"/FDecodeParms")
    if tokens.count(b"/Filter") != 1 or any(name in tokens for name in more):
        return []
    rest = tokens[tokens.index(b"/Filter") + 1 :]
    if rest[:1] != [b"["]:
        return rest[:1]
    return rest[: rest.index(b"]") + 1] if b"]" in rest else []


def _dictionary(content: bytes, start: int) -> tuple[list[bytes], int]:
    """The tokens of the dictionary that begins here, and where it ends; [] where none does."""
    tokens: list[bytes] = []
    at, depth = start, 0
    while found := _TOKEN.match(content, at):
        token, at = found[0], found.end()
        depth += (token == b"<<") - (token == b">>")
        if not tokens and token != b"<<":
            break
        tokens.append(token)
        if depth == 0:
            return tokens, at
        if token == b"(":
            at = _end_of_text(content, at)
        at = _after_blanks(content, at)
    return [], start


def _end_of_text(content: bytes, at: int) -> int:
    depth = 1
    for found in _IN_TEXT.finditer(content, at):
        depth += (found[0] == b"(") - (found[0] == b")")
        if depth == 0:
            return found.end()
    return len(content)


def _after_blanks(content: bytes, at: int) -> int:
    found = _BLANK.match(content, at)
    return found.end() if found else at
