"""Showing enough of a personal value to recognise it, and not enough to use it."""

from __future__ import annotations

from urllib.parse import urlsplit

from staff.letters import spelled

DOTS = "••••"


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
