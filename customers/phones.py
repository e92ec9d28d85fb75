"""One spelling per phone number, so that equal ones are found equal."""

from __future__ import annotations

import phonenumbers


def same_phone(text: str) -> str:
    """The digits of the number with its country code; "" when there are none.

    `+61 (0)412 345 678`, `0061412345678` and `61412345678` are one. A number that is written
    without its country stays the digits it has, as LuxCore compares them (upstreams.md LC-A19).
    """
    digits = phonenumbers.normalize_digits_only(text)
    if text.strip().startswith("+"):
        return _international(text) or digits
    if digits.startswith("00"):
        return _international(f"+{digits[2:]}") or digits[2:]
    return digits


def _international(text: str) -> str:
    """The digits of a number that begins with its country code; "" when it cannot be read."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+")
