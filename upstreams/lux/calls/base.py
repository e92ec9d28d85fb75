"""What every resource's calls share: one object, a page behind a cursor, a write with its key."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from upstreams.budget import Budget
from upstreams.errors import AlreadyExists, BadPayload, Conflict
from upstreams.http import Call, UpstreamClient
from upstreams.lux.schemas.reading import CursorPage
from upstreams.records import Batch, read_items

T = TypeVar("T")

MAX_LIMIT: Final = 100
MAX_PAGES: Final = 5_000
MAX_EMPTY_PAGES: Final = 3  # one after the other, each saying that more follows
_IDS: Final = ("id", "code")
Params = Mapping[str, str | int | None]


class EndlessList(BadPayload):
    """A list that would be read for ever."""


class Calls:
    """Writes are sent once. POSTs carry an `Idempotency-Key`: whoever sends the same bytes again
    with the same key within a day gets what there is (§1.3, §4.3). PATCH and DELETE carry none:
    after Unknown, read first."""

    def __init__(self, http: UpstreamClient) -> None:
        self.http = http

    @property
    def budget(self) -> Budget:
        return self.http.budget

    def _get(
        self, path: str, parse: Callable[[Any], T], params: Params | None = None, **ids: str
    ) -> T:
        call = Call("GET", path, ids=ids, params=_given(params), is_safe=True)
        return self.http.one(call, parse)

    def _post(
        self, path: str, body: bytes, parse: Callable[[Any], T], *, idempotency_key: str, **ids: str
    ) -> T:
        """AlreadyExists where they say so; any other 409 is a Conflict, to be looked into."""
        headers = {"Idempotency-Key": idempotency_key}
        call = Call("POST", path, ids=ids, body=body, headers=headers)
        try:
            return self.http.one(call, parse)
        except Conflict as conflict:
            if conflict.code != "already_exists":
                raise
            raise AlreadyExists(
                conflict.message,
                code=conflict.code,
                upstream=conflict.upstream,
                request_id=conflict.request_id,
            ) from conflict

    def _page(
        self,
        path: str,
        parse: Callable[[Any], T],
        *,
        limit: int,
        cursor: str,
        filters: Params | None = None,
        **ids: str,
    ) -> CursorPage[T]:
        """One page; what cannot be read of it is kept apart."""
        params = _given(
            {**(filters or {}), "limit": max(1, min(limit, MAX_LIMIT)), "cursor": cursor}
        )
        call = Call("GET", path, ids=ids, params=params, is_safe=True)
        answer = self.http.send(call)
        body = answer.body if isinstance(answer.body, Mapping) else {}
        listed, has_more, following = (body.get(name) for name in ("data", "has_more", "cursor"))
        if not isinstance(listed, list) or not isinstance(has_more, bool):
            raise self.http.judge.unclear(call, "gave something else than a list", answer)
        if has_more and not (isinstance(following, str) and following):
            raise self.http.judge.unclear(call, "says that more follows and not where", answer)
        items, refused = read_items(listed, parse, ids=_IDS)
        return CursorPage(items, refused, str(following) if has_more else "")


def every_page(
    fetch: Callable[[str], CursorPage[T]], *, cursor: str = ""
) -> Iterator[CursorPage[T]]:
    """Every page that `fetch(cursor)` gives, from `cursor` on, until none follows.

    Raises EndlessList for a list that does not end: a cursor or a page that comes again, page after
    page with nothing in it, or more than 5,000. What came before stands.
    """
    cursors, known, empty = {cursor}, set[str](), 0
    for _ in range(MAX_PAGES):
        page = fetch(cursor)
        ids = _ids_of(page)
        if ids and ids <= known:
            raise _endless("gives a page of a list again")
        yield page
        if not page.has_more:
            return
        known |= ids
        empty = 0 if ids else empty + 1
        if empty == MAX_EMPTY_PAGES:
            raise _endless("gives empty pages and says that more follows")
        cursor = page.cursor
        if cursor in cursors:
            raise _endless("gives a cursor of a list again")
        cursors.add(cursor)
    raise _endless(f"gives a list of more than {MAX_PAGES} pages")


def fresh_key() -> str:
    """A key for what need not be remembered, because nothing comes of it twice."""
    return str(uuid.uuid4())


def iso(moment: datetime | None) -> str | None:
    """A moment as they write it: ISO 8601 in UTC, milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_body(members: Mapping[str, Any]) -> bytes:
    """A request body without the members that were left out."""
    given = {name: value for name, value in members.items() if value not in (None, "", {}, [])}
    return json.dumps(given, ensure_ascii=False).encode()


def _given(params: Params | None) -> dict[str, str | int]:
    return {name: value for name, value in (params or {}).items() if value not in (None, "")}


def _ids_of(page: Batch[Any]) -> set[str]:
    return {item.id for item in page.items} | {item.record_id for item in page.refused} - {""}


def _endless(what: str) -> EndlessList:
    return EndlessList(f"Lux Financial {what}: it is read no further", upstream="lux")
