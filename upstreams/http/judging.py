"""What an answer, or the lack of one, means for the caller (proof §3.5)."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from upstreams.budget import clamp_pause
from upstreams.circuit import CircuitOpen
from upstreams.errors import (
    BadPayload,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.http.messages import Answer, Call
from upstreams.http.redaction import redact

DEFAULT_PAUSE: Final = 5.0
_CLOSED_DOOR: Final = {401: "does not accept our key", 403: "does not allow this to our key"}
# Up to these, nothing has left.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error envelope that the upstream documents says.

    `status` is the one the envelope names itself, where it does. `is_verdict`: a 403 that is about
    what was asked (the money, the customer), not about our key.
    """

    code: str
    message: str = field(repr=False)
    field_errors: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: int | None = None
    is_verdict: bool = False


ErrorReading = Callable[[Any], Problem | None]
"""Reads a parsed body; None when it is no envelope the upstream documents."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Turns answers and failures of one upstream into our errors."""

    upstream: str
    label: str
    read_error: ErrorReading = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    def judge(self, call: Call, answer: Answer) -> None:
        """Raises what a non-success or an unreadable success means."""
        status = answer.status
        if answer.is_success:
            if answer.unreadable:
                what = f"gave an answer that cannot be read ({answer.unreadable})"
                raise self.unclear(call, what, answer)
            return
        if answer.redirect and call.is_file:
            return
        problem = self._problem(answer)
        if status == 403 and problem and problem.is_verdict:
            raise self._refusal(answer, problem)
        if status in (401, 403):
            raise self._closed_door(answer, problem)
        if status == 429:
            raise RateLimited(
                f"{self.label} asks us to slow down",
                retry_after=retry_after(answer.headers) or DEFAULT_PAUSE,
                upstream=self.upstream,
                request_id=answer.request_id,
            )
        if status >= 500 or status == 408:
            raise self._server_error(call, answer, problem)
        if status in (400, 404, 422) and problem:
            raise self._refusal(answer, problem)
        if status == 409 and not call.is_safe:
            raise Conflict(
                f"{self.label} reports a conflict (409)"
                + (f": {problem.message}" if problem else ""),
                code=problem.code if problem else "",
                upstream=self.upstream,
                request_id=answer.request_id,
            )
        if call.is_safe and problem and 400 <= status < 500:
            raise self._refusal(answer, problem)
        raise self.unclear(call, f"gave an answer we do not know ({status})", answer)

    def judge_file(self, call: Call, answer: Answer) -> None:
        """The same for a file's own address, which knows neither our key nor the envelopes."""
        status = answer.status
        if answer.is_success and not answer.unreadable:
            return
        if status in (404, 410):
            raise NotFound("The file is not there (any more)", upstream=self.upstream)
        if 400 <= status < 500 and status not in (408, 409, 429):
            raise Rejected(
                f"The file was refused ({status})",
                code=f"HTTP_{status}",
                status=status,
                upstream=self.upstream,
            )
        if status >= 500:
            raise self._server_error(call, answer, None)
        raise self.unclear(call, f"gave an answer for a file that we cannot use ({status})")

    def unclear(self, call: Call, what: str, answer: Answer | None = None) -> UpstreamError:
        """An answer came but says nothing definite: for a write, it may have happened."""
        kind = BadPayload if call.is_safe else Unknown
        return kind(
            f"{self.label} {what}",
            upstream=self.upstream,
            request_id=answer.request_id if answer else "",
        )

    def failure(self, call: Call, exc: Exception) -> UpstreamError:
        """No answer came."""
        if isinstance(exc, _NOT_SENT):
            return Unavailable(f"{self.label} could not be reached", upstream=self.upstream)
        slow = isinstance(exc, httpx.TimeoutException)
        message = f"{self.label} " + (
            "did not answer in time" if slow else "broke the connection off"
        )
        kind = Unavailable if call.is_safe else Unknown
        return kind(message, upstream=self.upstream)

    def _problem(self, answer: Answer) -> Problem | None:
        problem = None if answer.unreadable else self.read_error(answer.body)
        if problem is None or problem.status not in (None, answer.status):
            return None  # an envelope that contradicts its own answer says nothing definite
        return Problem(
            code=re.sub(r"[^A-Za-z0-9_.-]", "", problem.code)[:80],
            message=redact(problem.message, self.secrets),
            field_errors={
                name: redact(text, self.secrets) for name, text in problem.field_errors.items()
            },
            is_verdict=problem.is_verdict,
        )

    def _closed_door(self, answer: Answer, problem: Problem | None) -> UpstreamError:
        kind = Unauthorized if answer.status == 401 else Forbidden
        code = f" ({problem.code})" if problem else ""
        return kind(
            f"{self.label} {_CLOSED_DOOR[answer.status]}{code}",
            upstream=self.upstream,
            request_id=answer.request_id,
        )

    def _server_error(self, call: Call, answer: Answer, problem: Problem | None) -> UpstreamError:
        detail = f"{answer.status}, {problem.code}" if problem else str(answer.status)
        message = f"{self.label} has trouble ({detail})"
        if not call.is_safe:
            return Unknown(message, upstream=self.upstream, request_id=answer.request_id)
        return Unavailable(
            message,
            retry_after=retry_after(answer.headers, only_named=True),
            upstream=self.upstream,
            request_id=answer.request_id,
        )

    def _refusal(self, answer: Answer, problem: Problem) -> UpstreamError:
        if answer.status == 404:
            return NotFound(
                problem.message or f"{self.label} does not know it",
                upstream=self.upstream,
                request_id=answer.request_id,
            )
        return Rejected(
            problem.message or f"{self.label} refused it",
            code=problem.code,
            status=answer.status,
            field_errors=problem.field_errors,
            upstream=self.upstream,
            request_id=answer.request_id,
        )


def retry_after(headers: httpx.Headers, *, only_named: bool = False) -> float | None:
    """Seconds the upstream asks to wait, between 1 and 60; None when it names none it could mean.

    `Retry-After` in seconds or as a date, else the end of the rate window unless `only_named`.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return clamp_pause(float(value))
    if value:
        try:
            return clamp_pause(parsedate_to_datetime(value).timestamp() - _their_now(headers))
        except (ValueError, TypeError, OverflowError):
            pass
    return None if only_named else window_ends(headers)


def window_ends(headers: httpx.Headers) -> float | None:
    """Seconds until `X-RateLimit-Reset`, between 1 and 60, measured on the upstream's clock."""
    reset = number(headers.get("x-ratelimit-reset"))
    return None if reset is None else clamp_pause(reset - _their_now(headers))


def number(text: str | None) -> int | None:
    """A plain whole number of at most twelve digits, else None."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,12}", text) else None


def again(exc: Exception, seconds_left: float) -> bool | float:
    """Whether a safe call is worth another try in the time left; a number is the wait, seconds."""
    if isinstance(exc, CircuitOpen) or not isinstance(exc, RateLimited | Unavailable):
        return False
    if exc.retry_after is None:
        return seconds_left > 1.0
    wait = exc.retry_after + random.uniform(0, 0.3)
    return wait if wait < seconds_left else False


def _their_now(headers: httpx.Headers) -> float:
    try:
        return parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return time.time()
