"""One row of a file: which columns there are, and what a row says or does wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from payments import rules
from payments.models import ImportRow
from payments.rules import WithdrawalDraft
from payments.rules.extras import NotMetadata, read_metadata
from staff.exports import begins_like_formula
from staff.texts import Sayable, Text, either, packed
from upstreams.enums import Upstream
from upstreams.money import BadMoney

_NAMES: Final = {"hosted": "type"}  # as LuxCore calls it (upstreams.md §3.6)
# A file names no payouts through Lux Financial: each is a way of its own.
_NOT_IN_FILES: Final = frozenset({"lux"})
COLUMNS: Final = tuple(
    _NAMES.get(name, name) for name in rules.DRAFT_FIELDS if name not in _NOT_IN_FILES
)
REQUIRED: Final = ("amount", "currency", "method", "recipient_name")
# A file that names beneficiaries may hold nothing but payouts through Lumetrade.
REQUIRED_WITH_PAYEES: Final = ("amount",)
WHOLE_ROW: Final = ""  # the column of what is wrong with a row as a whole

_TYPES: Final = {rules.vendor_type(hosted=hosted): hosted for hosted in (False, True)}
_SHORT: Final = ("upstream", "amount", "currency", "method", "type")
_LONGEST_SHORT: Final = 40
_PHONE: Final = re.compile(r"\+[0-9]+", re.ASCII)
_PHONES: Final = ("payid", "customer_phone")
_ONE: Final = Decimal(1)  # stands in for an amount that cannot be read, to judge the other fields


class HeaderProblem(Exception):
    """The first row does not name the columns; `str()` says what is wrong with it."""


def columns_of(header: Sequence[str]) -> list[str]:
    """The columns that a header names; raises HeaderProblem."""
    named = [cell.strip().lower() for cell in header]
    if unknown := [name for name in named if name not in COLUMNS]:
        shown = ", ".join(name[:_LONGEST_SHORT] or "(empty)" for name in unknown[:5])
        raise HeaderProblem(
            Text(_("The first row names columns that do not exist: %(columns)s."), columns=shown)
        )
    required = REQUIRED_WITH_PAYEES if "payee_id" in named else REQUIRED
    if missing := [name for name in required if name not in named]:
        raise HeaderProblem(
            Text(_("The first row lacks columns: %(columns)s."), columns=", ".join(missing))
        )
    if len(set(named)) < len(named):
        raise HeaderProblem(Text(_("The first row names a column twice.")))
    return named


@dataclass(frozen=True)
class Parsed:
    """What a row says; the draft only where nothing is wrong with it."""

    values: Mapping[str, str]
    draft: WithdrawalDraft | None
    errors: Mapping[str, Sayable]


def payees_of(batch: Iterable[Sequence[str]], columns: Sequence[str]) -> rules.Payees:
    """The beneficiaries that these rows name. One query, or none."""
    if "payee_id" not in columns:
        return {}
    place = list(columns).index("payee_id")
    named = (cells[place].strip() for cells in batch if len(cells) > place)
    return rules.payees_of(name for name in named if not _bad_cell("payee_id", name))


def parse(cells: Sequence[str], columns: Sequence[str], *, payees: rules.Payees) -> Parsed:
    """Read one row under these columns, `payees` being the beneficiaries that it may name."""
    values = dict.fromkeys(COLUMNS, "")
    values |= {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    values["upstream"] = values["upstream"] or Upstream.LUXCORE.value
    errors: dict[str, Sayable] = {
        name: text for name, value in values.items() if (text := _bad_cell(name, value))
    }
    if len(cells) > len(columns):
        errors[WHOLE_ROW] = Text(
            _("It has %(number)s cells; the first row has %(most)s."),
            number=len(cells),
            most=len(columns),
        )
    if values["upstream"] == Upstream.LUX:
        errors["upstream"] = Text(
            _("A file asks for no payouts through Lux Financial: use the form, or the API.")
        )
        draft = None
    elif values["upstream"] == Upstream.LUMETRADE:
        draft = _draft_to_payee(values, errors, payees)
    else:
        draft = _draft(values, errors)
        # What a cell itself breaks says more than the rule that stumbles over it.
        errors = {**_judged(draft), **errors} if draft else errors
    return Parsed(values, None if errors else draft, errors)


def to_row(number: int, parsed: Parsed) -> ImportRow:
    """The row as it is kept: of one that breaks a rule only what the report shows."""
    draft = parsed.draft
    if draft is None:
        return ImportRow(
            number=number,
            is_good=False,
            recipient_name=_whose(parsed.values).replace("\0", "")[:255],
            errors={column: packed(text) for column, text in parsed.errors.items()},
        )
    return ImportRow(
        number=number,
        is_good=True,
        draft={**draft.values(), "amount": str(draft.amount)},
        recipient_name=draft.recipient_name or draft.customer_name,
        amount=draft.amount,
        currency=draft.currency,
        method=draft.method,
        account_key=draft.account_key,
        warnings=[packed(text) for text in rules.warnings(draft)],
    )


def draft_of(row: ImportRow) -> WithdrawalDraft:
    """The draft of a good row, as it was read."""
    values: dict[str, Any] = dict(row.draft)
    return WithdrawalDraft.from_values({**values, "amount": Decimal(values["amount"])})


def _judged(draft: WithdrawalDraft) -> dict[str, Sayable]:
    return {_NAMES.get(name, name): text for name, text in rules.validate(draft).items()}


def _whose(values: Mapping[str, str]) -> str:
    return values["recipient_name"] or values["customer_name"]


def _bad_cell(name: str, value: str) -> Sayable:
    if "\0" in value:
        return Text(_("There is an invisible character in it (%(code)s)."), code="U+0000")
    if name in _SHORT and len(value) > _LONGEST_SHORT:
        return Text(
            _("At most %(most)s characters; this has %(number)s."),
            most=_LONGEST_SHORT,
            number=len(value),
        )
    is_phone = name in _PHONES and _PHONE.fullmatch(value)
    if name != "amount" and not is_phone and begins_like_formula(value):
        return Text(_("It begins like a formula. Write plain text."))
    return ""


def _draft_to_payee(
    values: Mapping[str, str], errors: dict[str, Sayable], payees: rules.Payees
) -> WithdrawalDraft | None:
    """The draft of a payout through Lumetrade; what is wrong with it is added to `errors`."""
    needless = set(values) - {*rules.PAYEE_FIELDS, "upstream"}
    for name in needless:
        if values[name] and name not in errors:
            errors[name] = Text(
                _("Leave this empty: Lumetrade pays its beneficiary as it knows them.")
            )
    told = {name: values[name] for name in rules.PAYEE_FIELDS}
    draft, found = rules.draft_for(**told, payees=payees)
    errors.update({name: text for name, text in found.items() if name not in errors})
    return draft


def _draft(values: Mapping[str, str], errors: dict[str, Sayable]) -> WithdrawalDraft | None:
    """The draft of what can be read; None when the rules would have nothing to judge."""
    if any(name in errors for name in _SHORT):
        return None
    amount = _ONE
    if values["currency"] in rules.CURRENCIES:
        try:
            amount = rules.parse_amount(values["amount"], values["currency"])
        except BadMoney as problem:
            errors["amount"] = problem.args[0]
    told: dict[str, Any] = {name: text for name, text in values.items() if name != "type"}
    told |= {
        "amount": amount,
        "hosted": _hosted(values["type"], errors),
        "metadata": _metadata(values["metadata"], errors),
        "webhook_events": tuple(values["webhook_events"].split()),
    }
    return WithdrawalDraft.from_values(told)


def _hosted(word: str, errors: dict[str, Sayable]) -> bool:
    if word and word not in _TYPES:
        known = either(_TYPES)
        errors["type"] = Text(_("Write %(known)s, or leave it empty."), known=known)
    return _TYPES.get(word, False)


def _metadata(text: str, errors: dict[str, Sayable]) -> dict[str, Any]:
    try:
        return read_metadata(text)
    except NotMetadata as problem:
        errors["metadata"] = problem.says
        return {}
