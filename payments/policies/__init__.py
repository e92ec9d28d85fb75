"""The signing rules: what they ask of a withdrawal, how they change, what a change would do."""

from payments.policies.requirements import (
    LAPSES_AFTER,
    WITHOUT_POLICY,
    Requirement,
    are_enough,
    is_signed,
    published,
    requirement_for,
    that_count,
    valid_approvals,
)
from payments.policies.words import role_words, scope

__all__ = [
    "LAPSES_AFTER",
    "WITHOUT_POLICY",
    "Requirement",
    "are_enough",
    "is_signed",
    "published",
    "requirement_for",
    "role_words",
    "scope",
    "that_count",
    "valid_approvals",
]
