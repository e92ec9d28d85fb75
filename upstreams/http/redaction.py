"""What may be shown or logged of texts that come from outside."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 300
HIDDEN: Final = "•••"

_EMAIL = re.compile(r"[^\s@<>\"',;:]+@[^\s@<>\"',;:]+")
_NUMBER = re.compile(r"(?<!\w)\+?\d(?:[ -]?\d){5,}(?!\w)")  # phones, accounts; not pay_123…
_TOKEN = re.compile(r"(?:\b(?:qp|sk|pk|whsec)_|hmac_sha256=)[\w-]{8,}")
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]+")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` on one line, shortened, without secrets, addresses' queries, e-mails and numbers."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    text = text[: LONGEST * 4]
    text = _CONTROL.sub(" ", text)
    text = _QUERY.sub(rf"\1?{HIDDEN}", text)
    for pattern in (_TOKEN, _EMAIL, _NUMBER):
        text = pattern.sub(HIDDEN, text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def request_id(value: object) -> str:
    """An upstream's request id, "" unless it looks like one."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,80}", value):
        return ""
    return value
