"""What is offered: currencies, how money comes in, and what one costs in another."""

from decimal import Decimal

from sandbox.web import Json

OFFERED: dict[str, Json] = {
    "ZAR": {"name": "South African Rand", "type": "FIAT", "paymentMethodTypes": ["EFT", "RTC"]},
    "USD": {"name": "US Dollar", "type": "FIAT", "paymentMethodTypes": ["SWIFT"]},
    "EUR": {"name": "Euro", "type": "FIAT", "paymentMethodTypes": ["SEPA"]},
    "USDT": {"name": "Tether", "type": "CRYPTO", "networks": ["TRON", "ETHEREUM"]},
    "BTC": {"name": "Bitcoin", "type": "CRYPTO", "networks": ["BITCOIN"]},
}
IN_DOLLARS = {
    "ZAR": Decimal("0.0546"),
    "USD": Decimal(1),
    "EUR": Decimal("1.09"),
    "USDT": Decimal("0.9998"),
    "BTC": Decimal("64250"),
}


def listed() -> list[Json]:
    empty: Json = {"networks": [], "paymentMethodTypes": []}
    return [{"currency": code, **empty, **offer} for code, offer in OFFERED.items()]


def price(sold: str, bought: str) -> Decimal:
    """How much of `bought` one unit of `sold` brings, a little less than it is worth."""
    return IN_DOLLARS[sold] / IN_DOLLARS[bought] * Decimal("0.9975")
