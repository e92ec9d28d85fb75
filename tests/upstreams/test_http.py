"""What each answer means for a read and for a write: one table, then the cases beside it."""

from __future__ import annotations

import ssl
from typing import Any

import httpx
import pytest
import stamina
import structlog
from django.db import connection, transaction

from tests.upstreams.wire import KEY, Answers, answer, luxcore, payment, refusal
from upstreams.budget import Priority
from upstreams.circuit import Circuit, CircuitOpen
from upstreams.errors import (
    AlreadyExists,
    BadPayload,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.http import redact

LIST_REFUSAL = answer(
    400, {"statusCode": 400, "message": ["amount must not be less than 1"], "error": "Bad Request"}
)
GZIPPED = answer(200, b"\x1f\x8b\x08", content_encoding="gzip")
HTML = b"<html><body>Bad gateway</body></html>"
DEEP = b'{"data":' + b"[" * 40 + b"]" * 40 + b"}"

# what comes back, what a read makes of it, what a write makes of it
MEANINGS: dict[str, tuple[httpx.Response | Exception, type[Exception], type[Exception]]] = {
    "no connection": (httpx.ConnectError("refused"), Unavailable, Unavailable),
    "connecting takes too long": (httpx.ConnectTimeout("slow"), Unavailable, Unavailable),
    "no free connection": (httpx.PoolTimeout("busy"), Unavailable, Unavailable),
    "no answer in time": (httpx.ReadTimeout("slow"), Unavailable, Unknown),
    "sending takes too long": (httpx.WriteTimeout("slow"), Unavailable, Unknown),
    "reset while reading": (httpx.ReadError("reset"), Unavailable, Unknown),
    "reset while writing": (httpx.WriteError("reset"), Unavailable, Unknown),
    "not HTTP": (httpx.RemoteProtocolError("what"), Unavailable, Unknown),
    "500": (answer(500, {}), Unavailable, Unknown),
    "500 with a code": (refusal(500, "PROVIDER_ERROR"), Unavailable, Unknown),
    "502 as HTML": (answer(502, HTML), Unavailable, Unknown),
    "503": (answer(503, b""), Unavailable, Unknown),
    "504 with a code": (refusal(504, "TIMEOUT"), Unavailable, Unknown),
    "408": (answer(408, b""), Unavailable, Unknown),
    "301": (answer(301, b"", location="https://evil.example/"), BadPayload, Unknown),
    "302": (answer(302, b"", location="http://127.0.0.1/"), BadPayload, Unknown),
    "308": (answer(308, b"", location="https://evil.example/"), BadPayload, Unknown),
    "304": (answer(304, b""), BadPayload, Unknown),
    "400 business rule": (refusal(400, "INSUFFICIENT_BALANCE"), Rejected, Rejected),
    "400 validation": (LIST_REFUSAL, Rejected, Rejected),
    "400 third shape": (
        answer(400, {"statusCode": 400, "message": "No", "error": "INVALID_METHOD"}),
        Rejected,
        Rejected,
    ),
    "400 as HTML": (answer(400, HTML), BadPayload, Unknown),
    "400 empty": (answer(400, b""), BadPayload, Unknown),
    "400 in an unknown envelope": (answer(400, {"error": {"code": "x"}}), BadPayload, Unknown),
    "400 without a code": (
        answer(400, {"statusCode": 400, "message": "No", "error": "Bad Request"}),
        BadPayload,
        Unknown,
    ),
    "422 validation": (refusal(422, "VALIDATION_ERROR"), Rejected, Rejected),
    "422 as HTML": (answer(422, HTML), BadPayload, Unknown),
    "404": (refusal(404, "PAYMENT_NOT_FOUND"), NotFound, NotFound),
    "404 of no such route": (
        answer(404, {"statusCode": 404, "message": "Cannot GET /x", "error": "Not Found"}),
        BadPayload,
        Unknown,
    ),
    "404 as HTML": (answer(404, HTML), BadPayload, Unknown),
    "401": (refusal(401, "INVALID_API_KEY"), Unauthorized, Unauthorized),
    "401 as HTML": (answer(401, HTML), Unauthorized, Unauthorized),
    "403": (refusal(403, "INSUFFICIENT_SCOPE"), Forbidden, Forbidden),
    "409": (refusal(409, "CONFLICT"), Rejected, Conflict),
    "410 with a code": (refusal(410, "GONE"), Rejected, Unknown),
    "429": (refusal(429, "RATE_LIMIT_EXCEEDED"), RateLimited, RateLimited),
    "429 as HTML": (answer(429, HTML), RateLimited, RateLimited),
    "200 as HTML": (answer(200, HTML), BadPayload, Unknown),
    "200 empty": (answer(200, b""), BadPayload, Unknown),
    "200 null": (answer(200, None), BadPayload, Unknown),
    "200 list": (answer(200, []), BadPayload, Unknown),
    "200 cut off": (answer(200, b'{"transaction_id": "pay_1'), BadPayload, Unknown),
    "200 with a byte order mark": (answer(200, b"\xef\xbb\xbf{}"), BadPayload, Unknown),
    "200 in latin-1": (answer(200, '{"a": "ñ"}'.encode("latin-1")), BadPayload, Unknown),
    "200 with a name twice": (answer(200, b'{"status": "a", "status": "b"}'), BadPayload, Unknown),
    "200 too deep": (answer(200, DEEP), BadPayload, Unknown),
    "200 compressed": (GZIPPED, BadPayload, Unknown),
    "200 too large": (answer(200, b" " * 2_000_001), BadPayload, Unknown),
    "200 without an id": (answer(200, payment(transaction_id=...)), BadPayload, Unknown),
    "200 with a float amount": (answer(200, payment(amount=1500.5)), BadPayload, Unknown),
    "201 without an amount": (answer(201, payment(amount=...)), BadPayload, Unknown),
    "101": (answer(101, b""), BadPayload, Unknown),
    "700": (answer(700, b""), Unavailable, Unknown),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class TestMeaning:
    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_read(self, name: str) -> None:
        given, expected, _ = MEANINGS[name]

        with pytest.raises(UpstreamError) as caught:
            luxcore(Answers(given), deadline=4.0).get_payment("pay_1")

        assert type(caught.value) is expected
        assert caught.value.upstream == "luxcore"

    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_write(self, name: str) -> None:
        given, _, expected = MEANINGS[name]
        answers = Answers(given)

        with pytest.raises(UpstreamError) as caught:
            luxcore(answers).create_payment(b"{}")

        assert type(caught.value) is expected
        assert len(answers.requests) == 1  # a write is never repeated by the client

    @pytest.mark.parametrize("code", ["DUPLICATE_REFERENCE", "PAYMENT_ALREADY_EXISTS"])
    def test_of_a_reference_used_before_is_to_look_at_the_existing_one(self, code: str) -> None:
        with pytest.raises(AlreadyExists) as caught:
            luxcore(Answers(refusal(400, code))).create_payment(b"{}")

        assert caught.value.code == code
        assert isinstance(caught.value, Unknown)  # who forgets this case must not send another

    def test_of_a_failed_handshake_is_that_nothing_was_sent(self) -> None:
        exc = httpx.ConnectError("certificate verify failed")
        exc.__cause__ = ssl.SSLCertVerificationError()

        with pytest.raises(Unavailable):
            luxcore(Answers(exc)).create_payment(b"{}")


class TestRefusal:
    def test_tells_what_is_wrong_by_field(self) -> None:
        body = {
            "statusCode": 400,
            "message": ["amount must not be less than 1", "payout.bank_code is required", "Sorry"],
            "error": "Bad Request",
        }
        with pytest.raises(Rejected) as caught:
            luxcore(Answers(answer(400, body, x_request_id="req-7"))).create_payment(b"{}")

        assert caught.value.code == "VALIDATION_ERROR"
        assert caught.value.field_errors == {
            "amount": "must not be less than 1",
            "payout.bank_code": "is required",
        }
        assert caught.value.request_id == "req-7"

    def test_shows_an_unknown_code(self) -> None:
        with pytest.raises(Rejected) as caught:
            luxcore(Answers(refusal(400, "SOMETHING_NEW"))).create_payment(b"{}")

        assert caught.value.code == "SOMETHING_NEW"

    @pytest.mark.parametrize(
        "secret",
        ["maria@example.com", "0110012345678901234567", "+54 9 11 1234-5678", KEY,
         "qp_prod_sk_somebodyElses"],
    )  # fmt: skip
    def test_does_not_repeat_personal_data_or_keys(self, secret: str) -> None:
        with pytest.raises(Rejected) as caught:
            luxcore(Answers(refusal(400, "X", f"Bad value {secret} given"))).create_payment(b"{}")

        assert secret not in f"{caught.value} {caught.value!r} {caught.value.field_errors}"
        assert "Bad value" in str(caught.value)

    def test_keeps_names_of_payments_readable(self) -> None:
        text = "Payment pay_1234567890_abcdefgh cannot be cancelled in status: completed"

        assert redact(text) == text

    def test_is_one_short_line_of_plain_text(self) -> None:
        shown = redact("a\r\nb\x00c\u202ed" + "x" * 10_000)

        assert shown.startswith("a b c d") and len(shown) == 300


class TestRepeating:
    def test_helps_a_read_over_a_short_trouble(self) -> None:
        answers = Answers(answer(503, b""), httpx.ReadTimeout("slow"), answer(200, payment()))

        assert luxcore(answers).get_payment("pay_1").id == "pay_1234567890_abcdefgh"
        assert len(answers.requests) == 3

    def test_ends_after_three_tries(self) -> None:
        answers = Answers(answer(503, b""))

        with pytest.raises(Unavailable):
            luxcore(answers).get_payment("pay_1")

        assert len(answers.requests) == 3

    def test_ends_after_two_tries_for_a_person_in_a_hurry(self) -> None:
        answers = Answers(answer(503, b""))

        with pytest.raises(Unavailable):
            luxcore(answers, deadline=2.0).get_payment("pay_1")

        assert len(answers.requests) == 2

    @pytest.mark.parametrize("given", [refusal(404, "X"), refusal(401, "X"), answer(200, HTML)])
    def test_does_not_follow_a_clear_answer(self, given: httpx.Response) -> None:
        answers = Answers(given)

        with pytest.raises(UpstreamError):
            luxcore(answers).get_payment("pay_1")

        assert len(answers.requests) == 1

    def test_does_not_wait_beyond_the_deadline(self) -> None:
        answers = Answers(answer(429, b"", retry_after="30"))

        with pytest.raises(RateLimited):
            luxcore(answers).get_payment("pay_1")

        assert len(answers.requests) == 1


class TestRetryAfter:
    """Scenario U-1: whatever is asked, we wait between 1 and 60 seconds."""

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry_after": "30"}, 30),
            ({"retry_after": "0"}, 1),
            ({"retry_after": "86400"}, 60),
            ({"retry_after": "-5"}, 5),
            ({"retry_after": "soon"}, 5),
            ({"retry_after": "١٠"}, 5),
            ({"retry_after": "9" * 400}, 5),
            ({}, 5),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT",
              "retry_after": "Tue, 01 Jul 2025 00:00:40 GMT"}, 40),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT",
              "retry_after": "Tue, 01 Jul 2100 00:00:00 GMT"}, 60),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT",
              "retry_after": "Mon, 30 Jun 2025 00:00:00 GMT"}, 1),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT", "x_ratelimit_reset": "1751328020"}, 20),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT", "x_ratelimit_reset": "1"}, 1),
            ({"date": "Tue, 01 Jul 2025 00:00:00 GMT", "x_ratelimit_reset": "4102444800"}, 60),
            ({"x_ratelimit_reset": "-1"}, 5),
        ],
    )  # fmt: skip
    def test_is_believed_within_bounds(self, headers: dict[str, str], seconds: float) -> None:
        encoded = {name: text.encode() for name, text in headers.items()}
        given = httpx.Response(
            429, headers=[(n.replace("_", "-").encode(), v) for n, v in encoded.items()]
        )

        with pytest.raises(RateLimited) as caught:
            luxcore(Answers(given), deadline=0.5).get_payment("pay_1")

        assert caught.value.retry_after == seconds


class TestCircuit:
    """Scenario U-3."""

    def test_opens_after_five_failures_and_then_nothing_is_sent(self) -> None:
        answers, circuit = Answers(answer(500, b"")), Circuit("luxcore")
        client = luxcore(answers, circuit=circuit)
        for _ in range(5):
            with pytest.raises(Unknown):
                client.create_payment(b"{}")

        with pytest.raises(CircuitOpen) as caught:
            client.create_payment(b"{}")

        assert len(answers.requests) == 5
        assert isinstance(caught.value, Unavailable)  # nothing was sent

    def test_stays_closed_while_the_upstream_refuses_politely(self) -> None:
        answers = Answers(refusal(400, "X"))
        client = luxcore(answers)
        for _ in range(20):
            with pytest.raises(Rejected):
                client.create_payment(b"{}")

        assert len(answers.requests) == 20

    def test_stays_closed_while_we_crowd_ourselves(self) -> None:
        answers, circuit = Answers(httpx.PoolTimeout("busy")), Circuit("luxcore")
        client = luxcore(answers, circuit=circuit)
        for _ in range(6):
            with pytest.raises(Unavailable):
                client.create_payment(b"{}")

        assert not circuit.is_open

    def test_stops_the_tries_of_a_read_when_it_opens(self) -> None:
        answers, circuit = Answers(answer(500, b"")), Circuit("luxcore")
        client = luxcore(answers, circuit=circuit)
        for _ in range(3):
            with pytest.raises(Unavailable):
                client.get_payment("pay_1")

        assert len(answers.requests) == 5


class TestRequest:
    def test_carries_the_key_and_asks_for_no_compression(self) -> None:
        answers = Answers(answer(200, payment()))

        luxcore(answers).get_payment("pay_1")

        assert answers.last.headers["x-api-key"] == KEY
        assert answers.last.headers["accept-encoding"] == "identity"

    @pytest.mark.parametrize(
        "payment_id", ["a/../b", "a?limit=1", "a#b", "ä", "a b", "%2e%2e", "a\r\nX: y", "\u202e"]
    )
    def test_never_lets_an_id_change_the_path(self, payment_id: str) -> None:
        answers = Answers(answer(200, payment()))

        luxcore(answers).get_payment(payment_id)

        path = answers.last.url.raw_path.decode()
        assert path.startswith("/api/v1/payments/")
        assert not set("?# /\r\n") & set(path.removeprefix("/api/v1/payments/"))

    @pytest.mark.parametrize("payment_id", ["", ".", ".."])
    def test_is_not_made_for_an_id_that_is_none(self, payment_id: str) -> None:
        answers = Answers(answer(200, payment()))

        with pytest.raises(NotFound):
            luxcore(answers).get_payment(payment_id)

        assert not answers.requests

    def test_never_carries_a_cookie(self) -> None:
        answers = Answers(answer(200, payment(), set_cookie="session=theirs; Path=/"))
        client = luxcore(answers)

        client.get_payment("pay_1")
        client.get_payment("pay_1")

        assert "cookie" not in answers.last.headers

    def test_sends_the_very_bytes_it_is_given(self) -> None:
        answers = Answers(answer(201, payment()))
        body = '{ "amount":250000,  "note":"ñ" }'.encode()

        luxcore(answers).create_payment(body)

        assert answers.last.content == body
        assert answers.last.headers["content-type"] == "application/json"

    def test_ignores_the_proxies_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
        answers = Answers(answer(200, payment()))

        assert luxcore(answers).get_payment("pay_1").id


class TestTransactionGuard:
    @pytest.mark.django_db(transaction=True)
    def test_refuses_a_call_inside_a_transaction(self) -> None:
        answers = Answers(answer(200, payment()))

        with transaction.atomic(), pytest.raises(RuntimeError, match="inside a database"):
            luxcore(answers).get_payment("pay_1")

        assert not answers.requests
        assert not connection.in_atomic_block
        assert luxcore(answers).get_payment("pay_1")

    @pytest.mark.django_db
    def test_does_not_mind_the_transaction_around_a_test(self) -> None:
        answers = Answers(answer(200, payment()))

        assert luxcore(answers).get_payment("pay_1")
        with transaction.atomic(), pytest.raises(RuntimeError):
            luxcore(answers).get_payment("pay_1")


class TestLogLine:
    def test_says_where_how_and_how_long(self) -> None:
        client = luxcore(Answers(answer(200, payment(), x_request_id="req-1")))

        with structlog.testing.capture_logs() as lines:
            client.get_payment("pay_1234567890_abcdefgh")

        (line,) = lines
        assert line.pop("duration_ms") >= 0
        assert line == {
            "event": "upstreams.call",
            "log_level": "info",
            "upstream": "luxcore",
            "endpoint": "GET /payments/{id}",
            "status": 200,
            "upstream_request_id": "req-1",
        }

    def test_names_the_kind_of_failure(self) -> None:
        with structlog.testing.capture_logs() as lines, pytest.raises(Unknown):
            luxcore(Answers(httpx.ReadTimeout("slow"))).create_payment(b"{}")

        assert [line["problem"] for line in lines] == ["Unknown"]

    def test_does_not_repeat_a_strange_request_id(self) -> None:
        client = luxcore(Answers(answer(200, payment(), x_request_id="<script>" + "x" * 999)))

        with structlog.testing.capture_logs() as lines:
            client.get_payment("pay_1")

        assert lines[0]["upstream_request_id"] == ""


class TestPriority:
    def test_is_changed_without_new_connections(self) -> None:
        client = luxcore(Answers(answer(200, payment())))
        hurried = client.tuned(priority=Priority.OPERATOR, deadline=2.0)

        assert hurried.get_payment("pay_1")
        assert hurried.budget is client.budget

    def test_never_gets_more_than_twenty_seconds(self) -> None:
        client = luxcore(Answers(answer(200, payment())))

        assert client.tuned(priority=Priority.BACKGROUND, deadline=3600)._v1.deadline == 20
