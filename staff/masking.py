"""Showing enough of a personal value to recognise it, and not enough to use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from staff.letters import spelled

DOTS = "••••"
_SHORT: Final = 3
# What somebody wrote into a reason: so many digits on end are nothing but an account here.
_EMAIL: Final = re.compile(r"[^\s@<>,;:()\"']+@[^\s@<>,;:()\"']+\.\w+")
_ACCOUNT: Final = re.compile(r"[0-9]{9,}", re.ASCII)


def mask_account(account: str) -> str:
    """`12345678` becomes `••••5678`; of a shorter one at most a third is shown."""
    keep = 4 if len(account) >= 8 else len(account) // 3
    return f"{DOTS}{account[-keep:] if keep else ''}" if account else ""


def mask_email(email: str) -> str:
    """`james@example.com` becomes `j••••@e••••.com`."""
    local, at, domain = email.rpartition("@")
    if not at or not local:
        return mask_name(email)
    host, dot, ending = domain.rpartition(".")
    if not dot:
        return f"{local[0]}{DOTS}@{mask_name(domain)}"
    return f"{local[0]}{DOTS}@{host[:1]}{DOTS}.{ending}"


def mask_phone(phone: str) -> str:
    """`+61412345678` becomes `+61••••678`."""
    if not phone:
        return ""
    head = phone[:3] if phone.startswith("+") and len(phone) > 8 else ""
    keep = 3 if len(phone) > 8 else len(phone) // 4
    return f"{head}{DOTS}{phone[-keep:] if keep else ''}"


def mask_name(name: str) -> str:
    """`James Smith` becomes `J•••• S••••`."""
    return " ".join(f"{spelled(word[0])}{DOTS}" for word in name.split())


def mask_payid(payid: str, payid_type: str) -> str:
    """A PayID masked the way its own type is."""
    match payid_type:
        case "email":
            return mask_email(payid)
        case "phone":
            return mask_phone(payid)
    return mask_account(payid)


def mask_address(url: str) -> str:
    """`https://hooks.example.com/s3cret` becomes `hooks.example.com/••••`."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return f"{host}/{DOTS}" if url else ""


def mask_date(date: str) -> str:
    """`1990-04-12` becomes `1990-••••`; of what is no date nothing is shown."""
    year, dash, _ = date.partition("-")
    if dash and len(year) == 4 and year.isascii() and year.isdigit():
        return f"{year}-{DOTS}"
    return DOTS if date else ""


def mask_any(text: str) -> str:
    """A value of which only its looks tell what it is."""
    if text.startswith("https://"):
        return mask_address(text)
    return mask_email(text) if "@" in text else mask_account(text)


def mask_accounts_in(text: str) -> str:
    """Return free text without the account numbers and the e-mail addresses in it."""
    text = _EMAIL.sub(lambda found: mask_email(found[0]), text)
    return _ACCOUNT.sub(lambda found: mask_account(found[0]), text)


def mask_values_in(
    text: str, values: Iterable[tuple[str, str]], *, names_colleagues: bool = False
) -> str:
    """Return free text in which each of these values is masked as the second of its pair says.

    A sentence of the desk's own may name colleagues by their address: no other is masked then.
    """
    told = [(value, masked) for value, masked in values if len(value) > _SHORT]
    for value, masked in sorted(told, key=lambda pair: -len(pair[0])):
        text = text.replace(value, masked)
    if names_colleagues:
        return _ACCOUNT.sub(lambda found: mask_account(found[0]), text)
    return mask_accounts_in(text)


@dataclass(frozen=True)
class Members:
    """Which members of a provider's records people may read, by name.

    All that is not listed is masked: a new field of theirs is personal until somebody has looked
    at it. `names` and `words` are in clear to who reads names. In what is `free`, anybody may have
    named anything as they like: no name in there counts.
    """

    plain: frozenset[str]
    names: frozenset[str]
    words: frozenset[str] = frozenset()
    dates: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()


_NOTHING_PLAIN: Final = Members(plain=frozenset(), names=frozenset())


def mask_record(
    value: object, members: Members, *, names_in_clear: bool, member: str = ""
) -> object:
    """Return a provider's record, or the value of one of its members, as one may read it."""
    if isinstance(value, Mapping):
        inside = _NOTHING_PLAIN if member in members.free else members
        return {
            str(name): mask_record(item, inside, names_in_clear=names_in_clear, member=str(name))
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [
            mask_record(item, members, names_in_clear=names_in_clear, member=member)
            for item in value
        ]
    if value is None or isinstance(value, bool) or member in members.plain:
        return value
    text = str(value)
    if member in members.names:
        return spelled(text) if names_in_clear else mask_name(text)
    if member in members.words and names_in_clear:
        return value
    return mask_date(text) if member in members.dates else mask_any(text)
