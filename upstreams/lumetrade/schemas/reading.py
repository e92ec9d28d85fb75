"""Reading of Lumetrade's objects: money as JSON numbers in major units, stages, free objects."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from upstreams import records, strict_json
from upstreams.money import BadMoney, Money, as_stored


def with_numbers(raw: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A stored object as it was shown: what `storable` keeps as text are fractions again."""
    texts = {name: raw[name] for name in names if isinstance(raw.get(name), str)}
    return {**raw, **{name: Decimal(text) for name, text in texts.items()}}


class Fields(records.Fields):
    """The members of one of Lumetrade's objects."""

    def money(self, name: str, *, currency: str) -> Money | None:
        """An amount (§2.3). Only a number is one: a text would be somebody else's notation."""
        _, value = self.find(name)
        if value is None:
            return None
        try:
            return Money.from_number(value, currency)
        except BadMoney as problem:
            raise self.bad(name, f"cannot be used: {problem}") from None

    def required_money(self, name: str, *, currency: str) -> Money:
        money = self.money(name, currency=currency)
        if money is None:
            raise self.bad(name, "is missing")
        return money

    def positive_money(self, name: str, *, currency: str) -> Money:
        """The amount of a movement, which is never below zero."""
        money = self.required_money(name, currency=currency)
        if money.amount < 0:
            raise self.bad(name, "is negative")
        return money

    def number(self, name: str) -> Decimal | None:
        """A number without a currency, as they write it: a rate. Its column can hold it."""
        _, value = self.find(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self.bad(name, "is not a number")
        number = Decimal(value)
        try:
            as_stored(number)
        except BadMoney as problem:
            raise self.bad(name, f"cannot be used: {problem}") from None
        return number

    def stage(self) -> str:
        """`status` in upper case (LT-C1); a word we do not know stays what it is."""
        return self.required_text("status").upper()

    def free(self, name: str) -> dict[str, Any]:
        """An object without a fixed form (LT-C3)."""
        section = self.section(name)
        return dict(strict_json.storable(section)) if section else {}
