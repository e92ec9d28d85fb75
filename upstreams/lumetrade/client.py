"""The Lumetrade client: every operation of upstreams.md §2, with a key and its secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
from django.conf import settings

from upstreams.budget import STANDARD, Budget, Priority, Rate
from upstreams.circuit import Circuit, circuit_of
from upstreams.enums import Upstream
from upstreams.errors import NotConfigured
from upstreams.http import PairAuth, UpstreamClient, kept
from upstreams.lumetrade.calls.accounts import AccountCalls
from upstreams.lumetrade.calls.base import Assumptions
from upstreams.lumetrade.calls.movements import MovementCalls
from upstreams.lumetrade.calls.trades import TradeCalls
from upstreams.lumetrade.errors import read_error

NAME: Final = Upstream.LUMETRADE.value
# For a feed that reads a long list: its 120 s, a minute's wait for the rate budget, and room.
FEED_LEASE: Final = timedelta(minutes=4)
RATES: Final[Mapping[str, tuple[Rate, ...]]] = {STANDARD: (Rate(60, 60),)}  # LT-A8


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where Lumetrade is and who we are there: both halves of the credential, or none."""

    base_url: str
    api_key: str = field(default="", repr=False)
    api_secret: str = field(default="", repr=False)
    assumed: Assumptions = Assumptions()

    @property
    def auth(self) -> PairAuth | None:
        if not (self.api_key and self.api_secret):
            return None
        return PairAuth(
            key_header="X-API-KEY",
            key=self.api_key,
            secret_header="X-API-SECRET",
            secret=self.api_secret,
        )

    @property
    def fingerprint(self) -> str:
        """Names the credential: 12 hex digits, "" when there is none."""
        auth = self.auth
        return auth.fingerprint if auth else ""


class LumetradeClient(AccountCalls, MovementCalls, TradeCalls):
    """Thread-safe. Raises `UpstreamError`s; lists raise when they are walked through."""

    def tuned(self, *, priority: Priority, deadline: float | None = None) -> LumetradeClient:
        """The same connections for another kind of caller."""
        return LumetradeClient(self.http.tuned(priority=priority, deadline=deadline), self.assumed)

    def close(self) -> None:
        self.http.close()

    def __repr__(self) -> str:
        return f"LumetradeClient({self.http!r})"


def make_client(
    access: Access,
    *,
    rates: Mapping[str, tuple[Rate, ...]] = RATES,
    budget: Budget | None = None,
    circuit: Circuit | None = None,
    transport: httpx.BaseTransport | None = None,
) -> LumetradeClient:
    """A client from values alone; raises NotConfigured without a whole credential."""
    auth = access.auth
    if auth is None:
        raise NotConfigured("Lumetrade is not configured: it has no key", upstream=NAME)
    http = UpstreamClient(
        name=NAME,
        base_url=access.base_url,
        auth=auth,
        budget=budget or Budget(upstream=NAME, credential=auth.fingerprint, rates=rates),
        circuit=circuit or circuit_of(NAME),
        read_error=read_error,
        transport=transport,
    )
    return LumetradeClient(http, access.assumed)


def access_from_settings() -> Access:
    return Access(
        base_url=settings.LUMETRADE_BASE_URL,
        api_key=settings.LUMETRADE_API_KEY,
        api_secret=settings.LUMETRADE_API_SECRET,
        assumed=Assumptions(
            deposits=settings.LUMETRADE_PATHS["deposits"],
            currencies=settings.LUMETRADE_PATHS["currencies"],
            send_idempotency_key=settings.LUMETRADE_SEND_IDEMPOTENCY_KEY,
            quote_seconds=settings.LUMETRADE_QUOTE_TTL,
        ),
    )


def fingerprint() -> str:
    """Names the configured credential without giving it away, "" when there is none."""
    return access_from_settings().fingerprint


def get_client(
    *, priority: Priority = Priority.BACKGROUND, deadline: float | None = None
) -> LumetradeClient:
    """The client the settings describe; raises NotConfigured.

    `deadline` bounds a whole call in seconds, 20 at most and by default; a long list has 120, but
    for a caller who asks for less than 20. One set of connections per process and credential.
    """
    client = kept(access_from_settings(), _client_with_configured_rate)
    return client.tuned(priority=priority, deadline=deadline)


def get_budget() -> Budget | None:
    """The budget of the configured credential, None when there is none."""
    try:
        return get_client().budget
    except NotConfigured:
        return None


def _client_with_configured_rate(access: Access) -> LumetradeClient:
    return make_client(access, rates={STANDARD: (Rate(settings.LUMETRADE_RATE_LIMIT, 60),)})
