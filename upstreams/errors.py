"""What can go wrong at an upstream, sorted by what can be done next."""

from __future__ import annotations

from collections.abc import Mapping


class UpstreamError(Exception):
    """Base of all. `str()` is safe to show: it never holds a secret or personal data."""

    def __init__(self, message: str, *, upstream: str = "", request_id: str = "") -> None:
        self.upstream, self.message, self.request_id = upstream, message, request_id
        super().__init__(message)


class NotConfigured(UpstreamError):
    """No key for this upstream: nothing was called."""


class Unauthorized(UpstreamError):
    """The key was refused (401). Nothing happened; all calls will fail alike."""


class Forbidden(UpstreamError):
    """The key may not do this (403). Nothing happened."""


class NotFound(UpstreamError):
    """The thing does not exist there (404, in an envelope the upstream documents)."""


class Rejected(UpstreamError):
    """A definite no, in a documented envelope: nothing happened and repeating will not help."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int = 400,
        field_errors: Mapping[str, str] | None = None,
        upstream: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, upstream=upstream, request_id=request_id)
        self.code, self.status, self.field_errors = code, status, dict(field_errors or {})


class RateLimited(UpstreamError):
    """429, or our own budget is spent: nothing happened. `retry_after` is in seconds."""

    def __init__(
        self, message: str, *, retry_after: float, upstream: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, upstream=upstream, request_id=request_id)
        self.retry_after = retry_after


class Unavailable(UpstreamError):
    """Nothing was sent, or the call was a safe read: worth another try.

    `retry_after` is in seconds when the upstream named a time, else None.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        upstream: str = "",
        request_id: str = "",
    ) -> None:
        super().__init__(message, upstream=upstream, request_id=request_id)
        self.retry_after = retry_after


class Unknown(UpstreamError):
    """A write was sent and no clear answer came: it may have happened."""


class Conflict(Unknown):
    """409 to a write: it may or may not have happened. `code` is the upstream's word, if any."""

    def __init__(
        self, message: str, *, code: str = "", upstream: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, upstream=upstream, request_id=request_id)
        self.code = code


class AlreadyExists(Unknown):
    """The upstream already holds something under our reference: read it and compare.

    An `Unknown` on purpose and not a `Rejected`: whoever forgets this case must end up looking
    at the existing one, never sending another.
    """

    def __init__(
        self, message: str, *, code: str, upstream: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, upstream=upstream, request_id=request_id)
        self.code = code


class BadPayload(UpstreamError):
    """An answer to a read that cannot be understood: not JSON, too large, too deep, wrong shape."""
