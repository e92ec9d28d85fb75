"""Everything that goes wrong under `/api/` is told as problem details (proof m15, m21)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from payments.models import Withdrawal
from staff.api.callers import TokenThrottle
from tests.payments.api.helpers import PAYOUTS, Caller, caller_of, expect_problem, told
from tests.payments.factories import WithdrawalFactory, maker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_cache")]

PATH = "/api/v1/withdrawals/"
UNREADABLE = {
    "deep nesting": b"[" * 60_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a name twice": b'{"amount": "1.00", "amount": "2.00"}',
    "NaN": b'{"amount": NaN}',
    "Infinity": b'{"amount": -Infinity}',
    "a number without end": b'{"amount": ' + b"9" * 5_000 + b"}",
    "half a document": b'{"amount": "1.00"',
    "no UTF-8": b'{"amount": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a list": b"[]",
    "a word": b'"amount"',
    "nothing at all": b" ",
}


class TestBodies:
    @pytest.mark.parametrize("case", UNREADABLE)
    def test_that_cannot_be_read(self, caller: Caller, case: str) -> None:
        expect_problem(caller.post(PATH, UNREADABLE[case]), 400, "parse_error")

        assert not Withdrawal.objects.exists()

    def test_that_are_too_large(self, caller: Caller) -> None:
        body = b'{"description": "' + b"x" * 70_000 + b'"}'

        expect_problem(caller.post(PATH, body), 413, "body_too_large")

    def test_that_come_in_chunks(self, caller: Caller) -> None:
        headers = {"Authorization": f"Bearer {caller.bearer}", "Transfer-Encoding": "chunked"}

        response = caller.client.generic("POST", PATH, b"", headers=headers)

        expect_problem(response, 411, "length_required")

    def test_that_are_not_there(self, caller: Caller) -> None:
        expect_problem(caller.post(PATH, b""), 422, "invalid")

    @pytest.mark.parametrize(
        "content_type",
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "x"],
    )
    def test_that_are_not_json(self, caller: Caller, content_type: str) -> None:
        response = caller.post(PATH, b"amount=1.00", content_type=content_type)

        expect_problem(response, 415, "unsupported_media_type")

    def test_are_judged_in_english(self, caller: Caller) -> None:
        headers = {
            "Authorization": f"Bearer {caller.bearer}",
            "Accept-Language": "es",
            "Idempotency-Key": "payroll-7",
        }
        body = PAYOUTS["UYU"] | {"currency": "LKR", "description": None}

        response = caller.client.post(PATH, body, content_type="application/json", headers=headers)

        assert response.headers["Content-Language"] == "en"
        assert "may not be null" in expect_problem(response, 422, "invalid")["detail"]

    def test_tell_nothing_of_the_request(self, caller: Caller) -> None:
        response = caller.post(PATH, b'{"amount": "planted-value" "payout"}')

        assert b"planted" not in response.content


class TestAddresses:
    @pytest.mark.parametrize(
        "path",
        [
            "/api/",
            "/api/v1/",
            "/api/v2/withdrawals/",
            "/api/v1/withdrawals",  # nobody is sent on: a POST would lose its body
            "/api/v1/withdrawals/wd-NOBODY/",
            "/api/v1/withdrawals/%00/",
            "/api/v1/payments/luxcore/nobody/",
            "/api/v1/payments/luxcore/%00/",
            "/api/v1/payments/nobody/pay_1/",
        ],
    )
    def test_where_nothing_is(self, caller: Caller, path: str) -> None:
        expect_problem(caller.get(path), 404, "not_found")

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
    def test_that_do_not_take_the_method(self, caller: Caller, method: str) -> None:
        headers = {"Authorization": f"Bearer {caller.bearer}"}

        response = getattr(caller.client, method)(PATH, headers=headers)

        expect_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "GET, HEAD, POST"

    def test_that_nobody_asked_for_here(self, caller: Caller) -> None:
        response = caller.client.get(PATH, headers={"host": "evil.example"})

        assert response.status_code == 400
        assert told(response)["type"].endswith("#bad_request")


class TestParameters:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "gone"),
            ("created_from", "yesterday"),
            ("created_from", "0001-01-01T00:00:00+14:00"),
            ("currency", "x" * 13),
            ("merchant_reference", "\x00"),
            ("size", "1000000"),
            ("size", "١٠"),
            ("after", "nowhere"),
            ("after", "2026-02-18T10:30:00Z~x"),
            ("after", "2026-02-18T10:30:00~1"),
        ],
    )
    def test_that_mean_nothing(self, caller: Caller, name: str, value: str) -> None:
        for path in (PATH, "/api/v1/payments/"):
            problem = expect_problem(caller.get(path, {name: value}), 400, "bad_parameter")

            assert [error["parameter"] for error in problem["errors"]] == [name]


class TestRetraction:
    def test_comes_too_late(self, caller: Caller) -> None:
        row = WithdrawalFactory(created_by=caller.token.owner, approved=True)

        response = caller.post(f"{PATH}{row.code}/retract/", {"reason": "Wrong month"})

        assert "already approved" in expect_problem(response, 409, "conflict")["detail"]

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": 7}])
    def test_says_why(self, caller: Caller, body: dict[str, Any]) -> None:
        row = WithdrawalFactory(created_by=caller.token.owner)

        problem = expect_problem(caller.post(f"{PATH}{row.code}/retract/", body), 422, "invalid")

        assert [error["pointer"] for error in problem["errors"]] == ["#/reason"]

    def test_changes_nothing_the_second_time(self, caller: Caller) -> None:
        row = WithdrawalFactory(created_by=caller.token.owner)
        path = f"{PATH}{row.code}/retract/"

        first, second = (told(caller.post(path, {"reason": "Wrong month"})) for _ in range(2))

        assert first == second
        assert first["status"] == "retracted"


class TestTooManyCalls:
    def test_are_counted_for_each_token(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TokenThrottle, "rate", "2/min", raising=False)
        other = caller_of(caller.token.owner)
        statuses = [caller.get(PATH).status_code for _ in range(2)]

        response = caller.get(PATH)

        assert statuses == [200, 200]
        expect_problem(response, 429, "throttled")
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert other.get(PATH).status_code == 200


class TestBreakage:
    def test_is_a_problem_too_and_tells_nothing(
        self, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: Any, **__: Any) -> None:
            raise RuntimeError("planted secret")

        monkeypatch.setattr("payments.api.answers.of_withdrawal", broken)

        response = caller.ask()

        expect_problem(response, 500, "error")
        assert b"planted" not in response.content

    def test_outside_the_api_stays_a_page(self, client: Client) -> None:
        client.force_login(maker())

        assert b"<!doctype html>" in client.get("/nothing/").content
