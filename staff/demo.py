"""People to try the desk with, and the list of what other packages add to the demonstration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import TypeAlias

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from staff import audit
from staff.grants import grant_role
from staff.models import User
from staff.permissions import Role

DOMAIN = "lightdesk.test"
PASSWORD = "lightdesk-demo"

# A role younger than a day does not sign above the first tier: these people are past that.
ROLES_HELD_FOR = timedelta(days=2)

PEOPLE: Mapping[str, tuple[str, Role]] = {
    "maker": ("Mara Maker", Role.MAKER),
    "maker2": ("Milo Maker", Role.MAKER),
    "approver": ("Ada Approver", Role.APPROVER),
    "approver2": ("Abel Approver", Role.APPROVER),
    "lead": ("Olga Opslead", Role.OPS_LEAD),
    "lead2": ("Otto Opslead", Role.OPS_LEAD),
    "reviewer": ("Rene Reviewer", Role.REVIEWER),
    "compliance": ("Cora Compliance", Role.COMPLIANCE_LEAD),
    "agent": ("Aron Agent", Role.AGENT),
    "support": ("Suri Support", Role.SUPPORT_LEAD),
    "auditor": ("Audrey Auditor", Role.AUDITOR),
    "admin": ("Adam Admin", Role.ADMIN),
}

# Called with the demo people by nickname ("maker") and the moment; says in lines what it made, and
# makes nothing and says nothing when it is all there already.
Part: TypeAlias = Callable[[Mapping[str, User], datetime], Iterable[str]]

_parts: list[Part] = []


class NotADemonstration(Exception):
    """Demo people have a public password, so they exist only where DEBUG is on."""

    def __init__(self) -> None:
        super().__init__("Demo people have a public password: this desk runs without DEBUG.")


def register(part: Part) -> Part:
    """Let another package add its part: `demo.register(make_sample_policy)` when it starts."""
    if part not in _parts:
        _parts.append(part)
    return part


def build(*, at: datetime) -> tuple[Mapping[str, User], list[str]]:
    """Make what is missing of the demonstration; return its people and lines on what was made.

    Raises NotADemonstration outside DEBUG.
    """
    if not settings.DEBUG:
        raise NotADemonstration
    lines: list[str] = []
    with transaction.atomic():
        people = {nickname: _person(nickname, at=at, lines=lines) for nickname in PEOPLE}
    for part in _parts:
        lines.extend(part(people, at))
    return people, lines


def address(nickname: str) -> str:
    return f"{nickname}@{DOMAIN}"


def _person(nickname: str, *, at: datetime, lines: list[str]) -> User:
    email = address(nickname)
    if known := User.objects.filter(email=email).first():
        return known
    name, role = PEOPLE[nickname]
    since = at - ROLES_HELD_FOR
    person = User.objects.create_user(
        email=email, name=name, joined_at=since, is_staff=role == Role.ADMIN
    )
    person.password = _hashed_password()
    person.save(update_fields=["password"])
    audit.record("staff.user.invited", person, by=None, at=since, after={"email": email})
    grant_role(user=person, role=role, by=None, at=since, reason="demonstration")
    lines.append(f"{email} ({role.label})")
    return person


@cache
def _hashed_password() -> str:
    """Hash it once for all of them: a second each, otherwise, of everybody's first start."""
    return make_password(PASSWORD)
