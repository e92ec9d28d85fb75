"""What every resource's calls share: one object, a short list, a list of any length."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from upstreams import json_list
from upstreams.budget import Budget
from upstreams.http import Call, UpstreamClient
from upstreams.money import Money
from upstreams.records import Batch, read_items
from upstreams.strict_json import NotStrictJson

T = TypeVar("T")

API: Final = "/api/v1"
LIST_BYTES: Final = 400_000_000
LIST_SECONDS: Final = 120.0
BATCH: Final = 500
_IDS: Final = ("transactionId", "id", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What the documents leave open (upstreams.md §2.13). No `currencies` path: not offered."""

    deposits: str = f"{API}/deposits"
    currencies: str = f"{API}/currencies"
    send_idempotency_key: bool = True
    quote_seconds: float = 30.0


class Calls:
    def __init__(self, http: UpstreamClient, assumed: Assumptions) -> None:
        self.http, self.assumed = http, assumed

    @property
    def budget(self) -> Budget:
        return self.http.budget

    def _one(self, call: Call, parse: Callable[[Any], T]) -> T:
        return self.http.one(call, parse)

    def _get(self, path: str, parse: Callable[[Any], T], **ids: str) -> T:
        return self._one(Call("GET", path, ids=ids, is_safe=True), parse)

    def _short_list(
        self, path: str, parse: Callable[[Any], T], params: Mapping[str, str] | None = None
    ) -> Batch[T]:
        """A list that stays small (2 MB), whole."""
        call = Call("GET", path, params=params, is_safe=True)
        answer = self.http.send(call)
        if not isinstance(answer.body, list):
            raise self.http.judge.unclear(call, "gave something else than a list", answer)
        return Batch(*read_items(answer.body, parse, ids=_IDS))

    def _long_list(
        self, path: str, parse: Callable[[Any], T], params: Mapping[str, str] | None = None
    ) -> Iterator[Batch[T]]:
        """A list of any length up to 400 MB, some records at a time, in bounded memory.

        Asked for with the first batch, and read to its end before that is given, within 120
        seconds: nobody's transaction keeps the provider waiting. A record that cannot be used is
        set aside. Raises BadPayload where the list itself breaks off; what came before stands.
        """
        call = Call(
            "GET",
            path,
            params=params,
            is_safe=True,
            is_spooled=True,
            max_bytes=LIST_BYTES,
            seconds=LIST_SECONDS,
        )
        answer = self.http.send(call)
        assert answer.file is not None  # it was spooled
        with answer.file:
            try:
                for members in _in_batches(json_list.members(answer.file)):
                    yield Batch(*read_items(members, parse, ids=_IDS))
            except NotStrictJson as problem:
                what = f"gave a list that cannot be read to its end ({problem})"
                raise self.http.judge.unclear(call, what, answer) from problem


def _in_batches(listed: Iterator[Any]) -> Iterator[list[Any]]:
    """Also what came before the list broke off."""
    batch: list[Any] = []
    try:
        for member in listed:
            batch.append(member)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except NotStrictJson:
        yield batch
        raise
    if batch:
        yield batch


def json_body(members: Mapping[str, str | Money]) -> bytes:
    """A request body. Amounts are exact JSON numbers, never through a float; raises BadMoney."""
    written = (f"{json.dumps(name)}: {_json(value)}" for name, value in members.items())
    return f"{{{', '.join(written)}}}".encode()


def _json(value: str | Money) -> str:
    return value.to_number() if isinstance(value, Money) else json.dumps(value)
