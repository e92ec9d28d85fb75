"""A request to make and an answer read within its limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from upstreams import strict_json
from upstreams.http.redaction import request_id

MAX_BYTES: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is a template; `ids` fill it and never reach a log.

    A safe call has no effect upstream: it may be repeated. `cls` is its class in the budget.
    """

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_safe: bool = False
    cls: str = "standard"
    max_bytes: int = MAX_BYTES
    is_file: bool = False

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `body` is its JSON, in which flaws stand as `Flaw`s; None when empty or a file.

    `unreadable` says why there is no body though there should be one.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    body: Any = field(default=None, repr=False)
    unreadable: str = ""

    @property
    def request_id(self) -> str:
        return request_id(self.headers.get("x-request-id"))

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def redirect(self) -> str:
        """Where a redirect points, "" when it is none."""
        return self.headers.get("location", "") if 300 <= self.status < 400 else ""


def read_answer(response: httpx.Response, call: Call, seconds_left: Callable[[], float]) -> Answer:
    """The answer, its body read up to the call's limit. Raises httpx.ReadTimeout when too slow."""
    content, problem = _read(response, call.max_bytes, seconds_left)
    body: Any = None
    if content and not problem and not (call.is_file and response.is_success):
        try:
            body = strict_json.loads(content, keep_flaws=True)
        except strict_json.NotStrictJson as exc:
            problem = str(exc)
        if isinstance(body, strict_json.Flaw):
            body, problem = None, body.reason
    return Answer(response.status_code, response.headers, content, body, problem)


def _read(
    response: httpx.Response, max_bytes: int, seconds_left: Callable[[], float]
) -> tuple[bytes, str]:
    # We ask for no compression; a compressed answer could unfold to anything (proof m13).
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return b"", "compressed though it was asked not to be"
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > max_bytes:
            return b"", f"larger than {max_bytes} bytes"
        if seconds_left() <= 0:
            raise httpx.ReadTimeout("the call took too long")
    return bytes(content), ""
