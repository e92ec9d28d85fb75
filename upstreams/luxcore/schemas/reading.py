"""Reading of LuxCore's objects: its pages, and money in minor units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from upstreams import records
from upstreams.money import BadMoney, Money

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(records.Batch[T]):
    """One page of a list. `total` is the upstream's count of all that matches the filters."""

    total: int
    limit: int
    offset: int


class Fields(records.Fields):
    """The members of one of LuxCore's objects."""

    def money(self, *names: str, currency: str) -> Money | None:
        """Minor units as an integer or integer text (upstreams.md §3.3, LC-C12)."""
        name, value = self.find(*names)
        if value is None:
            return None
        try:
            return Money.from_minor(value, currency)
        except BadMoney as problem:
            raise self.bad(name, f"cannot be used: {problem}") from None

    def required_money(self, *names: str, currency: str) -> Money:
        money = self.money(*names, currency=currency)
        if money is None:
            raise self.bad(names[0], "is missing")
        return money
