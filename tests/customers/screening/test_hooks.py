"""Events about screenings and lists."""

from __future__ import annotations

from typing import Any

import pytest

from customers import tasks
from customers.models import Hit, Screening
from customers.screening import hooks
from tests.customers.factories import NOW, ProfileFactory
from tests.customers.screening.conftest import Line
from tests.customers.screening.helpers import answer, match, record, store
from tests.upstreams import wire
from tests.upstreams.lux import lux, refusal
from upstreams import doorbell, webhooks
from upstreams.enums import EventState
from upstreams.models import WebhookEvent

pytestmark = pytest.mark.django_db

FORMS: dict[str, dict[str, Any]] = {
    "assumed": {"id": "evt_1", "event": "screening.completed", "data": {"id": "scr_ours"}},
    "bare": {"event": "screening.completed", "data": {"id": "scr_ours"}},
    "typed": {
        "id": "evt_1",
        "type": "sanctions.screening.completed",
        "createdAt": "2026-03-02T11:59:58.000Z",
        "data": {"screeningId": "scr_ours", "status": "completed"},
    },
}


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    heard: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(doorbell, "_ring", lambda name, kwargs: heard.append((name, kwargs)))
    return heard


def arrive(payload: dict[str, Any]) -> WebhookEvent:
    event = WebhookEvent.objects.create(
        upstream="lux",
        event_id="evt_1",
        kind=payload.get("event") or payload["type"],
        body=wire.answer(200, payload).content,
        received_at=NOW,
        next_at=NOW,
    )
    webhooks.process(event.pk)
    event.refresh_from_db()
    return event


class TestACompletedScreening:
    @pytest.mark.parametrize("form", FORMS)
    def test_of_ours_is_read_again(self, form: str, rung: list[Any]) -> None:
        store([answer(ProfileFactory().customer, id="scr_ours")])

        assert arrive(FORMS[form]).state == EventState.APPLIED

        assert rung == [(hooks.READ_AGAIN, {"screening_id": "scr_ours"})]

    @pytest.mark.parametrize("data", [{"id": "scr_theirs"}, {"id": 7}, {}, [], None])
    def test_of_somebody_else_is_kept_and_harmless(self, data: Any, rung: list[Any]) -> None:
        event = arrive({"event": "screening.completed", "data": data})

        assert event.state == EventState.APPLIED
        assert rung == []
        assert not Screening.objects.exists()

    def test_tells_of_the_lists_too(self, rung: list[Any]) -> None:
        arrive({"type": "sanctions.sources.updated", "data": {}})

        assert rung == [("upstreams.tasks.run_feed", {"name": "lux.sanctions_lists"})]


class TestReadingAgain:
    def test_keeps_what_it_says_now(self, line: Line, settings: Any) -> None:
        settings.LUX_API_KEY = "sk_test"
        customer = ProfileFactory().customer
        store([answer(customer, id="scr_ours")])
        now = record(match(), id="scr_ours").raw
        line.client = lux(lambda request: wire.answer(200, now))

        tasks.read_screening(screening_id="scr_ours")

        assert Hit.objects.get().customer == customer

    def test_leaves_what_is_not_there(self, line: Line) -> None:
        store([answer(ProfileFactory().customer, id="scr_ours")])
        line.client = lux(lambda request: refusal(404, "not_found"))

        hooks.read_again("scr_ours", at=NOW)

        assert Screening.objects.get().match_count == 0

    def test_asks_nobody_about_what_is_not_ours(self, line: Line) -> None:
        hooks.read_again("scr_theirs", at=NOW)  # the line is cut
