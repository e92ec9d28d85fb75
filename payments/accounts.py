"""One spelling per bank account and PayID, so that equal ones are found equal."""

from __future__ import annotations

import hashlib
import re

from customers.phones import same_phone

_SEPARATORS = re.compile(r"[\s.\-/]+")


def same_account(text: str) -> str:
    """The account number or bank code without spaces, dashes, dots and letter case."""
    return _SEPARATORS.sub("", text).casefold()


def same_number(text: str, currency: str) -> str:
    """The account number in one spelling: Australian banks fill theirs up with zeros in front."""
    number = same_account(text)
    return number.lstrip("0") if currency == "AUD" else number


def same_name(text: str) -> str:
    """The name without letter case and doubled spaces."""
    return " ".join(text.split()).casefold()


def same_payid(text: str) -> str:
    """The PayID without what the PayID network does not tell apart."""
    if "@" in text:
        return text.strip().casefold()
    if text.strip().startswith("+"):
        return f"+{same_phone(text)}"
    return same_account(text)


def account_key(*, currency: str, bank_account: str, bank_code: str, payid: str) -> str:
    """A fingerprint of where the money goes; "" when no account is known.

    A BSB is part of an Australian account; elsewhere the bank stands in the number itself.
    """
    if payid:
        where = f"payid:{same_payid(payid)}"
    elif bank_account:
        bank = same_account(bank_code) if currency == "AUD" else ""
        where = f"account:{currency}:{bank}:{same_number(bank_account, currency)}"
    else:
        return ""
    return hashlib.sha256(where.encode()).hexdigest()


def payee_key(upstream: str, payee_id: str) -> str:
    """A fingerprint of a beneficiary that the provider knows by an id."""
    return hashlib.sha256(f"payee:{upstream}:{payee_id}".encode()).hexdigest()
