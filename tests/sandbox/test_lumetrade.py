"""The Lumetrade stand-in by its documents: credentials, stages, balances, quotes, faults."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.config import Config, LumetradeConfig
from sandbox.lumetrade.config import TRANSITIONS
from tests.sandbox.helpers import NOON, Json, Mailbox, SandboxTransport, Wire

HEADERS = {"X-API-KEY": "lt_key_sandbox", "X-API-SECRET": "lt_secret_sandbox"}


class Bench:
    """A sandbox with a standing clock and a client for Lumetrade's API."""

    def __init__(self, *, seed: int | None = None, pace: float = 0, **lumetrade: Any) -> None:
        self.clock = Clock(NOON, wire=Wire())
        config = Config(seed=seed, pace=pace, lumetrade=LumetradeConfig(**lumetrade))
        self.sandbox = create_app(config, clock=self.clock, sender=Mailbox())
        self.api = httpx.Client(
            transport=SandboxTransport(self.sandbox),
            base_url="http://sandbox/lumetrade/api/v1",
            headers=HEADERS,
        )

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.sandbox.tick()

    def get(self, path: str) -> Any:
        answer = self.api.get(path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def withdraw(self, amount: Any = 100, currency: str = "ZAR") -> Json:
        to = self.get(f"/beneficiaries?currency={currency}")[0]["id"]
        answer = self.api.post(
            "/beneficiaries/withdrawals", json={"beneficiaryId": to, "amount": amount}
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def account(self, currency: str = "ZAR") -> tuple[Any, Any]:
        """Available and locked money."""
        account = self.get(f"/accounts/currency/{currency}")
        return account["balance"], account["lockedBalance"]

    def control(self, path: str, body: Json | None = None, *, status: int = 200) -> Any:
        url = f"http://sandbox/_control{path}"
        answer = self.api.get(url) if body is None else self.api.post(url, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def fault(self, kind: str, **params: Any) -> None:
        self.control("/faults", {"kind": kind, "path": "/lumetrade/*", "params": params})


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def bench(**settings: Any) -> Bench:
        made.append(Bench(**settings))
        return made[-1]

    yield bench
    for one in made:
        one.api.close()
        one.sandbox.close()


@pytest.fixture
def lumetrade(make: Callable[..., Bench]) -> Bench:
    return make()


class TestTheDoor:
    @pytest.mark.parametrize("half", HEADERS)
    @pytest.mark.parametrize("value", ["", "wrong"])
    def test_opens_to_both_halves_of_the_credential(
        self, lumetrade: Bench, half: str, value: str
    ) -> None:
        answer = lumetrade.api.get("/accounts", headers={half: value})

        assert answer.status_code == 401
        body = answer.json()
        assert (body["code"], body["httpStatus"], body["errors"]) == (1001, 401, [])
        assert body["requestId"].startswith("req_")

    def test_lets_so_many_calls_a_minute_pass(self, make: Callable[..., Bench]) -> None:
        lumetrade = make(rate_limit=2)
        codes = [lumetrade.api.get("/accounts").status_code for _ in range(3)]

        assert codes == [200, 200, 429]
        refused = lumetrade.api.get("/accounts")
        assert refused.json()["httpStatus"] == 429
        assert refused.headers["Retry-After"] == "60"

    @pytest.mark.parametrize(
        ("method", "path"), [("GET", "/nothing"), ("DELETE", "/accounts"), ("PUT", "/trades/1")]
    )
    def test_says_in_its_envelope_what_is_not_there(
        self, lumetrade: Bench, method: str, path: str
    ) -> None:
        answer = lumetrade.api.request(method, path)

        assert answer.status_code == answer.json()["httpStatus"] in (404, 405)

    def test_is_not_luxcores(self, lumetrade: Bench) -> None:
        answer = lumetrade.api.get("http://sandbox/api/v1/payments")

        assert answer.json()["error"] == "INVALID_API_KEY"

    def test_writes_down_every_call(self, lumetrade: Bench) -> None:
        lumetrade.api.post("/trades/quote", json={}, headers={"Idempotency-Key": "k-1"})

        (entry,) = lumetrade.control("/requests?method=POST")["requests"]
        assert entry["path"] == "/lumetrade/api/v1/trades/quote"
        assert entry["idempotency_key"] == "k-1"
        assert "secret" not in json.dumps(entry)


class TestWithdrawals:
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "beneficiaryId"),
            ({"beneficiaryId": 7}, "beneficiaryId"),
            ([], "body"),
            ("{", "body"),
            ({"amount": None}, "amount"),
            ({"amount": "100"}, "amount"),
            ({"amount": 0}, "amount"),
            ({"amount": -1}, "amount"),
            ({"amount": 1.005}, "amount"),
            ({"amount": True}, "amount"),
            ({"amount": 1e30}, "amount"),
        ],
    )
    def test_that_are_malformed_are_refused(self, lumetrade: Bench, body: Any, field: str) -> None:
        if isinstance(body, dict) and "amount" in body:
            body["beneficiaryId"] = lumetrade.get("/beneficiaries?currency=ZAR")[0]["id"]
        content = body if isinstance(body, str) else json.dumps(body)

        answer = lumetrade.api.post(
            "/beneficiaries/withdrawals",
            content=content,
            headers={"Content-Type": "application/json"},
        )

        assert (answer.status_code, answer.json()["code"]) == (400, 1133)
        assert [error["field"] for error in answer.json()["errors"]] == [field]
        assert lumetrade.get("/withdrawals") == []

    def test_are_not_the_same_though_the_key_is(self, lumetrade: Bench) -> None:
        lumetrade.api.headers["Idempotency-Key"] = "k-1"  # nothing documents that it would help

        assert lumetrade.withdraw()["transactionId"] != lumetrade.withdraw()["transactionId"]

    def test_hold_the_money_until_it_has_left(self, lumetrade: Bench) -> None:
        lumetrade.withdraw(1000)
        assert lumetrade.account() == (4_248_995, 1_005)

        lumetrade.pass_time(30)

        assert lumetrade.account() == (4_248_995, 0)

    def test_that_cost_more_than_there_is_are_a_conflict(self, lumetrade: Bench) -> None:
        lumetrade.control("/lumetrade/balances", {"currency": "ZAR", "available": 100.49})
        to = lumetrade.get("/beneficiaries?currency=ZAR")[0]["id"]

        answer = lumetrade.api.post(
            "/beneficiaries/withdrawals", json={"beneficiaryId": to, "amount": 100}
        )

        assert (answer.status_code, answer.json()["code"]) == (409, 1009)
        assert lumetrade.account() == (Decimal("100.49"), 0)

    @pytest.mark.parametrize("stage", ["FAILED", "CANCELLED"])
    def test_that_fail_give_the_money_back(self, lumetrade: Bench, stage: str) -> None:
        made = lumetrade.withdraw(1000)

        lumetrade.control(f"/lumetrade/movements/{made['transactionId']}/{stage}", {})

        assert lumetrade.account() == (4_250_000, 0)
        lumetrade.pass_time(60)  # what was planned is off
        assert lumetrade.get(f"/withdrawals/{made['transactionId']}")["status"] == stage

    def test_may_stray_from_the_usual_way(self, make: Callable[..., Bench]) -> None:
        lumetrade = make(review_share=1, reversal_share=1, reversal_delay=20)
        made = lumetrade.withdraw(1000)
        seen = []
        for _ in range(50):
            lumetrade.pass_time(1)
            seen.append(lumetrade.get(f"/withdrawals/{made['transactionId']}")["status"])

        assert list(dict.fromkeys(seen))[-4:] == [
            "COMPLIANCE_PENDING",
            "PROCESSING",
            "COMPLETED",
            "REVERSED",
        ]
        assert lumetrade.account() == (4_250_000, 0)

    def test_obey_the_table_of_moves_but_by_force(self, lumetrade: Bench) -> None:
        path = f"/lumetrade/movements/{lumetrade.withdraw()['transactionId']}"

        lumetrade.control(f"{path}/REVERSED", {}, status=409)
        assert lumetrade.control(f"{path}/ON_HOLD", {"force": True})["status"] == "ON_HOLD"

    def test_show_amounts_as_numbers(self, lumetrade: Bench) -> None:
        lumetrade.withdraw(18.4)

        text = lumetrade.api.get("/withdrawals").text

        assert '"amount":18.4,' in text
        assert '"fee":0.09,' in text


def test_every_stage_leads_somewhere_known() -> None:
    for moves in TRANSITIONS.values():
        for stages in moves.values():
            assert stages <= moves.keys() | {"FAILED", "CANCELLED", "REVERSED"}


class TestTrades:
    def quote(self, lumetrade: Bench, **changes: Any) -> httpx.Response:
        body = {
            "fromCurrency": "ZAR",
            "toCurrency": "USD",
            "fromAmount": 1000,
            "quoteIntent": "CLIENT_LINKED",
        }
        asked = {name: value for name, value in (body | changes).items() if value is not ...}
        return lumetrade.api.post("/trades/quote", json=asked)

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"fromCurrency": "XXX"}, "fromCurrency"),
            ({"toCurrency": "ZAR"}, "toCurrency"),
            ({"toAmount": 5}, "fromAmount"),
            ({"fromAmount": ...}, "fromAmount"),
            ({"fromAmount": -5}, "fromAmount"),
            ({"quoteIntent": "maybe"}, "quoteIntent"),
        ],
    )
    def test_are_quoted_for_one_amount_between_two_currencies(
        self, lumetrade: Bench, changes: Json, field: str
    ) -> None:
        answer = self.quote(lumetrade, **changes)

        assert answer.status_code == 400
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    def test_are_filled_in_parts_and_may_be_reversed(self, lumetrade: Bench) -> None:
        quote = self.quote(lumetrade).json()
        answer = lumetrade.api.post(
            "/trades/quote/confirm",
            json={
                "fromCurrency": "ZAR",
                "toCurrency": "USD",
                "toAmount": quote["toAmount"],
                "quoteStr": quote["quoteStr"],
            },
        )
        assert answer.status_code == 200
        assert "fills" not in answer.json()
        trade_id = answer.json()["transactionId"]
        assert lumetrade.account() == (4_249_000, 1000)

        fills = []
        for _ in range(10):
            lumetrade.pass_time(0.5)
            fills.append(len(lumetrade.get(f"/trades/{trade_id}")["fills"]))

        assert sorted(set(fills)) == [0, 1, 2]
        assert lumetrade.account() == (4_249_000, 0)
        lumetrade.control(f"/lumetrade/movements/{trade_id}/reversed", {})
        assert lumetrade.account() == (4_250_000, 0)
        assert lumetrade.account("USD") == (318_000, 0)
        assert {fill["status"] for fill in lumetrade.get(f"/trades/{trade_id}")["fills"]} == {
            "REVERSED"
        }


class TestHistoryAndTraffic:
    def test_are_repeatable_and_believable(self, make: Callable[..., Bench]) -> None:
        one, same = make(seed=5), make(seed=5)

        for path in ("/accounts", "/withdrawals", "/deposits", "/trades", "/beneficiaries"):
            assert one.get(path) == same.get(path) != []
        stages = {item["status"] for item in one.get("/withdrawals")}
        assert stages >= {"COMPLETED", "REVERSED", "FAILED", "CANCELLED", "COMPLIANCE_PENDING"}

    def test_go_on_by_themselves(self, make: Callable[..., Bench]) -> None:
        lumetrade = make(seed=5, pace=60)
        before = len(lumetrade.get("/deposits"))

        for _ in range(60):
            lumetrade.pass_time(5)

        deposits = lumetrade.get("/deposits")
        assert len(deposits) > before
        assert {"SUBMITTED", "COMPLETED"} <= {deposit["status"] for deposit in deposits}
        lumetrade.control("/traffic", {"pace": 0})
        assert lumetrade.sandbox.lumetrade_traffic.pace.per_minute == 0

    def test_are_forgotten_on_reset(self, make: Callable[..., Bench]) -> None:
        lumetrade = make(seed=5)
        lumetrade.withdraw()
        first = lumetrade.get("/withdrawals")

        lumetrade.control("/reset", {})

        assert len(lumetrade.get("/withdrawals")) == len(first) - 1


class TestFaults:
    @pytest.mark.parametrize(
        ("kind", "params", "status"),
        [
            ("error", {}, 503),
            ("refuse", {"error_code": "1133"}, 400),
            ("refuse", {"status": 403}, 403),
            ("rate_limited", {}, 429),
            ("answer_500", {}, 500),
            ("answer_504", {}, 504),
        ],
    )
    def test_speak_in_its_own_envelope(
        self, lumetrade: Bench, kind: str, params: Json, status: int
    ) -> None:
        lumetrade.fault(kind, **params)

        answer = lumetrade.api.get("/accounts")

        assert answer.status_code == status
        body = answer.json()
        assert set(body) == {
            "code",
            "message",
            "httpStatus",
            "requestId",
            "timestamp",
            "errors",
        }
        assert body["httpStatus"] == status
        assert isinstance(body["code"], int)

    def test_leave_luxcore_alone(self, lumetrade: Bench) -> None:
        lumetrade.fault("error")

        answer = lumetrade.api.get("http://sandbox/api/v1/payments")

        assert answer.status_code == 401

    def test_spoil_one_record_of_a_bare_list(self, lumetrade: Bench) -> None:
        for _ in range(3):
            lumetrade.withdraw()
        lumetrade.fault("malformed_record", index=1)

        listed = lumetrade.get("/withdrawals")

        assert [item["transactionId"] is None for item in listed] == [False, True, False]

    def test_make_a_list_as_long_as_asked_for(self, lumetrade: Bench) -> None:
        made = lumetrade.withdraw()
        lumetrade.fault("huge_list", items=450, bytes=700, bad=[3])

        answer = lumetrade.api.get("/withdrawals")

        listed = answer.json()
        assert len(listed) == len({item["transactionId"] for item in listed}) == 450
        assert listed[0]["transactionId"] == f"{made['transactionId']}-0000000"
        assert listed[3]["amount"] == "a lot"
        assert 700 * 450 < len(answer.content) < 720 * 450

    def test_accept_late(self, lumetrade: Bench) -> None:
        lumetrade.control(
            "/faults",
            {"kind": "accept_late", "path": "/lumetrade/*", "method": "POST"},
        )
        to = lumetrade.get("/beneficiaries")[0]["id"]
        answer = lumetrade.api.post(
            "/beneficiaries/withdrawals", json={"beneficiaryId": to, "amount": 1}
        )
        assert answer.status_code == 504
        assert lumetrade.get("/withdrawals") == []

        lumetrade.pass_time(5)

        assert len(lumetrade.get("/withdrawals")) == 1


class TestThePage:
    def test_shows_movements_with_their_next_stages(self, make: Callable[..., Bench]) -> None:
        lumetrade = make(seed=5)
        made = lumetrade.withdraw()["transactionId"]
        path = f"/_control/lumetrade/movements/{made}/FAILED"
        page = lumetrade.api.get("http://sandbox/_control/").text
        assert f'action="{path}"' in page

        answer = lumetrade.api.post(f"http://sandbox{path}", data={"stage": "FAILED"})

        assert (answer.status_code, answer.headers["Location"]) == (303, "/_control/")
        assert lumetrade.get(f"/withdrawals/{made}")["status"] == "FAILED"
