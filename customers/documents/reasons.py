"""Why a file is not taken as a document. Known on both sides of the pipe: imports nothing."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    SVG = "svg"
    HTML = "html"
    XML = "xml"
    EXECUTABLE = "executable"
    ARCHIVE = "archive"
    OTHER_PICTURE = "other_picture"
    OTHER = "other"
    WRONG_EXTENSION = "wrong_extension"
    POLYGLOT = "polyglot"
    TOO_MANY_PIXELS = "too_many_pixels"
    ANIMATED = "animated"
    CORRUPTED = "corrupted"
    TOO_HEAVY = "too_heavy"
    ENCRYPTED_PDF = "encrypted_pdf"
    SCRIPTED_PDF = "scripted_pdf"
    TOO_MANY_PAGES = "too_many_pages"


class NotTaken(Exception):
    """The file is not one that we keep."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)
