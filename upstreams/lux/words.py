"""Lux Financial's words and what they mean for who follows them (upstreams.md §1.5, §1.6).

A word nobody documented is kept as it came and counts as open: nothing follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings

INDIVIDUAL: Final = "individual"
BUSINESS: Final = "business"
APPROVED: Final = "approved"
REJECTED: Final = "rejected"
KYC_STATUSES: Final = (
    "not_started",
    "pending",
    "incomplete",
    "under_review",
    "manual_review",
    "awaiting_ubo",
    APPROVED,
    REJECTED,
)
ENDORSEMENTS: Final = (
    "can_trade_stablecoins",
    "can_wire_transfer",
    "can_ach_transfer",
    "can_sepa_transfer",
    "can_swift_transfer",
    "can_hold_custody",
    "can_use_mpc",
)
# The documents of a person, and whether each has a back that must be shown.
DOCUMENTS: Final = {"passport": False, "drivers_license": True, "national_id": True}
FIAT_RAILS: Final = (
    "ach",
    "ach_push",
    "ach_same_day",
    "wire",
    "swift",
    "sepa",
    "faster_payments",
    "pix",
    "spei",
)
CRYPTO_RAILS: Final = (
    "ethereum",
    "polygon",
    "arbitrum",
    "optimism",
    "base",
    "avalanche_c_chain",
    "solana",
    "stellar",
    "tron",
)
_DOLLAR_COINS: Final = ("USDC", "USDT")
# What travels by which rail (§1.6).
CURRENCIES: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("ach", "ach_push", "ach_same_day", "wire", "swift"), ("USD",)),
    "sepa": ("EUR",),
    "faster_payments": ("GBP",),
    "pix": ("BRL",),
    "spei": ("MXN",),
    "ethereum": (*_DOLLAR_COINS, "DAI", "PYUSD"),
    **dict.fromkeys(
        ("polygon", "arbitrum", "optimism", "base", "avalanche_c_chain", "solana"), _DOLLAR_COINS
    ),
    "stellar": ("USDC",),
    "tron": ("USDT",),
}
VERIFIED: Final = "verified"  # of an external account
CRYPTO_ADDRESS: Final = "crypto_address"
AWAITS_FUNDS: Final = "awaiting_funds"
# `undeliverable` is not among them: the money still comes back, `returned` or `refunded`.
_FINAL_STATES: Final = frozenset({"payment_processed", "canceled", "returned", "refunded"})
_TAKES_DOCUMENTS: Final = frozenset({"not_started", "pending", "incomplete"})  # LF-A5


def may_transact(kyc_status: str) -> bool:
    return kyc_status == APPROVED


def is_final_kyc(kyc_status: str) -> bool:
    """Whether nothing follows this status (LF-A5)."""
    return kyc_status in KYC_STATUSES and not settings.LUX_KYC_TRANSITIONS.get(kyc_status)


def next_kyc(kyc_status: str, *, customer_type: str) -> frozenset[str]:
    """The statuses that may follow (LF-A5); owners are awaited of businesses only."""
    following = frozenset(settings.LUX_KYC_TRANSITIONS.get(kyc_status, ()))
    return following if customer_type == BUSINESS else following - {"awaiting_ubo"}


def takes_documents(kyc_status: str) -> bool:
    """Whether documents may be submitted for a customer in this status (LF-A5)."""
    return kyc_status in _TAKES_DOCUMENTS


def is_final_transfer(state: str) -> bool:
    """Whether nothing follows this state (upstreams.md §1.6)."""
    return state in _FINAL_STATES


def endorsements_for(*rails: str) -> frozenset[str]:
    """What a customer needs for a transfer over these rails (LF-A8). Unknown rails need nothing
    that we know of: Lux has the last word."""
    needed = (_endorsement(rail.lower()) for rail in rails)
    return frozenset(name for name in needed if name)


def _endorsement(rail: str) -> str:
    if rail in CRYPTO_RAILS:
        return "can_trade_stablecoins"
    named: dict[str, str] = settings.LUX_RAIL_ENDORSEMENTS
    return named.get(rail, "")
