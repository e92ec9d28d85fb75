"""Credentials, put on each request as it leaves and never shown."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Generator

import httpx


def fingerprint(credential: str) -> str:
    """A name for a credential that does not give it away: 12 hex digits."""
    return hashlib.sha256(credential.encode()).hexdigest()[:12]


class KeyAuth(httpx.Auth):
    """One key in one header."""

    def __init__(self, *, header: str, key: str) -> None:
        self._header, self._key = header, key
        self.fingerprint = fingerprint(key)
        self.secrets = (key,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._header] = self._key
        yield request

    def __repr__(self) -> str:
        return f"KeyAuth({self._header}, {self.fingerprint})"


class PairAuth(httpx.Auth):
    """A key and its secret, each in a header of its own."""

    def __init__(self, *, key_header: str, key: str, secret_header: str, secret: str) -> None:
        self._headers = {key_header: key, secret_header: secret}
        self.fingerprint = fingerprint(f"{key}:{secret}")
        self.secrets = (key, secret)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers.update(self._headers)
        yield request

    def __repr__(self) -> str:
        return f"PairAuth({', '.join(self._headers)}, {self.fingerprint})"


class HmacAuth(httpx.Auth):
    """LuxCore v2: every request is signed, with a fresh nonce and time (upstreams.md §3.2, LC-A1).

    `canonical` is a template over timestamp, nonce, METHOD, path_with_query, sha256_body_hex.
    """

    requires_request_body = True

    def __init__(self, *, merchant_id: str, secret: str, canonical: str) -> None:
        self._merchant_id, self._secret, self._canonical = merchant_id, secret, canonical
        self.fingerprint = fingerprint(f"{merchant_id}:{secret}")
        self.secrets = (secret,)

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        timestamp, nonce = str(int(time.time())), secrets.token_hex(16)
        text = self._canonical.format(
            timestamp=timestamp,
            nonce=nonce,
            METHOD=request.method.upper(),
            path_with_query=request.url.raw_path.decode("ascii"),
            sha256_body_hex=hashlib.sha256(request.content).hexdigest(),
        )
        signature = hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        request.headers.update(
            {
                "X-Merchant-Id": self._merchant_id,
                "X-Timestamp": timestamp,
                "X-Nonce": nonce,
                "X-Signature-Version": "v1",
                "X-Signature": f"hmac_sha256={signature}",
            }
        )
        yield request

    def __repr__(self) -> str:
        return f"HmacAuth({self.fingerprint})"


Credential = KeyAuth | PairAuth | HmacAuth
