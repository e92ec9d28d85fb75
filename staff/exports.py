"""Lists as CSV files: streamed, safe to open in a spreadsheet, and remembered in the audit trail.

Rows are read in batches that follow each other by key, so a million rows need the memory of one
batch. A reader who goes away ends the reading.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from staff import audit
from staff.lists import Order
from staff.models import User
from staff.permissions import Permission, most_exported_rows, require

Row = TypeVar("Row", bound=Model)

BATCH = 500
BOM = "\ufeff"  # without it Excel takes UTF-8 for something else

# What begins a formula, in every width and height that spreadsheets fold together.
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁺⁻⁼₊₋₌−﬩"
_BLANKS = "\\s\\0\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff"
# Where other spreadsheets than ours begin a new cell: they split at more than commas.
_SEPARATORS = frozenset("\t\r\n,;|")
_BEGINS_BADLY = re.compile(rf"[\t\r\n\0]|[{_BLANKS}]*[{_SIGNS}]")
_GAP = re.compile(rf"(?<![{_BLANKS},;|])[{_BLANKS},;|]+(?=[{_SIGNS}])")


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column. Numbers stay numbers, moments become ISO 8601 in UTC, all else is text."""

    title: str
    value: Callable[[Row], object]


@dataclass(frozen=True)
class Export(Generic[Row]):
    """One list to be exported. `asked` is its filter in words, without personal data."""

    name: str
    columns: Sequence[Column[Row]]
    rows: QuerySet[Row]
    order: Order
    asked: Mapping[str, str]


def as_csv(export: Export[Row], *, by: User, at: datetime) -> StreamingHttpResponse:
    """Answer with the list as a file, no longer than this person's roles allow.

    It is audited before the first byte, and again with the rows that really left. Raises
    NotPermitted.
    """
    require(by, Permission.EXPORT_LISTS)
    most = most_exported_rows(by)
    found = export.rows.order_by()[: most + 1].count()
    with transaction.atomic():
        audit.record(
            "staff.export.started",
            ("staff.export", export.name),
            by=by,
            at=at,
            after={
                "filter": dict(export.asked),
                "rows": min(found, most),
                "is_cut": found > most,
                "columns": [column.title for column in export.columns],
            },
        )
    return StreamingHttpResponse(
        _written(export, by=by, most=most),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{export.name}-{at:%Y%m%d-%H%M%S}.csv"'
        },
    )


def begins_like_formula(text: str) -> bool:
    """Whether a spreadsheet may take this text for a formula."""
    return bool(_BEGINS_BADLY.match(text))


def cell(value: object) -> str:
    """Return a value as the text of one cell that no spreadsheet takes for a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return _harmless(str(value))


def _harmless(text: str) -> str:
    shown = _GAP.sub(_guarded, text)
    return f"'{shown}" if begins_like_formula(text) else shown


def _guarded(gap: re.Match[str]) -> str:
    return f"{gap[0]}'" if _SEPARATORS & set(gap[0]) and gap.start() else gap[0]


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def _written(export: Export[Row], *, by: User, most: int) -> Iterator[str]:
    writer = csv.writer(_Line())
    number = 0
    try:
        yield BOM + writer.writerow([_harmless(column.title) for column in export.columns])
        for batch in _batches(export, most=most):
            # Counted before it is handed over: what was cut off may have arrived.
            number += len(batch)
            yield "".join(
                writer.writerow([cell(column.value(row)) for column in export.columns])
                for row in batch
            )
    finally:
        with transaction.atomic():
            audit.record(
                "staff.export.ended",
                ("staff.export", export.name),
                by=by,
                at=timezone.now(),
                after={"rows": number},
            )


def _batches(export: Export[Row], *, most: int) -> Iterator[list[Row]]:
    rows, order = export.rows.order_by(*export.order.names), export.order
    left = most
    batch = list(rows[: min(BATCH, left)])
    while batch:
        yield batch
        left -= len(batch)
        last = batch[-1]
        behind = rows.filter(order.after(getattr(last, order.field), last.pk))
        batch = list(behind[: min(BATCH, left)]) if left else []
