from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self) -> None:
        from customers import checks, links  # noqa: F401 (checks register themselves)

        links.register()
