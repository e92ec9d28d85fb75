"""How a provider's books are read. Each provider's own module registers one reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from payments.mirror.merging import Observation
from upstreams import credentials
from upstreams.feeds import FeedPage, StoreCounts


@dataclass(frozen=True)
class Movement:
    """What one payment added to a balance, and when; an amount of None: nobody told how much."""

    currency: str
    at: datetime
    amount: Decimal | None


@dataclass(frozen=True)
class Reader:
    """One provider's books.

    `pages(since, until)` reads all that was created in `since <= t < until` (whole seconds, both in
    the past) within the background's rate budget, in windows that follow each other in time and
    are small enough to be remembered. The last page of each window says so by `complete_until`;
    a page may come twice. A `remark` on it: the window was not shown completely.

    `fetch(id)` asks for one payment now; None when the provider does not know it. `parse(raw)`
    reads a stored record again. `observe(record)` gives it in our columns. `store(records, at)` is
    the mirror's door. All may raise UpstreamError; `parse` and `observe` raise ValueError.

    `movements(after, until)` tells how the payments that we hold moved the main balances between
    two moments, and may tell more; without the function balances are not judged.
    """

    upstream: str
    pages: Callable[[datetime, datetime], Iterator[FeedPage]]
    fetch: Callable[[str], Any]
    parse: Callable[[Mapping[str, Any]], Any]
    observe: Callable[[Any], Observation]
    store: Callable[[Sequence[Any], datetime], StoreCounts]
    movements: Callable[[datetime, datetime], Iterator[Movement]] | None = None


_readers: dict[str, Reader] = {}


def register(reader: Reader) -> None:
    """Make this the reader of its provider. A second one is a mistake."""
    if reader.upstream in _readers:
        raise ValueError(f"{reader.upstream} has a reader already")
    _readers[reader.upstream] = reader


def get(upstream: str) -> Reader:
    """Return the provider's reader; LookupError when there is none."""
    return _readers[upstream]


def is_readable(upstream: str) -> bool:
    """Whether its books can be read now: somebody wrote a reader, and there is a key."""
    return upstream in _readers and credentials.is_configured(upstream)
