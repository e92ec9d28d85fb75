"""Settings of the customers' desk that cannot work."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from customers.documents import keys
from upstreams import credentials
from upstreams.enums import Upstream


@register(Tags.security)
def check_document_keys(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse keys that nothing could be encrypted with, and a production that has none."""
    return list(_document_key_errors())


def _document_key_errors() -> Iterator[Error]:
    hint = 'Make one: echo "name:$(head -c 32 /dev/urandom | base64)"'
    try:
        found = keys.parse(settings.DOCUMENT_KEYS)
    except keys.BadKeys as problem:
        yield Error(str(problem), hint=hint, id="customers.E001")
        return
    secret = settings.SECRET_KEY
    if any(entry.partition(":")[2] == secret for entry in settings.DOCUMENT_KEYS):
        yield Error(
            "DOCUMENT_KEYS names SECRET_KEY: whoever can sign in as anybody could read documents.",
            hint=hint,
            id="customers.E002",
        )
    needs_one = settings.ENVIRONMENT == "production" and credentials.is_configured(Upstream.LUX)
    if needs_one and not found:
        yield Error(
            "Lux Financial has a key and DOCUMENT_KEYS is empty: no document could be kept.",
            hint=hint,
            id="customers.E003",
        )
