"""A file as a stream of rows: a few bytes in memory at a time, whatever its size."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.models import PayoutImport
from staff.texts import Text

MOST_BYTES: Final = 8 * 1024 * 1024
MOST_ROWS: Final = 10_000
MOST_IN_A_LINE: Final = 64 * 1024
PIECE: Final = 128 * 1024

_DELIMITERS: Final = (",", ";", "\t")


class Unreadable(Exception):
    """The file cannot be read as a table; `str()` is ready to be shown."""


class _Stream(io.RawIOBase):
    """Pieces of bytes, one after the other, as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece
        number = min(len(buffer), len(self._rest))
        buffer[:number] = self._rest[:number]
        self._rest = self._rest[number:]
        return number


def rows(pieces: Iterable[bytes]) -> Iterator[tuple[int, Sequence[str]]]:
    """Every row that says something, the header first, each with the number it has in the file.

    UTF-8, with or without a mark in front; commas, semicolons or tabs. Raises Unreadable.
    """
    text = io.TextIOWrapper(
        io.BufferedReader(_Stream(pieces)),  # type: ignore[type-var]
        encoding="utf-8-sig",
        errors="strict",
        newline="",
    )
    number = 0
    try:
        first = text.readline(MOST_IN_A_LINE)
        reader = csv.reader(_capped(first, text), delimiter=_delimiter(first), strict=True)
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except UnicodeDecodeError:
        raise Unreadable(
            Text(
                _("It is not UTF-8 after row %(row)s. Save it as “CSV UTF-8” and upload it again."),
                row=number,
            )
        ) from None
    except csv.Error:
        raise Unreadable(
            Text(
                _("Row %(row)s is not closed or has a quotation mark in the wrong place."),
                row=number + 1,
            )
        ) from None


def pieces_of(run: PayoutImport) -> Iterator[bytes]:
    """The bytes of an uploaded file, piece by piece."""
    numbers = run.pieces.order_by("number").values_list("number", flat=True)
    for number in list(numbers):
        yield bytes(run.pieces.values_list("content", flat=True).get(number=number))


def header_of(beginning: bytes) -> Sequence[str]:
    """The first row of a file of which this is the beginning; raises Unreadable."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in beginning:
        raise Unreadable(
            Text(_("It is not UTF-8 text. Save it as “CSV UTF-8” and upload it again."))
        )
    line = beginning.splitlines(keepends=True)[:1]
    found = next(rows(line), None)
    if found is None:
        raise Unreadable(Text(_("Its first row is empty. It names the columns.")))
    return found[1]


def _capped(first: str, text: io.TextIOWrapper) -> Iterator[str]:
    """The lines, none of them longer than a row may be."""
    line = first
    while line:
        if len(line) >= MOST_IN_A_LINE:
            raise Unreadable(Text(_("A row of it is far too long.")))
        yield line
        line = text.readline(MOST_IN_A_LINE)


def _delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)
