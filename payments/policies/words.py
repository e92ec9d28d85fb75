"""A tier in words. It is sealed into what is signed in English, so that a signature stays good
whatever language its page is read in.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext_noop as _

from payments.enums import Origin
from payments.models import Policy
from staff.permissions import Role
from staff.texts import Lowered, Sayable, Text, either, joined, written_number


def scope(policy: Policy) -> Text:
    """What the tier is about: `AUD payid from 5,000`."""
    words = [
        policy.currency or Text(_("any currency")),
        policy.method.replace("_", " "),
        Lowered(Origin(policy.origin).label) if policy.origin else "",
    ]
    if policy.upstream:
        words.append(Text(_("at %(provider)s"), provider=policy.get_upstream_display()))
    if policy.from_amount > 0:
        words.append(Text(_("from %(amount)s"), amount=_amount(policy.from_amount)))
    return joined(filter(None, words))


def signatures_by(number: int, roles: Iterable[str]) -> Text:
    """How many signatures, and of whom where the tier says so: `2 signatures by ops lead`."""
    told = Text(_("1 signature")) if number == 1 else Text(_("%(n)s signatures"), n=number)
    named = role_words(roles)
    return Text(_("%(signatures)s by %(roles)s"), signatures=told, roles=named) if named else told


def role_words(roles: Iterable[str]) -> Sayable:
    """The roles that are named: `approver or ops lead`; "" where none is."""
    named = [Lowered(Role(role).label) for role in roles]
    return either(named) if named else ""


def _amount(amount: Decimal) -> str:
    plain = amount.normalize()
    return written_number(plain, max(0, -int(plain.as_tuple().exponent)))
