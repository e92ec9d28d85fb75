"""A request to make and an answer read within its limits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, Any, Final

import httpx

from upstreams import strict_json
from upstreams.budget import STANDARD
from upstreams.http.redaction import request_id

MAX_BYTES: Final = 2_000_000
SPOOLED_IN_MEMORY: Final = 1_000_000  # bytes; the rest of a spooled answer lies on disk (TMPDIR)


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `path` is a template; `ids` fill it and never reach a log.

    A safe call has no effect upstream: it may be repeated. `cls` is its class in the budget.
    The answer to a spooled call is kept in a file, unparsed. `seconds` is a deadline of its own,
    for an answer so large that the usual one cannot hold; a caller in a hurry keeps theirs.
    """

    method: str
    path: str
    ids: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_safe: bool = False
    cls: str = STANDARD
    max_bytes: int = MAX_BYTES
    is_file: bool = False
    is_spooled: bool = False
    seconds: float | None = None

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. `body` is its JSON, in which flaws stand as `Flaw`s; None when empty or a file.

    `unreadable` says why there is no body though there should be one. `file` holds the body of a
    spooled answer from its beginning; who gets it closes it.
    """

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(default=b"", repr=False)
    body: Any = field(default=None, repr=False)
    unreadable: str = ""
    file: IO[bytes] | None = field(default=None, repr=False)

    @property
    def request_id(self) -> str:
        """From the header, else from the body's envelope, where Lumetrade puts it."""
        named = self.body.get("requestId") if isinstance(self.body, dict) else None
        return request_id(self.headers.get("x-request-id") or named)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def redirect(self) -> str:
        """Where a redirect points, "" when it is none."""
        return self.headers.get("location", "") if 300 <= self.status < 400 else ""


def read_answer(response: httpx.Response, call: Call, seconds_left: Callable[[], float]) -> Answer:
    """The answer, its body read up to the call's limit. Raises httpx.ReadTimeout when too slow."""
    if call.is_spooled and response.is_success:
        return _read_spooled(response, call, seconds_left)
    body: Any = None
    read = BytesIO()
    problem = _read(response, read, call.max_bytes, seconds_left)
    content = b"" if problem else read.getvalue()
    if content and not (call.is_file and response.is_success):
        try:
            body = strict_json.loads(content, keep_flaws=True)
        except strict_json.NotStrictJson as exc:
            problem = str(exc)
        if isinstance(body, strict_json.Flaw):
            body, problem = None, body.reason
    return Answer(response.status_code, response.headers, content, body, problem)


def _read_spooled(
    response: httpx.Response, call: Call, seconds_left: Callable[[], float]
) -> Answer:
    spool = tempfile.SpooledTemporaryFile(max_size=SPOOLED_IN_MEMORY)  # noqa: SIM115 (its reader closes it)
    try:
        problem = _read(response, spool, call.max_bytes, seconds_left)
    except BaseException:
        spool.close()
        raise
    if problem:
        spool.close()
        return Answer(response.status_code, response.headers, unreadable=problem)
    spool.seek(0)
    return Answer(response.status_code, response.headers, file=spool)


def _read(
    response: httpx.Response, into: IO[bytes], max_bytes: int, seconds_left: Callable[[], float]
) -> str:
    """Read the body into a file; answers why it cannot be used, "" when it can."""
    # We ask for no compression; a compressed answer could unfold to anything (proof m13).
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        return "compressed though it was asked not to be"
    size = 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > max_bytes:
            return f"larger than {max_bytes} bytes"
        into.write(chunk)
        if seconds_left() <= 0:
            raise httpx.ReadTimeout("the call took too long")
    return ""
