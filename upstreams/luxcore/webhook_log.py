"""Comparing what LuxCore says it delivered with what arrived: the gaps are counted and filled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.dateparse import parse_datetime

from upstreams import doorbell, feeds
from upstreams.enums import Upstream
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts
from upstreams.luxcore.client import LuxCoreClient, get_client
from upstreams.luxcore.schemas import DeliveryRecord, Page, WebhookRecord
from upstreams.models import WebhookEvent

NAME = "luxcore.webhook-log"
OUR_PATH = "/webhooks/luxcore"
OVERLAP = timedelta(days=1)  # retries of one event go on for hours (LC-A4)
MAX_PAGES = 50
ENDED = {"delivered", "failed"}


@dataclass(frozen=True)
class Line:
    """One event that LuxCore is done with, and whether it is here."""

    id: str
    was_delivered: bool
    is_here: bool


def pages(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """Compare the log of every webhook that leads here, since a day before the last time."""
    client = get_client()
    until = parse_datetime(cursor.get("until", ""))
    since = None if full or until is None else until - OVERLAP
    webhooks = [webhook for webhook in client.list_webhooks().items if _leads_here(webhook)]
    yield FeedPage(records=[], cursor=cursor)  # renews the lease: the next call may wait as long
    lost = 0
    for webhook in webhooks:
        has_failed = False
        for page in _log(client, webhook, since=since):
            lines = _compare(page.items)
            lost += sum(line.was_delivered and not line.is_here for line in lines)
            has_failed |= any(not line.was_delivered and not line.is_here for line in lines)
            yield FeedPage(records=lines, refused=page.refused, cursor=cursor)
        if has_failed:
            client.retry_webhook(webhook.id)
    if lost:
        _read_again()
    yield FeedPage(
        records=[],
        cursor={"until": now.isoformat()},
        complete_until=now,
        remark=_remark(webhooks, lost),
    )


def store(lines: Sequence[Any], at: datetime) -> StoreCounts:
    """Count: unchanged is what is here, changed is what is not. There is nothing to write."""
    here = sum(line.is_here for line in lines)
    return StoreCounts(unchanged=here, changed=len(lines) - here)


FEED = Feed(
    name=NAME,
    upstream=Upstream.LUXCORE,
    label="LuxCore webhook delivery log",
    every=timedelta(hours=1),
    pages=pages,
    store=store,
)


def _leads_here(webhook: WebhookRecord) -> bool:
    """Whether this is our door. The merchant may have others, for other systems."""
    return urlsplit(webhook.url).path.rstrip("/").endswith(OUR_PATH)


def _log(
    client: LuxCoreClient, webhook: WebhookRecord, *, since: datetime | None
) -> Iterator[Page[DeliveryRecord]]:
    """Read the log's pages, until one is wholly older than `since` when the newest come first."""
    offset = 0
    for _ in range(MAX_PAGES):
        page = client.webhook_events(webhook.id, offset=offset)
        rows = len(page.items) + len(page.refused)
        offset += rows
        yield page
        if not rows or offset >= page.total or _is_past(page.items, since):
            return


def _is_past(lines: Sequence[DeliveryRecord], since: datetime | None) -> bool:
    moments = [line.created_at for line in lines if line.created_at is not None]
    if since is None or not moments:
        return False
    return moments[0] >= moments[-1] and moments[0] < since


def _compare(deliveries: Sequence[DeliveryRecord]) -> list[Line]:
    ended = [delivery for delivery in deliveries if delivery.status in ENDED]
    here = set(
        WebhookEvent.objects.filter(
            upstream=Upstream.LUXCORE, event_id__in=[delivery.id for delivery in ended]
        ).values_list("event_id", flat=True)
    )
    return [
        Line(
            id=delivery.id,
            was_delivered=delivery.status == "delivered",
            is_here=delivery.id in here,
        )
        for delivery in ended
    ]


def _read_again() -> None:
    """Read soon what the lost events spoke of. The log does not say what that was."""
    for feed in feeds.registered():
        if feed.upstream == Upstream.LUXCORE and feed.name != NAME:
            doorbell.ring("upstreams.tasks.run_feed", name=feed.name)


def _remark(webhooks: Sequence[WebhookRecord], lost: int) -> str:
    if not webhooks:
        return "No webhook at LuxCore leads to this desk."
    if lost:
        return f"{lost} events that LuxCore calls delivered never arrived here."
    return ""
