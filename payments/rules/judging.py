"""Saying what is wrong with a draft, in words for the person who wrote it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext_noop as _

from customers.columns import SQLITE_DIGITS, keeps, longest
from payments.models import Withdrawal
from payments.rules import extras, lumetrade, lux
from payments.rules.drafts import TEXT_FIELDS, WithdrawalDraft
from payments.rules.table import (
    CURRENCIES,
    CUSTOMER_FIELDS,
    METHOD_LABELS,
    PAYOUT_NAMES,
    WEBHOOK_FIELD,
    methods_for,
    payout_fields,
)
from staff import letters
from staff.texts import Sayable, Text, either
from upstreams.enums import Upstream
from upstreams.money import BadMoney, Money, exponent

# Whole numbers above it lose digits in JSON readers that use doubles, and the provider may be one.
MOST_MINOR_UNITS: Final = 2**53 - 1

_AT_LUX: Final = {"bank_account": "to_address", "payee_id": "external_account_id"}

_MOST_LETTERS: Final = 10  # named in one warning; the rest would bury them


def parse_amount(text: str, currency: str) -> Decimal:
    """Read an amount in major units; raises BadMoney with words for the person who typed it."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", text, re.ASCII):
        raise BadMoney(
            Text(_("Write the amount in plain digits with a point for decimals, like 2500.00."))
        )
    if len(text.partition(".")[2]) > exponent(currency):
        raise BadMoney(_too_fine(currency))
    whole, point, decimals = text.partition(".")
    return Money.from_decimal_text(f"{whole.lstrip('0') or '0'}{point}{decimals}", currency).amount


def validate(
    draft: WithdrawalDraft, *, payees: lumetrade.Payees | None = None
) -> dict[str, Sayable]:
    """What is wrong with each field, in words for the person who filled it in.

    `payees`: Lumetrade's beneficiaries where they were read already.
    """
    if draft.upstream not in Upstream.values:
        known = _("Payouts leave through LuxCore, Lux Financial and Lumetrade only.")
        return {"upstream": Text(known)}
    errors = _unreadable(draft)
    if draft.upstream == Upstream.LUX:
        return _transfer_problems(draft, errors)
    if draft.lux:
        errors["lux"] = Text(_("Leave this empty: only Lux Financial takes it."))
    if draft.upstream == Upstream.LUMETRADE:
        errors |= lumetrade.payee_problem(draft, payees) | _only_at_luxcore(draft)
        if not errors and (problem_text := _amount_problem(draft)):
            errors["amount"] = problem_text
        return errors
    if problem := _rail_problem(draft):
        return errors | problem
    if problem_text := _amount_problem(draft):
        errors["amount"] = problem_text
    asked = payout_fields((draft.currency, draft.method), hosted=draft.hosted)
    for field in (*asked, *CUSTOMER_FIELDS):
        if field.name in errors:
            continue
        value: str = getattr(draft, field.name)
        if not value.strip():
            if field.required:
                errors[field.name] = field.missing
        elif text := field.problem(draft):
            errors[field.name] = text
    return errors | _extras(draft) | _unused(draft) | _nobody(draft)


def warnings(draft: WithdrawalDraft) -> list[Text]:
    """What looks wrong in a draft that `validate` lets pass."""
    return [*foreign_letters(draft), *_check_digits(draft)]


def foreign_letters(draft: WithdrawalDraft) -> list[Text]:
    """What to say of a name in which letters only look Latin; banks of these countries use those.

    Of any draft, valid or not.
    """
    if found := letters.foreign(draft.recipient_name):
        shown = ", ".join(found[:_MOST_LETTERS])
        return [
            Text(
                _("The recipient's name has letters outside the Latin alphabet: %(letters)s."),
                letters=shown,
            )
        ]
    return []


def _check_digits(draft: WithdrawalDraft) -> list[Text]:
    account = draft.bank_account
    match draft.currency, draft.method:
        case "ARS", "bank_transfer" if len(account) == 22 and not _cbu_fits(account):
            return [Text(_("The check digits of this CBU or CVU do not fit."))]
        case "MXN", "spei" if len(account) == 18:
            return _clabe_warnings(account, draft.bank_code)
        case "AUD", "payid" if draft.payid_type == "abn" and not _abn_fits(draft.payid):
            return [Text(_("The check digits of this ABN do not fit."))]
    return []


def _transfer_problems(draft: WithdrawalDraft, unread: dict[str, Sayable]) -> dict[str, Sayable]:
    """What is wrong with a transfer, by the names that its form and the API use."""
    unreadable = {_AT_LUX.get(name, name): text for name, text in unread.items()}
    errors = lux.problems(draft) | unreadable | _only_at_luxcore(draft)
    if {"source_rail", "source_currency"} & errors.keys():
        return errors  # the amount is in a currency that nobody knows
    if problem := _amount_problem(draft):
        errors["amount"] = problem
    return errors


def _rail_problem(draft: WithdrawalDraft) -> dict[str, Sayable]:
    if draft.currency == "LKR":
        return {"currency": Text(_("LuxCore does not pay out LKR: iPay only takes deposits."))}
    if draft.currency not in CURRENCIES:
        return {
            "currency": Text(
                _("LuxCore pays out %(known)s; %(currency)s is not among them."),
                known=", ".join(CURRENCIES),
                currency=draft.currency or Text(_("no currency")),
            )
        }
    methods = methods_for(draft.currency)
    if draft.method not in methods:
        known = either(Text(METHOD_LABELS[method]) for method in methods)
        text = Text(
            _("LuxCore pays out %(currency)s by %(known)s."), currency=draft.currency, known=known
        )
        return {"method": text}
    return {}


def _amount_problem(draft: WithdrawalDraft) -> Sayable:
    try:
        minor = Money(draft.amount, draft.currency).to_minor()
    except BadMoney:
        if not draft.amount.is_finite():
            return Text(_("The amount is not a number."))
        return _too_fine(draft.currency)
    if minor <= 0:
        return Text(_("The amount must be more than zero."))
    if minor > MOST_MINOR_UNITS and draft.upstream != Upstream.LUX:  # which takes decimal text
        return Text(_("The amount is too large for one payout."))
    if not keeps(draft.amount):
        return inexact(draft.amount)
    return ""


def inexact(amount: Decimal) -> Text:
    """Why an amount cannot be asked for here that the database would round."""
    return Text(
        _(
            "The amount %(amount)s has more than the %(digits)s digits that this desk keeps while "
            "it runs on SQLite. On PostgreSQL it keeps them all."
        ),
        amount=f"{amount:f}",
        digits=SQLITE_DIGITS,
    )


def _too_fine(currency: str) -> Text:
    return Text(
        _("%(currency)s has %(places)s decimals; this amount has more."),
        currency=currency,
        places=exponent(currency),
    )


def _unreadable(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """Fields that are too long to keep, or hold what nobody can see."""
    errors: dict[str, Sayable] = {}
    for name in TEXT_FIELDS:
        value: str = getattr(draft, name)
        most = None if name == WEBHOOK_FIELD.name else longest(Withdrawal, name)
        if unseen := letters.first_unseen(value):
            # What is read is not what is sent.
            errors[name] = Text(
                _("There is an invisible character in it (%(code_point)s)."),
                code_point=letters.code_point(unseen),
            )
        elif most and len(value) > most:
            errors[name] = Text(
                _("At most %(most)s characters; this has %(length)s."), most=most, length=len(value)
            )
    return errors


def _unused(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """Bank data that this rail would not send: somebody may rely on it."""
    if draft.hosted:
        text = Text(_("Leave this empty: the payee gives it on LuxCore's page."))
        return {name: text for name in PAYOUT_NAMES if getattr(draft, name)}
    used = {field.name for field in payout_fields((draft.currency, draft.method), hosted=False)}
    text = Text(
        _("Leave this empty: %(method)s in %(currency)s does not use it."),
        method=Text(METHOD_LABELS[draft.method]),
        currency=draft.currency,
    )
    return {
        name: text
        for name in ("bank_account", "bank_code", "payid", "payid_type", "payee_id")
        if name not in used and getattr(draft, name)
    }


def _nobody(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """A page that is nobody's: neither holds nor limits would find out who is paid."""
    known = (
        *(draft.customer_number, draft.customer_external_id),
        *(draft.customer_email, draft.customer_phone),
    )
    if not draft.hosted or any(text.strip() for text in known):
        return {}
    text = _("Say whose page it is: an e-mail, a phone, our customer id or LuxCore's number.")
    return {"customer_email": Text(text)}


def _extras(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """What is wrong with what goes along."""
    found = {
        "metadata": extras.metadata_problem(draft.metadata),
        "webhook_url": WEBHOOK_FIELD.problem(draft),
        "webhook_events": extras.events_problem(draft.webhook_events),
    }
    return {name: text for name, text in found.items() if text}


def _only_at_luxcore(draft: WithdrawalDraft) -> dict[str, Sayable]:
    """What Lumetrade knows nothing of: somebody may rely on it."""
    names = ("hosted", "customer_number", "metadata", "webhook_url", "webhook_events")
    text = Text(_("Leave this empty: only LuxCore takes it."))
    return {name: text for name in names if getattr(draft, name)}


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _cbu_fits(cbu: str) -> bool:
    bank = (10 - _weighted(cbu[:7], (7, 1, 3, 9, 7, 1, 3)) % 10) % 10
    weights = (3, 9, 7, 1, 3, 9, 7, 1, 3, 9, 7, 1, 3)
    account = (10 - _weighted(cbu[8:21], weights) % 10) % 10
    return bank == int(cbu[7]) and account == int(cbu[21])


def _clabe_warnings(clabe: str, bank_code: str) -> list[Text]:
    weights = (3, 7, 1) * 5 + (3, 7)
    control = sum(int(digit) * weight % 10 for digit, weight in zip(clabe, weights, strict=False))
    found = []
    if (10 - control % 10) % 10 != int(clabe[17]):
        found.append(Text(_("The check digit of this CLABE does not fit.")))
    if clabe[:3] != bank_code:
        found.append(
            Text(
                _("The CLABE belongs to bank %(bank)s, not to %(code)s."),
                bank=clabe[:3],
                code=bank_code,
            )
        )
    return found


def _abn_fits(abn: str) -> bool:
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    return len(abn) == 11 and (_weighted(abn, weights) - 10) % 89 == 0
