"""What a payment may carry along, in or out: metadata, its own webhook, a customer's number."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_noop as _

from staff.texts import Sayable, Text
from upstreams import addresses, strict_json

# What a per-payment webhook may tell of; none chosen leaves LuxCore's own default.
EVENTS: Final = {
    "payment.created": _("created"),
    "payment.completed": _("completed"),
    "payment.failed": _("failed or expired"),
    "payment.cancelled": _("cancelled"),
    "payment.refunded": _("refunded"),
}
DEFAULT_EVENTS: Final = tuple(event for event in EVENTS if event != "payment.cancelled")
MOST_METADATA: Final = 4096  # characters of JSON; LuxCore documents no limit
LONGEST_URL: Final = addresses.LONGEST

_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


class NotMetadata(ValueError):
    """What somebody typed is no metadata; `says` tells why."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


def read_metadata(text: str) -> dict[str, Any]:
    """The JSON object that somebody typed, empty for nothing; raises NotMetadata."""
    if not text.strip():
        return {}
    try:
        told = strict_json.loads(text.encode(errors="surrogatepass"))
    except strict_json.NotStrictJson as problem:
        raise NotMetadata(
            Text(_("This cannot be read as JSON: %(why)s."), why=str(problem))
        ) from None
    if not isinstance(told, dict):
        raise NotMetadata(Text(_('Write a JSON object, such as {"order": "A-17"}.')))
    if says := metadata_problem(told):
        raise NotMetadata(says)
    return told


def metadata_as_text(metadata: object) -> str:
    """The object as one would type it; "" for an empty one. The same for any order of its names."""
    return json.dumps(metadata, ensure_ascii=False, sort_keys=True) if metadata else ""


def metadata_problem(metadata: Any) -> Sayable:
    """Why this object cannot go along; "" when it can."""
    if strict_json.storable(metadata) != metadata:
        return Text(_("Put numbers with decimals into quotes, and leave out what no text holds."))
    length = len(json.dumps(metadata, ensure_ascii=False))
    if length <= MOST_METADATA:
        return ""
    return Text(
        _("At most %(most)s characters; this has %(length)s."), most=MOST_METADATA, length=length
    )


def webhook_problem(url: str, events: Iterable[str]) -> Sayable:
    """Why LuxCore must not be told to call this address; "" when it may."""
    if url:
        return addresses.problem(url, hosts=settings.PAYMENT_WEBHOOK_HOSTS)
    if any(True for _event in events):
        return Text(_("Say where to send the events you chose, or choose none."))
    return ""


def events_problem(events: Iterable[str]) -> Sayable:
    """What is wrong with the events chosen; "" when LuxCore has them all."""
    if unknown := [event for event in events if event not in EVENTS]:
        return Text(_("LuxCore has no event %(event)s for a payment."), event=unknown[0][:40])
    return ""


def number_problem(number: str) -> Sayable:
    """What is wrong with LuxCore's number of a customer; "" when nothing is, or there is none."""
    if not number or _NUMBER.fullmatch(number):
        return ""
    return Text(_("LuxCore's customer numbers have digits only, like 4711."))
