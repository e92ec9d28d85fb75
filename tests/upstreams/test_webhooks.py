"""Webhooks: who is believed, what is kept, and how often it is applied."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import checks
from django.db import OperationalError
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from staff import audit
from staff.models import AuditEvent
from tests.upstreams.world import LUXCORE, Clock
from upstreams import redis, views, webhooks
from upstreams.checks import check_luxcore_secrets
from upstreams.enums import EventState
from upstreams.models import Alarm, WebhookEvent
from upstreams.webhooks import WebhookMessage, inbox, processing, receivers, refusals

pytestmark = pytest.mark.django_db

SECRET = "whsec_test_first"
OTHER = "whsec_test_second"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ADDRESS = "/webhooks/luxcore/"
CAP = 256 * 1024


def event(**changes: Any) -> bytes:
    body = {
        "id": "evt_1",
        "event": "payment.completed",
        "created_at": "2026-03-02T11:59:58Z",
        "merchant_id": 77,
        "payment": {"id": "pay_1", "status": "completed", "amount": 12500},
    }
    return json.dumps({**body, **changes}).encode()


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def post(
    body: bytes,
    *,
    signature: str | None = "",
    secret: str = SECRET,
    timestamp: str | None = None,
    **headers: str,
) -> Any:
    """Post to the door as LuxCore would; `signature` None leaves the header out."""
    names = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    if signature is not None:
        given = signature or f"hmac_sha256={sign(body, secret)}"
        names["HTTP_X_WEBHOOK_SIGNATURE"] = given
    if timestamp is not None:
        names["HTTP_X_WEBHOOK_TIMESTAMP"] = timestamp
    request = RequestFactory().generic(
        "POST", ADDRESS, body, content_type="application/json", **names
    )
    return views.receive_luxcore(request)


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> None:
    settings.LUXCORE_WEBHOOK_SECRETS = [SECRET]


@pytest.fixture(autouse=True)
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    refusals._here.clear()
    monkeypatch.setattr(refusals, "redis_is_away", lambda: True)


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[WebhookMessage]:
    """Messages that reached the handler of `payment.` events."""
    monkeypatch.setattr(processing, "_handlers", {})
    messages: list[WebhookMessage] = []
    webhooks.register(LUXCORE, "payment.", messages.append)
    return messages


class TestReceive:
    def test_keeps_a_signed_event_and_answers_at_once(self) -> None:
        body = event()

        answer = post(body, x_webhook_id="evt_1", timestamp=None, user_agent="LuxCore/1.0")

        kept = WebhookEvent.objects.get()
        assert answer.status_code == 200
        assert (kept.event_id, kept.kind, kept.subject_id) == (
            "evt_1",
            "payment.completed",
            "pay_1",
        )
        assert (kept.body_bytes, kept.state) == (body, EventState.RECEIVED)
        assert kept.headers == {
            "Content-Type": "application/json",
            "User-Agent": "LuxCore/1.0",
            "X-Webhook-Id": "evt_1",
        }

    def test_answers_200_to_a_copy_without_effect(self, handled: list[WebhookMessage]) -> None:
        for _ in range(3):
            assert post(event()).status_code == 200
            webhooks.sweep()

        assert WebhookEvent.objects.count() == 1
        assert len(handled) == 1

    def test_takes_a_bare_hex_signature(self) -> None:
        body = event()

        assert post(body, signature=sign(body)).status_code == 200

    def test_rings_for_a_new_event_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[str] = []
        monkeypatch.setattr(inbox.doorbell, "ring", lambda task, **kwargs: rung.append(task))

        post(event())
        webhooks.sweep()
        post(event())

        assert rung == ["upstreams.tasks.process_event"]

    def test_believes_the_signed_id_and_not_the_header(self) -> None:
        """Headers are not signed: a captured post under many names stays one event."""
        for number in range(5):
            post(event(), x_webhook_id=f"evt_made_up_{number}")

        assert WebhookEvent.objects.get().event_id == "evt_1"

    def test_takes_equal_bodies_without_an_id_for_one_event(self) -> None:
        body = json.dumps({"event": "payment.completed", "payment": {"id": "pay_1"}}).encode()

        for number in range(2):
            post(body, x_webhook_id=f"evt_{number}")

        kept = WebhookEvent.objects.get()
        assert kept.event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"
        assert kept.subject_id == "pay_1"

    def test_answers_503_when_the_database_is_away(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """W-9: they send it again."""

        def away(*args: object, **kwargs: object) -> None:
            raise OperationalError("the connection is closed")

        monkeypatch.setattr(WebhookEvent.objects, "bulk_create", away)

        assert post(event()).status_code == 503

    def test_needs_no_login_and_no_csrf_token(self, client: Client) -> None:
        body = event()
        strict = Client(enforce_csrf_checks=True)

        answer = strict.post(
            ADDRESS,
            body,
            content_type="application/json",
            headers={"X-Webhook-Signature": sign(body)},
        )

        assert answer.status_code == 200
        assert WebhookEvent.objects.count() == 1

    def test_loses_nothing_to_a_redirect(self, client: Client) -> None:
        body = event()

        answer = client.post(
            ADDRESS.rstrip("/"),
            body,
            content_type="application/json",
            headers={"X-Webhook-Signature": sign(body)},
        )

        assert answer.status_code == 200

    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_takes_nothing_but_post(self, method: str) -> None:
        request = RequestFactory().generic(method, ADDRESS, event())

        assert views.receive_luxcore(request).status_code == 405


def _changed(body: bytes) -> bytes:
    return body + b" "


def _reserialised(body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=1).encode()


FORGERIES: dict[str, Callable[[bytes], tuple[bytes, str | None]]] = {
    "no header": lambda body: (body, None),
    "an empty header": lambda body: (body, " "),
    "an empty scheme": lambda body: (body, "hmac_sha256="),
    "a wrong secret": lambda body: (body, f"hmac_sha256={sign(body, 'guessed')}"),
    "an empty secret": lambda body: (body, f"hmac_sha256={sign(body, '')}"),
    "another scheme": lambda body: (body, f"hmac_sha1={sign(body)}"),
    "v0": lambda body: (body, f"v0={sign(body)}"),
    "the scheme twice": lambda body: (body, f"hmac_sha256=hmac_sha256={sign(body)}"),
    "upper-case hex": lambda body: (body, f"hmac_sha256={sign(body).upper()}"),
    "a truncated one": lambda body: (body, f"hmac_sha256={sign(body)[:-1]}"),
    "one character": lambda body: (body, "a"),
    "a longer one": lambda body: (body, f"hmac_sha256={sign(body)}0"),
    "the secret itself": lambda body: (body, SECRET),
    "a list": lambda body: (body, f"hmac_sha256={sign(body)},hmac_sha256={sign(body)}"),
    "not ASCII": lambda body: (body, "hmac_sha256=\xe9\xff"),
    "a byte more": lambda body: (_changed(body), f"hmac_sha256={sign(body)}"),
    "a byte less": lambda body: (body[:-1], f"hmac_sha256={sign(body)}"),
    "the same JSON in other bytes": lambda body: (
        _reserialised(body),
        f"hmac_sha256={sign(body)}",
    ),
    "other charset": lambda body: (body.decode().encode("utf-16"), f"hmac_sha256={sign(body)}"),
    "a signature of nothing": lambda body: (body, f"hmac_sha256={sign(b'')}"),
}


class TestForgeries:
    """W-3: all read alike, and nothing of them is kept."""

    @pytest.mark.parametrize("forgery", FORGERIES)
    def test_are_refused_alike_and_leave_no_row(
        self, forgery: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        body, signature = FORGERIES[forgery](event())

        with django_assert_num_queries(0):
            answer = post(body, signature=signature)

        assert (answer.status_code, answer.content) == (401, b'{"error": "refused"}')
        assert not WebhookEvent.objects.exists()

    def test_are_counted_by_reason(self) -> None:
        post(event(), signature=None)
        post(event(), secret="guessed")
        post(event(), secret="guessed")
        post(b"x" * (CAP + 1))

        assert webhooks.refusal_counts(LUXCORE) == {
            "no_signature": 1,
            "bad_signature": 2,
            "too_large": 1,
        }

    @pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""]])
    def test_find_no_door_where_a_secret_is_missing(
        self, settings: Settings, secrets: list[str]
    ) -> None:
        settings.LUXCORE_WEBHOOK_SECRETS = secrets

        assert post(event(), secret="").status_code == 401
        assert post(event()).status_code == 401
        assert webhooks.refusal_counts(LUXCORE) == {"not_configured": 2}

    def test_are_compared_in_constant_time(self) -> None:
        """W-14, statically: nothing in the receiver compares a signature with ==."""
        text = inspect.getsource(receivers)

        assert "compare_digest" in text
        assert not re.search(r"(signature|given|digest\(\))\s*[!=]=", text)


class TestRotation:
    """W-6."""

    def test_accepts_both_secrets_while_both_are_live_and_the_old_no_longer(
        self, settings: Settings
    ) -> None:
        settings.LUXCORE_WEBHOOK_SECRETS = [SECRET, OTHER]
        assert post(event(id="evt_old"), secret=SECRET).status_code == 200
        assert post(event(id="evt_new"), secret=OTHER).status_code == 200

        settings.LUXCORE_WEBHOOK_SECRETS = [OTHER]

        assert post(event(id="evt_late"), secret=SECRET).status_code == 401
        assert post(event(id="evt_next"), secret=OTHER).status_code == 200


class TestTimestamp:
    """W-4, W-5."""

    @pytest.fixture(autouse=True)
    def _noon(self) -> Iterator[None]:
        with time_machine.travel(NOON, tick=False):
            yield

    @pytest.mark.parametrize(
        ("age", "status"),
        [(301, 401), (300, 200), (299, 200), (-299, 200), (-300, 200), (-301, 401)],
    )
    def test_is_bounded_both_ways(self, age: int, status: int) -> None:
        stamp = str(int(NOON.timestamp()) - age)

        assert post(event(), timestamp=stamp).status_code == status

    @pytest.mark.parametrize(
        "stamp",
        [
            "",
            "soon",
            "0",
            str(2**63),
            "-1",
            "1e9",
            "1772452800.5",
            " 1772452800",
            "１７７２４５２８００",
        ],
    )
    def test_that_is_no_number_of_seconds_is_refused(self, stamp: str) -> None:
        assert post(event(), timestamp=stamp).status_code == 401

    def test_may_be_missing_where_it_is_not_signed(self) -> None:
        assert post(event()).status_code == 200

    def test_must_be_there_where_it_is_signed(self, settings: Settings) -> None:
        settings.LUXCORE_WEBHOOK_SIGNED_TEXT = "{timestamp}.{body}"
        stamp = str(int(NOON.timestamp()))
        signed = f"{stamp}.".encode() + event()

        assert post(event()).status_code == 401
        assert post(event(), timestamp=stamp).status_code == 401
        assert post(event(), signature=sign(signed), timestamp=stamp).status_code == 200

    def test_of_another_moment_does_not_fit_the_signature(self, settings: Settings) -> None:
        settings.LUXCORE_WEBHOOK_SIGNED_TEXT = "{timestamp}.{body}"
        stamp = int(NOON.timestamp())
        signed = f"{stamp}.".encode() + event()

        assert post(event(), signature=sign(signed), timestamp=str(stamp + 1)).status_code == 401

    def test_refuses_a_replay_after_an_hour(self) -> None:
        stamp = str(int(NOON.timestamp()))
        assert post(event(), timestamp=stamp).status_code == 200

        with time_machine.travel(NOON + timedelta(hours=1), tick=False):
            assert post(event(), timestamp=stamp).status_code == 401

    def test_of_a_fresh_attempt_after_five_days_has_no_second_effect(
        self, handled: list[WebhookMessage]
    ) -> None:
        post(event(), timestamp=str(int(NOON.timestamp())))
        webhooks.sweep()

        later = NOON + timedelta(days=5)
        with time_machine.travel(later, tick=False):
            answer = post(event(), timestamp=str(int(later.timestamp())))
            webhooks.sweep()

        assert answer.status_code == 200
        assert (WebhookEvent.objects.count(), len(handled)) == (1, 1)


class TestBodies:
    """W-7: whatever is in them, nobody gets a 5xx."""

    @pytest.mark.parametrize(
        ("size", "status"), [(CAP, 200), (CAP + 1, 413), (1024 * 1024, 413), (3 * 1024 * 1024, 413)]
    )
    def test_are_capped(self, size: int, status: int) -> None:
        body = event(pad="")
        body = event(pad="x" * (size - len(body)))

        answer = post(body)

        assert (len(body), answer.status_code) == (size, status)
        assert WebhookEvent.objects.count() == int(status == 200)

    def test_are_not_read_past_the_cap_when_the_length_is_not_announced(self) -> None:
        class Endless:
            taken = 0

            def read(self, size: int) -> bytes:
                self.taken += size
                return b"x" * size

        stream = Endless()
        request = RequestFactory().post(ADDRESS)
        del request.META["CONTENT_LENGTH"]
        request.META |= {"wsgi.input": stream, "wsgi.input_terminated": True}

        answer = views.receive_luxcore(request)

        assert (answer.status_code, stream.taken) == (413, CAP + 1)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not json",
            b"[" * 100_000,
            b"[]",
            b"null",
            b'"text"',
            b'{"id": NaN}',
            b'{"id": Infinity}',
            b'{"id": ' + b"9" * 5000 + b"}",
            b'{"id": "evt_1", "id": "evt_2"}',
            b'{"id": "evt_1", "note": "\\u0000"}',
            b'{"id": "evt_1", "note": "\\ud800"}',
            b'{"id": "evt_1", "\\u0000": 1}',
            b'{"id": "evt_1", "note": "\xff\xfe"}',
            b"\xef\xbb\xbf{}",
            b"\x00",
        ],
        ids=lambda body: repr(body[:32]),
    )
    def test_nobody_can_read_are_kept_for_a_person(
        self, body: bytes, handled: list[WebhookMessage]
    ) -> None:
        assert post(body).status_code == 200
        assert post(body).status_code == 200
        webhooks.sweep()

        kept = WebhookEvent.objects.get()
        assert kept.body_bytes == body
        assert (kept.state, handled) == (EventState.DEAD, [])
        assert kept.event_id == f"sha256:{hashlib.sha256(body).hexdigest()}"
        assert kept.error

    @pytest.mark.parametrize(
        "id", ["", "x" * 200, "with space", "ünïcode", None, True, ["evt"], {"a": 1}, 1.5]
    )
    def test_with_an_id_that_is_none_are_known_by_their_bytes(
        self, id: Any, handled: list[WebhookMessage]
    ) -> None:
        assert post(event(id=id)).status_code == 200
        webhooks.sweep()

        assert WebhookEvent.objects.get().event_id.startswith("sha256:")
        assert len(handled) == 1

    @pytest.mark.parametrize("kind", ["", "x" * 200, "a b", None, 7.5, ["payment."]])
    def test_of_no_kind_are_kept_unhandled(self, kind: Any, handled: list[WebhookMessage]) -> None:
        assert post(event(event=kind)).status_code == 200
        webhooks.sweep()

        assert WebhookEvent.objects.get().state == EventState.UNHANDLED

    def test_may_name_their_object_in_several_ways(self) -> None:
        post(event(id="evt_a", payment={"id": "pay_9"}))
        post(event(id="evt_b", payment=None, data={"transaction_id": "pay_9"}))
        post(event(id="evt_c", payment=None, ticket={"id": "tic_9"}))
        post(event(id="evt_d", payment=None))

        subjects = WebhookEvent.objects.order_by("pk").values_list("subject_id", flat=True)
        assert list(subjects) == ["pay_9", "pay_9", "tic_9", ""]


def kept(**facts: Any) -> WebhookEvent:
    values: dict[str, Any] = {
        "upstream": LUXCORE,
        "event_id": "evt_1",
        "kind": "payment.completed",
        "body": event(),
        "received_at": NOON,
        "next_at": NOON,
    }
    return WebhookEvent.objects.create(**values | facts)


class TestProcess:
    def test_hands_the_message_to_the_handler_of_its_kind(
        self, clock: Clock, handled: list[WebhookMessage]
    ) -> None:
        waiting = kept()

        assert webhooks.process(waiting.pk) == EventState.APPLIED

        [message] = handled
        assert (message.upstream, message.event_id, message.kind, message.received_at) == (
            LUXCORE,
            "evt_1",
            "payment.completed",
            NOON,
        )
        assert message.payload["payment"]["amount"] == 12500
        waiting.refresh_from_db()
        assert (waiting.attempts, waiting.processed_at) == (1, clock.now)

    def test_does_nothing_a_second_time(self, clock: Clock, handled: list[WebhookMessage]) -> None:
        waiting = kept()

        for _ in range(3):
            webhooks.process(waiting.pk)

        assert len(handled) == 1

    def test_prefers_the_longest_prefix(self, clock: Clock, handled: list[WebhookMessage]) -> None:
        special: list[WebhookMessage] = []
        webhooks.register(LUXCORE, "payment.completed", special.append)

        webhooks.process(kept().pk)

        assert (len(special), handled) == (1, [])

    def test_keeps_what_nobody_handles(self, clock: Clock, handled: list[WebhookMessage]) -> None:
        assert webhooks.process(kept(kind="merchant.updated").pk) == EventState.UNHANDLED
        assert webhooks.process(kept(event_id="e2", upstream="lux").pk) == EventState.UNHANDLED

    def test_undoes_what_a_failing_handler_wrote_and_tries_again(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "_handlers", {})
        failures = [ValueError("a name nobody may see")]

        def handle(message: WebhookMessage) -> None:
            audit.record("test.applied", ("test.event", "1"), by=None, at=clock.now)
            if failures:
                raise failures.pop()

        webhooks.register(LUXCORE, "payment.", handle)
        waiting = kept()

        assert webhooks.process(waiting.pk) == EventState.RETRYING
        assert AuditEvent.objects.count() == 0
        waiting.refresh_from_db()
        assert "nobody may see" not in waiting.error
        assert webhooks.process(waiting.pk) is None
        clock.forward(seconds=5)
        assert webhooks.sweep() == 1
        assert AuditEvent.objects.count() == 1

    def test_gives_up_after_eight_tries_and_calls_a_person(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """B-5."""
        monkeypatch.setattr(processing, "_handlers", {})
        tries = []

        def handle(message: WebhookMessage) -> None:
            tries.append(clock.now)
            raise ValueError

        webhooks.register(LUXCORE, "payment.", handle)
        waiting = kept()

        for _ in range(12):
            webhooks.process(waiting.pk)
            clock.forward(hours=6)

        waiting.refresh_from_db()
        assert (len(tries), waiting.state, waiting.next_at) == (8, EventState.DEAD, None)
        assert list(Alarm.objects.values_list("code", flat=True)) == ["webhooks-dead"]

    def test_gives_up_on_an_event_that_kills_its_workers(
        self, clock: Clock, handled: list[WebhookMessage]
    ) -> None:
        waiting = kept(attempts=8)

        assert webhooks.process(waiting.pk) == EventState.DEAD

        assert handled == []

    def test_lets_a_worker_that_was_too_slow_change_nothing(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "_handlers", {})
        is_slow = True

        def handle(message: WebhookMessage) -> None:
            nonlocal is_slow
            audit.record("test.applied", ("test.event", "1"), by=None, at=clock.now)
            if is_slow:  # the lease ends, and another worker is handed the event
                is_slow = False
                clock.forward(seconds=61)
                WebhookEvent.objects.update(attempts=2, state=EventState.APPLIED)

        webhooks.register(LUXCORE, "payment.", handle)

        assert webhooks.process(kept().pk) is None

        assert AuditEvent.objects.count() == 0

    def test_refuses_a_second_handler_of_one_prefix(self, handled: list[WebhookMessage]) -> None:
        with pytest.raises(ValueError, match="payment."):
            webhooks.register(LUXCORE, "payment.", handled.append)


class TestSweep:
    def test_stops_between_two_events_when_asked(
        self, clock: Clock, handled: list[WebhookMessage]
    ) -> None:
        for number in range(3):
            kept(event_id=f"evt_{number}")

        webhooks.sweep(stop=lambda: len(handled) == 2)

        assert len(handled) == 2


class TestReplay:
    @pytest.mark.parametrize("state", EventState.values)
    def test_hands_out_what_is_in_the_filter_once_more(
        self, clock: Clock, handled: list[WebhookMessage], state: str
    ) -> None:
        kept(state=state, attempts=8, next_at=None)
        kept(state=state, attempts=8, next_at=None, event_id="evt_2", kind="ticket.closed")

        replayed = webhooks.replay(
            WebhookEvent.objects.filter(kind="payment.completed"),
            by_label="lead@example.com",
            at=clock.now,
        )
        webhooks.sweep()

        assert replayed == 1
        assert [message.event_id for message in handled] == ["evt_1"]
        [trace] = AuditEvent.objects.all()
        assert (trace.verb, trace.by_label) == ("upstreams.webhooks.replayed", "lead@example.com")

    def test_gives_a_dead_event_one_more_try(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(processing, "_handlers", {})

        def handle(message: WebhookMessage) -> None:
            raise ValueError

        webhooks.register(LUXCORE, "payment.", handle)
        dead = kept(state=EventState.DEAD, attempts=8, next_at=None)

        webhooks.replay(WebhookEvent.objects.all(), by_label="lead", at=clock.now)
        webhooks.sweep()

        dead.refresh_from_db()
        assert (dead.state, dead.attempts) == (EventState.DEAD, 8)


class TestRefusalCounts:
    def test_survive_in_the_process_while_redis_is_away_and_move_there_after(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch, redis_url: str
    ) -> None:
        settings.REDIS_URL = redis_url
        post(event(), signature=None)
        assert webhooks.refusal_counts(LUXCORE) == {"no_signature": 1}

        monkeypatch.setattr(refusals, "redis_is_away", redis.redis_is_away)
        post(event(), signature=None)

        assert webhooks.refusal_counts(LUXCORE) == {"no_signature": 2}
        assert not refusals._here
        assert webhooks.refusal_counts(LUXCORE, NOON.date()) == {}

    def test_are_kept_here_when_redis_fails(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        monkeypatch.setattr(refusals, "redis_is_away", redis.redis_is_away)

        post(event(), signature=None)
        post(event(), signature=None)

        assert redis.redis_is_away()
        assert webhooks.refusal_counts(LUXCORE) == {"no_signature": 2}


class TestChecks:
    def ids(self) -> list[str | None]:
        return [message.id for message in check_luxcore_secrets(app_configs=None)]

    def test_refuse_a_key_without_a_secret(self, settings: Settings) -> None:
        settings.LUXCORE_API_KEY = "qp_test_sk_1"
        settings.LUXCORE_WEBHOOK_SECRETS = []

        assert self.ids() == ["upstreams.E001"]

    def test_refuse_a_signing_merchant_without_a_secret(self, settings: Settings) -> None:
        settings.LUXCORE_MERCHANT_ID, settings.LUXCORE_HMAC_SECRET = "merchant", "h" * 64
        settings.LUXCORE_API_KEY, settings.LUXCORE_WEBHOOK_SECRETS = "qp_test_sk_1", []

        assert self.ids() == ["upstreams.E001"]

    def test_refuse_a_merchant_that_could_pay_and_not_look(self, settings: Settings) -> None:
        settings.LUXCORE_MERCHANT_ID, settings.LUXCORE_HMAC_SECRET = "merchant", "h" * 64
        settings.LUXCORE_API_KEY, settings.LUXCORE_WEBHOOK_SECRETS = "", ["secret"]

        (error,) = check_luxcore_secrets(app_configs=None)

        assert (error.id, error.is_serious()) == ("upstreams.E005", True)
        assert "no LUXCORE_API_KEY" in error.msg

    @pytest.mark.parametrize("name", ["LUXCORE_MERCHANT_ID", "LUXCORE_HMAC_SECRET"])
    def test_refuse_half_of_what_signing_takes(self, settings: Settings, name: str) -> None:
        setattr(settings, name, "half")

        assert self.ids() == ["upstreams.E003"]

    def test_refuse_a_signed_text_without_the_body(self, settings: Settings) -> None:
        settings.LUXCORE_WEBHOOK_SIGNED_TEXT = "{timestamp}"

        assert self.ids() == ["upstreams.E002"]

    def test_are_content_otherwise(self, settings: Settings) -> None:
        assert self.ids() == []
        assert check_luxcore_secrets in checks.registry.registry.registered_checks
