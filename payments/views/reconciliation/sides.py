"""One difference as two columns, as one person may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext

from payments.enums import DriftKind, Kind, PaymentStatus, Status
from payments.models import Drift
from payments.reconciliation.facts import LABELS, MONEY
from payments.sight import Sight
from staff import masking

_WORDS: Mapping[str, str] = {
    **dict(PaymentStatus.choices),
    **dict(Status.choices),
    **dict(Kind.choices),
}


@dataclass(frozen=True)
class Value:
    """One value. At most one of `amount`, `moment` and `is_masked` says how it is drawn."""

    text: str = ""
    amount: Decimal | None = None
    currency: str = ""
    moment: datetime | None = None
    is_masked: bool = False


@dataclass(frozen=True)
class Row:
    """One fact on both sides."""

    label: str
    ours: Value
    theirs: Value
    differs: bool


def rows(drift: Drift, sight: Sight) -> list[Row]:
    """Every fact that one side or the other tells, those that differ first."""
    told = [name for name in LABELS if drift.ours.get(name) or drift.theirs.get(name)]
    told.sort(key=lambda name: name not in drift.fields)
    return [
        Row(
            gettext(LABELS[name]),
            _value(name, drift.ours, drift, sight),
            _value(name, drift.theirs, drift, sight),
            name in drift.fields,
        )
        for name in told
    ]


def in_short(drift: Drift, sight: Sight) -> str:
    """The difference in a few words for the list."""
    if drift.kind in (DriftKind.DIFFERS, DriftKind.BALANCE):
        return "; ".join(
            f"{row.label}: {_plain(row.ours)} / {_plain(row.theirs)}"
            for row in rows(drift, sight)
            if row.differs
        )
    facts = drift.theirs if drift.kind == DriftKind.MISSING_HERE else drift.ours
    shown = [_value(name, facts, drift, sight) for name in ("kind", "status", "reference")]
    return ", ".join(value.text for value in shown if value.text) or drift.theirs.get("event", "")


def _plain(value: Value) -> str:
    if value.amount is not None:
        return f"{value.amount:,f} {value.currency}"
    return value.text or gettext("nothing")


def _value(name: str, facts: Mapping[str, str], drift: Drift, sight: Sight) -> Value:
    text = facts.get(name, "")
    if not text:
        return Value()
    if name in MONEY:
        return _money(text, facts.get("currency") or drift.currency)
    if name in ("created_at", "since"):
        return Value(moment=parse_datetime(text))
    if name == "recipient":
        shown = sight.name(text)
        return Value(shown, is_masked=shown != text)
    if name == "account":
        shown = masking.mask_email(text) if "@" in text else masking.mask_account(text)
        return Value(shown, is_masked=True)
    if name in ("kind", "status"):
        return Value(gettext(_WORDS.get(text, text)))
    return Value(gettext(text) if name == "waiting_for" else text)


def _money(text: str, currency: str) -> Value:
    try:
        return Value(amount=Decimal(text), currency=currency)
    except InvalidOperation:
        return Value(text)
