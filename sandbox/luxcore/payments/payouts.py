"""The payout rules of each country (S004; LC-A15 to LC-A18): length and digits only."""

import re
from collections.abc import Callable

from sandbox.luxcore.errors import BusinessError
from sandbox.luxcore.fields import EMAIL, Fields
from sandbox.web import Json

TEXTS = (
    "recipient_name",
    "bank_account",
    "bank_code",
    "account_type",
    "beneficiary_tax_id",
    "description",
    "reference",
    "payid",
    "payid_type",
)
PAYID_FORMS = {
    "email": EMAIL,
    "phone": re.compile(r"\+[1-9][0-9]{6,14}"),
    "abn": re.compile(r"[0-9]{11}"),
}


def read(fields: Fields) -> Json:
    """The members of `payout` as sent; faults of type go to the request's list."""
    return {name: text for name in TEXTS if (text := fields.text(name)) is not None}


def check(*, currency: str, method: str, given: Json | None) -> Json:
    """The payout as LuxCore echoes it, without its status, or the business error."""
    if given is None:
        raise _invalid("payout is required for withdrawals")
    name = given.get("recipient_name", "")
    if not name.strip():
        raise _invalid("payout.recipient_name is required")
    echo = RULES[currency, method](given)
    return {"recipient_name": name, **echo}


def _invalid(message: str) -> BusinessError:
    return BusinessError("INVALID_WITHDRAWAL_DATA", message)


def _account(given: Json, pattern: str, *, code: str, message: str) -> str:
    account = given.get("bank_account")
    if not account:
        raise _invalid("payout.bank_account is required")
    if not re.fullmatch(pattern, account):
        raise BusinessError(code, message)
    return str(account)


def _argentina(given: Json) -> Json:
    message = "CBU/CVU must have exactly 22 digits"
    account = _account(given, "[0-9]{22}", code="INVALID_CVU", message=message)
    return {"bank_account": account}


def _mexico(given: Json) -> Json:
    message = "CLABE must have exactly 18 digits"
    account = _account(given, "[0-9]{18}", code="INVALID_CLABE", message=message)
    bank = given.get("bank_code", "")
    if not re.fullmatch("[0-9]{3}", bank):
        raise _invalid("payout.bank_code is required for SPEI and has 3 digits")
    return {"clabe": account, "bank_code": bank}


def _uruguay(given: Json) -> Json:
    message = "payout.bank_account must have 4 to 20 digits"
    account = _account(given, "[0-9]{4,20}", code="INVALID_WITHDRAWAL_DATA", message=message)
    return {"bank_account": account}


def _australia(given: Json) -> Json:
    message = "payout.bank_account must have 6 to 10 digits"
    account = _account(given, "[0-9]{6,10}", code="INVALID_WITHDRAWAL_DATA", message=message)
    parts = re.fullmatch("([0-9]{3})-?([0-9]{3})", given.get("bank_code", ""))
    if parts is None:
        raise _invalid("payout.bank_code must be a BSB in the format XXX-XXX")
    return {"bank_account": account, "bsb": f"{parts[1]}-{parts[2]}"}


def _payid(given: Json) -> Json:
    payid, kind = given.get("payid", ""), given.get("payid_type", "")
    if not payid:
        raise _invalid("payout.payid is required for PayID")
    form = PAYID_FORMS.get(kind)
    if form is None:
        raise _invalid("payout.payid_type must be one of email, phone, abn")
    if not form.fullmatch(payid):
        raise _invalid(f"payout.payid is not a valid {kind}")
    return {"payid": payid, "payid_type": kind}


RULES: dict[tuple[str, str], Callable[[Json], Json]] = {
    ("ARS", "bank_transfer"): _argentina,
    ("MXN", "spei"): _mexico,
    ("UYU", "bank_transfer"): _uruguay,
    ("AUD", "bank_transfer"): _australia,
    ("AUD", "payid"): _payid,
}
