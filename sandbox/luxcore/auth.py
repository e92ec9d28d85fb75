"""Who calls: v1 by key, v2 by signature (LC-AUTH, LC-A1, LC-A26)."""

import hashlib
import hmac
import re
import threading
from dataclasses import dataclass

from werkzeug.wrappers import Request

from sandbox.clock import Clock
from sandbox.luxcore.config import SCOPES, ApiKey, LuxCoreConfig
from sandbox.luxcore.errors import BusinessError, Unauthenticated

TOLERANCE = 300  # seconds


@dataclass(frozen=True)
class Caller:
    """`owner` is what rate limits are counted by."""

    owner: str
    env: str
    key: ApiKey

    def require(self, scope: str) -> None:
        if not self.key.allows(scope):
            raise BusinessError(
                "INSUFFICIENT_SCOPE", f"API key lacks the scope {scope}", status=403
            )


class KeyRing:
    """The merchant's keys; tests add and revoke them while it runs."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._lock = threading.Lock()
        self._keys = {key.key: key for key in keys}

    def add(self, key: ApiKey) -> None:
        with self._lock:
            self._keys[key.key] = key

    def revoke(self, key: str) -> bool:
        with self._lock:
            return self._keys.pop(key, None) is not None

    def find(self, key: str) -> ApiKey | None:
        with self._lock:
            return self._keys.get(key)


class Doorkeeper:
    def __init__(self, config: LuxCoreConfig, clock: Clock) -> None:
        self.keys = KeyRing(config.api_keys)
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}

    def admit_v1(self, request: Request) -> Caller:
        key = self.keys.find(request.headers.get("X-API-Key", ""))
        if key is None:
            raise Unauthenticated()
        return Caller(owner=key.key, env=key.env, key=key)

    def admit_v2(self, request: Request) -> Caller:
        """Check the signature, then the clock, then that the nonce is new."""
        config = self._config
        headers = request.headers
        if headers.get("X-Signature-Version") != "v1":
            raise _refused("UNSUPPORTED_SIGNATURE_VERSION", "Unsupported signature version")
        stamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
        known = headers.get("X-Merchant-Id") == str(config.merchant_id)
        if not (config.hmac_secret and known and 8 <= len(nonce) <= 128):
            raise _refused("INVALID_SIGNATURE", "Invalid signature")
        given = headers.get("X-Signature", "").removeprefix("hmac_sha256=")
        wanted = sign_v2(
            config.hmac_secret,
            timestamp=stamp,
            nonce=nonce,
            method=request.method,
            path=sent_path(request),
            body=request.get_data(),
        )
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise _refused("INVALID_SIGNATURE", "Invalid signature")
        now = self._clock.wire()
        if not re.fullmatch("[0-9]{1,12}", stamp) or abs(now - int(stamp)) > TOLERANCE:
            raise _refused("TIMESTAMP_OUT_OF_RANGE", "Timestamp is too far from now")
        self._use_up(nonce, int(stamp), now)
        return Caller(
            owner=f"merchant:{config.merchant_id}", env=config.env, key=ApiKey("v2", SCOPES)
        )

    def _use_up(self, nonce: str, stamp: int, now: float) -> None:
        with self._lock:
            # A nonce is remembered as long as its timestamp would still be accepted.
            self._nonces = {name: end for name, end in self._nonces.items() if end > now}
            if nonce in self._nonces:
                raise _refused("NONCE_REUSED", "Nonce was already used")
            self._nonces[nonce] = max(now, stamp) + TOLERANCE


def sent_path(request: Request) -> str:
    """Path and query exactly as sent, where the server still knows them."""
    raw = request.environ.get("REQUEST_URI")
    if isinstance(raw, str):
        return raw
    query = request.query_string.decode("latin-1")
    return f"{request.path}?{query}" if query else request.path


def sign_v2(secret: str, *, timestamp: str, nonce: str, method: str, path: str, body: bytes) -> str:
    """The hex signature over the canonical string as we assume it (LC-A1)."""
    digest = hashlib.sha256(body).hexdigest()
    text = f"v1.{timestamp}.{nonce}.{method.upper()}.{path}.{digest}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _refused(code: str, message: str) -> BusinessError:
    return BusinessError(code, message, status=401)
