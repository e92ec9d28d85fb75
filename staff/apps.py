from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = "Staff"
    default = True

    def ready(self) -> None:
        from staff import converters, grants, sessions

        converters.register()
        post_migrate.connect(grants.sync_roles, sender=self, dispatch_uid="staff.sync_roles")
        user_logged_in.connect(sessions.start, dispatch_uid="staff.start_session")


class SettingsAdminConfig(admin_apps.AdminConfig):
    """Takes the place of `django.contrib.admin` in INSTALLED_APPS."""

    default = False
    default_site = "staff.settings_site.SettingsSite"
