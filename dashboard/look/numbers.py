"""Amounts and counts in the reader's own notation. Decimal in, text out, nothing rounded."""

import re
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from babel import Locale
from django.utils.translation import get_language, to_locale

from upstreams.money import BadMoney, exponent

# Between a number and the currency or per cent sign that belongs to it.
_INSIDE = re.compile(r"(?<=[0-9]) (?=%|[A-Z]{3,12}\b)", re.ASCII)


class _Signs(NamedTuple):
    group: str
    point: str


@cache
def locale(language: str) -> Locale:
    """Return what Babel knows about a language of ours ("en", "es")."""
    return Locale.parse(to_locale(language))


@cache
def _signs(language: str) -> _Signs:
    symbols = locale(language).number_symbols["latn"]
    return _Signs(group=symbols["group"], point=symbols["decimal"])


def number(value: int | Decimal, *, decimals: int = 0) -> str:
    """Return `value` grouped in thousands, with at least `decimals` digits after the point.

    Digits beyond that are kept: an amount is never shown rounded.
    """
    signs = _signs(get_language() or "en")
    # Formatting a Decimal without a precision is exact; quantize() and normalize() would not be.
    plain = f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"
    whole, _, fraction = plain.partition(".")
    whole = whole.replace(",", signs.group).replace("-", "−")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    return f"{whole}{signs.point}{fraction}" if fraction else whole


def amount_text(amount: Decimal, currency: str) -> str:
    """Return an amount with as many digits as its currency has (ISO 4217), without the code.

    A currency nobody knows is shown with the digits that the amount itself has.
    """
    return number(amount, decimals=_decimals(currency))


@lru_cache(maxsize=512)
def _decimals(currency: str) -> int:
    try:
        return exponent(currency)
    except BadMoney:
        return 0


def unbroken(text: str) -> str:
    """Return the text with every number kept on one line with its currency or per cent sign."""
    return _INSIDE.sub("\N{NO-BREAK SPACE}", text)
