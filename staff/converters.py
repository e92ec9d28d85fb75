"""What the parts of an address may be."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter


class TextConverter(StringConverter):
    """Text that a row may be looked up by: PostgreSQL does not even look for a NUL."""

    regex = r"[^/\x00]+"


def register() -> None:
    register_converter(TextConverter, "text")
