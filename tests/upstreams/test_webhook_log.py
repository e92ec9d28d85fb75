"""The delivery log of LuxCore, compared with what arrived."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.upstreams.world import LUXCORE, Clock
from upstreams import doorbell, feeds
from upstreams.enums import RunState
from upstreams.luxcore import webhook_log
from upstreams.luxcore.schemas import (
    DeliveryRecord,
    Page,
    WebhookRecord,
    parse_delivery,
    parse_webhook,
)
from upstreams.models import FeedRun, WebhookEvent

pytestmark = pytest.mark.django_db


class Webhooks:
    """LuxCore's webhooks and the log of each, newest first."""

    def __init__(self) -> None:
        self.urls = {"wh_ours": "https://desk.example.com/webhooks/luxcore/"}
        self.logs: dict[str, list[DeliveryRecord]] = {"wh_ours": []}
        self.retried: list[str] = []
        self.pages_read = 0

    def add(self, event_id: str, status: str, at: datetime, webhook: str = "wh_ours") -> None:
        line = {"id": event_id, "status": status, "created_at": at.isoformat()}
        self.logs[webhook].insert(0, parse_delivery(line))

    def list_webhooks(self) -> Page[WebhookRecord]:
        items = [parse_webhook({"id": id, "url": url}) for id, url in self.urls.items()]
        return Page(items=items, refused=[], total=len(items), limit=100, offset=0)

    def webhook_events(self, webhook_id: str, *, offset: int) -> Page[DeliveryRecord]:
        self.pages_read += 1
        log = self.logs[webhook_id]
        shown = log[offset : offset + 2]
        return Page(items=shown, refused=[], total=len(log), limit=2, offset=offset)

    def retry_webhook(self, webhook_id: str) -> int:
        self.retried.append(webhook_id)
        return 1


@pytest.fixture
def luxcore(monkeypatch: pytest.MonkeyPatch) -> Webhooks:
    there = Webhooks()
    monkeypatch.setattr(webhook_log, "get_client", lambda: there)
    return there


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the feeds somebody rang for."""
    names: list[str] = []
    monkeypatch.setattr(doorbell, "_ring", lambda name, kwargs: names.append(kwargs["name"]))
    return names


def arrived(clock: Clock, *event_ids: str) -> None:
    for event_id in event_ids:
        WebhookEvent.objects.create(
            upstream=LUXCORE, event_id=event_id, body=b"{}", received_at=clock.now
        )


def run() -> FeedRun:
    finished = feeds.run(webhook_log.NAME)
    assert finished is not None
    return finished


class TestWebhookLog:
    def test_counts_what_is_here(self, clock: Clock, luxcore: Webhooks, rung: list[str]) -> None:
        for number in range(3):
            luxcore.add(f"evt_{number}", "delivered", clock.now)
            arrived(clock, f"evt_{number}")

        finished = run()

        assert (finished.state, finished.unchanged, finished.changed) == (RunState.DONE, 3, 0)
        assert (finished.error, luxcore.retried, rung) == ("", [], [])

    def test_reads_again_what_an_event_that_never_arrived_may_have_told(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        luxcore.add("evt_lost", "delivered", clock.now)

        finished = run()

        assert finished.changed == 1
        assert "1 events that LuxCore calls delivered" in finished.error
        others = {feed.name for feed in feeds.registered() if feed.upstream == LUXCORE}
        assert set(rung) == others - {webhook_log.NAME}
        assert luxcore.retried == []

    def test_asks_for_failed_ones_again(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        luxcore.add("evt_failed", "failed", clock.now)
        luxcore.add("evt_failed_too", "failed", clock.now)

        finished = run()

        assert (finished.changed, luxcore.retried, rung) == (2, ["wh_ours"], [])

    def test_does_not_ask_for_what_arrived_although_they_call_it_failed(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        luxcore.add("evt_slow", "failed", clock.now)
        arrived(clock, "evt_slow")

        run()

        assert luxcore.retried == []

    def test_waits_for_what_is_still_on_its_way(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        luxcore.add("evt_soon", "pending", clock.now)

        finished = run()

        assert (finished.changed, luxcore.retried, rung) == (0, [], [])

    def test_looks_at_webhooks_that_lead_here_only(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        luxcore.urls = {"wh_shop": "https://shop.example.com/hooks"}

        finished = run()

        assert luxcore.pages_read == 0
        assert finished.error == "No webhook at LuxCore leads to this desk."

    def test_reads_back_a_day_before_the_last_time_and_no_further(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        for days in range(10, 0, -1):
            luxcore.add(f"evt_{days}", "delivered", clock.now - timedelta(days=days))
        arrived(clock, *(f"evt_{days}" for days in range(1, 11)))
        run()
        assert luxcore.pages_read == 5
        luxcore.pages_read = 0
        clock.forward(hours=1)

        run()

        assert luxcore.pages_read == 2

    def test_reads_a_list_that_begins_with_the_oldest_to_its_end(
        self, clock: Clock, luxcore: Webhooks, rung: list[str]
    ) -> None:
        run()
        for days in range(1, 6):
            luxcore.add(f"evt_{days}", "delivered", clock.now - timedelta(days=days))
        arrived(clock, *(f"evt_{days}" for days in range(2, 6)))

        finished = run()

        assert finished.changed == 1
