"""Rows that ask for what was asked for already, in the same file or lately. Only a warning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias

from django.db.models import Q, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Lower
from django.utils.translation import gettext_noop as _

from payments.checks.history import SIMILAR_WITHIN, WENT_UNPAID
from payments.models import ImportRow, PayoutImport, Withdrawal
from staff.texts import Sayable, Text, packed

Same: TypeAlias = tuple[str, str, Decimal | None]
# Provider, currency and amount, and one thing that tells the customer, under which name.
SameCustomer: TypeAlias = tuple[str, str, Decimal | None, str, str]

_EMAIL: Final = "customer_email"
_TIES: Final = ("customer_number", "customer_external_id", _EMAIL, "customer_phone")


def mark(run: PayoutImport, rows: Sequence[ImportRow], *, now: datetime) -> None:
    """Add to the warnings of the next rows of a file what they repeat."""
    good = [row for row in rows if row.is_good]
    _mark_accounts(run, [row for row in good if row.account_key], now=now)
    if any(_is_unsaid(row) for row in good):
        _mark_customers(run, good, now=now)
    for row in rows:
        row.has_warnings = bool(row.warnings)


def _mark_accounts(run: PayoutImport, rows: Sequence[ImportRow], *, now: datetime) -> None:
    keys = {row.account_key for row in rows}
    asked = dict(_lately(keys, now=now))
    seen = dict(_in_file(run, keys))
    for row in rows:
        if code := asked.get(row.same_payout):
            row.warnings.append(_same_account(code))
        if first := seen.get(row.same_payout):
            row.warnings.append(_same_account(_row(first)))
        seen.setdefault(row.same_payout, row.number)


def _mark_customers(run: PayoutImport, rows: Sequence[ImportRow], *, now: datetime) -> None:
    """Where the payee has yet to say the account on LuxCore's page, the customer counts."""
    unsaid = [row for row in rows if _is_unsaid(row)]
    asked = dict(_lately_to(unsaid, now=now))
    seen = dict(_in_file_to(run, unsaid))
    for row in rows:
        ties = _ties_of(row)
        if _is_unsaid(row):
            if code := _first(asked, ties):
                row.warnings.append(_same_customer(code))
            if number := _first(seen, ties):
                row.warnings.append(_same_customer(_row(number)))
        for tie in ties:
            seen.setdefault(tie, row.number)


def _same_account(other: Sayable) -> dict[str, Any]:
    return packed(Text(_("%(other)s asks for the same amount to the same account."), other=other))


def _same_customer(other: Sayable) -> dict[str, Any]:
    return packed(Text(_("%(other)s asks for the same amount for the same customer."), other=other))


def _row(number: int) -> Text:
    return Text(_("Row %(number)s"), number=number)


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


def _lately_to(rows: Sequence[ImportRow], *, now: datetime) -> Iterable[tuple[SameCustomer, str]]:
    columns = {name: name for name in _TIES} | {_EMAIL: "email_key"}
    found = (
        Withdrawal.objects.annotate(email_key=Lower(_EMAIL))
        .filter(_alike(rows, columns), created_at__gte=now - SIMILAR_WITHIN)
        .exclude(WENT_UNPAID)
        .values_list("code", "upstream", "currency", "amount", *columns.values())
    )
    for code, upstream, currency, amount, *values in found.iterator(chunk_size=500):
        for tie in _ties(upstream, currency, amount, values):
            yield tie, code


def _in_file_to(run: PayoutImport, rows: Sequence[ImportRow]) -> Iterable[tuple[SameCustomer, int]]:
    columns = {name: f"told_{name}" for name in _TIES}
    told: dict[str, Any] = {column: _as_text(name) for name, column in columns.items()}
    told |= {columns[_EMAIL]: Lower(_as_text(_EMAIL)), "upstream": _as_text("upstream")}
    found = (
        run.rows.annotate(**told)
        .filter(_alike(rows, columns))
        .order_by("-number")  # the first one stays
        .values_list("number", "upstream", "currency", "amount", *columns.values())
    )
    for number, upstream, currency, amount, *values in found.iterator(chunk_size=500):
        for tie in _ties(upstream, currency, amount, values):
            yield tie, number


def _as_text(name: str) -> Cast:
    """What a draft says under this name, as a column: SQLite would read the value as JSON."""
    return Cast(KT(f"draft__{name}"), TextField())


def _alike(rows: Iterable[ImportRow], columns: Mapping[str, str]) -> Q:
    """Of one of these amounts, for one of these customers."""
    amounts, wanted = set(), defaultdict(set)
    for row in rows:
        amounts.add(row.amount)
        for *_same, name, value in _ties_of(row):
            wanted[columns[name]].add(value)
    whose = [Q((f"{column}__in", values)) for column, values in wanted.items()]
    return Q(amount__in=amounts) & reduce(or_, whose, Q(pk__in=[]))


def _ties_of(row: ImportRow) -> list[SameCustomer]:
    values = [row.draft[name] for name in _TIES]
    return _ties(row.draft["upstream"], row.currency, row.amount, values)


def _ties(
    upstream: str, currency: str, amount: Decimal | None, values: Iterable[str]
) -> list[SameCustomer]:
    return [
        (upstream, currency, amount, name, value.lower() if name == _EMAIL else value)
        for name, value in zip(_TIES, values, strict=True)
        if value
    ]


def _first(found: Mapping[SameCustomer, Any], ties: Iterable[SameCustomer]) -> Any:
    return next((found[tie] for tie in ties if tie in found), None)


def _is_unsaid(row: ImportRow) -> bool:
    return bool(row.draft["hosted"]) and not row.account_key
