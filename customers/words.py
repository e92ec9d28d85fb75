"""What Lux Financial's words are called on pages. One nobody documented is shown as it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from django.utils.translation import gettext, gettext_noop

KYC_STATUSES: Final[Mapping[str, str]] = {
    "not_started": gettext_noop("Not started"),
    "pending": gettext_noop("Documents awaited"),
    "incomplete": gettext_noop("Incomplete"),
    "under_review": gettext_noop("Under review"),
    "manual_review": gettext_noop("Manual review"),
    "awaiting_ubo": gettext_noop("Owners awaited"),
    "approved": gettext_noop("Approved"),
    "rejected": gettext_noop("Rejected"),
}
RISKS: Final[Mapping[str, str]] = {
    "low": gettext_noop("Low risk"),
    "medium": gettext_noop("Medium risk"),
    "high": gettext_noop("High risk"),
}
STATUSES: Final[Mapping[str, str]] = {
    "pending": gettext_noop("Not active yet"),
    "active": gettext_noop("Active"),
    "suspended": gettext_noop("Suspended"),
    "deleted": gettext_noop("Deleted"),
}
TERMS: Final[Mapping[str, str]] = {
    "pending": gettext_noop("Not accepted yet"),
    "approved": gettext_noop("Accepted"),
}
ENDORSEMENTS: Final[Mapping[str, str]] = {
    "can_trade_stablecoins": gettext_noop("Stablecoins"),
    "can_wire_transfer": gettext_noop("Wire transfers"),
    "can_ach_transfer": gettext_noop("ACH transfers"),
    "can_sepa_transfer": gettext_noop("SEPA transfers"),
    "can_swift_transfer": gettext_noop("SWIFT transfers"),
    "can_hold_custody": gettext_noop("Custodial wallets"),
    "can_use_mpc": gettext_noop("MPC wallets"),
}
REQUIREMENTS: Final[Mapping[str, str]] = {
    "kyc_verification": gettext_noop("Prove their identity"),
    "tos_acceptance": gettext_noop("Accept the terms of service"),
    "beneficial_owners": gettext_noop("Name the owners of the business"),
}
ACCOUNT_KINDS: Final[Mapping[str, str]] = {
    "us_bank_account": gettext_noop("Bank account in the United States"),
    "international_bank_account": gettext_noop("International bank account"),
    "mx_bank_account": gettext_noop("Bank account in Mexico"),
    "crypto_address": gettext_noop("Crypto address"),
}
ACCOUNT_STATUSES: Final[Mapping[str, str]] = {
    "pending": gettext_noop("To be verified"),
    "verified": gettext_noop("Verified"),
    "failed": gettext_noop("Verification failed"),
}
WALLET_KINDS: Final[Mapping[str, str]] = {
    "custodial": gettext_noop("Custodial wallet"),
    "mpc": gettext_noop("MPC wallet"),
}


def say(words: Mapping[str, str], code: str) -> str:
    """Return what a code is called; one that is not among the words is made readable."""
    return gettext(words[code]) if code in words else code.replace("_", " ").capitalize()


def say_all(words: Mapping[str, str], codes: Iterable[str]) -> list[str]:
    return [say(words, code) for code in codes]
