"""Settings that cannot work together stop the desk before it starts."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from upstreams import credentials
from upstreams.enums import Upstream

LIVE_MARKS = ("_prod_", "_live_")  # LuxCore: qp_prod_sk_…, qp_test_sk_…; Lux: sk_live_…
TEST_MARK = "_test_"
LUMETRADE_LIVE_HOST = "api.lumetrade.com"


def refuse_to_start_wrong() -> None:
    """Raise ImproperlyConfigured when a system check finds an error.

    Management commands do this by themselves, the web and Celery's workers do not.
    """
    found = [message for message in run_checks() if not message.is_silenced()]
    if errors := [message for message in found if message.is_serious()]:
        raise ImproperlyConfigured("\n".join(str(error) for error in errors))


@register(Tags.security)
def check_luxcore(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a key at an address it was not made for, and an address that is no secret-keeper."""
    return list(_marked_key_errors(Upstream.LUXCORE, what="payouts", first=1))


@register(Tags.security)
def check_lux(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The same for Lux Financial, whose keys say where they belong too."""
    return list(_marked_key_errors(Upstream.LUX, what="people's data", first=12))


def _marked_key_errors(upstream: Upstream, *, what: str, first: int) -> Iterator[Error]:
    """What is wrong with the settings of an upstream whose keys are marked live or test.

    `first` is the number of the first of five errors.
    """
    name = upstream.name
    if any(not secret.strip() for secret in getattr(settings, f"{name}_WEBHOOK_SECRETS")):
        yield Error(
            f"{name}_WEBHOOK_SECRETS holds an empty secret: anybody could sign with it.",
            id=f"lightdesk.E{first:03}",
        )
    if not credentials.is_configured(upstream):
        return
    key = getattr(settings, f"{name}_API_KEY")
    address = urlsplit(getattr(settings, f"{name}_BASE_URL"))
    here = is_this_machine(address.hostname or "")
    live = any(mark in key for mark in LIVE_MARKS)
    if address.scheme != "https" and not here:
        yield Error(
            f"{name}_BASE_URL is not https: {what} would travel in clear.",
            id=f"lightdesk.E{first + 1:03}",
        )
    if live and (here or settings.DEBUG or settings.ENVIRONMENT != "production"):
        yield Error(
            f"{name}_API_KEY is a live key, and this is not production.",
            hint="Use a test key; live ones need ENVIRONMENT=production, no DEBUG, and https.",
            id=f"lightdesk.E{first + 2:03}",
        )
    if TEST_MARK in key and settings.ENVIRONMENT == "production":
        yield Error(
            f"{name}_API_KEY is a test key, and ENVIRONMENT is production.",
            hint="Use the live key, or set ENVIRONMENT=sandbox.",
            id=f"lightdesk.E{first + 3:03}",
        )
    if live and connection.vendor == "sqlite" and not settings.ALLOW_SQLITE_WITH_LIVE_KEYS:
        yield Error(
            f"{name}_API_KEY is a live key, and the database is SQLite.",
            hint="Set DATABASE_URL to a PostgreSQL, or ALLOW_SQLITE_WITH_LIVE_KEYS=1.",
            id=f"lightdesk.E{first + 4:03}",
        )


@register(Tags.security)
def check_lumetrade(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The same for Lumetrade, whose keys do not say where they belong: its address does."""
    return list(_lumetrade_errors())


def _lumetrade_errors() -> Iterator[Error]:
    if not credentials.is_configured(Upstream.LUMETRADE):
        return
    address = urlsplit(settings.LUMETRADE_BASE_URL)
    host = address.hostname or ""
    live = host == LUMETRADE_LIVE_HOST
    if address.scheme != "https" and not is_this_machine(host):
        yield Error(
            "LUMETRADE_BASE_URL is not https: the secret would travel in clear.",
            id="lightdesk.E008",
        )
    if live and (settings.DEBUG or settings.ENVIRONMENT != "production"):
        yield Error(
            "LUMETRADE_BASE_URL is the live address, and this is not production.",
            hint="Use their staging; live money needs ENVIRONMENT=production and no DEBUG.",
            id="lightdesk.E009",
        )
    if settings.ENVIRONMENT == "production" and (is_this_machine(host) or "staging" in host):
        yield Error(
            "LUMETRADE_BASE_URL is a place to try things, and ENVIRONMENT is production.",
            hint="Use the live address, or set ENVIRONMENT=sandbox.",
            id="lightdesk.E010",
        )
    if live and connection.vendor == "sqlite" and not settings.ALLOW_SQLITE_WITH_LIVE_KEYS:
        yield Error(
            "LUMETRADE_BASE_URL is the live address, and the database is SQLite.",
            hint="Set DATABASE_URL to a PostgreSQL, or ALLOW_SQLITE_WITH_LIVE_KEYS=1.",
            id="lightdesk.E011",
        )


@register(Tags.security, deploy=True)
def check_production(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a production that nobody can reach, that debugs, or that calls nobody."""
    if settings.ENVIRONMENT != "production":
        return []
    return list(_production_errors())


def _production_errors() -> Iterator[Error]:
    if all(is_this_machine(host.strip("[]")) for host in settings.ALLOWED_HOSTS):
        yield Error(
            "ALLOWED_HOSTS names this machine only.",
            hint="Name the hosts people open the desk at.",
            id="lightdesk.E006",
        )
    if not settings.ALARM_EMAILS:
        yield Error(
            "ALARM_EMAILS is empty: an unknown payment would call nobody.", id="lightdesk.E007"
        )


def is_this_machine(host: str) -> bool:
    """Whether a host name or address is loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
