"""What is read from the upstreams, and by whom it is stored. Domains register theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from upstreams.records import RefusedItem

LEASE: Final = timedelta(minutes=2)  # one call of 20 s, and a minute's wait for the rate budget

Cursor: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class FeedPage:
    """Some records, and how to go on after them.

    `cursor` is kept once these records are stored: JSON, from which `pages` resumes. It may be
    the cursor of a half-read list. `complete_until`: all that was created before this moment has
    been read (None: this page does not say). `remark` tells people what was not as it should be.
    """

    records: Sequence[Any]
    refused: Sequence[RefusedItem] = ()
    cursor: Cursor = field(default_factory=dict)
    complete_until: datetime | None = None
    remark: str = ""


@dataclass(frozen=True)
class StoreCounts:
    """What storing one page came to."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: Sequence[RefusedItem] = ()


@dataclass(frozen=True)
class Feed:
    """One thing that is read again and again.

    `pages(cursor, now, full)` calls the upstream, outside any transaction, and yields pages; with
    `full` it starts over. `store(records, at)` writes them, inside a transaction, without calling
    anybody; it may raise for a record it cannot take, which is then refused alone.
    `lease` is longer than it takes to come by a page; a killed run holds its feed that long.
    """

    name: str
    upstream: str
    label: str
    every: timedelta
    pages: Callable[[Cursor, datetime, bool], Iterator[FeedPage]]
    store: Callable[[Sequence[Any], datetime], StoreCounts]
    lease: timedelta = LEASE


class UnknownFeed(LookupError):
    """No feed has this name."""


_feeds: dict[str, Feed] = {}


def register(feed: Feed) -> None:
    """Make this feed known. A second one of the same name is a mistake."""
    if feed.name in _feeds:
        raise ValueError(f"there is a feed {feed.name} already")
    _feeds[feed.name] = feed


def get(name: str) -> Feed:
    """Return the feed; raises UnknownFeed."""
    try:
        return _feeds[name]
    except KeyError:
        raise UnknownFeed(f"There is no feed {name}.") from None


def registered() -> list[Feed]:
    """All feeds, by name."""
    return sorted(_feeds.values(), key=lambda feed: feed.name)
