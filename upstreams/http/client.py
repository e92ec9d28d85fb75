"""The client under every upstream's client: one exchange, its limits, its retries, its log line.

A *safe* call may be repeated and is, a few times. A *write* is sent once; when it may have left and
no clear answer came, it ends in `Unknown`, because it may have happened.
"""

from __future__ import annotations

import copy
import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import httpx
import stamina
import structlog
from django.db import connections

from upstreams.budget import Budget, Priority
from upstreams.circuit import Circuit
from upstreams.enums import Upstream
from upstreams.errors import BadPayload, NotFound
from upstreams.http import judging
from upstreams.http.auth import Credential
from upstreams.http.judging import ErrorReading, Judge
from upstreams.http.messages import Answer, Call, read_answer
from upstreams.http.transport import CONNECT_SECONDS, DeadlineTransport, deadline
from upstreams.records import BadRecord

T = TypeVar("T")

TOTAL_SECONDS: Final = 20.0
READ_SECONDS: Final = 10.0
BACKGROUND_WAIT: Final = 65.0  # a little more than the longest window of a budget
WRITE_WAIT: Final = 2.0
OPERATOR_WAIT: Final = 1.0
SHORT_DEADLINE: Final = 5.0

logger = structlog.get_logger(__name__)


class UpstreamClient:
    """Talks to one upstream with one credential. Thread-safe; connections are reused.

    Raises only `UpstreamError`s, but for RuntimeError when called inside a database transaction.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        auth: Credential,
        budget: Budget,
        circuit: Circuit,
        read_error: ErrorReading,
        priority: Priority = Priority.BACKGROUND,
        deadline: float = TOTAL_SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`base_url` has no trailing slash. `deadline` bounds a whole call, in seconds; one as long
        as the usual gives way to the call's own."""
        self.name, self.base_url, self.auth = name, base_url, auth
        self.budget, self.circuit = budget, circuit
        self.priority, self.deadline = priority, deadline
        self.judge = Judge(name, str(Upstream(name).label), read_error, auth.secrets)
        self._http = httpx.Client(
            transport=transport or DeadlineTransport(trusted=_trusted(base_url)),
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "lightdesk", "Accept-Encoding": "identity"},
            # Cookies would carry something from one person's call into another's.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def __repr__(self) -> str:
        return f"UpstreamClient({self.name}, {self.auth!r}, {self.priority.value})"

    def tuned(self, *, priority: Priority, deadline: float | None = None) -> Self:
        """The same client, over the same connections, for another kind of caller."""
        twin = copy.copy(self)
        twin.priority = priority
        twin.deadline = min(deadline or TOTAL_SECONDS, TOTAL_SECONDS)
        return twin

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call) -> Answer:
        """Make `call`. The answer has a 2xx status and a readable body; raises UpstreamErrors."""
        _refuse_inside_transaction()
        url = self.base_url + _fill(call.path, call.ids)
        self.circuit.check()
        room = self.budget.acquire(call.cls, self.priority, self._budget_wait(call))
        with deadline(self._seconds(call)) as seconds_left:
            if not call.is_safe:
                return self._attempt(call, url, room, seconds_left)
            for attempt in stamina.retry_context(
                on=lambda exc: judging.again(exc, seconds_left()),
                attempts=self._attempts(),
                timeout=None,
                wait_initial=0.1,
                wait_max=2.0,
                wait_jitter=0.3,
            ):
                with attempt:
                    if attempt.num > 1:
                        room = self.budget.acquire(call.cls, self.priority, seconds_left())
                    return self._attempt(call, url, room, seconds_left)
        raise AssertionError("a retry context ends by returning or by raising")

    def one(self, call: Call, parse: Callable[[Any], T]) -> T:
        """Make `call` and read the object in its answer; one we cannot use is an unclear one."""
        answer = self.send(call)
        try:
            return parse(answer.body)
        except BadRecord as bad:
            what = f"gave an answer that cannot be used ({bad.reason})"
            raise self.judge.unclear(call, what, answer) from bad

    def download(self, call: Call) -> Answer:
        """Read a file; one redirect is followed, without credentials (see `_may_visit`)."""
        answer = self.send(call)
        if not answer.redirect:
            return answer
        url = _join(self.base_url + _fill(call.path, call.ids), answer.redirect)
        there = Call("GET", "(file)", is_safe=True, is_file=True, max_bytes=call.max_bytes)
        return self._visit(there, url, {})

    def upload(self, url: str, content: bytes, headers: Mapping[str, str]) -> None:
        """PUT a file where an answer of the upstream said, without credentials."""
        _refuse_inside_transaction()
        self._visit(Call("PUT", "(file)", body=content, is_file=True), url, headers)

    def _attempt(
        self, call: Call, url: str, room: int, seconds_left: Callable[[], float]
    ) -> Answer:
        """One try with our credentials, from which the circuit and the budget learn."""
        self.circuit.enter()
        with self._logged(call) as line:
            try:
                answer = self._talk(call, url, call.headers, self.auth, seconds_left)
            except httpx.HTTPError as exc:
                if not isinstance(exc, httpx.PoolTimeout):  # that is our own crowd, not theirs
                    self.circuit.failed()
                raise self.judge.failure(call, exc) from exc
            line.update(status=answer.status, upstream_request_id=answer.request_id)
            if answer.status >= 500:
                self.circuit.failed()
            else:
                self.circuit.succeeded()
            self._correct_budget(call, answer, room)
            self.judge.judge(call, answer)
            return answer

    def _visit(self, call: Call, url: str, headers: Mapping[str, str]) -> Answer:
        """Exchange a file with an address that an answer named, without credentials."""
        if not self._may_visit(url):
            message = f"{self.judge.label} names an address for a file that we do not visit"
            raise BadPayload(message, upstream=self.name)
        with deadline(self.deadline) as seconds_left, self._logged(call) as line:
            try:
                answer = self._talk(call, url, headers, None, seconds_left)
            except httpx.HTTPError as exc:
                raise self.judge.failure(call, exc) from exc
            line.update(status=answer.status)
            self.judge.judge_file(call, answer)
            return answer

    def _may_visit(self, url: str) -> bool:
        """https, or exactly the upstream's own host; never with a login in the address.

        The transport sees to it that other hosts have public addresses.
        """
        try:
            httpx.URL(url)
            parts, own = urlsplit(url), urlsplit(self.base_url)
            is_own = (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
            is_sound = bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
            return is_sound and (is_own or parts.scheme == "https")
        except (ValueError, httpx.InvalidURL):
            return False

    def _talk(
        self,
        call: Call,
        url: str,
        headers: Mapping[str, str],
        auth: Credential | None,
        seconds_left: Callable[[], float],
    ) -> Answer:
        """One request and its whole answer; raises httpx.HTTPError."""
        if call.body is not None and not call.is_file:
            headers = {"Content-Type": "application/json", **headers}
        request = self._http.build_request(
            call.method,
            url,
            params=call.params,
            content=call.body,
            headers=headers,
            timeout=httpx.Timeout(
                READ_SECONDS, connect=CONNECT_SECONDS, pool=min(CONNECT_SECONDS, seconds_left())
            ),
        )
        try:
            response = self._http.send(request, auth=auth, stream=True)
        except httpx.InvalidURL as exc:  # httpx looks at redirects even when it follows none
            raise httpx.RemoteProtocolError("it redirects to no address at all") from exc
        try:
            return read_answer(response, call, seconds_left)
        finally:
            response.close()

    def _correct_budget(self, call: Call, answer: Answer, room: int) -> None:
        """Believe the upstream where it counts more calls than we do."""
        if answer.status == 429:
            wait = judging.retry_after(answer.headers) or judging.DEFAULT_PAUSE
            self.budget.pause(call.cls, wait)
            return
        if not answer.is_success:
            return  # a refusal may count for somebody else
        limit = judging.number(answer.headers.get("x-ratelimit-limit"))
        remaining = judging.number(answer.headers.get("x-ratelimit-remaining"))
        ending = judging.window_ends(answer.headers)
        if limit and remaining is not None and ending and remaining < room:
            self.budget.correct(call.cls, limit=limit, remaining=remaining, seconds=ending)

    @contextmanager
    def _logged(self, call: Call) -> Iterator[dict[str, Any]]:
        """One line per exchange: no ids, no queries, no headers, no bodies."""
        started = time.monotonic()
        line: dict[str, Any] = {"upstream": self.name, "endpoint": call.endpoint}
        try:
            yield line
        except Exception as exc:
            line["problem"] = type(exc).__name__
            raise
        finally:
            line["duration_ms"] = round((time.monotonic() - started) * 1000)
            logger.info("upstreams.call", **line)

    def _seconds(self, call: Call) -> float:
        return call.seconds if call.seconds and not self._is_hurried else self.deadline

    @property
    def _is_hurried(self) -> bool:
        return self.deadline < TOTAL_SECONDS

    def _attempts(self) -> int:
        hurried = self.priority is Priority.OPERATOR and self.deadline <= SHORT_DEADLINE
        return 2 if hurried else 3

    def _budget_wait(self, call: Call) -> float:
        """Seconds to wait for room. A write waits little: who claimed it has a lease that ends."""
        if self.priority is Priority.OPERATOR:
            return min(OPERATOR_WAIT, self.deadline / 4)
        if not call.is_safe:
            return min(WRITE_WAIT, self.deadline)
        return self.deadline if self._is_hurried else BACKGROUND_WAIT


def _refuse_inside_transaction() -> None:
    """A network call inside a transaction holds its locks for as long as a stranger likes."""
    for connection in connections.all(initialized_only=True):
        # Like Django's `durable`: the transaction that wraps a test case does not count.
        if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
            raise RuntimeError("an upstream was called inside a database transaction")


def _fill(path: str, ids: Mapping[str, str]) -> str:
    """The path with its ids, quoted; raises NotFound for an id that would change the path."""
    for name, value in ids.items():
        if value in ("", ".", ".."):
            raise NotFound("There is nothing without an id")
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


def _join(url: str, location: str) -> str:
    """Where a redirect leads, "" when that is no address."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _trusted(base_url: str) -> set[str]:
    """The configured host, when it is plainly a private one: an address or a name without dots.

    Any other name must lead to public addresses, whatever a resolver says one day.
    """
    host = urlsplit(base_url).hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return set() if "." in host else {host}
    return {host}
