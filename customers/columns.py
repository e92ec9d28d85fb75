"""How much a column of ours takes, for values that others make."""

from __future__ import annotations

from django.db import models


def longest(model: type[models.Model], name: str) -> int | None:
    """The most characters that this column holds; None when it holds any number."""
    column = model._meta.get_field(name)
    return column.max_length if isinstance(column, models.Field) else None
