"""The countries of ISO 3166-1 alpha-2, by their code."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from babel import Locale
from django.utils.translation import get_language, to_locale

# Babel knows parts of the world, unions and places that are no countries, too.
_NONE: Final = frozenset({"EU", "EZ", "UN", "XA", "XB", "XK", "ZZ", "QO", "AC", "CP", "CQ", "DG",
                          "EA", "IC", "TA"})  # fmt: skip
COUNTRIES: Final = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if re.fullmatch("[A-Z]{2}", code) and code not in _NONE
)


def by_name() -> list[tuple[str, str]]:
    """Code and name of each, by name in the reader's language."""
    return _by_name(to_locale(get_language() or "en"))


@cache
def _by_name(locale: str) -> list[tuple[str, str]]:
    names = {str(code): str(name) for code, name in Locale.parse(locale).territories.items()}
    return sorted(((code, names[code]) for code in COUNTRIES), key=lambda pair: pair[1])
