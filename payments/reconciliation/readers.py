"""How a provider's books are read. Each provider's own module registers one reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from payments.mirror.merging import Observation
from payments.reconciliation.facts import LAG
from staff.texts import Sayable
from upstreams import credentials
from upstreams.feeds import FeedPage, StoreCounts

LEASE: Final = timedelta(minutes=2)  # one call of 20 s, and a minute's wait for the rate budget


@dataclass(frozen=True)
class Movement:
    """What was added to a balance, and when; an amount of None: nobody told how much.

    Of what cannot be read the moment may be None, any time, and the currency "", any currency.
    """

    currency: str
    at: datetime | None
    amount: Decimal | None


@dataclass(frozen=True)
class Reader:
    """One provider's books.

    `pages(since, until)` reads all that was created in `since <= t < until` (whole seconds, both in
    the past) within the background's rate budget, in windows that follow each other in time and
    are small enough to be remembered. The last page of each window says so by `complete_until`;
    a page may come twice. A `remark` on it: the window was not shown completely. Between two pages
    passes less time than `lease`; a page without records only says that somebody is at work.

    `fetch(id)` asks for one payment now; None when the provider does not know it.
    `parse(raw, kind)` reads a stored record again, `kind` being what it was observed as.
    `observe(record)` gives it in our columns. `store(records, at)` is the mirror's door. All may
    raise UpstreamError; `parse` and `observe` raise ValueError.

    `movements(after, until)` tells how the payments that we hold moved the main balances between
    two moments, and may tell more; without the function balances are not judged.
    """

    upstream: str
    pages: Callable[[datetime, datetime], Iterator[FeedPage]]
    fetch: Callable[[str], Any]
    parse: Callable[[Mapping[str, Any], str], Any]
    observe: Callable[[Any], Observation]
    store: Callable[[Sequence[Any], datetime], StoreCounts]
    movements: Callable[[datetime, datetime], Iterator[Movement]] | None = None
    lease: timedelta = LEASE
    lag: timedelta = LAG  # what is younger may still be on its way here
    remark: Sayable = ""  # what people must know about the days of this provider's payments


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
