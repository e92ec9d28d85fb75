"""Invented beneficiaries, wallets and movements, drawn from dice."""

import random
from decimal import Decimal

from sandbox.lumetrade.work import rounded
from sandbox.web import Json

BANKS = (
    ("First National Bank", "250655"),
    ("Standard Bank", "051001"),
    ("Nedbank", "198765"),
    ("Absa", "632005"),
    ("Capitec", "470010"),
)
FIRST = ("Thandi", "Sipho", "Anika", "Pieter", "Naledi", "Bongani", "Lerato", "Johan", "Zanele")
LAST = ("Nkosi", "Dlamini", "van der Merwe", "Botha", "Mokoena", "Naidoo", "Khumalo", "Smit")
FIRMS = ("Karoo Freight", "Table Bay Imports", "Highveld Components", "Umlazi Textiles")
USUAL = {
    "ZAR": (Decimal(500), Decimal(180_000)),
    "USD": (Decimal(50), Decimal(20_000)),
    "EUR": (Decimal(50), Decimal(20_000)),
    "USDT": (Decimal(20), Decimal(9_000)),
    "BTC": (Decimal("0.002"), Decimal("0.4")),
}
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "023456789acdefghjklmnpqrstuvwxyz"


def digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("0123456789", k=count))


def payee(dice: random.Random, currency: str) -> tuple[str, Json]:
    """A nickname and where the money goes."""
    name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
    if dice.random() < 0.4:
        name = dice.choice(FIRMS)
    match currency:
        case "ZAR":
            return name, {"accountName": name, **zar_account(dice)}
        case "USD" | "EUR":
            number = f"GB{digits(dice, 2)}BARC{digits(dice, 14)}"
            details = {"accountName": name, "bankName": "Barclays", "iban": number}
            return name, details | {"swiftCode": "BARCGB22"}
        case _:
            return f"{name} ({currency})", {"address": address(dice, currency)}


def zar_account(dice: random.Random) -> Json:
    bank, branch = dice.choice(BANKS)
    return {
        "bankName": bank,
        "accountNumber": f"62{digits(dice, 9)}",
        "accountType": dice.choice(("CHEQUE", "SAVINGS")),
        "branchCode": branch,
    }


def address(dice: random.Random, currency: str) -> str:
    if currency == "BTC":
        return "bc1q" + "".join(dice.choices(BECH32, k=38))
    return "T" + "".join(dice.choices(BASE58, k=33))


def amount(dice: random.Random, currency: str) -> Decimal:
    """Many small ones and a few large, most of them round."""
    least, most = USUAL[currency]
    share = Decimal(str(round(dice.random() ** 3, 6)))
    value = least + share * (most - least)
    if currency != "BTC" and dice.random() < 0.7:
        value -= value % 50
    return max(least, rounded(value, currency))
