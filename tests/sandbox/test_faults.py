"""Faults: what each does to an answer, whether the call was accepted, how often it strikes."""

import gzip
import json
from typing import Any

import httpx
import pytest

from sandbox.faults import AFTER, BEFORE, EVENTS, Fault, FaultBook
from tests.sandbox.helpers import Bench, Json, withdrawal


def post(luxcore: Bench) -> httpx.Response:
    return luxcore.api.post("/payments", json=withdrawal())


def accepted(luxcore: Bench) -> int:
    """How many payments there are, whatever the client was told."""
    return int(luxcore.control("/payments")["total"])


def no_sleep(luxcore: Bench, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Makes the sandbox note how long it would have slept, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr(luxcore.sandbox, "sleep", slept.append)
    return slept


class TestBeforeTheCall:
    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            ({"kind": "error"}, 503, "PROVIDER_ERROR"),
            ({"kind": "error", "params": {"status": 500}}, 500, "PROVIDER_ERROR"),
            ({"kind": "refuse"}, 400, "NO_AVAILABLE_REQUISITES"),
            (
                {"kind": "refuse", "params": {"error_code": "LOCK_TIMEOUT", "status": 422}},
                422,
                "LOCK_TIMEOUT",
            ),
            ({"kind": "rate_limited"}, 429, "RATE_LIMIT_EXCEEDED"),
        ],
    )
    def test_refuses_without_accepting(
        self, luxcore: Bench, fault: Json, status: int, code: str
    ) -> None:
        luxcore.fault(**fault)

        answer = post(luxcore)

        assert (answer.status_code, answer.json()["error_code"]) == (status, code)
        assert accepted(luxcore) == 0

    def test_says_what_it_is_told_to(self, luxcore: Bench) -> None:
        params = {"status": 502, "body": "<h1>Bad</h1>", "content_type": "text/html"}
        luxcore.fault("error", params=params)

        answer = post(luxcore)

        assert (answer.status_code, answer.text) == (502, "<h1>Bad</h1>")
        assert answer.headers["Content-Type"] == "text/html"

    @pytest.mark.parametrize(
        ("params", "expected"),
        [
            ({}, "1"),
            ({"retry_after": "Wed, 21 Oct 2100 07:28:00 GMT"}, "Wed, 21 Oct 2100 07:28:00 GMT"),
            ({"retry_after": -5}, "-5"),
            ({"retry_after": None}, None),
        ],
    )
    def test_writes_any_retry_after(
        self, luxcore: Bench, params: Json, expected: str | None
    ) -> None:
        luxcore.fault("rate_limited", params=params)

        assert post(luxcore).headers.get("Retry-After") == expected

    def test_drops_the_connection_unread(self, luxcore: Bench) -> None:
        luxcore.fault("drop_before")

        with pytest.raises(httpx.ReadError):
            post(luxcore)
        assert accepted(luxcore) == 0

    def test_waits_and_goes_on(self, luxcore: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        waited = no_sleep(luxcore, monkeypatch)
        luxcore.fault("delay", params={"seconds": 7})

        assert post(luxcore).status_code == 201
        assert waited == [7]

    def test_accepts_later_what_seemed_lost(self, luxcore: Bench) -> None:
        luxcore.fault("accept_late", params={"seconds": 90})
        answer = post(luxcore)
        luxcore.pass_time(89)
        before = accepted(luxcore)
        luxcore.pass_time(1)

        assert answer.status_code == 504
        assert (before, accepted(luxcore)) == (0, 1)


class TestAfterTheCall:
    @pytest.mark.parametrize(
        ("kind", "status", "content_type", "body"),
        [
            ("answer_500", 500, "application/json", None),
            ("answer_502_html", 502, "text/html", None),
            ("answer_504", 504, "application/json", None),
            ("answer_308", 308, "text/html", None),
            ("answer_empty_object", 201, "application/json", b"{}"),
            ("answer_empty_list", 201, "application/json", b"[]"),
            ("answer_null", 201, "application/json", b"null"),
            ("answer_wrong_type", 201, "text/html", None),
        ],
    )
    def test_answers_something_else_though_accepted(
        self, luxcore: Bench, kind: str, status: int, content_type: str, body: bytes | None
    ) -> None:
        luxcore.fault(kind)

        answer = post(luxcore)

        assert answer.status_code == status
        assert answer.headers["Content-Type"].startswith(content_type)
        assert body is None or answer.content == body
        assert accepted(luxcore) == 1
        assert post(luxcore).status_code == 200

    @pytest.mark.parametrize("kind", ["answer_truncated", "malformed_json"])
    def test_answers_what_is_not_json(self, luxcore: Bench, kind: str) -> None:
        luxcore.fault(kind)

        answer = post(luxcore)

        assert answer.status_code == 201
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        assert accepted(luxcore) == 1

    def test_redirects_elsewhere(self, luxcore: Bench) -> None:
        luxcore.fault("answer_308", params={"location": "http://127.0.0.1:1/evil"})

        assert post(luxcore).headers["Location"] == "http://127.0.0.1:1/evil"

    def test_answers_anything_it_is_given(self, luxcore: Bench) -> None:
        params = {"status": 202, "body": {"odd": [1]}, "headers": {"X-Odd": "yes"}}
        luxcore.fault("answer", params=params)

        answer = post(luxcore)

        assert (answer.status_code, answer.json()) == (202, {"odd": [1]})
        assert answer.headers["X-Odd"] == "yes"

    @pytest.mark.parametrize("kind", ["drop", "drop_midway", "slow_headers"])
    def test_drops_the_connection_though_accepted(self, luxcore: Bench, kind: str) -> None:
        luxcore.fault(kind)

        with pytest.raises(httpx.ReadError):
            post(luxcore)
        assert accepted(luxcore) == 1

    @pytest.mark.parametrize(
        ("fault", "changed"),
        [
            ({"kind": "echo_amount"}, {"amount": 25_000_000}),
            ({"kind": "echo_amount", "params": {"amount": 2_500}}, {"amount": 2_500}),
            ({"kind": "echo_currency"}, {"currency": "TRY"}),
            ({"kind": "unknown_status"}, {"status": "on_the_moon"}),
            ({"kind": "alter", "params": {"set": {"amount": 1.5}}}, {"amount": 1.5}),
        ],
    )
    def test_echoes_another_payment(self, luxcore: Bench, fault: Json, changed: Json) -> None:
        luxcore.fault(**fault)

        spoiled = post(luxcore).json()
        true = post(luxcore).json()

        assert spoiled == true | changed

    def test_echoes_another_recipient(self, luxcore: Bench) -> None:
        luxcore.fault("echo_recipient", params={"recipient_name": "Mallory"})

        spoiled = post(luxcore).json()
        true = post(luxcore).json()

        assert spoiled["payout"].pop("recipient_name") == "Mallory"
        assert true["payout"].pop("recipient_name") == "Juan Perez Martinez"
        assert spoiled == true

    def test_leaves_a_member_out(self, luxcore: Bench) -> None:
        luxcore.fault("missing_field", params={"field": "created_at"})

        assert "created_at" not in post(luxcore).json()

    def test_spoils_one_record_of_a_list(self, luxcore: Bench) -> None:
        luxcore.control("/seed", {"payments": 5, "spread_seconds": 50})
        true = luxcore.api.get("/payments").json()
        luxcore.fault("malformed_record", params={"index": 2})
        luxcore.fault("unknown_status", params={"index": 4})

        spoiled = luxcore.api.get("/payments").json()

        assert spoiled["data"][2] == {"transaction_id": None, "amount": "a lot", "created_at": 7}
        assert spoiled["data"][4]["status"] == "on_the_moon"
        same = [a == b for a, b in zip(spoiled["data"], true["data"], strict=True)]
        assert same == [True, True, False, True, False]

    def test_spoils_every_record_of_a_list(self, luxcore: Bench) -> None:
        luxcore.control("/seed", {"payments": 3, "spread_seconds": 50})
        luxcore.fault("missing_field", params={"field": "customer", "index": None})

        records = luxcore.api.get("/payments").json()["data"]

        assert len(records) == 3
        assert not any("customer" in record for record in records)

    def test_nests_without_end(self, luxcore: Bench) -> None:
        luxcore.fault("deep_json", params={"depth": 20_000})

        assert post(luxcore).content.count(b"[") == 20_000

    def test_sends_a_huge_body(self, luxcore: Bench) -> None:
        luxcore.fault("huge_body", params={"megabytes": 2})

        assert len(post(luxcore).content) > 2 * 1024 * 1024

    def test_sends_a_small_body_that_unpacks_huge(self, luxcore: Bench) -> None:
        luxcore.fault("gzip_bomb", params={"megabytes": 3})

        with luxcore.api.stream("POST", "/payments", json=withdrawal()) as answer:
            raw = b"".join(answer.iter_raw())

        assert answer.headers["Content-Encoding"] == "gzip"
        assert len(raw) < 10_000
        assert len(gzip.decompress(raw)) > 3 * 1024 * 1024

    def test_sends_slowly(self, luxcore: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        waited = no_sleep(luxcore, monkeypatch)
        luxcore.fault("slow_body", params={"bytes_per_second": 50})

        answer = post(luxcore)

        assert answer.json()["status"] == "pending"
        assert sum(waited) == pytest.approx(len(answer.content) / 50)
        assert max(waited) <= 0.1


class TestBook:
    def test_strikes_as_often_as_it_says(self, luxcore: Bench) -> None:
        luxcore.fault("error", times=2)

        assert [post(luxcore).status_code for _ in range(4)] == [503, 503, 201, 200]

    def test_strikes_until_cleared(self, luxcore: Bench) -> None:
        luxcore.fault("error", times=None)
        struck = [post(luxcore).status_code for _ in range(5)]
        luxcore.control("/faults/clear", {})

        assert struck == [503] * 5
        assert post(luxcore).status_code == 201
        assert luxcore.control("/faults") == {"faults": []}

    @pytest.mark.parametrize(
        ("method", "path", "strikes"),
        [
            ("POST", "/api/v1/payments", True),
            ("*", "/api/*/payments", True),
            ("*", "*", True),
            ("GET", "/api/v1/payments", False),
            ("POST", "/api/v1/payments/*", False),
            ("POST", "/api/v2/*", False),
        ],
    )
    def test_strikes_only_the_calls_it_names(
        self, luxcore: Bench, method: str, path: str, strikes: bool
    ) -> None:
        luxcore.fault("error", method=method, path=path)

        assert post(luxcore).status_code == (503 if strikes else 201)

    def test_never_strikes_the_control_door(self, luxcore: Bench) -> None:
        luxcore.fault("error", path="*", times=None)

        assert luxcore.control("/faults")["faults"][0]["taken"] == 0

    def test_draws_the_same_lots_for_the_same_seed(self) -> None:
        def lots(seed: int) -> list[bool]:
            fault = Fault(kind="error", probability=0.3, seed=seed)
            return [fault.take() for _ in range(200)]

        assert lots(5) == lots(5) != lots(6)
        assert 30 < sum(lots(5)) < 90

    def test_combines_faults_in_the_order_they_were_added(self, luxcore: Bench) -> None:
        luxcore.fault("unknown_status")
        luxcore.fault("missing_field", params={"field": "amount"})

        body = post(luxcore).json()

        assert body["status"] == "on_the_moon"
        assert "amount" not in body

    def test_is_listed_and_removed(self, luxcore: Bench) -> None:
        first = luxcore.fault("error")
        second = luxcore.fault("drop", method="POST", probability=0.5, seed=3)

        luxcore.api.delete(f"http://sandbox/_control/faults/{first['id']}")

        assert luxcore.control("/faults")["faults"] == [second]
        assert second == {
            "id": 2,
            "kind": "drop",
            "method": "POST",
            "path": "/api/*",
            "event": "*",
            "times": None,
            "probability": 0.5,
            "seed": 3,
            "params": {},
            "taken": 0,
        }

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"kind": "earthquake"},
            {"kind": "error", "times": 0},
            {"kind": "error", "probability": 2},
            {"kind": "error", "often": 3},
            {"kind": "error", "params": []},
            {"kind": 5},
        ],
    )
    def test_refuses_a_fault_that_means_nothing(self, luxcore: Bench, body: Json) -> None:
        answer = luxcore.api.post("http://sandbox/_control/faults", json=body)

        assert answer.status_code == 400
        assert luxcore.control("/faults") == {"faults": []}

    @pytest.mark.parametrize("kind", sorted(BEFORE | AFTER))
    def test_has_no_kind_without_an_effect(
        self, luxcore: Bench, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        slept = no_sleep(luxcore, monkeypatch)
        params: dict[str, Any] = {"set": {"amount": 7}, "field": "status", "megabytes": 1}
        luxcore.fault(kind, params=params)

        outcomes: list[Any] = []
        for _ in range(2):
            try:
                answer = post(luxcore)
                outcomes.append((answer.content, dict(answer.headers)))
            except httpx.ReadError:
                outcomes.append("dropped")

        # The second call is a plain repeat: only the first one was struck.
        body, headers = outcomes[1]
        first = outcomes[0]
        struck = first == "dropped" or slept or first[0] != body
        assert struck or first[1]["content-type"] != headers["content-type"]

    def test_keeps_kinds_apart(self) -> None:
        assert not BEFORE & AFTER
        assert not (BEFORE | AFTER) & EVENTS
        book = FaultBook()
        book.add(Fault(kind="webhook_late"))
        book.add(Fault(kind="error"))

        assert [fault.kind for fault in book.for_event("payment.created")] == ["webhook_late"]
        assert [fault.kind for fault in book.for_call("GET", "/api/v1/x")] == ["error"]
