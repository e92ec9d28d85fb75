"""What the Lumetrade client sends, and what it makes of each answer."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stamina
import structlog
from pytest_django import Settings

from tests.upstreams.lumetrade import (
    BASE,
    KEY,
    SECRET,
    envelope,
    everything,
    lumetrade,
    rand,
    refusal,
    withdrawal,
)
from tests.upstreams.wire import Answers, answer, hostile
from upstreams import credentials, health
from upstreams.budget import Priority
from upstreams.checks import check_lumetrade_secrets
from upstreams.enums import Upstream
from upstreams.errors import (
    BadPayload,
    Conflict,
    Forbidden,
    NotConfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.http import PairAuth, transport
from upstreams.lumetrade import client as lumetrade_client
from upstreams.lumetrade import stages
from upstreams.lumetrade.calls.movements import withdrawal_body
from upstreams.lumetrade.calls.trades import Exchange
from upstreams.lumetrade.client import Access, LumetradeClient
from upstreams.lumetrade.errors import read_error
from upstreams.money import BadMoney, Money

HTML = b"<html><body>Bad gateway</body></html>"
EMAIL = "thandi@example.com"
PERSON = ["Thandi Nkosi", "62812345678", EMAIL]
BODY = json.dumps({"beneficiaryId": "ben_1", "note": PERSON[0], "email": EMAIL}).encode()

# what comes back, what a read makes of it, what a write makes of it
MEANINGS: dict[str, tuple[httpx.Response | Exception, type[Exception], type[Exception]]] = {
    "no connection": (httpx.ConnectError("refused"), Unavailable, Unavailable),
    "no answer in time": (httpx.ReadTimeout("slow"), Unavailable, Unknown),
    "reset while reading": (httpx.ReadError("reset"), Unavailable, Unknown),
    "reset while writing": (httpx.WriteError("reset"), Unavailable, Unknown),
    "400": (refusal(400), Rejected, Rejected),
    "400 as HTML": (answer(400, HTML), BadPayload, Unknown),
    "400 of another upstream": (
        answer(400, {"statusCode": 400, "message": "No", "error_code": "X"}),
        BadPayload,
        Unknown,
    ),
    "400 that calls itself 500": (answer(400, envelope(500)), BadPayload, Unknown),
    "400 without a number": (refusal(400, code=...), BadPayload, Unknown),
    "400 with a text for a number": (refusal(400, code="1133"), BadPayload, Unknown),
    "400 without a message": (refusal(400, message=...), BadPayload, Unknown),
    "401": (refusal(401, code=1001), Unauthorized, Unauthorized),
    "401 as HTML": (answer(401, HTML), Unauthorized, Unauthorized),
    "403": (refusal(403, code=1003), Forbidden, Forbidden),
    "404": (refusal(404, code=1004), NotFound, NotFound),
    "404 of no such route": (answer(404, {"status": 404}), BadPayload, Unknown),
    "409": (refusal(409, code=1009), Rejected, Conflict),
    "409 as HTML": (answer(409, HTML), BadPayload, Conflict),
    "422": (refusal(422), Rejected, Rejected),
    "429": (refusal(429), RateLimited, RateLimited),
    "500": (refusal(500, code=1500), Unavailable, Unknown),
    "502 as HTML": (answer(502, HTML), Unavailable, Unknown),
    "503 empty": (answer(503, b""), Unavailable, Unknown),
    "308": (answer(308, b"", location="https://evil.example/"), BadPayload, Unknown),
    "200 as HTML": (answer(200, HTML), BadPayload, Unknown),
    "200 empty": (answer(200, b""), BadPayload, Unknown),
    "200 null": (answer(200, None), BadPayload, Unknown),
    "200 with an envelope of an error": (answer(200, envelope(400)), BadPayload, Unknown),
    "200 without an id": (answer(200, withdrawal(transactionId=...)), BadPayload, Unknown),
    "201 without a stage": (answer(201, withdrawal(status=...)), BadPayload, Unknown),
    "201 with a name twice": (
        answer(201, b'{"transactionId":"a","transactionId":"b","status":"PENDING"}'),
        BadPayload,
        Unknown,
    ),
}


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class TestMeaning:
    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_read(self, name: str) -> None:
        given, expected, _ = MEANINGS[name]

        with pytest.raises(UpstreamError) as caught:
            lumetrade(Answers(given), deadline=4.0).get_withdrawal("WD1")

        assert type(caught.value) is expected
        assert caught.value.upstream == "lumetrade"

    @pytest.mark.parametrize(
        "write",
        [
            lambda client: client.create_withdrawal(BODY, idempotency_key="k"),
            lambda client: client.confirm_quote(BODY),
        ],
        ids=["withdrawal", "confirm"],
    )
    @pytest.mark.parametrize("name", MEANINGS)
    def test_for_a_write_that_is_never_repeated(
        self, name: str, write: Callable[[LumetradeClient], Any]
    ) -> None:
        given, _, expected = MEANINGS[name]
        answers = Answers(given)

        with pytest.raises(UpstreamError) as caught:
            write(lumetrade(answers))

        assert type(caught.value) is expected
        assert len(answers.requests) == 1

    def test_of_a_refusal_is_told_by_field(self) -> None:
        errors = [
            {"field": "amount", "message": "must be positive"},
            {"field": "amount", "message": "again"},
            {"message": "of nothing"},
            "rubbish",
        ]

        with pytest.raises(Rejected) as caught:
            lumetrade(Answers(refusal(400, "Validation failed", errors=errors))).list_accounts()

        problem = caught.value
        assert (problem.code, problem.message) == ("1133", "Validation failed")
        assert problem.field_errors == {"amount": "must be positive"}
        assert problem.request_id == "req_1"

    def test_of_a_strange_request_id_is_nothing(self) -> None:
        for strange in (7, None, "a b", ["x"]):
            with pytest.raises(Rejected) as caught:
                lumetrade(Answers(refusal(400, requestId=strange))).list_accounts()
            assert caught.value.request_id == ""

    @pytest.mark.parametrize("body", [None, [], "x", {}, {"code": True, "httpStatus": 400}])
    def test_of_what_is_no_envelope_is_nothing(self, body: Any) -> None:
        assert read_error(body) is None


class TestRequests:
    def test_carry_both_headers(self) -> None:
        answers = Answers(answer(200, []))

        lumetrade(answers).list_accounts()

        sent = answers.last
        assert (sent.headers["X-API-KEY"], sent.headers["X-API-SECRET"]) == (KEY, SECRET)
        assert str(sent.url) == f"{BASE}/api/v1/accounts"
        assert "idempotency-key" not in sent.headers

    @pytest.mark.parametrize(
        ("amount", "number"),
        [("101.00", "101"), ("18.40", "18.4"), ("0.10", "0.1"), ("99999999999999999999", "9" * 20)],
    )
    def test_write_an_amount_as_an_exact_number(self, amount: str, number: str) -> None:
        body = withdrawal_body(beneficiary_id='b"1', amount=rand(amount))

        assert body == f'{{"beneficiaryId": "b\\"1", "amount": {number}}}'.encode()
        assert json.loads(body, parse_float=Decimal)["amount"] == Decimal(amount)

    def test_write_no_amount_that_is_none(self) -> None:
        with pytest.raises(BadMoney):
            withdrawal_body(beneficiary_id="b", amount=Money(Decimal("NaN"), "ZAR"))

    def test_never_send_a_reserved_parameter(self) -> None:
        answers = Answers(answer(200, b"[]"))
        client = lumetrade(answers)

        for listed in (client.list_withdrawals(), client.list_deposits(), client.list_trades()):
            assert everything(listed) == ([], [])

        assert {request.url.query for request in answers.requests} == {b""}

    def test_ask_where_the_settings_say(self) -> None:
        answers = Answers(answer(200, b"[]"))
        client = lumetrade(answers, deposits="/api/v2/in", currencies="/api/v2/coins")

        everything(client.list_deposits())
        client.list_currencies()

        assert [request.url.path for request in answers.requests] == ["/api/v2/in", "/api/v2/coins"]

    def test_name_exactly_one_amount_of_an_exchange(self) -> None:
        dollars = Money(Decimal("18.40"), "USD")

        assert json.loads(Exchange("ZAR", "USD", rand("5")).body(quoteStr="Q")) == {
            "fromAmount": 5,
            "fromCurrency": "ZAR",
            "toCurrency": "USD",
            "quoteStr": "Q",
        }
        assert b'"toAmount": 18.4,' in Exchange("ZAR", "USD", dollars).body()
        for wrong in (("ZAR", "ZAR", rand("5")), ("EUR", "USD", rand("5"))):
            with pytest.raises(ValueError, match="exchange|amount"):
                Exchange(*wrong)

    def test_end_a_quote_that_names_no_end(self) -> None:
        body = {"fromCurrency": "ZAR", "toCurrency": "USD", "fromAmount": 5, "toAmount": 0.27}
        exchange = Exchange("ZAR", "USD", rand("5"))

        quote = lumetrade(Answers(answer(200, body)), quote_seconds=7).quote(
            exchange, confirmable=True
        )

        assert quote.expires_at is not None
        assert quote.reference == ""


class TestALongList:
    def test_waits_longer_than_anything_else_unless_its_caller_hurries(self) -> None:
        seen: list[float] = []

        def note(request: httpx.Request) -> httpx.Response:
            seen.append(seconds_left())
            return httpx.Response(200, content=b"[]")

        def seconds_left() -> float:
            ending = transport._deadline.get()
            assert ending is not None
            return ending - transport.time.monotonic()

        everything(lumetrade(note).list_withdrawals())
        everything(lumetrade(note, deadline=2.0).list_withdrawals())
        lumetrade(note).list_accounts()

        assert [round(seconds / 10) for seconds in seen] == [12, 0, 2]

    def test_asks_nothing_before_it_is_walked_through(self) -> None:
        answers = Answers(answer(200, b"[]"))

        lumetrade(answers).list_withdrawals()

        assert answers.requests == []

    def test_is_asked_for_again_when_no_answer_came(self) -> None:
        listed = answer(200, json.dumps([withdrawal()]).encode())
        answers = Answers(httpx.ReadError("reset"), answer(503, b""), listed)

        items, _ = everything(lumetrade(answers).list_withdrawals())

        assert [item.id for item in items] == ["WD4F7K2M9Q1X8Z"]
        assert len(answers.requests) == 3

    @pytest.mark.parametrize(
        ("flawed", "reason"),
        [
            (b'{"transactionId":"WD9","amount":NaN}', "not a number"),
            (b'{"transactionId":"WD9","amount":' + b"1" * 5000 + b"}", "a number is too long"),
            (b'{"transactionId":"WD9","transactionId":"WD8"}', "a name is given twice"),
            (b"{'transactionId': 'WD9'}", "not JSON"),
            (b'"caf\xe9"', "not UTF-8"),
            (b"null", "not an object"),
            (json.dumps(withdrawal(amount=None)).encode(), "amount is missing"),
            (json.dumps(withdrawal(amount="101")).encode(), "amount cannot be used: not a number"),
            (json.dumps(withdrawal(amount=-1)).encode(), "amount is negative"),
            (json.dumps(withdrawal(createdAt="soon")).encode(), "createdAt is not a time"),
        ],
    )
    def test_sets_aside_what_it_cannot_use(self, flawed: bytes, reason: str) -> None:
        good = json.dumps(withdrawal()).encode()
        answers = Answers(answer(200, b"[" + good + b"," + flawed + b"," + good + b"]"))

        items, (refused,) = everything(lumetrade(answers).list_withdrawals())

        assert len(items) == 2
        assert refused.reason == reason
        json.dumps(refused.payload)


class TestStages:
    def test_are_final_where_nothing_follows(self) -> None:
        final = {"FAILED", "CANCELLED", "REVERSED", "reversed"}
        open_ = {"PENDING", "COMPLETED", "COMPLIANCE_PENDING", "ON_THE_MOON"}

        assert {status for status in final | open_ if stages.is_final(status)} == final

    @pytest.mark.parametrize(("age", "pause"), [(0, 60), (3599, 60), (3600, 900), (86_400, 900)])
    def test_are_looked_at_less_often_with_age(self, age: int, pause: int) -> None:
        assert stages.next_look(timedelta(seconds=age)) == timedelta(seconds=pause)


class TestGetClient:
    @pytest.fixture
    def configured(self, settings: Settings) -> Settings:
        settings.LUMETRADE_API_KEY, settings.LUMETRADE_API_SECRET = KEY, SECRET
        return settings

    def test_refuses_without_a_whole_credential(self, settings: Settings) -> None:
        for key, secret in (("", ""), (KEY, ""), ("", SECRET)):
            settings.LUMETRADE_API_KEY, settings.LUMETRADE_API_SECRET = key, secret
            with pytest.raises(NotConfigured):
                lumetrade_client.get_client()
            assert not credentials.is_configured(Upstream.LUMETRADE)
            assert lumetrade_client.get_budget() is None

    def test_shares_connections_between_callers(self, configured: Settings) -> None:
        one = lumetrade_client.get_client(priority=Priority.OPERATOR, deadline=2.0)
        other = lumetrade_client.get_client()

        assert one.http._http is other.http._http
        assert one.budget is other.budget
        assert (one.http.deadline, other.http.deadline) == (2.0, 20.0)

    def test_is_another_for_another_secret(self, configured: Settings) -> None:
        one, name = lumetrade_client.get_client(), credentials.fingerprint(Upstream.LUMETRADE)
        configured.LUMETRADE_API_SECRET = "rotated"

        assert lumetrade_client.get_client().http._http is not one.http._http
        assert credentials.fingerprint(Upstream.LUMETRADE) not in ("", name)

    def test_keeps_to_the_configured_rate(self, configured: Settings) -> None:
        configured.LUMETRADE_RATE_LIMIT = 7

        (rate,) = lumetrade_client.get_client().budget.rates["standard"]

        assert (rate.limit, rate.seconds) == (7, 60)

    @pytest.mark.django_db
    def test_shows_on_the_pill_what_is_left(self, configured: Settings) -> None:
        shown = health.status(Upstream.LUMETRADE, datetime.now(UTC))

        assert shown.state == health.State.NEVER_SYNCED
        assert shown.budget_left is not None

    def test_half_a_credential_stops_the_start(self, configured: Settings) -> None:
        assert check_lumetrade_secrets(app_configs=None) == []
        configured.LUMETRADE_API_SECRET = ""

        (error,) = check_lumetrade_secrets(app_configs=None)

        assert error.id == "upstreams.E004"


CALLS: dict[str, Callable[[LumetradeClient], Any]] = {
    "read": lambda client: client.get_withdrawal("WD1"),
    "list": lambda client: everything(client.list_withdrawals()),
    "write": lambda client: client.create_withdrawal(BODY, idempotency_key="k"),
    "search": lambda client: client.list_wallets(network=EMAIL),
    "by id": lambda client: client.get_beneficiary(EMAIL),
}


def assert_clean(text: str) -> None:
    assert [canary for canary in (KEY, SECRET, *PERSON) if canary in text] == []


class TestSecrets:
    """Scenarios D-1 and D-2: keys and personal data never show, whatever goes wrong."""

    @pytest.mark.parametrize("call", CALLS)
    @pytest.mark.parametrize("name", MEANINGS)
    def test_are_not_in_failures(
        self, name: str, call: str, caplog: pytest.LogCaptureFixture, capsys: Any
    ) -> None:
        caplog.set_level(logging.DEBUG)
        client = lumetrade(Answers(MEANINGS[name][0]), deadline=4.0)

        with structlog.testing.capture_logs() as lines:
            try:
                CALLS[call](client)
            except UpstreamError as exc:
                assert_clean(f"{exc} {exc!r}")
                assert_clean("".join(traceback.format_exception(exc)))

        assert_clean(f"{lines} {caplog.text} {capsys.readouterr()} {client!r}")

    @pytest.mark.parametrize("call", CALLS)
    def test_are_not_in_what_echoes_them(self, call: str) -> None:
        echo = f"Unknown key {KEY} with {SECRET} of thandi@example.com, account 62812345678"
        for status in (400, 401, 403, 404, 409, 422, 429, 500):
            with pytest.raises(UpstreamError) as caught:
                CALLS[call](lumetrade(Answers(refusal(status, echo)), deadline=0.5))

            assert_clean("".join(traceback.format_exception(caught.value)))

    def test_are_not_in_failures_of_sockets(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with hostile(lambda connection: connection.close()) as server:
            for call in CALLS.values():
                with pytest.raises(UpstreamError) as caught:
                    call(lumetrade(base_url=server.url, deadline=2))
                assert_clean("".join(traceback.format_exception(caught.value)))

        assert_clean(caplog.text)

    def test_are_not_in_anything_shown(self) -> None:
        body = [withdrawal(), withdrawal(amount=None)]
        client = lumetrade(Answers(answer(200, body)))
        things = [
            PairAuth(key_header="X-API-KEY", key=KEY, secret_header="X-API-SECRET", secret=SECRET),
            Access(base_url="https://x", api_key=KEY, api_secret=SECRET),
            client,
            client.http.judge,
            *client.list_withdrawals(),
        ]

        assert_clean(f"{things} {things!r}")

    def test_are_not_in_the_log_of_success(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        client = lumetrade(Answers(answer(201, withdrawal())))

        client.create_withdrawal(BODY, idempotency_key="k")
        client.get_withdrawal("WD4F7K2M9Q1X8Z")

        assert "upstreams.call" in caplog.text
        assert_clean(caplog.text)
        assert "WD4F7K2M9Q1X8Z" not in caplog.text
        assert "api.lumetrade.com" not in caplog.text
