"""How people page through long lists: by the last row they saw, never by a row number.

A page found by number drifts while rows arrive, and costs more the further one goes. A keyset page
starts after a row: `?after=2026-11-20T03:44:00Z~118`. The same cursors work on every desk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection
from django.db.models import DateTimeField, Model, Q, QuerySet
from django.http import QueryDict
from django.utils.formats import number_format
from django.utils.translation import gettext

Row = TypeVar("Row", bound=Model)

CAP = 10_000  # counting further costs more than knowing is worth
TAB_CAP = 1_000  # the same for a list that is not looked at
SIZES = (25, 50, 100)
LAST = chr(0x10FFFF)


@dataclass(frozen=True)
class Order:
    """One way to sort a list: a field, then the primary key, both in the same direction."""

    field: str
    newest_first: bool = False

    @property
    def names(self) -> tuple[str, str]:
        sign = "-" if self.newest_first else ""
        return f"{sign}{self.field}", f"{sign}pk"

    def reversed(self) -> Order:
        return Order(self.field, newest_first=not self.newest_first)

    def after(self, value: object, pk: object) -> Q:
        """Return the condition for the rows behind the one with these values."""
        beyond = "lt" if self.newest_first else "gt"
        further = Q(**{f"{self.field}__{beyond}": value}) | Q(**{f"pk__{beyond}": pk})
        return Q(**{f"{self.field}__{beyond}e": value}) & further

    def cursor(self, row: Model) -> str:
        value = getattr(row, self.field)
        text = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else str(value)
        return f"{text.replace('+00:00', 'Z')}~{row.pk}"


@dataclass(frozen=True)
class KeysetPage(Generic[Row]):
    """The rows of one page, and the cursors of its neighbours ("" where there are none)."""

    rows: list[Row]
    size: int
    before: str
    after: str

    @property
    def is_first(self) -> bool:
        return not self.before


@dataclass(frozen=True)
class Count:
    """A number of rows, exact up to the cap."""

    value: int
    cap: int = CAP

    @property
    def is_exact(self) -> bool:
        return self.value <= self.cap

    @property
    def shown(self) -> int | str:
        """Return the number, or words where it is too large to be worth counting."""
        if self.is_exact:
            return self.value
        cap = number_format(self.cap, force_grouping=True)
        return gettext("more than %(cap)s") % {"cap": cap}

    def __str__(self) -> str:
        shown = self.shown
        return shown if isinstance(shown, str) else number_format(shown, force_grouping=True)


@dataclass(frozen=True)
class Steps:
    """How to move from one page: words, and addresses that are "" where there is no such step."""

    words: str
    first: str
    previous: str
    next: str


@dataclass(frozen=True)
class Place(Generic[Row]):
    """Where one row stands in the list it was opened from."""

    position: Count | None
    total: Count
    previous: Row | None
    next: Row | None


CURSORS = ("after", "before")


def address(query: QueryDict, **changes: str | None) -> str:
    """Return the view with some of its settings changed, on its first page, as `?…`.

    None takes a setting out.
    """
    changed = query.copy()
    for name in (*CURSORS, *changes):
        changed.pop(name, None)
    for name, value in changes.items():
        if value is not None:
            changed[name] = value
    return f"?{changed.urlencode()}"


def steps(page: KeysetPage[Row], *, query: QueryDict, total: Count) -> Steps:
    """Return the ways on from a page, and what it shows of how much."""
    number = len(page.rows)
    if not number:
        words = gettext("Nothing here")
    elif page.is_first:
        words = gettext("1 to %(number)s of %(total)s") % {"number": number, "total": total}
    else:
        words = gettext("%(number)s more of %(total)s") % {"number": number, "total": total}
    return Steps(
        words=words,
        first="" if page.is_first else address(query),
        previous=address(query, before=page.before) if page.before else "",
        next=address(query, after=page.after) if page.after else "",
    )


def begins(field: str, text: str) -> Q:
    """Return the condition for rows whose `field` begins with this text, letter by letter.

    Both databases look up a range of an index for it. To SQLite it must be said as one: it answers
    LIKE by reading the whole table. PostgreSQL's collations do not sort by letters alone, so there
    LIKE makes the range, of an index that does (`varchar_pattern_ops`).
    """
    if connection.vendor != "sqlite":
        return Q(**{f"{field}__startswith": text})
    return Q(**{f"{field}__gte": text, f"{field}__lt": text + LAST})


def count(queryset: QuerySet[Row], *, is_current: bool = True) -> Count:
    """Count rows, but never further than one past the cap, a low one for a tab in the back."""
    cap = CAP if is_current else TAB_CAP
    return Count(queryset.order_by()[: cap + 1].count(), cap)


def page_size(wanted: str) -> int:
    """Return one of the offered sizes; the smallest for anything else."""
    return int(wanted) if wanted in map(str, SIZES) else SIZES[0]


def page(queryset: QuerySet[Row], *, order: Order, query: QueryDict) -> KeysetPage[Row]:
    """Return the page that `?after=`, `?before=` and `?size=` ask for.

    A cursor that means nothing, or one that leads before the beginning, gives the first page.
    """
    size = page_size(query.get("size", ""))
    if key := _parse(queryset, order, query.get("before", "")):
        back = order.reversed()
        rows = list(queryset.filter(back.after(*key)).order_by(*back.names)[: size + 1])
        if len(rows) > size:
            rows = rows[:size][::-1]
            return KeysetPage(
                rows, size, before=order.cursor(rows[0]), after=order.cursor(rows[-1])
            )
    start = _parse(queryset, order, query.get("after", ""))
    narrowed = queryset.filter(order.after(*start)) if start else queryset
    rows = list(narrowed.order_by(*order.names)[: size + 1])
    shown, has_more = rows[:size], len(rows) > size
    return KeysetPage(
        shown,
        size,
        before=_before(order, shown, query) if start else "",
        after=order.cursor(shown[-1]) if has_more else "",
    )


def is_cursor(queryset: QuerySet[Row], order: Order, cursor: str) -> bool:
    """Whether this leads anywhere in the list. Programs want to hear it; people get page one."""
    return _parse(queryset, order, cursor) is not None


def place(queryset: QuerySet[Row], *, order: Order, row: Row) -> Place[Row]:
    """Return the neighbours of `row`, which itself may have left the list by now."""
    key = getattr(row, order.field), row.pk
    back = order.reversed()
    ahead = queryset.filter(back.after(*key))
    is_listed = queryset.filter(pk=row.pk).exists()
    return Place(
        position=Count(count(ahead).value + 1) if is_listed else None,
        total=count(queryset),
        previous=ahead.order_by(*back.names).first(),
        next=queryset.filter(order.after(*key)).order_by(*order.names).first(),
    )


def _before(order: Order, rows: Sequence[Row], query: QueryDict) -> str:
    """Return the cursor for going back; from an empty page, back to where it started."""
    return order.cursor(rows[0]) if rows else query.get("after", "")


def _parse(queryset: QuerySet[Row], order: Order, cursor: str) -> tuple[object, object] | None:
    value, separator, pk = cursor.rpartition("~")
    if not separator:
        return None
    try:
        return _value(queryset.model, order.field, value), int(pk)
    except (FieldDoesNotExist, ValidationError, ValueError):
        return None


def _value(model: type[Model], name: str, text: str) -> object:
    field = model._meta.get_field(name)
    if not isinstance(field, DateTimeField):
        return field.to_python(text)  # type: ignore[union-attr]
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("A moment without a zone")
    return moment
