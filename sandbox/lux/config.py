"""What can be set about the Lux Financial stand-in, with the documented or assumed values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

KYC_TRANSITIONS = MappingProxyType(  # LF-A5
    {
        "not_started": frozenset({"pending"}),
        "pending": frozenset({"incomplete", "under_review", "awaiting_ubo"}),
        "incomplete": frozenset({"under_review", "rejected"}),
        "awaiting_ubo": frozenset({"under_review"}),
        "under_review": frozenset({"approved", "manual_review", "incomplete", "rejected"}),
        "manual_review": frozenset({"approved", "rejected", "incomplete"}),
        "approved": frozenset[str](),
        "rejected": frozenset[str](),
    }
)
CUSTOMER_TRANSITIONS = MappingProxyType(  # LF-A7
    {
        "pending": frozenset({"active", "deleted"}),
        "active": frozenset({"suspended", "deleted"}),
        "suspended": frozenset({"active", "deleted"}),
        "deleted": frozenset[str](),
    }
)
TRANSFER_TRANSITIONS = MappingProxyType(  # [LF-XFER]
    {
        "awaiting_funds": frozenset({"funds_received"}),
        "funds_received": frozenset({"in_review"}),
        "in_review": frozenset({"payment_submitted", "canceled", "undeliverable"}),
        "payment_submitted": frozenset({"payment_processed"}),
        "undeliverable": frozenset({"returned", "refunded"}),
        "payment_processed": frozenset[str](),
        "canceled": frozenset[str](),
        "returned": frozenset[str](),
        "refunded": frozenset[str](),
    }
)
SHORT_TRANSITIONS = MappingProxyType(  # LF-A6: between two accounts there
    {
        "funds_received": frozenset({"payment_submitted"}),
        "payment_submitted": frozenset({"payment_processed"}),
        "payment_processed": frozenset[str](),
    }
)
RAIL_ENDORSEMENTS = MappingProxyType(  # LF-A8
    {
        "wire": "can_wire_transfer",
        "ach": "can_ach_transfer",
        "ach_push": "can_ach_transfer",
        "ach_same_day": "can_ach_transfer",
        "sepa": "can_sepa_transfer",
        "swift": "can_swift_transfer",
    }
)
EVENTS = (  # LF-A2
    "customer.created",
    "customer.updated",
    "customer.kyc_status_changed",
    "customer.deleted",
    "transfer.created",
    "transfer.state_changed",
    "screening.completed",
    "external_account.updated",
)
# How an event is written: as we assume (LF-A2), or as either page of theirs shows it [§1.11].
FORMS = ("assumed", "bare", "typed")
# Lists that do not end: a cursor or a page that comes again, empty pages that promise more.
ENDLESS = ("", "cursor", "page", "empty")
OPENING_ACCOUNTS = MappingProxyType(
    {"acc_operating": Decimal("250000.00"), "acc_reserve": Decimal("40000.00")}
)


@dataclass(frozen=True, kw_only=True)
class LuxConfig:
    """Delays and windows are in seconds, money is in major units."""

    api_keys: tuple[str, ...] = ("sk_test_sandbox",)
    rate_second: int = 10
    rate_day: int = 10_000
    idempotency_strict: bool = False  # LF-A4
    idempotency_ttl: float = 86_400

    kyc_transitions: Mapping[str, frozenset[str]] = field(default_factory=lambda: KYC_TRANSITIONS)
    customer_transitions: Mapping[str, frozenset[str]] = field(
        default_factory=lambda: CUSTOMER_TRANSITIONS
    )
    rail_endorsements: Mapping[str, str] = field(default_factory=lambda: RAIL_ENDORSEMENTS)
    default_endorsements: tuple[str, ...] = (  # LF-A8, granted on approval
        "can_ach_transfer",
        "can_wire_transfer",
        "can_trade_stablecoins",
    )
    takes_decisions: bool = True  # a PATCH may bring a KYC status; nowhere documented
    unique_email: bool = True  # LF-A9
    allow_account_transfers: bool = True  # LF-A6
    opening_accounts: Mapping[str, Decimal] = field(default_factory=lambda: OPENING_ACCOUNTS)
    transfer_limit: Decimal = Decimal(1_000_000)
    exchange_bps: int = 25  # LF-A11
    gas_fee: Decimal = Decimal("0.50")

    # Lives of what the desk makes; traffic's own are slower
    stage_delay: float = 4
    traffic_stage_delay: float = 30
    traffic_review_share: float = 0.25  # of traffic's customers that Lux decides about by itself

    webhook_url: str = ""
    webhook_secret: str = ""
    webhook_retries: tuple[float, ...] = (0, 60, 300, 1800, 7200, 43_200, 86_400)
    webhook_retry_scale: float = 1


@dataclass
class Manners:
    """How Lux Financial behaves for now: what the control door may change while it runs."""

    form: str = "assumed"
    flat_errors: bool = False  # LF-C3
    endless: str = ""
