from django.apps import AppConfig


class UpstreamsConfig(AppConfig):
    name = "upstreams"

    def ready(self) -> None:
        from upstreams import checks, feeds  # noqa: F401 (checks register themselves)
        from upstreams.luxcore import webhook_log

        feeds.register(webhook_log.FEED)
