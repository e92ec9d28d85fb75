"""What is sent for a request, and what may be said of it when it is settled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid5

from customers.enums import ExternalAccountKind, RequestKind
from customers.models import CustomerRequest
from staff.masking import DOTS, mask_account
from upstreams.lux.calls.base import json_body

_NAMESPACE: Final = UUID("0c5e0c8a-6a0f-5f0f-8b0e-6c1a8f0d2b47")
# The command that carries out each kind of request.
COMMANDS: Final[Mapping[RequestKind, str]] = {
    RequestKind.CREATE: "lux.create_customer",
    RequestKind.CHANGE: "lux.change_customer",
    RequestKind.DELETE: "lux.delete_customer",
    RequestKind.ADD_WALLET: "lux.add_wallet",
    RequestKind.ADD_ACCOUNT: "lux.add_external_account",
    RequestKind.VERIFY_ACCOUNT: "lux.verify_external_account",
    RequestKind.REMOVE_ACCOUNT: "lux.remove_external_account",
}
_WITHOUT_BODY: Final = (RequestKind.DELETE, RequestKind.REMOVE_ACCOUNT)
# Members whose values many share, and texts too short to tell anybody by.
_SHARED: Final = frozenset(
    {
        *("type", "account_type", "business_type", "chain", "country", "bank_country"),
        *("customer_id", "incorporation_country"),
    }
)
_SHORTEST: Final = 3
# Where the number of an account stands, by its type.
NUMBERS: Final[Mapping[str, str]] = {
    ExternalAccountKind.US_BANK: "account_number",
    ExternalAccountKind.INTERNATIONAL: "iban",
    ExternalAccountKind.MEXICAN: "clabe",
    ExternalAccountKind.CRYPTO: "address",
}


def payload(request: CustomerRequest) -> bytes:
    """The bytes that go out, the same at every attempt."""
    return b"" if request.kind in _WITHOUT_BODY else json_body(request.body)


def asked(request_bytes: bytes) -> dict[str, Any]:
    """What these bytes ask for."""
    members: dict[str, Any] = json.loads(request_bytes) if request_bytes else {}
    return members


def key_for(request: CustomerRequest) -> str:
    """The key of the one command about it: derived, so a restored desk makes the same one again."""
    return str(uuid5(_NAMESPACE, request.code))


def last_digits(body: Mapping[str, Any]) -> str:
    """What they show of the account that this body describes: `6789`."""
    return str(body[NUMBERS[body["type"]]])[-4:]


def hiding(text: str, body: Mapping[str, Any]) -> str:
    """The text without the values that the body asks for: a refusal may repeat them."""
    for value in sorted(_values(body), key=len, reverse=True):
        text = re.sub(re.escape(value), DOTS, text, flags=re.IGNORECASE)
    return text


def _values(body: Mapping[str, Any]) -> set[str]:
    """Every text that may tell who or what it is about; words that many share are none."""
    found: set[str] = set()
    for name, value in body.items():
        if isinstance(value, Mapping):
            found |= _values(value)
        elif isinstance(value, str) and name not in _SHARED and len(value) >= _SHORTEST:
            found.add(value)
    return found


def told_of(kind: RequestKind, body: Mapping[str, Any]) -> dict[str, Any]:
    """What of it is nobody's secret, and may be kept and audited."""
    match kind:
        case RequestKind.CREATE:
            return {"type": body["type"], "fields": fields_of(body)}
        case RequestKind.CHANGE:
            return {"fields": fields_of(body)}
        case RequestKind.ADD_WALLET:
            return {"type": body["type"], "chains": list(body["chains"])}
        case RequestKind.ADD_ACCOUNT:
            number = mask_account(str(body[NUMBERS[body["type"]]]))
            return {"type": body["type"], "account": number}
    return {}


def fields_of(body: Mapping[str, Any]) -> list[str]:
    """The names of what is given, `address.city` for what lies within."""
    names = []
    for name, value in body.items():
        inner = fields_of(value) if isinstance(value, Mapping) else []
        names += [f"{name}.{one}" for one in inner] or [name]
    return names
