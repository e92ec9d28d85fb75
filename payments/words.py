"""What codes of the payments desk are called on its pages."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

from payments.enums import Status
from payments.models import Withdrawal
from upstreams.enums import Upstream

CURRENCIES = (
    *("ARS", "AUD", "BRL", "DAI", "EUR", "GBP", "LKR", "MXN", "PYUSD", "USD", "USDC", "USDT"),
    *("UYU", "ZAR"),
)

METHODS = {
    "bank_transfer": gettext_noop("Bank transfer"),
    "card": gettext_noop("Card"),
    "cash": gettext_noop("Cash"),
    "crypto": gettext_noop("Crypto"),
    "ipay": "iPay",
    "oxxo": "OXXO",
    "payid": "PayID",
    "spei": "SPEI",
    # Rails of Lux Financial
    "account": gettext_noop("Between accounts"),
    "ach": "ACH",
    "ach_push": gettext_noop("ACH, pushed"),
    "ach_same_day": gettext_noop("ACH, same day"),
    "faster_payments": "Faster Payments",
    "pix": "Pix",
    "sepa": "SEPA",
    "swift": "SWIFT",
    "wire": gettext_noop("Wire"),
    "arbitrum": "Arbitrum",
    "avalanche_c_chain": "Avalanche C-Chain",
    "base": "Base",
    "ethereum": "Ethereum",
    "optimism": "Optimism",
    "polygon": "Polygon",
    "solana": "Solana",
    "stellar": "Stellar",
    "tron": "Tron",
}
# Both ends of a transfer.
ENDS = {
    "from_rail": gettext_noop("Comes by"),
    "from_currency": gettext_noop("Comes in"),
    "from_external_account": gettext_noop("Comes from the external account"),
    "from_account": gettext_noop("Comes from the account"),
    "from_address": gettext_noop("Comes from the address"),
    "to_rail": gettext_noop("Goes by"),
    "to_currency": gettext_noop("Goes in"),
    "to_external_account": gettext_noop("Goes to the external account"),
    "to_account": gettext_noop("Goes to the account"),
    "to_address": gettext_noop("Goes to the address"),
    "trace_number": gettext_noop("Trace number"),
}


def method(code: str) -> str:
    """Return the name of a method; a new one is shown by its own code."""
    return gettext(METHODS[code]) if code in METHODS else code.replace("_", " ").capitalize()


def expected(withdrawal: Withdrawal) -> str:
    """Return how long the money usually takes, as the provider states it."""
    if withdrawal.upstream == Upstream.LUX:
        return gettext("once Lux Financial has the funds")
    minutes = 10 if withdrawal.method == "payid" else 30
    return gettext("usually within %(minutes)s minutes") % {"minutes": minutes}


def theirs(status: str) -> str:
    """Return a provider's own word for a status, made readable and nothing more."""
    return status.replace("_", " ")


def at_provider(withdrawal: Withdrawal) -> str:
    """Return how the payout stands at the provider, in their word where we know it."""
    if withdrawal.payment is not None:
        return theirs(withdrawal.payment.upstream_status)
    match Status(withdrawal.status):
        case Status.SENDING:
            return gettext("being asked")
        case Status.UNKNOWN:
            return gettext("no clear answer")
        case Status.REFUSED:
            return gettext("refused")
        case Status.SENT:
            return gettext("paid, as they wrote")
    return gettext("not sent")
