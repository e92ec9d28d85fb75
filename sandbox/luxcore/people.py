"""Invented customers and bank details that look right, check digits included."""

import random
import unicodedata
from dataclasses import dataclass

from sandbox.web import Json


@dataclass(frozen=True, kw_only=True)
class Country:
    """Where a currency's customers live. Amounts are usual ones, in minor units."""

    currency: str
    weight: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    two_last_names: bool
    phone: str
    digits: int
    least: int
    most: int
    deposits: tuple[str, ...]
    withdrawals: tuple[str, ...]


ARGENTINA = Country(
    currency="ARS",
    weight=35,
    first=("Martín", "Lucía", "Joaquín", "Valentina", "Facundo", "Camila", "Tomás", "Sofía"),
    last=("Gómez", "Fernández", "Rodríguez", "Sosa", "Benítez", "Acosta", "Pereyra", "Molina"),
    two_last_names=False,
    phone="+54911",
    digits=8,
    least=800_000,
    most=45_000_000,
    deposits=("bank_transfer",),
    withdrawals=("bank_transfer",),
)
MEXICO = Country(
    currency="MXN",
    weight=30,
    first=("Juan", "María", "José Luis", "Guadalupe", "Miguel", "Ximena", "Diego", "Fernanda"),
    last=("Hernández", "García", "Martínez", "López", "Ramírez", "Cruz", "Flores", "Vargas"),
    two_last_names=True,
    phone="+5255",
    digits=8,
    least=15_000,
    most=3_500_000,
    deposits=("spei", "spei", "spei", "oxxo", "card", "cash"),
    withdrawals=("spei",),
)
URUGUAY = Country(
    currency="UYU",
    weight=12,
    first=("Agustín", "Florencia", "Rodrigo", "Carolina", "Nicolás", "Victoria", "Gonzalo"),
    last=("Silva", "Pereira", "Cabrera", "Núñez", "Olivera", "Techera", "Larrosa"),
    two_last_names=True,
    phone="+5989",
    digits=7,
    least=40_000,
    most=4_000_000,
    deposits=("bank_transfer",),
    withdrawals=("bank_transfer",),
)
AUSTRALIA = Country(
    currency="AUD",
    weight=13,
    first=("Olivia", "Jack", "Charlotte", "Noah", "Matilda", "Liam", "Priya", "Ethan"),
    last=("Smith", "Nguyen", "Williams", "Brown", "Taylor", "Singh", "Wilson", "Kelly"),
    two_last_names=False,
    phone="+614",
    digits=8,
    least=2_000,
    most=650_000,
    deposits=("bank_transfer", "payid", "payid"),
    withdrawals=("bank_transfer", "payid"),
)
SRI_LANKA = Country(
    currency="LKR",
    weight=10,
    first=("Kamal", "Nimali", "Ruwan", "Dilini", "Chathura", "Ishara", "Tharindu", "Sanduni"),
    last=("Perera", "Fernando", "Silva", "Jayasinghe", "Bandara", "Wickramasinghe", "Herath"),
    two_last_names=False,
    phone="+947",
    digits=8,
    least=50_000,
    most=9_000_000,
    deposits=("ipay",),
    withdrawals=(),
)
COUNTRIES = (ARGENTINA, MEXICO, URUGUAY, AUSTRALIA, SRI_LANKA)

CBU_BANKS = ("007", "011", "014", "017", "072", "191", "285")
CLABE_BANKS = ("002", "012", "014", "021", "036", "044", "072", "127")
BSB_BANKS = ("062", "032", "082", "012", "182", "733")
PURPOSES = (
    "Order #{n}",
    "Wallet top-up {n}",
    "Invoice {n}",
    "Subscription {n}",
    "Booking {n}",
)
PAYOUT_PURPOSES = ("Payout {n}", "Winnings {n}", "Refund to customer {n}", "Seller payout {n}")


def country(dice: random.Random, *, pays_out: bool = False) -> Country:
    """One drawn by weight; of those with withdrawals if it `pays_out`."""
    possible = [c for c in COUNTRIES if c.withdrawals or not pays_out]
    return dice.choices(possible, [c.weight for c in possible])[0]


def customer(dice: random.Random, home: Country) -> Json:
    """A person as sent in a request. The same name always has the same address."""
    first, last = dice.choice(home.first), dice.choice(home.last)
    if home.two_last_names:
        last = f"{last} {dice.choice(home.last)}"
    name = f"{first} {last}"
    mail = plain(name).lower().replace(" ", ".")
    own = random.Random(mail)  # a person keeps phone and number between payments
    phone = home.phone + "".join(own.choices("0123456789", k=home.digits))
    person: Json = {"name": name, "email": f"{mail}@example.com", "phone": phone}
    if own.random() < 0.6:
        person["external_id"] = f"usr_{home.currency.lower()}_{own.randrange(10**6, 10**7)}"
    return person


def plain(text: str) -> str:
    """Without accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(char for char in apart if not unicodedata.combining(char))


def amount(dice: random.Random, home: Country) -> int:
    """Many small ones and a few large, most of them round."""
    share = dice.random() ** 3
    value = round(home.least + share * (home.most - home.least))
    if dice.random() < 0.7:
        value -= value % 5_000 if value > 20_000 else value % 500
    return max(home.least, value)


def payout(dice: random.Random, method: str, home: Country, person: Json) -> Json:
    """Bank details of this person, as sent in a request."""
    own = random.Random(person["email"])
    details: Json = {"recipient_name": person["name"]}
    if method == "payid":
        kind = own.choice(("email", "phone", "abn"))
        values = {"email": person["email"], "phone": person["phone"], "abn": abn(own)}
        return details | {"payid": values[kind], "payid_type": kind}
    match home.currency:
        case "ARS":
            details["bank_account"] = cbu(own)
        case "MXN":
            account = clabe(own)
            details |= {"bank_account": account, "bank_code": account[:3]}
        case "UYU":
            details["bank_account"] = digits(own, own.choice((9, 12, 14)))
        case "AUD":
            details["bank_account"] = digits(own, own.choice((8, 9)))
            details["bank_code"] = f"{own.choice(BSB_BANKS)}-{digits(own, 3)}"
    if dice.random() < 0.3:
        details["reference"] = f"PAYOUT-{digits(dice, 5)}"
    return details


def digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("0123456789", k=count))


def _check_digit(text: str, weights: tuple[int, ...]) -> str:
    total = sum(int(char) * weights[index % len(weights)] % 10 for index, char in enumerate(text))
    return str(-total % 10)


def cbu(dice: random.Random) -> str:
    """Argentina: bank and branch with their check digit, the account with its own."""
    head = dice.choice(CBU_BANKS) + digits(dice, 4)
    tail = digits(dice, 13)
    head_weights = (7, 1, 3, 9, 7, 1, 3)
    tail_weights = (3, 9, 7, 1)
    return head + _check_digit(head, head_weights) + tail + _check_digit(tail, tail_weights)


def clabe(dice: random.Random) -> str:
    """Mexico: bank, place, account and the check digit."""
    head = dice.choice(CLABE_BANKS) + "180" + digits(dice, 11)
    return head + _check_digit(head, (3, 7, 1))


def abn(dice: random.Random) -> str:
    """Australia: nine digits behind two check digits, the whole divisible by 89."""
    tail = digits(dice, 9)
    weights = (3, 5, 7, 9, 11, 13, 15, 17, 19)
    total = sum(int(char) * weight for char, weight in zip(tail, weights, strict=True))
    # With the first digit lowered by one: 10 * (a - 1) + b must make up for the rest.
    wanted = -total % 89
    return f"{10 + wanted}{tail}"
