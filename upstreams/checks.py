"""Settings of the upstreams that cannot work together."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from upstreams import credentials
from upstreams.enums import Upstream


@register(Tags.security)
def check_luxcore_secrets(
    *, app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Refuse half a credential, and one without a webhook secret: events would be lost unseen."""
    errors: list[CheckMessage] = []
    if credentials.is_configured(Upstream.LUXCORE) and not settings.LUXCORE_WEBHOOK_SECRETS:
        errors.append(
            Error(
                "LuxCore has a credential and LUXCORE_WEBHOOK_SECRETS is empty.",
                hint="Register a webhook at LuxCore and set the secret it shows once.",
                id="upstreams.E001",
            )
        )
    if "{body}" not in settings.LUXCORE_WEBHOOK_SIGNED_TEXT:
        errors.append(
            Error(
                "LUXCORE_WEBHOOK_SIGNED_TEXT does not name {body}: any body would pass.",
                id="upstreams.E002",
            )
        )
    if bool(settings.LUXCORE_MERCHANT_ID) != bool(settings.LUXCORE_HMAC_SECRET):
        errors.append(
            Error(
                "Of LUXCORE_MERCHANT_ID and LUXCORE_HMAC_SECRET one is empty: "
                "payments would leave with the API key, unsigned.",
                id="upstreams.E003",
            )
        )
    if credentials.only_pays(Upstream.LUXCORE):
        errors.append(
            Error(
                "LuxCore has LUXCORE_MERCHANT_ID and LUXCORE_HMAC_SECRET and no LUXCORE_API_KEY: "
                "it could be asked to pay, and a payment without an answer never be looked for.",
                hint="Set the API key of the same merchant too; nothing is sent without it.",
                id="upstreams.E005",
            )
        )
    return errors


@register(Tags.security)
def check_lux_secrets(*, app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a key without a webhook secret: events would be lost unseen."""
    if not credentials.is_configured(Upstream.LUX) or settings.LUX_WEBHOOK_SECRETS:
        return []
    return [
        Error(
            "Lux Financial has a key and LUX_WEBHOOK_SECRETS is empty.",
            hint="Choose a secret, set it here, and register a webhook at Lux Financial with it.",
            id="upstreams.E006",
        )
    ]


@register(Tags.security)
def check_lumetrade_secrets(
    *, app_configs: Sequence[AppConfig] | None, **_: Any
) -> list[CheckMessage]:
    """Refuse half a credential: it would look as if nothing were configured."""
    if bool(settings.LUMETRADE_API_KEY) == bool(settings.LUMETRADE_API_SECRET):
        return []
    return [
        Error(
            "Of LUMETRADE_API_KEY and LUMETRADE_API_SECRET one is empty.",
            hint="Lumetrade needs both; leave both empty to do without it.",
            id="upstreams.E004",
        )
    ]
