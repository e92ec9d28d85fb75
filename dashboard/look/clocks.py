"""Moments and spans of time in words, in the reader's language and zone."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from babel.dates import format_date
from django.utils import timezone
from django.utils.translation import get_language, gettext

from dashboard.look.numbers import locale

SOON = timedelta(minutes=30)

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_NOW = timedelta(seconds=5)


def span(length: timedelta) -> str:
    """Return a length of time in one unit, fine enough to act upon: `45 s`, `97 min`, `26 h`.

    A unit begins where two of it have passed. `static/js/times.js` speaks the same words while a
    page stays open.
    """
    seconds = int(abs(length.total_seconds()))
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} d"


def moment(at: datetime) -> str:
    """Return an absolute moment in the reader's zone, and that zone: `20 Nov 2026, 13:44 AEDT`."""
    local = timezone.localtime(at)
    day = _day(local.date(), get_language() or "en")
    return f"{day}, {local.hour:02}:{local.minute:02} {_zone_name(local)}"


@lru_cache(maxsize=1024)
def _day(day: date, language: str) -> str:
    """Return a date in words. The rows of a list share a few dates, and asking Babel is slow."""
    return format_date(day, "d MMM y", locale=locale(language))


def _zone_name(local: datetime) -> str:
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def relative(at: datetime, *, now: datetime) -> str:
    """Return how long ago `at` was, or in how long it will be."""
    if abs(now - at) < _NOW:
        return gettext("now")
    if at > now:
        return gettext("in %(span)s") % {"span": span(at - now)}
    return gettext("%(span)s ago") % {"span": span(now - at)}


@dataclass(frozen=True)
class Due:
    """How a deadline stands: `tone` is "", "soon" or "over"."""

    text: str
    tone: str


def due(at: datetime, *, now: datetime, soon: timedelta = SOON) -> Due:
    """Return the words and the tone of a deadline."""
    left = at - now
    if left <= timedelta(0):
        return Due(text=gettext("%(span)s late") % {"span": span(left)}, tone="over")
    text = gettext("%(span)s left") % {"span": span(left)}
    return Due(text=text, tone="soon" if left <= soon else "")
