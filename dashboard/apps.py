from datetime import timedelta

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "dashboard"

    def ready(self) -> None:
        from dashboard import checks  # noqa: F401 (registers them)
        from upstreams import schedule

        schedule.register("staff.tasks.forget_expired", every=timedelta(hours=1))
