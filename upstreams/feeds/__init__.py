"""The way in, pulled: a feed is read page by page, and each page is stored with its cursor."""

from upstreams.feeds.refused import refuse
from upstreams.feeds.registry import (
    Cursor,
    Feed,
    FeedPage,
    StoreCounts,
    UnknownFeed,
    get,
    register,
    registered,
)
from upstreams.feeds.running import run

__all__ = [
    "Cursor",
    "Feed",
    "FeedPage",
    "StoreCounts",
    "UnknownFeed",
    "get",
    "refuse",
    "register",
    "registered",
    "run",
]
