"""Which files are taken as documents: by what they are, whatever they call themselves.

A file is typed here by its first bytes; only what then looks right is decoded, in a child process.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePath
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from customers.documents import decoding
from customers.documents.decoding import Remade
from customers.documents.reasons import NotTaken, Reason
from staff.texts import Text

MEGABYTE: Final = 1_000_000
PDF: Final = "application/pdf"
ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "image/webp": (".webp",),
    PDF: (".pdf",),
}
_SAID: Final[Mapping[Reason, str]] = {
    Reason.EMPTY: _("The file is empty."),
    Reason.TOO_LARGE: _("The file is larger than %(megabytes)s MB."),
    Reason.SVG: _("This is an SVG, which can run scripts. Send a PNG, JPEG, WEBP or PDF."),
    Reason.HTML: _("This is a web page, not a document. Send a PNG, JPEG, WEBP or PDF."),
    Reason.XML: _("This is an XML file, not a document. Send a PNG, JPEG, WEBP or PDF."),
    Reason.EXECUTABLE: _("This is a program. It was not kept. Ask who sent it what it is."),
    Reason.ARCHIVE: _(
        "This is a ZIP or another packed file, as office documents are too. It was not unpacked. "
        "Send the pages as PNG, JPEG, WEBP or PDF."
    ),
    Reason.OTHER_PICTURE: _(
        "Pictures of this kind are not taken. Save it as PNG, JPEG or WEBP and send that."
    ),
    Reason.OTHER: _("Nobody can tell what this file is. Send a PNG, JPEG, WEBP or PDF."),
    Reason.WRONG_EXTENSION: _(
        "The name of the file says something else than what it is. Name it as what it is, or save "
        "it again."
    ),
    Reason.POLYGLOT: _(
        "Something else is hidden in this file: it is a document and a program or archive at once."
    ),
    Reason.TOO_MANY_PIXELS: _(
        "The picture has more than %(megapixels)s megapixels. It was not decoded. Make it smaller."
    ),
    Reason.ANIMATED: _("The picture moves. A document stands still: send one picture of it."),
    Reason.CORRUPTED: _("The file is damaged and cannot be read. Ask for it once more."),
    Reason.TOO_HEAVY: _(
        "Reading this file took more time or memory than a document needs. It was not kept."
    ),
    Reason.ENCRYPTED_PDF: _("The PDF is protected by a password. Ask for it without one."),
    Reason.SCRIPTED_PDF: _(
        "The PDF contains scripts, actions or other files. Print it to a plain PDF and send that."
    ),
    Reason.TOO_MANY_PAGES: _("The PDF has more than %(pages)s pages."),
}

_TAKEN: Final = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_ARCHIVES: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"Rar!", b"7z\xbc\xaf\x27\x1c")
_PACKED: Final = (*_ARCHIVES, b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0")
_PROGRAMS: Final = (
    *(b"MZ", b"\x7fELF", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"),
    *(b"#!", b"L\x00\x00\x00\x01\x14\x02\x00", b"<?php", b"\x00asm"),
)
_OTHER_PICTURES: Final = (
    *(b"GIF8", b"BM", b"II*\x00", b"MM\x00*", b"8BPS", b"SIMPLE  =", b"%!PS", b"\xc5\xd0\xd3\xc6"),
    *(b"\x00\x00\x01\x00", b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51", b"\x76\x2f\x31\x01"),
)
_SVG: Final = re.compile(rb"<svg[\s>:]|<!doctype\s+svg", re.IGNORECASE)
_HTML: Final = re.compile(
    rb"<!doctype\s+html|<html[\s>]|<script[\s>]|<body[\s>]|<iframe[\s>]|<head[\s>]", re.IGNORECASE
)
# In the middle of a picture these are no accident: seven letters on end, in a row of random bytes.
_HIDDEN: Final = re.compile(
    rb"<!doctype\s+html|<html[\s>]|<script[\s>]|<iframe[\s>]|<\?php\s", re.IGNORECASE
)
_BEGINNING: Final = 4096
_AFTER_A_PDF: Final = 1024  # bytes that may follow its last word, and mean nothing


@dataclass(frozen=True)
class Checked:
    """A file that may be kept. `sha256` is of what was handed in."""

    sha256: str
    made: Remade = field(repr=False)


def check(content: bytes, *, name: str = "", size: int | None = None) -> Checked:
    """Type, decode and remake a file, or raise NotTaken with the reason; NoRoom when too busy.

    `size` is how long it was where not all of it is here. Calls no database.
    """
    if (len(content) if size is None else size) > settings.DOCUMENT_MAX_BYTES:
        raise NotTaken(Reason.TOO_LARGE)
    if not content:
        raise NotTaken(Reason.EMPTY)
    media_type = type_of(content)
    ending = PurePath(name.replace("\\", "/").replace("\x00", "")).suffix.lower()
    if ending and ending not in ENDINGS[media_type]:
        raise NotTaken(Reason.WRONG_EXTENSION)
    if _hides_something(content, media_type):
        raise NotTaken(Reason.POLYGLOT)
    made = decoding.remake(content, media_type=media_type)
    return Checked(hashlib.sha256(content).hexdigest(), made)


def type_of(content: bytes) -> str:
    """The media type that the bytes themselves tell. Raises NotTaken for all that is not taken."""
    for beginning, media_type in _TAKEN:
        if content.startswith(beginning):
            return media_type
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"%PDF-"):
        return PDF
    raise NotTaken(_what_else(content))


def said(reason: Reason) -> Text:
    """The refusal in words, for whoever sent the file."""
    return Text(
        _SAID[reason],
        megabytes=settings.DOCUMENT_MAX_BYTES // MEGABYTE,
        megapixels=settings.DOCUMENT_MAX_PIXELS // MEGABYTE,
        pages=settings.DOCUMENT_MAX_PAGES,
    )


def _what_else(content: bytes) -> Reason:
    if content.startswith(_PROGRAMS):
        return Reason.EXECUTABLE
    if content.startswith(_PACKED):
        return Reason.ARCHIVE
    if content.startswith(_OTHER_PICTURES) or content[4:8] == b"ftyp":  # HEIC and AVIF among them
        return Reason.OTHER_PICTURE
    return _which_text(content[:_BEGINNING])


def _which_text(beginning: bytes) -> Reason:
    """What a text is; in UTF-16 every second byte of it is nothing."""
    text = beginning.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if _SVG.search(text):
        return Reason.SVG
    if _HTML.search(text):
        return Reason.HTML
    return Reason.XML if text.startswith(b"<") else Reason.OTHER


def _hides_something(content: bytes, media_type: str) -> bool:
    """Whether the file is something else as well to whoever reads it in another way."""
    if _HIDDEN.search(content) or zipfile.is_zipfile(BytesIO(content)):
        return True
    if media_type != PDF:
        return False
    end = content.rfind(b"%%EOF")
    return end >= 0 and len(content[end:].rstrip(b"\x00 \t\r\n")) > _AFTER_A_PDF
