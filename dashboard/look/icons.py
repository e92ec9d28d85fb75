"""Inline icons from the lucide package, small enough for every row of a table."""

import re
from functools import cache

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_GAPS = re.compile(r"\s*\n\s*")


@cache
def _shapes(name: str) -> str:
    """Return the inner markup of one icon. Raises `lucide.IconDoesNotExist`."""
    found = _SHAPES.search(str(lucide(name)))
    assert found is not None  # every file in the package is one <svg>
    return _GAPS.sub("", found.group(1)).replace(" />", "/>")


@cache
def icon(name: str, label: str = "") -> SafeString:
    """Return one icon as inline SVG: decoration beside a word, or an image with a `label`.

    Stroke, fill and size come from the stylesheet, so that the markup stays short.
    """
    shapes = mark_safe(_shapes(name))  # from the package, never from a person
    if label:
        return format_html(
            '<svg class="icon" viewBox="0 0 24 24" role="img" aria-label="{}">{}</svg>',
            label,
            shapes,
        )
    return format_html('<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', shapes)
