"""Proof of what somebody was shown before they changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core import signing
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_noop as _

from customers.models import Profile
from customers.requests.fields import BY_NAME, current
from staff.texts import Sayable, Text

_SALT: Final = "customers.requests.seen"


@dataclass(frozen=True)
class Difference:
    """One field that is not what it was, masked values masked."""

    name: str
    label: Sayable
    before: Sayable
    after: Sayable


def seal(profile: Profile, shown: Mapping[str, str]) -> str:
    """Sign what is shown of each field, for the form to bring back.

    Holds a keyed fingerprint of every value and the text they may read.
    """
    held = current(profile)
    content = {
        "customer": profile.customer_id,
        "fields": {name: [_fingerprint(name, held[name]), shown.get(name, "")] for name in held},
    }
    return signing.dumps(content, salt=_SALT, compress=True)


def differences(seen: str, profile: Profile, shown: Mapping[str, str]) -> list[Difference]:
    """What is not as it was when `seen` was sealed; `shown` is what may be read of it now."""
    try:
        content: Mapping[str, Any] = signing.loads(seen, salt=_SALT)
    except signing.BadSignature:
        return [_UNREADABLE]
    if content["customer"] != profile.customer_id:
        return [_UNREADABLE]
    found = []
    for name, value in current(profile).items():
        fingerprint, before = content["fields"].get(name, ["", ""])
        if not constant_time_compare(fingerprint, _fingerprint(name, value)):
            after: Sayable = shown.get(name, "")
            if after == before:
                after = Text(_("%(value)s (another one)"), value=after)
            found.append(Difference(name, Text(BY_NAME[name].label), before, after))
    return found


_UNREADABLE: Final = Difference(
    "seen",
    Text(_("This form")),
    Text(_("damaged or from another page")),
    Text(_("shown anew")),
)


def _fingerprint(name: str, value: str) -> str:
    return salted_hmac(_SALT, f"{name}\n{value}", algorithm="sha256").hexdigest()[:32]
