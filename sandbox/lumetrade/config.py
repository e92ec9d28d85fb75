"""What can be set about the Lumetrade stand-in, with the documented or assumed values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

OPENING_BALANCES = MappingProxyType(
    {
        "ZAR": Decimal("4250000.00"),
        "USD": Decimal("318000.00"),
        "USDT": Decimal("96500.5"),
        "BTC": Decimal("3.75"),
    }
)
OPEN = ("FAILED", "CANCELLED", "COMPLIANCE_PENDING")
TRANSITIONS = MappingProxyType(  # LT-A4
    {
        "withdrawal": {
            "PENDING": frozenset({"AWAITING_CONFIRMATION", "ACCEPTED", *OPEN}),
            "AWAITING_CONFIRMATION": frozenset({"ACCEPTED", *OPEN}),
            "ACCEPTED": frozenset({"PROCESSING", *OPEN}),
            "COMPLIANCE_PENDING": frozenset({"PROCESSING", *OPEN}),
            "PROCESSING": frozenset({"COMPLETED", *OPEN}),
            "COMPLETED": frozenset({"REVERSED"}),
        },
        "deposit": {
            "SUBMITTED": frozenset({"PENDING", *OPEN}),
            "PENDING": frozenset({"PROCESSING", *OPEN}),
            "COMPLIANCE_PENDING": frozenset({"PROCESSING", *OPEN}),
            "PROCESSING": frozenset({"COMPLETED", *OPEN}),
            "COMPLETED": frozenset({"REVERSED"}),
        },
        "trade": {
            "PENDING": frozenset({"COMPLETED", "CANCELLED"}),
            "COMPLETED": frozenset({"REVERSED"}),
        },
    }
)
ERROR_CODES = MappingProxyType(  # LT-A6, by HTTP status
    {400: 1133, 401: 1001, 403: 1003, 404: 1004, 409: 1009, 500: 1500}
)


@dataclass(frozen=True, kw_only=True)
class LumetradeConfig:
    """Delays and windows are in seconds, money is in major units."""

    api_key: str = "lt_key_sandbox"
    api_secret: str = "lt_secret_sandbox"
    opening_balances: Mapping[str, Decimal] = field(default_factory=lambda: OPENING_BALANCES)
    fee_bps: int = 50  # of withdrawals
    transitions: Mapping[str, Mapping[str, frozenset[str]]] = field(
        default_factory=lambda: TRANSITIONS
    )
    error_codes: Mapping[int, int] = field(default_factory=lambda: ERROR_CODES)
    offers_currencies: bool = True  # LT-A2

    # Lives of what the desk asks for; shares are of those that take another way than the usual
    stage_delay: float = 2
    fill_delay: float = 2
    reversal_delay: float = 60
    failure_share: float = 0
    review_share: float = 0
    reversal_share: float = 0
    traffic_stage_delay: float = 30

    quote_ttl: float = 30  # LT-A10
    rate_limit: int = 60  # LT-A8
    rate_window: float = 60
