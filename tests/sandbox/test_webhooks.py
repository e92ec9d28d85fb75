"""Webhooks: managing them, what is sent, how it is signed, and when it is sent again."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.delivery import Outcome
from sandbox.luxcore.events import CURRENT
from tests.sandbox.helpers import Bench, Json, withdrawal

URL = "http://127.0.0.1:9/webhooks/luxcore/"
PAYMENT_EVENTS = [name for name in CURRENT if name.startswith("payment.")]


@pytest.fixture
def hooked(make_bench: Callable[..., Bench]) -> Bench:
    """A sandbox that registered its receiver at the start."""
    return make_bench(webhook_url=URL, webhook_secret="whsec_start")


def register(luxcore: Bench, **changes: Any) -> Json:
    body: Json = {
        "url": "https://example.com/hook",
        "events": PAYMENT_EVENTS,
        "signature_algorithm": "hmac_sha256",
    }
    answer = luxcore.api.post("/webhooks", json=body | changes)
    assert answer.status_code == 201, answer.text
    return dict(answer.json()["data"])


def log_of(luxcore: Bench, webhook_id: str) -> list[Json]:
    return list(luxcore.api.get(f"/webhooks/{webhook_id}/events").json()["data"])


class TestEndpoints:
    def test_show_the_secret_once(self, luxcore: Bench) -> None:
        made = register(luxcore)
        secret = made.pop("secret")

        assert secret.startswith("whsec_")
        assert made == {
            "id": made["id"],
            "url": "https://example.com/hook",
            "events": PAYMENT_EVENTS,
            "status": "active",
            "signature_algorithm": "hmac_sha256",
            "created_at": "2026-03-31T12:00:00Z",
        }
        assert made["id"].startswith("wh_")
        assert luxcore.api.get(f"/webhooks/{made['id']}").json() == {
            "success": True,
            "data": made,
        }
        listed = luxcore.api.get("/webhooks").json()
        assert (listed["data"], listed["total"]) == ([made], 1)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"url": "http://example.com/hook"}, "url must be an HTTPS URL"),
            ({"url": None}, "url must be a string"),
            ({"events": []}, "events should not be empty"),
            ({"events": "payment.created"}, "events must be an array of strings"),
            (
                {"signature_algorithm": "md5"},
                "signature_algorithm must be one of the following values: hmac_sha256",
            ),
        ],
    )
    def test_refuse_what_cannot_work(self, luxcore: Bench, changes: Json, message: str) -> None:
        body = {"url": "https://example.com/hook", "events": PAYMENT_EVENTS}

        answer = luxcore.api.post("/webhooks", json=body | changes)

        assert answer.status_code == 400
        assert answer.json()["message"] == [message]

    @pytest.mark.parametrize("name", ["payout.created", "payment.processing", "*"])
    def test_know_only_the_current_events(self, luxcore: Bench, name: str) -> None:
        body = {"url": "https://example.com/hook", "events": [name]}

        assert luxcore.api.post("/webhooks", json=body).status_code == 400

    def test_update_only_what_is_sent(self, luxcore: Bench) -> None:
        made = register(luxcore)

        body = {"events": ["payment.failed"]}
        data = luxcore.api.put(f"/webhooks/{made['id']}", json=body).json()["data"]

        assert data["events"] == ["payment.failed"]
        assert data["url"] == made["url"]
        assert "secret" not in data

    def test_switch_it_off_and_on(self, luxcore: Bench) -> None:
        made = register(luxcore)
        off = luxcore.api.put(f"/webhooks/{made['id']}/disable").json()["data"]["status"]
        luxcore.create()
        on = luxcore.api.put(f"/webhooks/{made['id']}/enable").json()["data"]["status"]
        luxcore.create(merchant_reference="second")

        assert (off, on) == ("disabled", "active")
        assert len(log_of(luxcore, made["id"])) == 1

    def test_delete_it_without_a_word(self, luxcore: Bench) -> None:
        made = register(luxcore)
        luxcore.create()

        answer = luxcore.api.delete(f"/webhooks/{made['id']}")

        assert (answer.status_code, answer.content) == (204, b"")
        assert luxcore.api.get(f"/webhooks/{made['id']}").status_code == 404

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", ""),
            ("PUT", ""),
            ("DELETE", ""),
            ("POST", "/test"),
            ("PUT", "/enable"),
            ("PUT", "/disable"),
            ("GET", "/events"),
            ("POST", "/retry"),
        ],
    )
    def test_name_one_they_do_not_know(self, luxcore: Bench, method: str, path: str) -> None:
        body = {"events": ["payment.failed"]}
        answer = luxcore.api.request(method, f"/webhooks/wh_nobody{path}", json=body)

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "WEBHOOK_NOT_FOUND"

    def test_send_a_test_event(self, hooked: Bench) -> None:
        (hook,) = hooked.api.get("/webhooks").json()["data"]

        answer = hooked.api.post(f"/webhooks/{hook['id']}/test").json()["data"]
        hooked.pass_time(0)

        (body,) = hooked.mail.bodies
        assert (body["event"], body["id"]) == ("webhook.test", answer["event_id"])


class TestEvents:
    def test_tell_the_life_of_a_payment(self, hooked: Bench) -> None:
        payment = hooked.withdraw()
        for deed in ("release", "complete", "refund"):
            hooked.act(payment, deed)
        hooked.pass_time(0)

        told = [
            (b["event"], b["payment"]["status"], b["payment"]["status_version"])
            for b in hooked.mail.bodies
            if "payment" in b
        ]
        assert sorted(told, key=lambda line: line[2]) == [
            ("payment.created", "pending", 1),
            ("payment.completed", "completed", 3),
            ("payment.refunded", "refunded", 4),
        ]

    def test_name_payments_differently_from_the_api(self, hooked: Bench) -> None:
        payment = hooked.withdraw()
        hooked.act(payment, "complete")
        hooked.pass_time(0)

        (event,) = hooked.mail.of("payment.completed")
        assert event == {
            "id": event["id"],
            "event": "payment.completed",
            "created_at": "2026-03-31T12:00:00.000Z",
            "merchant_id": 77,
            "payment": {
                "id": payment["transaction_id"],
                "status": "completed",
                "amount": 250_000,
                "currency": "ARS",
                "type": "withdrawal",
                "merchant_id": 77,
                "merchant_reference": "payout_vendor_001",
                "method": "bank_transfer",
                "fee": 11_250,
                "net_amount": 261_250,
                "created_at": "2026-03-31T12:00:00Z",
                "confirmed_at": "2026-03-31T12:00:00Z",
                "status_version": 3,
            },
        }
        assert event["id"].startswith("evt_")

    @pytest.mark.parametrize(
        ("deed", "event", "status", "code"),
        [
            ("fail", "payment.failed", "failed", "PROVIDER_ERROR"),
            ("decline", "payment.failed", "failed", "WITHDRAWAL_DECLINED"),
            ("expire", "payment.failed", "expired", "TTL_EXPIRED"),
            ("cancel", "payment.cancelled", "cancelled", None),
        ],
    )
    def test_carry_the_status_and_the_reason(
        self, hooked: Bench, deed: str, event: str, status: str, code: str | None
    ) -> None:
        hooked.act(hooked.withdraw(), deed)
        hooked.pass_time(0)

        (body,) = hooked.mail.of(event)
        assert body["payment"]["status"] == status
        assert body["payment"].get("error_code") == code

    def test_tell_the_refunded_amount(self, hooked: Bench) -> None:
        payment = hooked.create()
        hooked.act(payment, "complete")
        hooked.act(payment, "refund", amount=700)
        hooked.pass_time(0)

        (body,) = hooked.mail.of("payment.refunded")
        assert body["payment"]["status"] == "partial_refund"
        assert body["payment"]["refunded_amount"] == 700
        assert body["payment"]["net_amount"] == 143_250

    def test_tell_each_new_balance(self, hooked: Bench) -> None:
        hooked.act(hooked.create(), "complete")
        hooked.pass_time(0)

        (body,) = hooked.mail.of("balance.updated")
        assert body["balance"] == hooked.api.get("/balance/all").json()["balances"][0]

    def test_go_only_to_who_asked_for_them(self, luxcore: Bench) -> None:
        made = register(luxcore, events=["payment.completed"])
        luxcore.act(luxcore.create(), "complete")

        assert [item["event"] for item in log_of(luxcore, made["id"])] == ["payment.completed"]


class TestPaymentsOwnWebhook:
    OWN = "https://127.0.0.1/own"

    def test_gets_the_default_events(self, luxcore: Bench) -> None:
        kept = luxcore.withdraw(webhook_url=self.OWN)
        luxcore.act(kept, "cancel")
        paid = luxcore.create(merchant_reference="paid", webhook_url=self.OWN)
        luxcore.act(paid, "complete")
        luxcore.act(paid, "refund")
        luxcore.pass_time(0)

        names = sorted(body["event"] for body in luxcore.mail.bodies)
        assert names == [
            "payment.completed",
            "payment.created",
            "payment.created",
            "payment.refunded",
        ]
        assert {url for url, _, _ in luxcore.mail.posts} == {self.OWN}

    def test_gets_the_events_it_names(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw(webhook_url=self.OWN, webhook_events=["payment.cancelled"])
        luxcore.act(payment, "cancel")
        luxcore.pass_time(0)

        assert [body["event"] for body in luxcore.mail.bodies] == ["payment.cancelled"]

    def test_is_signed_with_the_oldest_active_webhook_s_secret(self, luxcore: Bench) -> None:
        oldest = register(luxcore, events=["payment.failed"])
        second = register(luxcore, events=["payment.failed"])
        luxcore.create(merchant_reference="1", webhook_url=self.OWN)
        luxcore.pass_time(0)
        luxcore.api.put(f"/webhooks/{oldest['id']}/disable")
        luxcore.create(merchant_reference="2", webhook_url=self.OWN)
        luxcore.pass_time(0)

        signed = [signed_by(post, oldest, second) for post in luxcore.mail.posts]
        assert signed == [oldest["id"], second["id"]]


def signed_by(post: tuple[str, dict[str, str], bytes], *hooks: Json) -> str:
    """The id of the webhook whose secret signed this."""
    _, headers, body = post
    for hook in hooks:
        digest = hmac.new(hook["secret"].encode(), body, hashlib.sha256).hexdigest()
        if headers["X-Webhook-Signature"] == f"hmac_sha256={digest}":
            return str(hook["id"])
    raise AssertionError("signed by nobody we know")


class TestSignature:
    def test_covers_the_raw_body(self, hooked: Bench) -> None:
        hooked.create(description="Añejo ☕")
        hooked.pass_time(0)

        ((url, headers, body),) = hooked.mail.posts
        digest = hmac.new(b"whsec_start", body, hashlib.sha256).hexdigest()
        assert url == URL
        assert headers == {
            "Content-Type": "application/json",
            "User-Agent": "LuxCore-Webhooks/1.0",
            "X-Webhook-Signature": f"hmac_sha256={digest}",
            "X-Webhook-Timestamp": "1800000000",
            "X-Webhook-Event": "payment.created",
            "X-Webhook-Id": json.loads(body)["id"],
        }

    def test_can_cover_the_timestamp_too(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(
            webhook_url=URL,
            webhook_secret="whsec_start",
            webhook_signed_text="{timestamp}.{body}",
        )
        luxcore.create()
        luxcore.pass_time(0)

        ((_, headers, body),) = luxcore.mail.posts
        digest = hmac.new(b"whsec_start", b"1800000000." + body, hashlib.sha256).hexdigest()
        assert headers["X-Webhook-Signature"] == f"hmac_sha256={digest}"


class TestRetries:
    def test_follow_the_schedule_and_then_stop(self, hooked: Bench) -> None:
        hooked.mail.answers = [Outcome(500)] * 10
        hooked.create()
        sent = []
        for seconds in (0, 59, 1, 299, 1, 899, 1, 3599, 1, 21_599, 1, 86_400):
            hooked.pass_time(seconds)
            sent.append(len(hooked.mail.of("payment.created")))

        assert sent == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
        assert len({body["id"] for body in hooked.mail.of("payment.created")}) == 1

    def test_stop_at_the_first_answer_of_2xx(self, hooked: Bench) -> None:
        hooked.mail.answers = [Outcome(None, "TimeoutError: timed out"), Outcome(204)]
        hooked.create()
        hooked.pass_time(0)
        hooked.pass_time(60)
        hooked.pass_time(86_400)

        assert len(hooked.mail.of("payment.created")) == 2

    def test_can_be_hastened(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(
            webhook_url=URL, webhook_secret="whsec_start", webhook_retry_scale=0.01
        )
        luxcore.mail.answers = [Outcome(500)]
        luxcore.create()
        luxcore.pass_time(0)
        luxcore.pass_time(0.6)

        assert len(luxcore.mail.posts) == 2

    def test_are_seen_in_the_log(self, hooked: Bench) -> None:
        (hook,) = hooked.api.get("/webhooks").json()["data"]
        hooked.mail.answers = [Outcome(503)]
        hooked.create()
        hooked.pass_time(0)

        (item,) = log_of(hooked, hook["id"])
        assert item == {
            "id": hooked.mail.bodies[0]["id"],
            "event": "payment.created",
            "status": "pending",
            "attempts": 1,
            "response_code": 503,
            "last_attempt_at": "2026-03-31T12:00:00.000Z",
            "next_retry_at": "2026-03-31T12:01:00.000Z",
            "created_at": "2026-03-31T12:00:00.000Z",
        }
        hooked.pass_time(60)
        (item,) = log_of(hooked, hook["id"])
        assert (item["status"], item["attempts"], item["next_retry_at"]) == ("delivered", 2, None)

    def test_are_asked_for_by_hand_once_each(self, make_bench: Callable[..., Bench]) -> None:
        luxcore = make_bench(webhook_url=URL, webhook_secret="whsec_start", webhook_retries=(0,))
        (hook,) = luxcore.api.get("/webhooks").json()["data"]
        luxcore.mail.answers = [Outcome(500), Outcome(500), Outcome(500)]
        luxcore.create(merchant_reference="1")
        luxcore.create(merchant_reference="2")
        luxcore.pass_time(0)
        failed = luxcore.api.get(
            f"/webhooks/{hook['id']}/events", params={"status": "failed"}
        ).json()["total"]
        answer = luxcore.api.post(f"/webhooks/{hook['id']}/retry").json()
        luxcore.pass_time(0)

        assert failed == 2
        assert answer == {"success": True, "data": {"retried": 2}}
        statuses = sorted(item["status"] for item in log_of(luxcore, hook["id"]))
        assert statuses == ["delivered", "failed"]

    def test_are_kept_from_a_disabled_webhook(self, hooked: Bench) -> None:
        (hook,) = hooked.api.get("/webhooks").json()["data"]
        hooked.create()
        hooked.api.put(f"/webhooks/{hook['id']}/disable")
        hooked.pass_time(0)
        kept = [item["status"] for item in log_of(hooked, hook["id"])]
        hooked.api.put(f"/webhooks/{hook['id']}/enable")
        hooked.api.post(f"/webhooks/{hook['id']}/retry")
        hooked.pass_time(0)

        assert kept == ["failed"]
        assert len(hooked.mail.posts) == 1


class TestFaultyDelivery:
    def test_duplicates(self, hooked: Bench) -> None:
        hooked.fault("webhook_duplicate", params={"copies": 2})
        hooked.create()
        hooked.pass_time(0)

        assert len(hooked.mail.posts) == 3
        assert len({body for _, _, body in hooked.mail.posts}) == 1

    def test_comes_late(self, hooked: Bench) -> None:
        hooked.fault("webhook_late", event="payment.created", params={"seconds": 30})
        hooked.create()
        hooked.pass_time(29)
        early = len(hooked.mail.posts)
        hooked.pass_time(1)

        assert (early, len(hooked.mail.posts)) == (0, 1)

    def test_comes_after_the_next_event_about_the_same_payment(self, hooked: Bench) -> None:
        hooked.fault("webhook_reorder", event="payment.created")
        payment = hooked.withdraw()
        hooked.create(merchant_reference="another")
        hooked.pass_time(0)
        hooked.act(payment, "complete")
        for _ in range(3):
            hooked.pass_time(1)

        identity = payment["transaction_id"]
        names = [
            body["event"]
            for body in hooked.mail.bodies
            if body.get("payment", {}).get("id") == identity
        ]
        assert names == ["payment.completed", "payment.created"]

    def test_goes_missing_until_asked_for(self, hooked: Bench) -> None:
        (hook,) = hooked.api.get("/webhooks").json()["data"]
        hooked.fault("webhook_withhold")
        hooked.create()
        hooked.pass_time(86_400)
        missing = len(hooked.mail.of("payment.created"))
        hooked.api.post(f"/webhooks/{hook['id']}/retry")
        hooked.pass_time(0)

        assert (missing, len(hooked.mail.of("payment.created"))) == (0, 1)

    def test_is_dated_in_the_past(self, hooked: Bench) -> None:
        hooked.fault("webhook_stale", params={"seconds": 301})
        hooked.create()
        hooked.pass_time(0)

        ((_, headers, _),) = hooked.mail.posts
        assert headers["X-Webhook-Timestamp"] == "1799999699"

    @pytest.mark.parametrize("how", ["wrong_secret", "no_signature", "tampered"])
    def test_is_joined_by_a_forgery(self, hooked: Bench, how: str) -> None:
        hooked.fault("webhook_forge", event="payment.*", params={"how": how})
        payment = hooked.create()
        hooked.pass_time(0)

        genuine, forged = hooked.mail.posts
        claimed = json.loads(forged[2])
        digest = hmac.new(b"whsec_start", forged[2], hashlib.sha256).hexdigest()
        assert claimed["payment"]["status"] == "completed"
        assert forged[1].get("X-Webhook-Signature") != f"hmac_sha256={digest}"
        assert ("X-Webhook-Signature" in forged[1]) is (how != "no_signature")
        assert hooked.get(payment)["status"] == "processing"
        (item,) = hooked.control("/events")["events"]
        assert item["id"] == json.loads(genuine[2])["id"]


class TestStart:
    def test_registers_the_configured_webhook_once(self, hooked: Bench) -> None:
        hooked.control("/reset", {})

        (hook,) = hooked.api.get("/webhooks").json()["data"]
        assert hook["url"] == URL
        assert hook["events"] == list(CURRENT)

    def test_answers_before_anything_is_delivered(self, hooked: Bench) -> None:
        answer = hooked.api.post("/payments", json=withdrawal())

        assert answer.status_code == 201
        assert hooked.mail.posts == []
