"""Amounts with their currency, and the only place where upstream notations become one.

Never through a float. Text is matched as plain ASCII before `Decimal` sees it, because `Decimal`
also reads other scripts' digits, underscores, exponents, NaN and Infinity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import cache
from typing import Final

from babel.core import get_global

MAX_WHOLE_DIGITS: Final = 20  # what DecimalField(max_digits=38, decimal_places=18) holds
MAX_DECIMALS: Final = 18

# Babel carries CLDR's everyday digits; where ISO 4217 counts more minor units, ISO wins.
_ISO_DIFFERS: Final = {
    **dict.fromkeys(["AFN", "ALL", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK"], 2),
    **dict.fromkeys(["RSD", "SLL", "SOS", "SYP", "YER"], 2),
    "IQD": 3,
}
_COINS: Final = {
    **dict.fromkeys(["USDC", "USDT", "PYUSD", "USDB", "TRX", "XRP", "EURC"], 6),
    "XLM": 7,
    **dict.fromkeys(["BTC", "LTC", "BCH", "DOGE"], 8),
    "SOL": 9,
    **dict.fromkeys(["ETH", "DAI", "BNB", "POL", "AVAX", "LUX"], 18),
}

_UNIT: Final = Decimal(1).scaleb(-MAX_DECIMALS)
_COLUMN: Final = Context(prec=MAX_WHOLE_DIGITS + MAX_DECIMALS)  # the usual one has 28 digits

_MINOR = re.compile(r"-?(?:0|[1-9][0-9]{0,37})", re.ASCII)
_MAJOR = re.compile(r"(-?)(0|[1-9][0-9]{0,37})(?:\.([0-9]{1,18}))?", re.ASCII)


class BadMoney(ValueError):
    """Not an amount, not a currency, or more decimals than the currency has."""


@cache
def exponent(currency: str) -> int:
    """How many decimals one unit of `currency` has; raises BadMoney for an unknown one."""
    if currency in _COINS:
        return _COINS[currency]
    if currency in _ISO_DIFFERS:
        return _ISO_DIFFERS[currency]
    if currency not in get_global("all_currencies"):
        raise BadMoney("the currency is not known")
    fractions = get_global("currency_fractions")
    digits: int = fractions.get(currency, fractions["DEFAULT"])[0]
    return digits


def is_known(currency: str) -> bool:
    """Whether we know how many decimals `currency` has."""
    try:
        exponent(currency)
    except BadMoney:
        return False
    return True


def as_stored(number: Decimal) -> Decimal:
    """`number` rounded to what a column holds; raises BadMoney where it is too large for one."""
    try:
        stored = number.quantize(_UNIT, context=_COLUMN)
    except InvalidOperation:
        raise BadMoney("the number is too large") from None
    if not stored.is_finite():
        raise BadMoney("not a number")
    return stored


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in major units with its currency."""

    amount: Decimal
    currency: str

    @classmethod
    def from_minor(cls, minor: int | str, currency: str) -> Money:
        """`minor` counts the smallest unit: 150000 MXN is 1500.00. Raises BadMoney."""
        if isinstance(minor, bool) or not isinstance(minor, int | str):
            raise BadMoney("not a whole number of minor units")
        text = str(minor)
        if not _MINOR.fullmatch(text) or text == "-0":
            raise BadMoney("not a whole number of minor units")
        places = exponent(currency)
        digits = text.removeprefix("-")
        if len(digits) > MAX_WHOLE_DIGITS + places:
            raise BadMoney("the amount is too large")
        # From digits, not by dividing: a division would round at the context's precision.
        sign = int(text.startswith("-"))
        return cls(Decimal((sign, tuple(map(int, digits)), -places)), currency)

    @classmethod
    def from_decimal_text(cls, text: str, currency: str) -> Money:
        """`text` is in major units, like "1500.00"; raises BadMoney.

        No more decimals than the currency has: "1.000" may be somebody's thousand.
        """
        match = _MAJOR.fullmatch(text)
        if not match:
            raise BadMoney("not a plain decimal number")
        sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
        if len(whole) > MAX_WHOLE_DIGITS:
            raise BadMoney("the amount is too large")
        places = exponent(currency)
        if len(fraction) > places:
            raise BadMoney(f"{currency} has {places} decimals")
        digits = whole + fraction.ljust(places, "0")
        if sign and not digits.strip("0"):
            raise BadMoney("not a plain decimal number")
        return cls(Decimal((int(bool(sign)), tuple(map(int, digits)), -places)), currency)

    @classmethod
    def from_number(cls, number: int | Decimal, currency: str) -> Money:
        """`number` is a JSON number in major units, read without a float; raises BadMoney.

        A number's zeros and exponent mean nothing: 101, 101.000 and 1.01E+2 are one amount. The
        currency need not be known, and more decimals than it has are kept: this is what they say.
        """
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise BadMoney("not a number")
        value = Decimal(number)
        if not value.is_finite():
            raise BadMoney("not a number")
        sign, digits, shift = _plain(value)
        if len(digits) + shift > MAX_WHOLE_DIGITS:
            raise BadMoney("the amount is too large")
        if -shift > MAX_DECIMALS:
            raise BadMoney("the amount has too many decimals")
        places = max(-shift, exponent(currency) if is_known(currency) else 0)
        return cls(Decimal((sign, digits + (0,) * (places + shift), -places)), currency)

    @classmethod
    def from_plain_text(cls, text: str, currency: str) -> Money:
        """`text` is a provider's decimal in major units, read like `from_number`; raises BadMoney.

        For providers that document this notation: a dot is a dot, "1000.000000 USD" is a thousand.
        """
        if not _MAJOR.fullmatch(text):
            raise BadMoney("not a plain decimal number")
        return cls.from_number(Decimal(text), currency)

    def to_number(self) -> str:
        """The amount as a JSON number in major units: 101, 18.4. Raises BadMoney."""
        if not self.amount.is_finite():
            raise BadMoney("not a number")
        sign, digits, shift = _plain(self.amount)
        if len(digits) + shift > MAX_WHOLE_DIGITS or -shift > MAX_DECIMALS:
            raise BadMoney("the amount is too large or too fine")
        return f"{Decimal((sign, digits, shift)):f}"

    def to_plain_text(self) -> str:
        """The amount as decimal text with all decimals the currency has: "1000.00".

        Raises BadMoney where it has more, or the currency is not known.
        """
        number = Decimal(self.to_number())
        places = exponent(self.currency)
        shift = number.as_tuple().exponent
        if isinstance(shift, int) and -shift > places:
            raise BadMoney(f"{self.currency} has {places} decimals")
        return f"{number:.{places}f}"

    def to_minor(self) -> int:
        """The amount in the smallest unit; raises BadMoney when that is not a whole number."""
        if not self.amount.is_finite():
            raise BadMoney("not a number")
        sign, digits, shift = self.amount.as_tuple()
        assert isinstance(shift, int)  # finite
        if shift > MAX_WHOLE_DIGITS:
            raise BadMoney("the amount is too large")
        power = shift + exponent(self.currency)
        number = int("".join(map(str, digits)))
        scale: int = 10 ** abs(power)
        minor, rest = (number * scale, 0) if power >= 0 else divmod(number, scale)
        if rest:
            raise BadMoney("not a whole number of minor units")
        return -minor if sign else minor

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"


def _plain(value: Decimal) -> tuple[int, tuple[int, ...], int]:
    """Sign, digits and exponent of a finite number, without zeros at the end; zero has no sign.

    Not by `normalize`, which rounds at the context's precision.
    """
    sign, digits, shift = value.as_tuple()
    assert isinstance(shift, int)  # finite
    kept = len(digits)
    while kept and digits[kept - 1] == 0:
        kept -= 1
    if not kept:
        return 0, (0,), 0
    return sign, digits[:kept], shift + len(digits) - kept
