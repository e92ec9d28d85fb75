"""Who may sign in, and what Django's own permission questions are answered with."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model

from staff.models import User
from staff.permissions import Permission, can

APP = "staff"


class RoleBackend(AuthenticationBackend):  # type: ignore[misc]
    """Sign in by e-mail and password; every right comes from a role.

    Disabled people are out at once: Django asks `get_user` at every request, and it finds only
    active people.
    """

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        """Answer for `staff.<permission>` by role, and for staff's own rows in the settings pages.

        Everything else is refused, superusers included: the settings pages show no other rows.
        """
        app_label, _, name = perm.partition(".")
        if app_label != APP:
            return False
        if name in Permission.values:
            return can(user_obj, name)
        return _may_open_settings(user_obj)

    def has_module_perms(self, user_obj: User | AnonymousUser, app_label: str) -> bool:
        return app_label == APP and _may_open_settings(user_obj)

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return self.get_all_permissions(user_obj, obj)

    def get_all_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        return {f"{APP}.{name}" for name in Permission.values if can(user_obj, name)}


def _may_open_settings(user: User | AnonymousUser) -> bool:
    return user.is_staff and can(user, Permission.MANAGE_STAFF)
