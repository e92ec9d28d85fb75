"""Giving a role to somebody and taking it away again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.apps import apps as installed_apps
from django.apps.registry import Apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, transaction

from staff import audit
from staff.models import RoleGrant, User
from staff.people import end_sessions
from staff.permissions import EXCLUSIVE, RELAXABLE, Permission, Role, require

logger = structlog.get_logger(__name__)


class SelfGrant(Exception):
    """Somebody tried to change their own roles."""

    def __init__(self) -> None:
        super().__init__("Nobody changes their own roles: ask another admin.")


class ExclusiveRoles(Exception):
    """The role cannot be held together with one that the person holds already."""

    def __init__(self, *, held: Role, wanted: Role) -> None:
        self.held, self.wanted = held, wanted
        super().__init__(
            f"One person is never both {held.label} and {wanted.label}: "
            f"take the role {held.label} away first."
        )


@transaction.atomic
def grant_role(
    *, user: User, role: str, by: User | None, at: datetime, reason: str, by_label: str = ""
) -> RoleGrant:
    """Give somebody a role from `at` on; a role that is held already stays as it is.

    `by` None is the desk itself, as at the command line. Ends the person's sessions. Raises
    NotPermitted, SelfGrant, ExclusiveRoles, and ValueError for a role that does not exist.
    """
    wanted = Role(role)
    held = _roles_to_change(user=user, by=by)
    if wanted in held:
        return RoleGrant.objects.get(user=user, group__name=wanted)
    after = {"role": wanted.value}
    if _is_relaxed(held=held, wanted=wanted):
        after["relaxed"] = "RELAX_MAKER_AND_APPROVER"
        logger.warning("staff.role.exclusion_relaxed", person=user.pk, role=wanted.value)
    grant = RoleGrant.objects.create(
        user=user, group=Group.objects.get(name=wanted), granted_by=by, granted_at=at
    )
    end_sessions(user=user)
    audit.record(
        "staff.role.granted",
        user,
        by=by,
        by_label=by_label,
        at=at,
        after=after,
        reason=reason,
    )
    return grant


@transaction.atomic
def revoke_role(
    *, user: User, role: str, by: User | None, at: datetime, reason: str, by_label: str = ""
) -> bool:
    """Take a role away and end the person's sessions; False when they did not hold it.

    Raises NotPermitted, SelfGrant, and ValueError for a role that does not exist.
    """
    unwanted = Role(role)
    if unwanted not in _roles_to_change(user=user, by=by):
        return False
    RoleGrant.objects.filter(user=user, group__name=unwanted).delete()
    end_sessions(user=user)
    audit.record(
        "staff.role.revoked",
        user,
        by=by,
        by_label=by_label,
        at=at,
        before={"role": unwanted.value},
        reason=reason,
    )
    return True


def sync_roles(
    *, using: str = DEFAULT_DB_ALIAS, apps: Apps = installed_apps, **_: Any
) -> list[str]:
    """Make a group of every role that has none yet, and return their names.

    A group that no role stands behind is left alone: it gives no right. Runs after every migrate.
    """
    try:
        groups = apps.get_model("auth", "Group")._default_manager.using(using)
    except LookupError:  # migrated back to before there were groups
        return []
    known = set(groups.values_list("name", flat=True))
    missing = [role.value for role in Role if role not in known]
    groups.bulk_create([groups.model(name=name) for name in missing])
    return missing


def _roles_to_change(*, user: User, by: User | None) -> set[Role]:
    """Return the roles that the person holds, locked against other grants until we are done."""
    if by:
        require(by, Permission.MANAGE_STAFF)
        if by.pk == user.pk:
            raise SelfGrant
    person = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    return {Role(name) for name in person.held_roles if name in Role.values}


def _is_relaxed(*, held: set[Role], wanted: Role) -> bool:
    """Whether only a setting lets the wanted role stand beside a held one, or raise."""
    relaxed = False
    for role in sorted(held):
        pair = frozenset({role, wanted})
        if pair not in EXCLUSIVE:
            continue
        if pair != RELAXABLE or not settings.RELAX_MAKER_AND_APPROVER:
            raise ExclusiveRoles(held=role, wanted=wanted)
        relaxed = True
    return relaxed
