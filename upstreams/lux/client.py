"""The Lux Financial client: every operation of upstreams.md §1, with one key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx
from django.conf import settings

from upstreams.budget import STANDARD, Budget, Priority, Rate
from upstreams.circuit import Circuit, circuit_of
from upstreams.enums import Upstream
from upstreams.errors import NotConfigured
from upstreams.http import KeyAuth, UpstreamClient, kept
from upstreams.lux.calls.accounts import AccountCalls
from upstreams.lux.calls.customers import CustomerCalls
from upstreams.lux.calls.sanctions import SanctionsCalls
from upstreams.lux.calls.transfers import TransferCalls
from upstreams.lux.calls.webhooks import WebhookCalls
from upstreams.lux.errors import read_error

NAME: Final = Upstream.LUX.value
DAY: Final = 86_400
# Calls reach them a little later or sooner than they left; a whole second more would halve a rate
# that is counted by the second.
_SLACK: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where Lux Financial is and who we are there."""

    base_url: str
    api_key: str = field(default="", repr=False)

    @property
    def auth(self) -> KeyAuth | None:
        return KeyAuth(header="Api-Key", key=self.api_key) if self.api_key else None

    @property
    def fingerprint(self) -> str:
        """Names the credential: 12 hex digits, "" when there is none."""
        auth = self.auth
        return auth.fingerprint if auth else ""


class LuxClient(CustomerCalls, AccountCalls, TransferCalls, SanctionsCalls, WebhookCalls):
    """Thread-safe. Raises `UpstreamError`s. Lists are read with `calls.base.every_page`."""

    def tuned(self, *, priority: Priority, deadline: float | None = None) -> LuxClient:
        """The same connections for another kind of caller."""
        return LuxClient(self.http.tuned(priority=priority, deadline=deadline))

    def close(self) -> None:
        self.http.close()

    def __repr__(self) -> str:
        return f"LuxClient({self.http!r})"


def rates(*, per_second: int, per_day: int) -> dict[str, tuple[Rate, ...]]:
    """Their plans [S000]. Which 24 hours are a day to them is not told: any are, to us."""
    return {
        STANDARD: (
            Rate(per_second, 1, slack=_SLACK),
            Rate(per_day, DAY, grain=DAY / 96),
        )
    }


def make_client(
    access: Access,
    *,
    rates: Mapping[str, tuple[Rate, ...]] = rates(per_second=10, per_day=10_000),
    budget: Budget | None = None,
    circuit: Circuit | None = None,
    transport: httpx.BaseTransport | None = None,
) -> LuxClient:
    """A client from values alone; raises NotConfigured without a key."""
    auth = access.auth
    if auth is None:
        raise NotConfigured("Lux Financial is not configured: it has no key", upstream=NAME)
    http = UpstreamClient(
        name=NAME,
        base_url=access.base_url,
        auth=auth,
        budget=budget or Budget(upstream=NAME, credential=auth.fingerprint, rates=rates),
        circuit=circuit or circuit_of(NAME),
        read_error=read_error,
        transport=transport,
    )
    return LuxClient(http)


def access_from_settings() -> Access:
    return Access(base_url=settings.LUX_BASE_URL, api_key=settings.LUX_API_KEY)


def fingerprint() -> str:
    """Names the configured credential without giving it away, "" when there is none."""
    return access_from_settings().fingerprint


def get_client(
    *, priority: Priority = Priority.BACKGROUND, deadline: float | None = None
) -> LuxClient:
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


def _client_with_configured_rates(access: Access) -> LuxClient:
    configured = rates(per_second=settings.LUX_RATE_LIMIT_RPS, per_day=settings.LUX_RATE_LIMIT_RPD)
    return make_client(access, rates=configured)
