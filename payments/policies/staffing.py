"""Who may sign a tier, of the people who work here now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from payments.models import SIGNING_ROLES, Policy, Withdrawal
from payments.policies.telling import name
from staff.models import RoleGrant


@dataclass(frozen=True)
class Crew:
    """The active people who sign: their addresses by key, and their keys by role."""

    emails: Mapping[int, str]
    by_role: Mapping[str, frozenset[int]]

    @classmethod
    def now(cls) -> Crew:
        """One query."""
        emails: dict[int, str] = {}
        by_role: dict[str, set[int]] = defaultdict(set)
        grants = RoleGrant.objects.filter(user__is_active=True, group__name__in=SIGNING_ROLES)
        for person, email, role in grants.values_list("user", "user__email", "group__name"):
            emails[person] = email
            by_role[role].add(person)
        return cls(emails, {role: frozenset(people) for role, people in by_role.items()})

    def able(self, roles: Iterable[str]) -> frozenset[int]:
        """Who holds one of the roles."""
        return frozenset().union(*(self.by_role.get(role, frozenset()) for role in roles))

    def free_to_sign(
        self, withdrawal: Withdrawal, roles: Iterable[str], *, writers: Iterable[int]
    ) -> frozenset[int]:
        """Who holds one of the roles, and neither wrote it nor first asked to pay who is paid.

        `writers` are those of its revisions.
        """
        wrote = {withdrawal.created_by_id, withdrawal.last_edited_by_id, *writers}
        return self.able(roles) - wrote - {withdrawal.introducer_id()}


@dataclass(frozen=True)
class Shortage:
    """A tier that asks for more signatures than there are people who may give them."""

    tier: str
    signatures: int
    people: int


def shortages(tiers: Iterable[Policy], crew: Crew) -> list[Shortage]:
    """The tiers that nobody could ever satisfy."""
    return [
        Shortage(name(tier), tier.signatures, len(crew.able(tier.signing_roles)))
        for tier in tiers
        if len(crew.able(tier.signing_roles)) < tier.signatures
    ]
