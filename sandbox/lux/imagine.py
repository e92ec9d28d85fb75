"""Invented customers, accounts and transfers, drawn from dice."""

import random
from decimal import Decimal

from sandbox.lux.work import text_of
from sandbox.luxcore import people
from sandbox.web import Json

CITIES = {
    "ARS": ("AR", "Buenos Aires", "Av. Corrientes"),
    "MXN": ("MX", "Ciudad de México", "Calle Durango"),
    "UYU": ("UY", "Montevideo", "Bulevar Artigas"),
    "AUD": ("AU", "Melbourne", "Lygon Street"),
    "LKR": ("LK", "Colombo", "Galle Road"),
}
FIRMS = ("Andes Freight", "Pacific Textiles", "Rio Components", "Harbour Foods", "Sol Energía")
FORMS = (("SA de CV", "corporation"), ("Ltd", "corporation"), ("LLC", "llc"))
INDUSTRIES = ("logistics", "technology", "retail", "agriculture")
REASONS = (
    "The document has expired",
    "The selfie does not show the person on the document",
    "The document was altered",
)
ROUTES = (
    ("ach", "usd", "polygon", "usdc"),
    ("wire", "usd", "ethereum", "usdc"),
    ("polygon", "usdc", "wire", "usd"),
    ("base", "usdc", "ach", "usd"),
)


def customer(dice: random.Random, number: int) -> Json:
    """As sent in a request: often somebody who pays through LuxCore too, by the same e-mail."""
    home = people.country(dice)
    if dice.random() < 0.2:
        return _business(dice, home, number)
    person = people.customer(dice, home)
    first, _, last = str(person["name"]).partition(" ")
    email = person["email"] if dice.random() < 0.5 else f"{first[:1].lower()}{number}@example.com"
    return {
        "type": "individual",
        "email": people.plain(email),
        "first_name": first,
        "last_name": last,
        "phone": person["phone"],
        "date_of_birth": f"{dice.randrange(1951, 2006)}-{dice.randrange(1, 13):02}"
        f"-{dice.randrange(1, 29):02}",
        "address": _address(dice, home),
        "metadata": {"internal_id": f"usr_{number:05}"},
    }


def _business(dice: random.Random, home: people.Country, number: int) -> Json:
    form, kind = dice.choice(FORMS)
    name = f"{dice.choice(FIRMS)} {form}"
    country = CITIES[home.currency][0]
    return {
        "type": "business",
        "email": f"finance{number}@example.com",
        "business_name": name,
        "business_type": kind,
        "business_phone": home.phone + people.digits(dice, home.digits),
        "registration_number": people.digits(dice, 9),
        "industry": dice.choice(INDUSTRIES),
        "incorporation_date": f"{dice.randrange(1990, 2025)}-{dice.randrange(1, 13):02}-01",
        "incorporation_country": country,
        "website": "https://example.com",
        "address": _address(dice, home),
    }


def _address(dice: random.Random, home: people.Country) -> Json:
    country, city, street = CITIES[home.currency]
    return {
        "line1": f"{street} {dice.randrange(1, 2400)}",
        "city": city,
        "postal_code": people.digits(dice, 5),
        "country": country,
    }


def bank_account(dice: random.Random, customer_id: str, name: str) -> Json:
    return {
        "customer_id": customer_id,
        "type": "us_bank_account",
        "account_name": name,
        "account_type": dice.choice(("checking", "savings")),
        "routing_number": dice.choice(("021000021", "026009593", "121000358")),
        "account_number": people.digits(dice, 10),
        "bank_name": dice.choice(("Chase", "Bank of America", "Wells Fargo")),
    }


def amount(dice: random.Random) -> str:
    """Many small ones and a few large, most of them round."""
    value = Decimal(str(round(50 + dice.random() ** 3 * 40_000, 2)))
    return text_of(value - value % 50 if dice.random() < 0.7 and value > 100 else value)
