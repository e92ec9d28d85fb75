"""Tags of the frame around every page."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.utils import timezone

from dashboard.look import states
from dashboard.templatetags.desk.library import register

# How much worse one state of an upstream is than another.
_WORRY = {"fresh": 0, "not_configured": 1, "never_synced": 2, "late": 3, "down": 4}


@register.inclusion_tag("components/pills.html")
def upstream_pills(pills: Sequence[Any], *, href: str = "") -> dict[str, object]:
    """Show how fresh every upstream is, and in one word how the worst of them stands."""
    worst = max(pills, key=lambda pill: _WORRY.get(str(pill.state), 0), default=None)
    marked = [(pill, states.mark(str(pill.state))) for pill in pills]
    return {
        "pills": marked,
        "worst": worst,
        "mark": states.mark(str(worst.state)) if worst else None,
        "href": href,
    }


@register.filter
def zone_words(name: str) -> str:
    """Say a time zone shortly: `Australia/Sydney` becomes `Sydney, AEST`."""
    city = str(name).rpartition("/")[2].replace("_", " ")
    short = timezone.localtime().tzname() or ""
    return city if short == city or short[:1] in "+-" else f"{city}, {short}"


@register.simple_tag
def request_reference() -> str:
    """Return the id under which the log knows this request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
