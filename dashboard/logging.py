"""What the logs and the debug page must never show."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.views.debug import SafeExceptionReporterFilter

HIDDEN = "[hidden]"
SHORTEST_SECRET = 8  # characters; hiding shorter ones would blacken ordinary words

SECRET_SETTINGS = (
    "SECRET_KEY",
    "LUXCORE_API_KEY",
    "LUXCORE_HMAC_SECRET",
    "LUXCORE_WEBHOOK_SECRETS",
    "LUMETRADE_API_KEY",
    "LUMETRADE_API_SECRET",
    "LUX_API_KEY",
    "LUX_WEBHOOK_SECRETS",
    "EMAIL_HOST_PASSWORD",
)

# The beginning of a token names it and may be read. `staff.tokens` makes them; settings, which
# read this file, cannot import it.
_API_TOKEN = re.compile(r"(ldk_[0-9a-f]{10})_[A-Za-z0-9_-]{8,}", re.ASCII)


def hide_secrets(_logger: Any, _method: str, line: str) -> str:
    """Blacken every secret of the settings, and every API token, in a finished log line.

    Nothing should put one there; this is the net under a stranger's exception text.
    """
    for secret in _secrets():
        line = line.replace(secret, HIDDEN)
    return _API_TOKEN.sub(rf"\1_{HIDDEN}", line)


class HideAddressesToo(SafeExceptionReporterFilter):
    """Hide what names a server on the debug page as well: such an address may hold a password."""

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|DATABASE|REDIS|BROKER|EMAIL_URL",
        flags=re.IGNORECASE,
    )


def _secrets() -> Iterator[str]:
    for name in SECRET_SETTINGS:
        value = getattr(settings, name)
        for secret in value if isinstance(value, list) else [value]:
            if secret and len(secret) >= SHORTEST_SECRET:
                yield secret
    for entry in settings.DOCUMENT_KEYS:
        yield entry.partition(":")[2] or entry
    for password in (settings.DATABASES["default"]["PASSWORD"], _password(settings.REDIS_URL)):
        if password and len(password) >= SHORTEST_SECRET:
            yield password


def _password(url: str) -> str:
    return urlsplit(url).password or ""
