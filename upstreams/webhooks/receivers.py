"""Judging what somebody posted, before anything of it is believed or stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_BYTES = 256 * 1024


class Refusal(StrEnum):
    """Why a post was not accepted. Counted and logged; the sender is not told which."""

    TOO_LARGE = "too_large"
    NOT_CONFIGURED = "not_configured"
    NO_SIGNATURE = "no_signature"
    BAD_TIMESTAMP = "bad_timestamp"
    BAD_SIGNATURE = "bad_signature"


class Refused(Exception):
    """The post is not from the upstream, or cannot be told to be."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.value)


@dataclass(frozen=True)
class Facts:
    """What a verified payload says about itself. Empty where it says nothing usable."""

    event_id: str
    kind: str
    subject_id: str


@dataclass(frozen=True)
class Receiver:
    """How one upstream signs its webhooks, and how its payloads name themselves.

    `secrets` are all that are live: two while one replaces the other. `signed_text` is a template
    of `{body}` and `{timestamp}`. `tolerance` is in seconds, both ways, and counts when a
    timestamp is there; a template with a timestamp needs one. `prefix` may stand before the
    signature's hex digits.
    """

    upstream: str
    secrets: Sequence[str]
    signature_header: str
    timestamp_header: str
    kept_headers: Sequence[str]
    signed_text: str
    tolerance: int
    read: Callable[[Mapping[str, Any]], Facts]
    prefix: str = "hmac_sha256="

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when one of the secrets signed exactly these bytes, else raise Refused.

        Every secret is tried and compared in constant time, whatever the others gave.
        """
        if not self.secrets or not all(self.secrets):
            raise Refused(Refusal.NOT_CONFIGURED)
        signature = headers.get(self.signature_header, "").removeprefix(self.prefix)
        if not signature:
            raise Refused(Refusal.NO_SIGNATURE)
        signed = self._signed_bytes(body, self._timestamp(headers))
        given = signature.encode("utf-8", "surrogateescape")
        verdicts = [
            hmac.compare_digest(
                hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode(), given
            )
            for secret in self.secrets
        ]
        if not any(verdicts):
            raise Refused(Refusal.BAD_SIGNATURE)

    def _timestamp(self, headers: Mapping[str, str]) -> str:
        text = headers.get(self.timestamp_header)
        if text is None and "{timestamp}" not in self.signed_text:
            return ""
        if text is None or not re.fullmatch(r"[0-9]{1,12}", text):
            raise Refused(Refusal.BAD_TIMESTAMP)
        if abs(int(time.time()) - int(text)) > self.tolerance:
            raise Refused(Refusal.BAD_TIMESTAMP)
        return text

    def _signed_bytes(self, body: bytes, timestamp: str) -> bytes:
        before, _, after = self.signed_text.partition("{body}")
        return (
            before.replace("{timestamp}", timestamp).encode()
            + body
            + after.replace("{timestamp}", timestamp).encode()
        )
