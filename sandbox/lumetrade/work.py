"""What one transaction of Lumetrade works with, how its money is kept and its ids are made."""

import random
import sqlite3
import string
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.lumetrade.config import LumetradeConfig

ATOMS = 10**8  # of one unit; money is stored in them
DECIMALS = {"ZAR": 2, "USD": 2, "EUR": 2, "USDT": 6, "BTC": 8}
SIGNS = string.ascii_uppercase + string.digits


@dataclass(frozen=True, kw_only=True)
class Work:
    """The open transaction and its moment. `dice` makes ids and choices."""

    db: sqlite3.Connection
    now: int
    config: LumetradeConfig
    dice: random.Random

    def at(self, moment: int) -> "Work":
        return replace(self, now=moment)

    def token(self, length: int) -> str:
        return "".join(self.dice.choices(SIGNS, k=length))


def atoms(amount: Decimal) -> int:
    return int((amount * ATOMS).to_integral_value(ROUND_HALF_UP))


def units(stored: int) -> Decimal | int:
    """A stored amount as it is written: whole ones without a fraction, like 101 and 18.4."""
    whole, rest = divmod(stored, ATOMS)
    return whole if not rest else (Decimal(stored) / ATOMS).normalize()


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-DECIMALS[currency]), ROUND_HALF_UP)


def read_amount(value: Any, currency: str) -> Decimal | None:
    """A JSON number above zero, no finer than the currency; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    amount = Decimal(value)
    if not amount.is_finite() or not 0 < amount < 10**10:
        return None
    return amount if amount == rounded(amount, currency) else None
