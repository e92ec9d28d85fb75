"""Reading of Lux Financial's objects: cursor pages, money as decimal text in major units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from upstreams import records, strict_json
from upstreams.money import BadMoney, Money

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CursorPage(records.Batch[T]):
    """One page of a list. `cursor` asks for the next one, "" on the last."""

    cursor: str

    @property
    def has_more(self) -> bool:
        return bool(self.cursor)


class Fields(records.Fields):
    """The members of one of Lux Financial's objects."""

    def currency(self, *names: str) -> str:
        """A currency's code in upper case, however it is written (LF-C5); "" when absent."""
        return self.text(*names).upper()

    def money(self, name: str, *, currency: str) -> Money | None:
        """Decimal text (§1.3). A JSON number would be somebody else's notation (LF-C6)."""
        _, value = self.find(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.bad(name, "is not decimal text")
        try:
            return Money.from_plain_text(value, currency)
        except BadMoney as problem:
            raise self.bad(name, f"cannot be used: {problem}") from None

    def required_money(self, name: str, *, currency: str) -> Money:
        money = self.money(name, currency=currency)
        if money is None:
            raise self.bad(name, "is missing")
        return money

    def decimal(self, name: str) -> Decimal | None:
        """Decimal text without a currency of its own: a fee, a rate, a total."""
        money = self.money(name, currency="")
        return None if money is None else money.amount

    def share(self, name: str) -> Decimal:
        """A number from 0 to 1: a score (LF-C8)."""
        _, value = self.find(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.bad(name, "is not a number")
        share = Decimal(value)
        if not 0 <= share <= 1:
            raise self.bad(name, "is not between 0 and 1")
        return share

    def words(self, name: str, *inside: str) -> list[str]:
        """A list of texts, or of objects that carry one under a name of `inside`."""
        _, listed = self.find(name)
        if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
            return self.texts(name)
        return [item.text(*inside) for item in self.children(name)]

    def free(self, name: str) -> dict[str, Any]:
        """An object without a fixed form."""
        section = self.section(name)
        return dict(strict_json.storable(section)) if section else {}
