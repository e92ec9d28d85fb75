"""Which columns of a list are shown: each view of it says so in its address (`?column=…`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.utils.functional import Promise

from staff.lists import CURSORS

PARAMETER: Final = "column"


@dataclass(frozen=True)
class Column:
    """One column. `style` are classes of its heading; one that is fixed cannot be left out."""

    key: str
    label: Promise
    style: str = ""
    is_fixed: bool = False


class Columns:
    """The columns of one list as this view of it asks for them; all, where it asks for none."""

    def __init__(self, every: Sequence[Column], query: QueryDict, *, before: int = 0) -> None:
        """`before` columns, such as boxes to pick rows, stand in front and belong to nobody."""
        self.every = every
        self._query, self._before = query, before
        asked = set(query.getlist(PARAMETER)) & {column.key for column in every}
        self.asked = [column.key for column in every if column.key in asked]

    def __len__(self) -> int:
        return self._before + len(self.every)

    @property
    def hiding(self) -> str:
        """The classes of the table that hide what was left out, by its place (components.css)."""
        return " ".join(
            f"without-{place}"
            for place, column in enumerate(self.every, start=self._before + 1)
            if not self.shows(column)
        )

    @property
    def choices(self) -> list[tuple[Column, bool]]:
        """What can be left out, and whether it is shown."""
        return [(column, self.shows(column)) for column in self.every if not column.is_fixed]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """The rest of the view, for the form that chooses columns."""
        left_out = {PARAMETER, *CURSORS}
        return [
            (name, value)
            for name, values in self._query.lists()
            if name not in left_out
            for value in values
        ]

    @property
    def all_address(self) -> str:
        """The address of this view with every column; "" where every column is shown."""
        if not self.asked:
            return ""
        query = self._query.copy()
        del query[PARAMETER]
        return f"?{query.urlencode()}"

    def shows(self, column: Column) -> bool:
        return column.is_fixed or not self.asked or column.key in self.asked
