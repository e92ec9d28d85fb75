"""How much a column of ours takes, for values that others make."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from django.db import connection, models

SQLITE_DIGITS: Final = 15  # what SQLite's numbers keep of an amount, wherever its point stands


def longest(model: type[models.Model], name: str) -> int | None:
    """The most characters that this column holds; None when it holds any number."""
    column = model._meta.get_field(name)
    return column.max_length if isinstance(column, models.Field) else None


def keeps(amount: Decimal) -> bool:
    """Whether the database gives this amount back as it is: SQLite may round what is long."""
    if connection.vendor != "sqlite":
        return True
    digits = "".join(map(str, amount.as_tuple().digits))
    return len(digits.strip("0")) <= SQLITE_DIGITS
