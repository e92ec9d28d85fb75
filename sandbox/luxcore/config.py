"""What can be set about the LuxCore stand-in, with the documented or assumed values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

SCOPES = frozenset(
    {
        "payments.create",
        "payments.read",
        "payments.cancel",
        "payments.methods",
        "webhooks.create",
        "webhooks.read",
        "webhooks.update",
        "webhooks.delete",
        "balance.read",
        "tickets.create",
        "tickets.read",
        "tickets.update",
    }
)
SCOPE_ALIASES = MappingProxyType(
    {
        "payments.view": "payments.read",
        "webhooks.view": "webhooks.read",
        "balance.view": "balance.read",
    }
)
OPENING_BALANCES = MappingProxyType(
    {
        "ARS": 4_500_000_000,
        "MXN": 380_000_000,
        "UYU": 160_000_000,
        "AUD": 42_000_000,
        "LKR": 950_000_000,
    }
)


@dataclass(frozen=True)
class ApiKey:
    """A merchant's key. Its prefix selects the environment; each has its own data."""

    key: str
    scopes: frozenset[str] = SCOPES

    @property
    def env(self) -> str:
        return "production" if self.key.startswith("qp_prod_") else "test"

    def allows(self, scope: str) -> bool:
        return scope in {SCOPE_ALIASES.get(name, name) for name in self.scopes}


@dataclass(frozen=True, kw_only=True)
class LuxCoreConfig:
    """Delays and windows are in seconds unless they are a `timedelta`; money is in minor units."""

    merchant_id: int = 77
    api_keys: tuple[ApiKey, ...] = (ApiKey("qp_test_sk_sandbox"),)
    hmac_secret: str = ""  # empty: the merchant is not on v2
    fee_bps: int = 450  # LC-A9
    opening_balances: Mapping[str, int] = field(default_factory=lambda: OPENING_BALANCES)

    # Lives of payments
    deposit_ttl: timedelta = timedelta(minutes=15)  # LC-A23
    payid_ttl: timedelta = timedelta(minutes=10)
    ipay_pending: timedelta = timedelta(hours=24)
    payer_delay: float | None = None  # None: a desk's deposit waits for its TTL or a person
    approval_delay: float = 3  # LC-A21, for withdrawals made over the API
    processing_delay: float = 4
    traffic_approval_delay: float = 600  # for withdrawals the company's systems made
    support_delay: float = 20  # until support answers a ticket, while there is traffic
    cancellable: frozenset[str] = frozenset({"pending"})  # LC-C1
    reusable: frozenset[str] = frozenset({"failed", "expired", "cancelled"})  # LC-A11

    # Rate limits per key
    rate_standard: int = 100
    rate_create: int = 5000
    rate_window: float = 60
    rate_burst: int = 500
    burst_window: float = 10

    # Webhooks
    webhook_url: str = ""
    webhook_secret: str = ""
    webhook_signed_text: str = "{body}"  # LC-A2; or "{timestamp}.{body}"
    webhook_retries: tuple[float, ...] = (0, 60, 300, 900, 3600, 21600)  # LC-A4
    webhook_retry_scale: float = 1
    webhook_timeout: float = 10

    @property
    def env(self) -> str:
        """The environment of the first key: where v2, the seed and the traffic live."""
        return self.api_keys[0].env if self.api_keys else "test"
