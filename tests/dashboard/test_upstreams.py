from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import feeds as payment_feeds
from staff.models import AuditEvent
from tests.payments.factories import NOW, WithdrawalFactory
from tests.payments.pages.helpers import as_role, at, client_of, text_of
from tests.payments.pages.test_withdrawal import command_of
from tests.staff.factories import UserFactory
from upstreams import outbox
from upstreams.enums import CommandState, EventState, RunState
from upstreams.errors import Unavailable
from upstreams.models import (
    Alarm,
    FeedRun,
    FeedState,
    RefusedRecord,
    SendingSwitch,
    WebhookEvent,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    with at(NOW):
        yield


def event(number: int = 1, **fields: Any) -> WebhookEvent:
    facts: dict[str, Any] = {
        "upstream": "luxcore",
        "event_id": f"evt_{number}",
        "kind": "payment.completed",
        "subject_id": "pay_1",
        "body": b'{"event":"payment.completed","data":{"transaction_id":"pay_1"}}',
        "received_at": NOW - timedelta(seconds=number),
        "state": EventState.APPLIED,
        "attempts": 1,
    }
    return WebhookEvent.objects.create(**(facts | fields))


class TestOverview:
    def test_shows_how_every_feed_stands(self) -> None:
        state = FeedState.objects.create(
            name=payment_feeds.PAYMENTS,
            upstream="luxcore",
            last_success_at=NOW - timedelta(seconds=9),
            complete_until=NOW - timedelta(seconds=11),
        )
        FeedRun.objects.create(feed=state, state=RunState.FAILED, started_at=NOW, error="Broke.")
        FeedRun.objects.create(
            feed=state,
            state=RunState.DONE,
            started_at=NOW + timedelta(seconds=1),
            read=1037,
            created=2,
        )

        response = as_role("viewer").get("/upstreams/")

        rows = {
            row.feed.name: row
            for provider in response.context["providers"]
            for row in provider.feeds
        }
        assert rows[payment_feeds.PAYMENTS].standing == "fresh"
        assert rows[payment_feeds.BALANCES].standing == "never_synced"
        assert "1,037" in text_of(response)
        assert "Broke." not in text_of(response)

    def test_calls_a_feed_late_that_missed_three_turns(self) -> None:
        FeedState.objects.create(
            name=payment_feeds.PAYMENTS,
            upstream="luxcore",
            last_success_at=NOW - timedelta(seconds=61),
        )

        providers = as_role("viewer").get("/upstreams/").context["providers"]

        row = next(row for row in providers[0].feeds if row.feed.name == payment_feeds.PAYMENTS)
        assert row.standing == "late"

    def test_costs_the_same_however_much_has_run(self) -> None:
        client = as_role("ops_lead")
        state = FeedState.objects.create(name=payment_feeds.PAYMENTS, upstream="luxcore")
        FeedRun.objects.create(feed=state, started_at=NOW)
        with CaptureQueriesContext(connection) as little:
            client.get("/upstreams/")
        for number in range(30):
            FeedRun.objects.create(feed=state, started_at=NOW + timedelta(seconds=number))
            Alarm.objects.create(upstream="luxcore", code=f"c{number}", text="Look.", raised_at=NOW)

        with CaptureQueriesContext(connection) as much:
            client.get("/upstreams/")

        assert len(much) == len(little)

    def test_asks_a_worker_to_run_a_feed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[str] = []
        monkeypatch.setattr("upstreams.doorbell._ring", lambda name, kwargs: rung.append(kwargs))

        response = as_role("admin").post("/upstreams/feeds/luxcore.balances/run/", follow=True)

        assert rung == [{"name": "luxcore.balances"}]
        assert "a worker was asked to read it now" in text_of(response)

    def test_knows_no_other_feed(self) -> None:
        assert as_role("admin").post("/upstreams/feeds/nobody/run/").status_code == 404


class TestSwitch:
    def test_is_turned_off_by_many_and_on_by_those_who_sign(self) -> None:
        stopped = as_role("maker").post(
            "/upstreams/luxcore/sending/stop/", {"reason": "The bank called."}, follow=True
        )
        assert not outbox.sending_is_on("luxcore")
        assert "The bank called." in text_of(stopped)
        assert "People who sign withdrawals resume it." in text_of(stopped)

        as_role("approver").post("/upstreams/luxcore/sending/resume/", {"reason": "All clear."})

        assert outbox.sending_is_on("luxcore")
        assert AuditEvent.objects.filter(verb__startswith="upstreams.sending").count() == 2

    def test_needs_a_reason(self) -> None:
        response = as_role("maker").post(
            "/upstreams/luxcore/sending/stop/", {"reason": "  "}, follow=True
        )

        assert "Say why, in a few words. Nothing was changed." in text_of(response)
        assert outbox.sending_is_on("luxcore")

    def test_exists_for_known_providers_only(self) -> None:
        response = as_role("maker").post("/upstreams/nobody/sending/stop/", {"reason": "x"})

        assert response.status_code == 404
        assert not SendingSwitch.objects.exists()


class TestAlarms:
    def test_are_closed_with_what_was_done(self) -> None:
        alarm = Alarm.objects.create(
            upstream="luxcore", code="a", text="Look.", raised_at=NOW, subject_id="7"
        )
        olga = UserFactory(roles=["ops_lead"], email="olga@lightdesk.test")

        client_of(olga).post(f"/upstreams/alarms/{alarm.pk}/close/", {"reason": "Called them."})

        alarm.refresh_from_db()
        assert (alarm.closed_by_label, alarm.closed_reason) == (
            "olga@lightdesk.test",
            "Called them.",
        )

    def test_stay_open_without_a_word(self) -> None:
        alarm = Alarm.objects.create(upstream="luxcore", code="a", text="Look.", raised_at=NOW)

        as_role("ops_lead").post(f"/upstreams/alarms/{alarm.pk}/close/")

        alarm.refresh_from_db()
        assert alarm.closed_at is None


class TestOutbox:
    def test_shows_every_command_and_what_it_is_about(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=6, error="No clear answer.")

        response = as_role("viewer").get("/upstreams/outbox/?state=unknown")

        text = text_of(response)
        for words in (row.code, "Outcome unknown", "a person decides", "No clear answer."):
            assert words in text
        assert [tab["count"] for tab in response.context["tabs"]] == [1, 0, 0, 0, 0, 1, 0]

    def test_costs_the_same_for_one_and_for_many(self) -> None:
        client = as_role("viewer")
        command_of(WithdrawalFactory(approved=True))
        with CaptureQueriesContext(connection) as one:
            client.get("/upstreams/outbox/")
        for _ in range(10):
            command_of(WithdrawalFactory(approved=True))

        with CaptureQueriesContext(connection) as many:
            client.get("/upstreams/outbox/")

        assert len(many) == len(one)


class TestWebhooks:
    def test_shows_what_became_of_every_event(self) -> None:
        event(1)
        event(2, state=EventState.DEAD, attempts=8, error="ValueError: see the log.")

        response = as_role("viewer").get("/upstreams/webhooks/?state=dead")

        assert [row.event_id for row in response.context["page"].rows] == ["evt_2"]
        assert "ValueError: see the log." in text_of(response)

    def test_replays_one(self) -> None:
        dead = event(1, state=EventState.DEAD, attempts=8)
        other = event(2, state=EventState.DEAD, attempts=8)

        response = as_role("admin").post(f"/upstreams/webhooks/{dead.pk}/replay/", follow=True)

        dead.refresh_from_db()
        other.refresh_from_db()
        assert (dead.state, other.state) == (EventState.RECEIVED, EventState.DEAD)
        assert "is handed out again" in text_of(response)
        assert AuditEvent.objects.get().verb == "upstreams.webhooks.replayed"

    def test_shows_a_body_that_is_no_json(self) -> None:
        odd = event(1, body=b"\xff\xfe not json")

        assert "11 bytes that are not JSON." in text_of(
            as_role("viewer").get(f"/upstreams/webhooks/{odd.pk}/")
        )

    def test_asks_for_the_endpoints_by_hand_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def unavailable(**_: Any) -> Any:
            raise Unavailable("LuxCore does not answer.")

        monkeypatch.setattr("dashboard.views.upstreams.webhooks.get_client", unavailable)
        client = as_role("ops_lead")

        assert client.get("/upstreams/webhooks/").status_code == 200
        assert "LuxCore does not answer." in text_of(client.post("/upstreams/webhooks/endpoints/"))


class TestRefused:
    def test_shows_the_record_masked_with_its_reason(self) -> None:
        RefusedRecord.objects.create(
            upstream="luxcore",
            source="luxcore.payments",
            record_id="pay_bad",
            payload='{"id": "pay_bad", "amount": "12,50", "customer": {"email": "a@b.example"}}',
            payload_hash="1",
            reason="The amount is no number.",
            first_seen_at=NOW,
            last_seen_at=NOW,
            times_seen=44,
        )

        text = text_of(as_role("ops_lead").get("/upstreams/refused/"))

        for words in ("pay_bad", "The amount is no number.", "44", '"12,50"'):
            assert words in text
        assert "a@b.example" not in text

    def test_lets_what_was_stored_since_rest(self) -> None:
        RefusedRecord.objects.create(
            upstream="luxcore",
            source="luxcore.payments",
            record_id="pay_mended",
            payload="{}",
            payload_hash="1",
            reason="Was odd.",
            first_seen_at=NOW,
            last_seen_at=NOW,
            resolved_at=NOW,
        )
        client = as_role("ops_lead")

        assert "pay_mended" not in text_of(client.get("/upstreams/refused/"))
        assert "pay_mended" in text_of(client.get("/upstreams/refused/?show=all"))
