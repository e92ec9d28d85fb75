"""The table: which fields each rail has, and what can be wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext_noop as _

from payments.rules import extras
from payments.rules.drafts import WithdrawalDraft
from staff.texts import Sayable, Text

_ASCII_DIGITS = re.compile(r"[0-9]+")
_BSB = re.compile(r"[0-9]{3}-?[0-9]{3}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

# What is wrong with a field, in words; "" when nothing is.
Problem = Callable[[WithdrawalDraft], Sayable]


def _nothing(draft: WithdrawalDraft) -> Sayable:
    return ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of the payout form. `missing` is what to say when a required one is empty.

    `most`: what the form takes at most, where the rules have no better words for it.
    """

    name: str
    label: str
    required: bool = False
    help: str = ""
    missing: Sayable = ""
    choices: tuple[tuple[str, str], ...] = ()
    most: int | None = 255
    problem: Problem = _nothing


# --- What can be wrong with a field ---------------------------------------------------------------


def _digits(name: str, *, exactly: int, what: str) -> Problem:
    def problem(draft: WithdrawalDraft) -> Sayable:
        value: str = getattr(draft, name)
        if not _ASCII_DIGITS.fullmatch(value):
            return Text(_("%(what)s: digits only, no spaces or letters."), what=Text(what))
        if len(value) != exactly:
            return Text(
                _("%(what)s: exactly %(exactly)s digits; this one has %(length)s."),
                what=Text(what),
                exactly=exactly,
                length=len(value),
            )
        return ""

    return problem


def _account_digits(least: int, most: int) -> Problem:
    def problem(draft: WithdrawalDraft) -> Sayable:
        if not _ASCII_DIGITS.fullmatch(draft.bank_account):
            return Text(_("The account number has digits only, no spaces or letters."))
        if not least <= len(draft.bank_account) <= most:
            return Text(
                _("The account number has %(least)s to %(most)s digits; this one has %(length)s."),
                least=least,
                most=most,
                length=len(draft.bank_account),
            )
        return ""

    return problem


def _bsb(draft: WithdrawalDraft) -> Sayable:
    if _BSB.fullmatch(draft.bank_code):
        return ""
    return Text(_("A BSB has six digits, written like 062-000."))


def _account_type(draft: WithdrawalDraft) -> Sayable:
    if draft.account_type in dict(_ACCOUNT_TYPES):
        return ""
    return Text(_("The account type is checking or savings; leave it out if neither fits."))


def _payid_type(draft: WithdrawalDraft) -> Sayable:
    if draft.payid_type in dict(PAYID_TYPES):
        return ""
    return Text(_("The type of a PayID is email, phone or ABN."))


def _payid(draft: WithdrawalDraft) -> Sayable:
    match draft.payid_type:
        case "email":
            return _email_problem(draft.payid)
        case "phone":
            return _phone_problem(draft.payid)
        case "abn":
            return _abn_problem(draft.payid)
    return ""  # the type itself is what is wrong, and says so


def _email_problem(value: str) -> Sayable:
    if not value.isascii():  # a look-alike letter would make another address of it
        return Text(_("Write the e-mail address in plain letters, without accents."))
    try:
        validate_email(value)
    except ValidationError:
        return Text(_("This is not an e-mail address."))
    return ""


def _phone_problem(value: str) -> Sayable:
    if not _E164.fullmatch(value):
        return Text(
            _("Write the phone number with + and country code, digits only, like +61412345678.")
        )
    try:
        number = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_possible_number(number):
        return Text(_("No country has a phone number like this one."))
    if _has_stray_zeros(value, number):  # or one phone could be written in many ways
        return Text(_("Leave out the zeros between the country code and the number."))
    return ""


def _has_stray_zeros(value: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether zeros stand there that are dialled at home only; some countries have them abroad."""
    if value != phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164):
        return True
    return bool(number.italian_leading_zero) and not phonenumbers.is_valid_number(number)


def _abn_problem(value: str) -> Sayable:
    if not _ASCII_DIGITS.fullmatch(value):
        return Text(_("An ABN has digits only, no spaces."))
    if len(value) != 11:
        return Text(_("An ABN has exactly 11 digits; this one has %(length)s."), length=len(value))
    return ""


def _customer_email(draft: WithdrawalDraft) -> Sayable:
    return _email_problem(draft.customer_email)


def _customer_number(draft: WithdrawalDraft) -> Sayable:
    return extras.number_problem(draft.customer_number)


def _webhook_url(draft: WithdrawalDraft) -> Sayable:
    return extras.webhook_problem(draft.webhook_url, draft.webhook_events)


# --- The fields -----------------------------------------------------------------------------------

PAYID_TYPES: Final = (("email", _("E-mail")), ("phone", _("Phone")), ("abn", "ABN"))
# The guide names `checking` alone, as an example and for every country; `savings` is its sister.
_ACCOUNT_TYPES: Final = (
    ("", _("Not stated")),
    ("checking", _("Checking")),
    ("savings", _("Savings")),
)

_RECIPIENT = Field(
    name="recipient_name",
    label=_("Recipient"),
    required=True,
    help=_("Exactly as the account holder's name is written at the bank."),
    missing=Text(_("Who is the money for? Give the account holder's full name.")),
)
_OPTIONAL = (
    Field(
        name="account_type",
        label=_("Account type"),
        choices=_ACCOUNT_TYPES,
        problem=_account_type,
    ),
    Field(name="tax_id", label=_("Tax id"), help=_("The recipient's CUIT, RFC, RUC or ABN.")),
    Field(name="payout_description", label=_("Purpose"), help=_("For the recipient's statement.")),
    Field(
        name="payout_reference",
        label=_("Tracking reference"),
        help=_("LuxCore makes one when this is empty."),
    ),
)
CUSTOMER_FIELDS: Final = (
    Field(name="customer_name", label=_("Customer name")),
    Field(name="customer_email", label=_("Customer e-mail"), problem=_customer_email),
    Field(name="customer_phone", label=_("Customer phone")),
    Field(
        name="customer_external_id",
        label=_("Our customer id"),
        help=_("Unique per customer; LuxCore refuses one that somebody else has."),
    ),
    Field(
        name="customer_number",
        label=_("LuxCore's customer number"),
        help=_("Of a customer LuxCore knows: the data above then changes nothing on them."),
        problem=_customer_number,
    ),
    Field(name="description", label=_("Description"), help=_("For ourselves and for LuxCore.")),
)
WEBHOOK_FIELD: Final = Field(
    name="webhook_url",
    label=_("Address for this payment's events"),
    help=_("Begins with https://. Leave it empty where our usual webhook is enough."),
    most=None,
    problem=_webhook_url,
)


def _account(label: str, *, help: str, missing: str, problem: Problem) -> Field:  # noqa: A002
    return Field(
        name="bank_account",
        label=label,
        required=True,
        help=help,
        missing=Text(missing),
        problem=problem,
    )


FIELDS: Final[Mapping[tuple[str, str], tuple[Field, ...]]] = {
    ("ARS", "bank_transfer"): (
        _RECIPIENT,
        _account(
            _("CBU or CVU"),
            help=_("22 digits."),
            missing=_("The CBU or CVU is missing."),
            problem=_digits("bank_account", exactly=22, what=_("CBU or CVU")),
        ),
        *_OPTIONAL,
    ),
    ("MXN", "spei"): (
        _RECIPIENT,
        _account(
            "CLABE",
            help=_("18 digits."),
            missing=_("The CLABE is missing."),
            problem=_digits("bank_account", exactly=18, what="CLABE"),
        ),
        Field(
            name="bank_code",
            label=_("Bank code"),
            required=True,
            help=_("3 digits, like 002."),
            missing=Text(_("SPEI needs the bank code beside the CLABE.")),
            problem=_digits("bank_code", exactly=3, what=_("Bank code")),
        ),
        *_OPTIONAL,
    ),
    ("UYU", "bank_transfer"): (
        _RECIPIENT,
        _account(
            _("account number"),
            help=_("4 to 20 digits."),
            missing=_("The account number is missing."),
            problem=_account_digits(4, 20),
        ),
        *_OPTIONAL,
    ),
    ("AUD", "bank_transfer"): (
        _RECIPIENT,
        _account(
            _("account number"),
            help=_("6 to 10 digits."),
            missing=_("The account number is missing."),
            problem=_account_digits(6, 10),
        ),
        Field(
            name="bank_code",
            label=_("BSB"),
            required=True,
            help=_("Six digits, like 062-000."),
            missing=Text(_("An Australian bank transfer needs the BSB beside the account number.")),
            problem=_bsb,
        ),
        *_OPTIONAL,
    ),
    ("AUD", "payid"): (
        _RECIPIENT,
        Field(
            name="payid_type",
            label=_("PayID type"),
            required=True,
            missing=Text(_("Say what kind of PayID it is: email, phone or ABN.")),
            choices=PAYID_TYPES,
            problem=_payid_type,
        ),
        Field(
            name="payid",
            label=_("PayID"),
            required=True,
            help="james@example.com, +61412345678 or 51824753556.",
            missing=Text(_("The PayID is missing.")),
            problem=_payid,
        ),
        *_OPTIONAL,
    ),
}
CURRENCIES: Final = tuple(dict.fromkeys(currency for currency, _method in FIELDS))
# Every field that says where the money goes, on any rail.
PAYOUT_NAMES: Final = tuple(
    dict.fromkeys(field.name for fields in FIELDS.values() for field in fields)
)
METHOD_LABELS: Final = {"bank_transfer": "Bank transfer", "spei": "SPEI", "payid": "PayID"}


def payout_fields(rail: tuple[str, str], *, hosted: bool) -> tuple[Field, ...]:
    """What a payout asks about where the money goes: nothing where LuxCore's page asks it."""
    return () if hosted else FIELDS[rail]


def methods_for(currency: str) -> tuple[str, ...]:
    """The methods by which LuxCore pays out this currency."""
    return tuple(method for known, method in FIELDS if known == currency)
