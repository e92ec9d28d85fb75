"""What an external account or a wallet needs to be asked for (upstreams.md §1.7, §1.8, LF-A12).

What has the wrong form is refused; a check digit that does not fit only warns, but for an IBAN's,
which cannot be right without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from customers.enums import ExternalAccountKind, WalletKind
from customers.requests import checking
from staff.texts import Sayable, Text
from upstreams.lux.words import CRYPTO_RAILS

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    ExternalAccountKind.US_BANK: (
        *("account_name", "account_type", "routing_number", "account_number"),
    ),
    ExternalAccountKind.INTERNATIONAL: (
        *("account_name", "iban", "bic", "bank_name", "bank_country"),
    ),
    ExternalAccountKind.MEXICAN: ("account_name", "clabe", "bank_name"),
    ExternalAccountKind.CRYPTO: ("chain", "address"),
}
OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {ExternalAccountKind.CRYPTO: ("label",)}
ACCOUNT_TYPES: Final = {"checking": _("Checking"), "savings": _("Savings")}
CHAINS: Final = CRYPTO_RAILS
WALLET_CHAINS: Final = ("polygon", "ethereum", "arbitrum", "optimism", "base", "lux")
MOST_PARTIES: Final = 20
_LIKE_ETHEREUM: Final = frozenset(
    {"ethereum", "polygon", "arbitrum", "optimism", "base", "avalanche_c_chain"}
)
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_ADDRESSES: Final = {
    "solana": rf"{_BASE58}{{32,44}}",
    "stellar": "G[A-Z2-7]{55}",
    "tron": rf"T{_BASE58}{{33}}",
}
_FORMS: Final[Mapping[str, tuple[str, str]]] = {
    "routing_number": (r"[0-9]{9}", _("A routing number has nine digits.")),
    "account_number": (r"[0-9]{4,17}", _("An account number has 4 to 17 digits.")),
    "iban": (r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", _("Write the whole IBAN, such as IE29AIBK….")),
    "bic": (r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", _("A BIC has eight or eleven characters.")),
    "clabe": (r"[0-9]{18}", _("A CLABE has 18 digits.")),
}
# Blanks and dashes that people put into these are not part of them.
SPACED: Final = frozenset({"routing_number", "account_number", "iban", "bic", "clabe"})
_AMOUNT: Final = re.compile(r"[0-9]{1,2}\.[0-9]{2}", re.ASCII)


def tidied(given: Mapping[str, str]) -> dict[str, str]:
    """The same without the blanks that numbers are written with."""
    return {
        name: re.sub(r"[\s-]", "", value).upper() if name in SPACED else value.strip()
        for name, value in given.items()
    }


def account_body(kind: str, given: Mapping[str, str], *, customer_id: str) -> dict[str, Any]:
    names = (*NEEDED[kind], *OPTIONAL.get(kind, ()))
    told = {name: given[name] for name in names if given.get(name)}
    return {"customer_id": customer_id, "type": kind, **told}


def account_problems(kind: str, given: Mapping[str, str]) -> dict[str, Sayable]:
    """What is wrong with each field of a new external account."""
    if kind not in NEEDED:
        return {"type": Text(_("Choose what kind of account it is."))}
    found: dict[str, Sayable] = {}
    for name in NEEDED[kind]:
        value = given.get(name, "")
        if wrong := _problem(name, value, given) if value else Text(_("This is needed.")):
            found[name] = wrong
    for name in OPTIONAL.get(kind, ()):
        if wrong := checking.text(given.get(name, "")):
            found[name] = wrong
    return found


def account_warnings(kind: str, given: Mapping[str, str]) -> list[Text]:
    """What looks wrong in an account that `account_problems` lets pass."""
    match kind:
        case ExternalAccountKind.US_BANK if not _routing_fits(given["routing_number"]):
            return [Text(_("The check digit of this routing number does not fit."))]
        case ExternalAccountKind.MEXICAN if not _clabe_fits(given["clabe"]):
            return [Text(_("The check digit of this CLABE does not fit."))]
        case ExternalAccountKind.INTERNATIONAL if given["iban"][:2] != given["bank_country"]:
            return [
                Text(
                    _("The IBAN is of %(iban)s, the bank is said to be in %(bank)s."),
                    iban=given["iban"][:2],
                    bank=given["bank_country"],
                )
            ]
    return []


def amount_problem(value: str) -> Sayable:
    """What is wrong with one of the two small deposits."""
    if not _AMOUNT.fullmatch(value) or not Decimal(value):
        return Text(_("Write what arrived with two decimals, such as 0.12."))
    return ""


def wallet_body(given: Mapping[str, Any], *, customer_id: str) -> dict[str, Any]:
    body = {
        "customer_id": customer_id,
        "type": given["type"],
        "label": given["label"],
        "chains": list(given["chains"]),
    }
    if given["type"] == WalletKind.MPC:
        body["mpc_config"] = {"threshold": given["threshold"], "parties": given["parties"]}
    return body


def wallet_problems(given: Mapping[str, Any]) -> dict[str, Sayable]:
    """What is wrong with each field of a new wallet."""
    found: dict[str, Sayable] = {}
    if given.get("type") not in WalletKind.values:
        found["type"] = Text(_("Say who holds the keys."))
    label = given.get("label") or ""
    if wrong := checking.text(label) if label else Text(_("This is needed.")):
        found["label"] = wrong
    chains = given.get("chains") or []
    if not chains or not set(chains) <= set(WALLET_CHAINS):
        found["chains"] = Text(_("Choose at least one of the chains."))
    return found | (_shares(given) if given.get("type") == WalletKind.MPC else {})


def _shares(given: Mapping[str, Any]) -> dict[str, Sayable]:
    threshold, parties = given.get("threshold"), given.get("parties")
    if not isinstance(parties, int) or not 2 <= parties <= MOST_PARTIES:
        return {"parties": Text(_("From 2 to %(most)s parties."), most=MOST_PARTIES)}
    if not isinstance(threshold, int) or not 2 <= threshold <= parties:
        return {"threshold": Text(_("From 2 to as many as there are parties."))}
    return {}


def _problem(name: str, value: str, given: Mapping[str, str]) -> Sayable:
    if wrong := checking.text(value):
        return wrong
    if name in _FORMS:
        pattern, otherwise = _FORMS[name]
        if not re.fullmatch(pattern, value, re.ASCII):
            return Text(otherwise)
    match name:
        case "iban" if not _iban_fits(value):
            return Text(_("The check digits of this IBAN do not fit: something is mistyped."))
        case "account_type" if value not in ACCOUNT_TYPES:
            return Text(_("Choose one of the kinds in the list."))
        case "bank_country":
            return checking.country(value)
        case "chain" if value not in CHAINS:
            return Text(_("Choose one of the chains in the list."))
        case "address":
            return _address_problem(given.get("chain", ""), value)
    return ""


def _address_problem(chain: str, address: str) -> Sayable:
    pattern = "0x[0-9a-fA-F]{40}" if chain in _LIKE_ETHEREUM else _ADDRESSES.get(chain)
    if pattern and not re.fullmatch(pattern, address, re.ASCII):
        return Text(_("This is no address on %(chain)s."), chain=chain)
    return ""


def _routing_fits(number: str) -> bool:
    """The weights of the American Bankers Association."""
    weights = (3, 7, 1) * 3
    return sum(int(one) * weight for one, weight in zip(number, weights, strict=True)) % 10 == 0


def _clabe_fits(clabe: str) -> bool:
    weights = (3, 7, 1) * 5 + (3, 7)
    control = sum(int(one) * weight % 10 for one, weight in zip(clabe, weights, strict=False))
    return (10 - control % 10) % 10 == int(clabe[17])


def _iban_fits(iban: str) -> bool:
    """ISO 7064, modulo 97."""
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 == 1
