"""Whether single values have the form that Lux Financial documents: "" or what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Final, TypeAlias

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from customers.requests.countries import COUNTRIES
from staff import letters
from staff.texts import Sayable, Text

Problem: TypeAlias = Callable[[str], Sayable]

LONGEST: Final = 255
BUSINESS_TYPES: Final = {
    "llc": _("Limited liability company"),
    "corporation": _("Corporation"),
    "partnership": _("Partnership"),
    "sole_proprietor": _("Sole proprietor"),
}
_EARLIEST: Final = date(1850, 1, 1)


def text(value: str) -> Sayable:
    """Nothing that nobody can see, and no more than fits."""
    if unseen := letters.first_unseen(value):
        return Text(
            _("There is an invisible character in it (%(code_point)s)."),
            code_point=letters.code_point(unseen),
        )
    if len(value) > LONGEST:
        return Text(
            _("At most %(most)s characters; this has %(length)s."), most=LONGEST, length=len(value)
        )
    return ""


def email(value: str) -> Sayable:
    try:
        validate_email(value)
    except ValidationError:
        return Text(_("Write a whole e-mail address, such as james@example.com."))
    return text(value)


def phone(value: str) -> Sayable:
    """E.164."""
    return _matching(
        value,
        r"\+[1-9][0-9]{6,14}",
        _("Write the phone number with its country and digits alone, such as +61412345678."),
    )


def day(value: str) -> Sayable:
    """A day that was, YYYY-MM-DD."""
    try:
        then = date.fromisoformat(value) if len(value) == len("2000-01-31") else None
    except ValueError:
        then = None
    if then is None:
        return Text(_("Write the date as year, month and day, such as 1990-01-31."))
    if not _EARLIEST <= then <= timezone.localdate():
        return Text(_("This date cannot be right: it lies ahead, or too far back."))
    return ""


def country(value: str) -> Sayable:
    return "" if value in COUNTRIES else Text(_("Choose one of the countries in the list."))


def business_type(value: str) -> Sayable:
    return "" if value in BUSINESS_TYPES else Text(_("Choose one of the kinds in the list."))


def website(value: str) -> Sayable:
    return _matching(
        value,
        r"https?://[^\s/]+\.[^\s]+",
        _("Write the whole address, such as https://example.com."),
    ) or text(value)


def last_four(value: str) -> Sayable:
    return _matching(value, r"[0-9]{4}", _("Write the last four digits alone."))


def _matching(value: str, pattern: str, otherwise: str) -> Sayable:
    return "" if re.fullmatch(pattern, value, re.ASCII) else Text(otherwise)
