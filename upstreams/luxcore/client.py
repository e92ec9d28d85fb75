"""The LuxCore client: every endpoint of upstreams.md §3, with a v1 key or v2 signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from django.conf import settings

from upstreams.budget import STANDARD, Budget, Priority, Rate
from upstreams.circuit import Circuit, circuit_of
from upstreams.enums import Upstream
from upstreams.errors import NotConfigured
from upstreams.http import HmacAuth, KeyAuth, UpstreamClient, kept
from upstreams.http import fingerprint as fingerprint_of
from upstreams.luxcore.calls.balances import BalanceCalls
from upstreams.luxcore.calls.payments import CREATION, PaymentCalls
from upstreams.luxcore.calls.tickets import TicketCalls
from upstreams.luxcore.calls.webhooks import WebhookCalls
from upstreams.luxcore.errors import read_error

NAME: Final = Upstream.LUXCORE.value
V2_CANONICAL: Final = "v1.{timestamp}.{nonce}.{METHOD}.{path_with_query}.{sha256_body_hex}"
RATES: Final[Mapping[str, tuple[Rate, ...]]] = {
    STANDARD: (Rate(100, 60),),
    CREATION: (Rate(5000, 60), Rate(500, 10)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where LuxCore is and who we are there. Without `api_key` only what v2 offers can be called;
    without `merchant_id` and `hmac_secret` everything goes over v1 (upstreams.md §3.2)."""

    base_url: str
    api_key: str = field(default="", repr=False)
    merchant_id: str = ""
    hmac_secret: str = field(default="", repr=False)
    canonical: str = V2_CANONICAL

    @property
    def v1_auth(self) -> KeyAuth | None:
        return KeyAuth(header="X-API-Key", key=self.api_key) if self.api_key else None

    @property
    def v2_auth(self) -> HmacAuth | None:
        if not (self.merchant_id and self.hmac_secret):
            return None
        return HmacAuth(
            merchant_id=self.merchant_id, secret=self.hmac_secret, canonical=self.canonical
        )

    @property
    def v2_base_url(self) -> str:
        return self.base_url.removesuffix("/v1") + "/v2"

    @property
    def fingerprint(self) -> str:
        """Names the credentials: 12 hex digits, "" when there is none.

        The one that pays and the one that reads the list of payments count together: a list read
        for another account does not show what this one paid.
        """
        names = [auth.fingerprint for auth in (self.v1_auth, self.v2_auth) if auth]
        return fingerprint_of(":".join(names)) if len(names) > 1 else "".join(names)

    @property
    def only_pays(self) -> bool:
        """Whether payments could be created, and no list be read: lists need the v1 key (§3.2)."""
        return self.v2_auth is not None and self.v1_auth is None


class LuxCoreClient(PaymentCalls, WebhookCalls, BalanceCalls, TicketCalls):
    """Thread-safe. Raises `UpstreamError`s; NotConfigured where the credential is missing."""

    def tuned(self, *, priority: Priority, deadline: float | None = None) -> LuxCoreClient:
        """The same connections for another kind of caller."""
        return LuxCoreClient(
            v1=self._v1_client and self._v1_client.tuned(priority=priority, deadline=deadline),
            v2=self._v2_client and self._v2_client.tuned(priority=priority, deadline=deadline),
        )

    def close(self) -> None:
        for client in (self._v1_client, self._v2_client):
            if client:
                client.close()

    def __repr__(self) -> str:
        return f"LuxCoreClient(v1={self._v1_client!r}, v2={self._v2_client!r})"


def make_client(
    access: Access,
    *,
    rates: Mapping[str, tuple[Rate, ...]] = RATES,
    budget: Budget | None = None,
    circuit: Circuit | None = None,
    transport: httpx.BaseTransport | None = None,
) -> LuxCoreClient:
    """A client from values alone; raises NotConfigured without any credential."""
    v1_auth, v2_auth = access.v1_auth, access.v2_auth
    auth = v1_auth or v2_auth
    if auth is None:
        raise NotConfigured("LuxCore is not configured: it has no key", upstream=NAME)
    shared: dict[str, Any] = {
        "name": NAME,
        "budget": budget or Budget(upstream=NAME, credential=auth.fingerprint, rates=rates),
        "circuit": circuit or circuit_of(NAME),
        "read_error": read_error,
        "transport": transport,
    }
    return LuxCoreClient(
        v1=UpstreamClient(base_url=access.base_url, auth=v1_auth, **shared) if v1_auth else None,
        v2=UpstreamClient(base_url=access.v2_base_url, auth=v2_auth, **shared) if v2_auth else None,
    )


def access_from_settings() -> Access:
    return Access(
        base_url=settings.LUXCORE_BASE_URL,
        api_key=settings.LUXCORE_API_KEY,
        merchant_id=settings.LUXCORE_MERCHANT_ID,
        hmac_secret=settings.LUXCORE_HMAC_SECRET,
        canonical=settings.LUXCORE_V2_CANONICAL,
    )


def fingerprint() -> str:
    """Names the configured credential without giving it away, "" when there is none."""
    return access_from_settings().fingerprint


def get_client(
    *, priority: Priority = Priority.BACKGROUND, deadline: float | None = None
) -> LuxCoreClient:
    """The client the settings describe; raises NotConfigured.

    `deadline` bounds a whole call in seconds, 20 at most and by default. One set of connections
    per process and credential.
    """
    client = kept(access_from_settings(), _client_with_configured_rates)
    return client.tuned(priority=priority, deadline=deadline)


def get_budget() -> Budget | None:
    """The budget of the configured credential, None when there is none."""
    try:
        return get_client().budget
    except NotConfigured:
        return None


def _client_with_configured_rates(access: Access) -> LuxCoreClient:
    return make_client(access, rates=_rates_from_settings())


def _rates_from_settings() -> dict[str, tuple[Rate, ...]]:
    return {
        STANDARD: (Rate(settings.LUXCORE_STANDARD_PER_MINUTE, 60),),
        CREATION: (
            Rate(settings.LUXCORE_CREATE_PER_MINUTE, 60),
            Rate(settings.LUXCORE_CREATE_PER_10_SECONDS, 10),
        ),
    }
