"""A tier in words. English: they are sealed into what is signed, and a label in one language only
never changes under a signature.
"""

from __future__ import annotations

from collections.abc import Iterable

from payments.models import Policy
from staff.permissions import Role


def scope(policy: Policy) -> str:
    """What the tier is about: `AUD payid from 5,000`."""
    words = [policy.currency or "any currency", policy.method.replace("_", " "), policy.origin]
    if policy.upstream:
        words.append(f"at {policy.get_upstream_display()}")
    if policy.from_amount > 0:
        words.append(f"from {policy.from_amount.normalize():,f}")
    return " ".join(filter(None, words))


def signatures_by(number: int, roles: Iterable[str]) -> str:
    """How many signatures, and of whom where the tier says so: `2 signatures by ops lead`."""
    told = "1 signature" if number == 1 else f"{number} signatures"
    named = role_words(roles)
    return f"{told} by {named}" if named else told


def role_words(roles: Iterable[str]) -> str:
    """The roles that are named: `approver or ops lead`; "" where none is."""
    return " or ".join(Role(role).label.lower() for role in roles)
