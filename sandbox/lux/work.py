"""What one transaction of Lux Financial works with, and how its money is written."""

import random
import sqlite3
import string
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from sandbox.faults import FaultBook
from sandbox.lux.config import LuxConfig, Manners

SIGNS = string.ascii_lowercase + string.digits
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Work:
    """The open transaction and its moment. `dice` makes ids and choices; `silent` sends nothing."""

    db: sqlite3.Connection
    now: int
    config: LuxConfig
    manners: Manners
    dice: random.Random
    faults: FaultBook
    public_url: str
    silent: bool = False

    def at(self, moment: int) -> "Work":
        return replace(self, now=moment)

    def identity(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self.dice.choices(SIGNS, k=16))}"


def text_of(amount: Decimal) -> str:
    """Decimal text with at least two decimals."""
    places = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:.{places}f}"


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
