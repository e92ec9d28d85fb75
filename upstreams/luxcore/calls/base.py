"""What every resource's calls share: which base, how an answer is unwrapped and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from upstreams.budget import Budget
from upstreams.errors import BadPayload, NotConfigured
from upstreams.http import Answer, Call, UpstreamClient
from upstreams.luxcore.schemas.reading import Page
from upstreams.records import BadRecord, read_items

T = TypeVar("T")

MAX_LIMIT: Final = 100
MAX_LISTED: Final = 10_000
IDS: Final = ("transaction_id", "ticket_id", "comment_id", "id", "code", "currency")


class Calls:
    """Either base may be missing: v1 without a key, v2 without a merchant's HMAC secret."""

    def __init__(self, *, v1: UpstreamClient | None, v2: UpstreamClient | None = None) -> None:
        """`v1` and `v2` differ in base URL and credential; v2 is preferred where it exists."""
        self._v1_client, self._v2_client = v1, v2

    @property
    def _v1(self) -> UpstreamClient:
        if self._v1_client is None:
            raise NotConfigured("LuxCore needs an API key (v1) for this", upstream="luxcore")
        return self._v1_client

    @property
    def budget(self) -> Budget:
        """Shared by both bases."""
        return self._v2_or_v1.budget

    @property
    def _v2_or_v1(self) -> UpstreamClient:
        """For what v2 offers: creating payments and reading balances (LC-C15)."""
        return self._v2_client or self._v1

    def _one(
        self, call: Call, parse: Callable[[Any], T], *, client: UpstreamClient | None = None
    ) -> T:
        """Make `call` and read the one object in its answer."""
        client = client or self._v1
        return read_one(client, call, client.send(call), parse)

    def _page(
        self, call: Call, parse: Callable[[Any], T], *, limit: int = 0, offset: int = 0
    ) -> Page[T]:
        """Make `call` and read the list in its answer; what cannot be read is kept apart."""
        answer = self._v1.send(call)
        listed = unwrap(answer.body)
        if not isinstance(listed, list):
            raise self._v1.judge.unclear(call, "gave something else than a list", answer)
        items, refused = read_items(listed, parse, ids=IDS)
        total = answer.body.get("total") if isinstance(answer.body, dict) else None
        if total is None:
            total = offset + len(listed)
        if isinstance(total, bool) or not isinstance(total, int) or total < 0:
            raise self._v1.judge.unclear(call, "gave a list without a usable total", answer)
        return Page(items, refused, total, limit or len(listed), offset)


def read_one(client: UpstreamClient, call: Call, answer: Answer, parse: Callable[[Any], T]) -> T:
    """The object in `answer`; one that cannot be used makes the answer an unclear one."""
    try:
        return parse(unwrap(answer.body))
    except BadRecord as bad:
        what = f"gave an answer that cannot be used ({bad.reason})"
        raise client.judge.unclear(call, what, answer) from bad


def unwrap(body: Any) -> Any:
    """`data` when present, else the body itself (§3.3)."""
    return body["data"] if isinstance(body, dict) and "data" in body else body


def all_pages(fetch: Callable[[int, int], Page[T]], *, limit: int = MAX_LIMIT) -> Iterator[Page[T]]:
    """Every page that `fetch(limit, offset)` gives, until `total` is reached or a page is empty.

    Raises BadPayload after 10,000 items: such a list has to be read in parts.
    """
    offset = 0
    while True:
        page = fetch(limit, offset)
        yield page
        read = len(page.items) + len(page.refused)
        offset += read
        if not read or offset >= page.total:
            return
        if offset >= MAX_LISTED:
            raise BadPayload(f"The list has more than {MAX_LISTED} items", upstream="luxcore")


def page_params(limit: int, offset: int, **filters: Any) -> dict[str, Any]:
    """Query parameters without the empty ones; a limit above 100 is LuxCore's maximum."""
    given = {name: value for name, value in filters.items() if value not in (None, "", (), [])}
    return {"limit": max(1, min(limit, MAX_LIMIT)), "offset": offset, **given}


def iso(moment: datetime | None) -> str | None:
    """A moment as LuxCore filters by it: ISO 8601 in UTC, milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_body(values: Mapping[str, Any]) -> bytes:
    """A request body without the members that were left out."""
    given = {name: value for name, value in values.items() if value not in (None, "", (), [])}
    return json.dumps(given, ensure_ascii=False).encode()
