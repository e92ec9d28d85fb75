"""Lux Financial's webhooks at our door: by hand, and as its sandbox posts them."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from sandbox.app import Sandbox, create_app
from sandbox.clock import Clock
from sandbox.config import Config, LuxConfig
from sandbox.delivery import Outcome
from sandbox.faults import Fault
from sandbox.lux import customers
from upstreams import views, webhooks
from upstreams.enums import EventState
from upstreams.models import WebhookEvent
from upstreams.webhooks import refusals

pytestmark = pytest.mark.django_db

SECRET, NEXT = "whsec_test_first", "whsec_test_next"
ADDRESS = "http://127.0.0.1:9/webhooks/lux/"
CUSTOMER = {"id": "cus_1", "object": "customer", "kyc_status": "approved"}
# The two forms of their pages, and the one we assume [§1.11, LF-A2].
FORMS: dict[str, dict[str, Any]] = {
    "assumed": {
        "id": "evt_1",
        "event": "customer.kyc_status_changed",
        "created_at": "2026-03-02T11:59:58.000Z",
        "data": CUSTOMER,
    },
    "bare": {"event": "customer.kyc_status_changed", "data": CUSTOMER},
    "typed": {
        "id": "evt_1",
        "type": "customer.kyc_status_changed",
        "createdAt": "2026-03-02T11:59:58.000Z",
        "data": CUSTOMER,
    },
}


def post(body: bytes, headers: dict[str, str]) -> int:
    """What the door answers to a post with these headers."""
    request = RequestFactory().post(ADDRESS, body, content_type="application/json", headers=headers)
    return int(views.receive_lux(request).status_code)


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def written(form: str = "assumed") -> bytes:
    return json.dumps(FORMS[form]).encode()


@pytest.fixture(autouse=True)
def _configured(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LUX_WEBHOOK_SECRETS = [SECRET]
    refusals._here.clear()
    monkeypatch.setattr(refusals, "redis_is_away", lambda: True)


class TestTheDoor:
    @pytest.mark.parametrize("prefix", ["", "sha256="])
    @pytest.mark.parametrize("form", FORMS)
    def test_keeps_an_event_in_either_form_once(self, form: str, prefix: str) -> None:
        body = written(form)

        for _ in range(2):
            assert post(body, {"X-Lux-Signature": prefix + sign(body)}) == 200

        kept = WebhookEvent.objects.get()
        digest = hashlib.sha256(body).hexdigest()
        assert kept.event_id == ("evt_1" if "id" in FORMS[form] else f"sha256:{digest}")
        assert (kept.upstream, kept.kind) == ("lux", "customer.kyc_status_changed")
        assert (kept.subject_id, kept.body_bytes) == ("cus_1", body)

    def test_knows_an_event_of_a_screening_by_what_it_is_about(self) -> None:
        body = json.dumps({"id": "e", "type": "x", "data": {"screeningId": "scr_1"}}).encode()

        post(body, {"X-Lux-Signature": sign(body)})

        assert WebhookEvent.objects.get().subject_id == "scr_1"

    def test_leaves_what_nobody_handles_for_later(self) -> None:
        body = json.dumps({**FORMS["assumed"], "event": "payment.created"}).encode()
        post(body, {"X-Lux-Signature": sign(body)})

        webhooks.sweep()

        assert WebhookEvent.objects.get().state == EventState.UNHANDLED

    def test_takes_both_secrets_while_one_replaces_the_other(self, settings: Settings) -> None:
        settings.LUX_WEBHOOK_SECRETS = [SECRET, NEXT]
        for number, secret in enumerate((SECRET, NEXT)):
            body = json.dumps({**FORMS["assumed"], "id": f"evt_{number}"}).encode()
            assert post(body, {"X-Lux-Signature": sign(body, secret)}) == 200
        settings.LUX_WEBHOOK_SECRETS = [NEXT]

        assert post(written(), {"X-Lux-Signature": sign(written())}) == 401

    def test_looks_for_the_signature_where_the_settings_say(self, settings: Settings) -> None:
        settings.LUX_WEBHOOK_SIGNATURE_HEADER = "X-Signed-By-Lux"

        assert post(written(), {"X-Signed-By-Lux": sign(written())}) == 200

    @pytest.mark.parametrize(("age", "status"), [(0, 200), (200, 200), (310, 401), (-400, 401)])
    def test_takes_a_moment_only_when_it_is_near(self, age: int, status: int) -> None:
        stamp = str(int(time.time()) - age)

        headers = {"X-Lux-Signature": sign(written()), "X-Lux-Timestamp": stamp}

        assert post(written(), headers) == status

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-Lux-Signature": ""},
            {"X-Lux-Signature": sign(b"other")},
            {"X-Lux-Signature": sign(written(), "guessed")},
            {"X-Lux-Signature": "hmac_sha256=" + sign(written())},
            {"X-Webhook-Signature": sign(written())},
            {"X-Lux-Signature": sign(written()), "X-Lux-Timestamp": "soon"},
        ],
    )
    def test_refuses_forgeries_and_keeps_nothing(self, headers: dict[str, str]) -> None:
        assert post(written(), headers) == 401
        assert not WebhookEvent.objects.exists()
        assert sum(refusals.counts("lux").values()) == 1

    def test_refuses_everything_without_a_secret(self, settings: Settings) -> None:
        settings.LUX_WEBHOOK_SECRETS = []

        assert post(written(), {"X-Lux-Signature": sign(written(), "")}) == 401


class Post:
    """Posts at our door what the sandbox sends, and keeps what came of it."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.letters: list[tuple[dict[str, str], bytes]] = []
        self.refuses = False

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        self.letters.append((headers, body))
        return Outcome(503 if self.refuses else 200)

    def deliver(self) -> list[int]:
        """Bring what was sent to the door, from the test's own thread; answers the statuses."""
        letters, self.letters = self.letters, []
        return [post(body, _plain(headers)) for headers, body in letters]


def _plain(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "Content-Type"}


class TestTheSandbox:
    @pytest.fixture
    def mail(self) -> Post:
        return Post()

    @pytest.fixture
    def sandbox(self, mail: Post) -> Iterator[Sandbox]:
        settings = LuxConfig(webhook_url=ADDRESS, webhook_secret=SECRET)
        clock = Clock()
        clock.freeze()
        with create_app(Config(lux=settings), clock=clock, sender=mail) as sandbox:
            yield sandbox

    def arrive(self, sandbox: Sandbox, email: str = "a@example.com") -> str:
        person = {"type": "individual", "email": email, "first_name": "A", "last_name": "B"}
        with sandbox.store.transaction() as db:
            made = customers.create(sandbox.lux.work(db), person)
        sandbox.settle()
        return made

    def fault(self, sandbox: Sandbox, kind: str, **params: Any) -> None:
        sandbox.faults.add(Fault(kind=kind, event="customer.*", params=params))

    @pytest.mark.parametrize("form", FORMS)
    def test_signs_its_events_in_every_form(self, sandbox: Sandbox, mail: Post, form: str) -> None:
        sandbox.lux.manners.form = form

        made = self.arrive(sandbox)

        assert mail.deliver() == [200]
        kept = WebhookEvent.objects.get()
        assert (kept.kind, kept.subject_id) == ("customer.created", made)

    @pytest.mark.parametrize("how", ["wrong_secret", "no_signature", "tampered"])
    def test_forges_an_event_that_is_refused(self, sandbox: Sandbox, mail: Post, how: str) -> None:
        self.fault(sandbox, "webhook_forge", how=how)

        self.arrive(sandbox)

        assert mail.deliver() == [200, 401]
        assert WebhookEvent.objects.count() == 1

    def test_sends_a_stale_one_that_is_refused(self, sandbox: Sandbox, mail: Post) -> None:
        self.fault(sandbox, "webhook_stale", seconds=3600)

        self.arrive(sandbox)

        assert mail.deliver() == [401]

    def test_sends_copies_that_change_nothing(self, sandbox: Sandbox, mail: Post) -> None:
        self.fault(sandbox, "webhook_duplicate", copies=2)

        self.arrive(sandbox)

        assert mail.deliver() == [200, 200, 200]
        assert WebhookEvent.objects.count() == 1

    def test_tries_again_by_its_schedule_and_then_disables_the_endpoint(
        self, sandbox: Sandbox, mail: Post
    ) -> None:
        mail.refuses = True
        self.arrive(sandbox)
        pauses = sandbox.config.lux.webhook_retries[1:]
        assert pauses == (60, 300, 1800, 7200, 43_200, 86_400)

        for tried, pause in enumerate(pauses, start=1):
            assert len(mail.letters) == tried
            sandbox.clock.advance(pause - 1)
            sandbox.settle()
            assert len(mail.letters) == tried
            sandbox.clock.advance(1)
            sandbox.settle()

        assert len(mail.letters) == 7
        self.arrive(sandbox, email="b@example.com")
        assert len(mail.letters) == 7
        assert len({body for _, body in mail.letters}) == 1
