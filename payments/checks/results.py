"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from payments.enums import Level
from staff.texts import Sayable, Text, written_number
from upstreams.money import MAX_DECIMALS, exponent, is_known


@dataclass(frozen=True)
class Check:
    """One finding before signing. `as_of`: how old what it looked at is. `links`: label, URL."""

    level: Level
    code: str
    says: Sayable
    as_of: datetime | None = None
    links: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        """What was found, in the reader's language."""
        return str(self.says)


def figure(amount: Decimal, currency: str) -> Text:
    """An amount with its currency, in the reader's notation."""
    places = exponent(currency) if is_known(currency) else MAX_DECIMALS
    number = written_number(amount, places)
    return Text("%(number)s %(currency)s", number=number, currency=currency)
