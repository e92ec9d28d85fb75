"""The settings pages under /admin/: for admins, through the desk's own sign-in."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.shortcuts import redirect

from staff.permissions import NotPermitted, Permission, can


class SettingsSite(AdminSite):
    site_header = site_title = "Lightdesk settings"
    index_title = "People and roles"

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_staff and can(request.user, Permission.MANAGE_STAFF)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Open the settings or refuse. There is no second sign-in form: one counts the tries.

        Whoever is not signed in was sent to the desk's own sign-in by LoginRequiredMiddleware.
        """
        if not self.has_permission(request):
            raise NotPermitted(Permission.MANAGE_STAFF)
        return redirect("admin:index")

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Send people to the one page for that, which counts wrong passwords too."""
        return redirect("account_change_password")
