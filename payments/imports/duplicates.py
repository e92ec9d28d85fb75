"""Rows that ask for what was asked for already, in the same file or lately. Only a warning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from django.utils.translation import gettext_noop as _

from payments.checks.history import SIMILAR_WITHIN, WENT_UNPAID
from payments.models import ImportRow, PayoutImport, Withdrawal
from staff.texts import Sayable, Text, packed

Same: TypeAlias = tuple[str, str, Decimal | None]


def mark(run: PayoutImport, rows: Sequence[ImportRow], *, now: datetime) -> None:
    """Add to the warnings of the next rows of a file what they repeat."""
    good = [row for row in rows if row.is_good and row.account_key]
    keys = {row.account_key for row in good}
    asked = dict(_lately(keys, now=now))
    seen = dict(_in_file(run, keys))
    for row in good:
        if code := asked.get(row.same_payout):
            row.warnings.append(_repeats(code))
        if first := seen.get(row.same_payout):
            row.warnings.append(_repeats(Text(_("Row %(number)s"), number=first)))
        seen.setdefault(row.same_payout, row.number)
    for row in rows:
        row.has_warnings = bool(row.warnings)


def _repeats(other: Sayable) -> dict[str, Any]:
    return packed(Text(_("%(other)s asks for the same amount to the same account."), other=other))


def _lately(keys: Iterable[str], *, now: datetime) -> Iterable[tuple[Same, str]]:
    found = (
        Withdrawal.objects.filter(account_key__in=keys, created_at__gte=now - SIMILAR_WITHIN)
        .exclude(WENT_UNPAID)
        .values_list("account_key", "currency", "amount", "code")
    )
    for key, currency, amount, code in found.iterator(chunk_size=500):
        yield (key, currency, amount), code


def _in_file(run: PayoutImport, keys: Iterable[str]) -> Iterable[tuple[Same, int]]:
    found = (
        run.rows.filter(account_key__in=keys)
        .order_by("-number")  # the first one stays
        .values_list("account_key", "currency", "amount", "number")
    )
    for key, currency, amount, number in found.iterator(chunk_size=500):
        yield (key, currency, amount), number
