"""Storing one page: its records, its counts and the cursor, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat

from upstreams import clock
from upstreams.feeds import refused
from upstreams.feeds.registry import Feed, FeedPage, StoreCounts
from upstreams.models import FeedRun, FeedState

logger = structlog.get_logger(__name__)

# When so many records fail and not one of them is stored, the fault is ours, not theirs.
ALL_BAD = 10


class LeaseLost(Exception):
    """Another run took this feed over: this one stops and has stored nothing since."""


class AllRefused(Exception):
    """Not one record of a page could be stored: the feed stops rather than pass them by."""


@dataclass(frozen=True)
class Running:
    """A run that holds its feed's lease."""

    feed: Feed
    run: FeedRun
    fence: int

    def lease(self) -> QuerySet[FeedState]:
        return FeedState.objects.filter(name=self.feed.name, fence=self.fence)


def store_page(running: Running, page: FeedPage, *, at: datetime) -> None:
    """Store the page and move the cursor; raises LeaseLost, AllRefused."""
    try:
        with transaction.atomic(durable=True):
            counts = running.feed.store(page.records, at)
            _keep(running, page, counts, at=at)
        return
    except (OperationalError, InterfaceError, LeaseLost):
        raise
    except Exception as problem:
        logger.warning(
            "upstreams.feed.page_raised",
            feed=running.feed.name,
            problem=type(problem).__name__,
            exc_info=problem,
        )
    with transaction.atomic(durable=True):
        counts = _store_one_by_one(running.feed, page.records, at=at)
        _keep(running, page, counts, at=at)


def _store_one_by_one(feed: Feed, records: Sequence[Any], *, at: datetime) -> StoreCounts:
    """Store what can be stored, and refuse the records that the page stumbled over."""
    created = changed = unchanged = 0
    bad = []
    for record in records:
        try:
            with transaction.atomic():
                counts = feed.store([record], at)
        except (OperationalError, InterfaceError):
            raise
        except Exception as problem:
            reason = f"It could not be stored: {type(problem).__name__}."
            bad.append(refused.as_item(record, reason))
            continue
        created += counts.created
        changed += counts.changed
        unchanged += counts.unchanged
        bad.extend(counts.refused)
    if len(bad) == len(records) >= ALL_BAD:
        raise AllRefused(f"None of {len(bad)} records could be stored. {bad[0].reason}")
    return StoreCounts(created=created, changed=changed, unchanged=unchanged, refused=bad)


def _keep(running: Running, page: FeedPage, counts: StoreCounts, *, at: datetime) -> None:
    feed, run = running.feed, running.run
    bad = [*page.refused, *counts.refused]
    refused.resolve(upstream=feed.upstream, source=feed.name, records=page.records, at=at)
    refused.refuse(upstream=feed.upstream, source=feed.name, items=bad, at=at)
    lease = running.lease()
    if not lease.update(cursor=dict(page.cursor), lease_until=clock.database_now() + feed.lease):
        raise LeaseLost(feed.name)
    if page.complete_until is not None:  # never back: reading it all again loses nothing
        earlier = Q(complete_until=None) | Q(complete_until__lt=page.complete_until)
        lease.filter(earlier).update(complete_until=page.complete_until)
    FeedRun.objects.filter(pk=run.pk).update(
        pages=F("pages") + 1,
        read=F("read") + len(page.records) + len(page.refused),
        created=F("created") + counts.created,
        changed=F("changed") + counts.changed,
        unchanged=F("unchanged") + counts.unchanged,
        refused=F("refused") + len(bad),
    )
    if page.remark:
        FeedRun.objects.filter(pk=run.pk).update(error=Concat("error", Value(page.remark + "\n")))
