"""Every method of the Lumetrade client against the sandbox, which stands in for the documents."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from sandbox.app import Sandbox, create_app
from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.faults import Fault
from sandbox.lumetrade.routes import PREFIX, ROUTES, V1
from sandbox.server import serve
from tests.upstreams.lumetrade import everything, lumetrade, rand, sandbox_settings
from upstreams.budget import Priority
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
from upstreams.lumetrade.calls import base
from upstreams.lumetrade.calls.movements import CREATE_WITHDRAWAL, withdrawal_body
from upstreams.lumetrade.calls.trades import CONFIRM_QUOTE, Exchange, confirmation_body
from upstreams.lumetrade.client import LumetradeClient
from upstreams.lumetrade.schemas import BeneficiaryRecord, CreatedWithdrawal
from upstreams.money import Money

RANDS = Exchange("ZAR", "USD", rand("1000"))


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Sandbox, str]]:
    """A served sandbox with roomy limits, whose time passes when a test says so; its address."""
    clock = Clock()
    clock.freeze()
    sandbox = create_app(Config(lumetrade=sandbox_settings()), clock=clock)
    with sandbox, serve(sandbox) as server:
        yield sandbox, server.url + PREFIX


@pytest.fixture
def sandbox(place: tuple[Sandbox, str]) -> Sandbox:
    place[0].reset()
    return place[0]


@pytest.fixture
def client(sandbox: Sandbox, place: tuple[Sandbox, str]) -> LumetradeClient:
    return lumetrade(base_url=place[1])


@pytest.fixture
def beneficiary(client: LumetradeClient) -> BeneficiaryRecord:
    found, _ = everything(client.list_beneficiaries(currency="ZAR"))
    return found[0]


def pay(client: LumetradeClient, to: BeneficiaryRecord, amount: str = "101") -> CreatedWithdrawal:
    body = withdrawal_body(beneficiary_id=to.id, amount=Money(Decimal(amount), to.currency))
    return client.create_withdrawal(body, idempotency_key="our-key")


def pass_time(sandbox: Sandbox, seconds: float) -> None:
    sandbox.clock.advance(seconds)
    sandbox.tick()


def fault(sandbox: Sandbox, kind: str, *, method: str = "*", **params: Any) -> None:
    """Let this go wrong with every call from now on."""
    sandbox.faults.add(
        Fault(kind=kind, method=method, path=f"{PREFIX}/*", times=None, params=params)
    )


def control(sandbox: Sandbox, path: str, **body: Any) -> Any:
    """Ask the control door for something."""
    environ = EnvironBuilder(path=f"/_control{path}", method="POST", json=body).get_environ()
    answer = run_wsgi_app(sandbox, environ)
    assert answer[1].startswith("200"), b"".join(answer[0])
    return json.loads(b"".join(answer[0]))


def posts(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    return [
        call
        for call in sandbox.requests
        if (call["method"], call["path"]) == ("POST", PREFIX + path)
    ]


class TestAccounts:
    def test_are_listed_and_read(self, client: LumetradeClient) -> None:
        accounts = client.list_accounts()

        assert not accounts.refused
        rands = next(account for account in accounts.items if account.currency == "ZAR")
        assert rands.available == rand("4250000")
        assert rands.locked == rand("0")
        assert client.get_account(rands.id) == client.get_account_in("ZAR") == rands

    def test_are_opened_once(self, client: LumetradeClient) -> None:
        opened = client.create_account("EUR")

        assert client.get_account_in("EUR") == opened
        with pytest.raises(AlreadyExists):
            client.create_account("EUR")

    def test_are_not_opened_in_a_strange_currency(self, client: LumetradeClient) -> None:
        with pytest.raises(NotFound):
            client.create_account("XXX")
        with pytest.raises(Rejected) as caught:
            client.create_account("")
        assert (caught.value.code, list(caught.value.field_errors)) == ("1133", ["currency"])

    def test_that_are_not_there_are_not_found(self, client: LumetradeClient) -> None:
        for ask in (
            lambda: client.get_account("acc_nobody"),
            lambda: client.get_account_in("EUR"),
            lambda: client.get_wallet("wal_nobody"),
            lambda: client.get_beneficiary("ben_nobody"),
            lambda: client.get_withdrawal("WD"),
            lambda: client.get_deposit("DP"),
            lambda: client.get_trade("TID"),
        ):
            with pytest.raises(NotFound):
                ask()


class TestCoordinates:
    def test_of_wallets_are_listed_filtered_and_read(self, client: LumetradeClient) -> None:
        wallets = client.list_wallets()

        assert not wallets.refused
        (eft,) = client.list_wallets(payment_method_type="EFT").items
        assert (eft.currency, eft.network, eft.payment_method_type) == ("ZAR", "", "EFT")
        assert set(eft.details) == {
            "bankName",
            "accountName",
            "accountNumber",
            "accountType",
            "branchCode",
        }
        (tron,) = client.list_wallets(network="TRON").items
        assert (tron.currency, tron.payment_method_type) == ("USDT", "")
        assert set(tron.details) == {"address", "address_tag"}
        assert client.get_wallet(tron.id) == tron

    def test_of_beneficiaries_are_listed_filtered_and_read(self, client: LumetradeClient) -> None:
        everyone, refused = everything(client.list_beneficiaries())
        dollars, _ = everything(client.list_beneficiaries(currency="USD"))

        assert not refused
        assert dollars == [one for one in everyone if one.currency == "USD"] != []
        assert client.get_beneficiary(dollars[0].id) == dollars[0]
        assert dollars[0].nickname and dollars[0].details["iban"]

    def test_currencies_are_what_they_offer(self, client: LumetradeClient) -> None:
        offered = client.list_currencies()

        bitcoin = next(currency for currency in offered.items if currency.code == "BTC")
        assert (bitcoin.type, bitcoin.networks) == ("CRYPTO", ["BITCOIN"])

    def test_currencies_are_those_of_the_accounts_where_they_offer_no_list(
        self, place: tuple[Sandbox, str], sandbox: Sandbox
    ) -> None:
        held = {"BTC", "USD", "USDT", "ZAR"}
        assert _codes(lumetrade(base_url=place[1], currencies="")) == held
        sandbox.faults.add(
            Fault(kind="refuse", path=f"{V1}/currencies", times=None, params={"status": 404})
        )
        assert _codes(lumetrade(base_url=place[1])) == held


def _codes(client: LumetradeClient) -> set[str]:
    return {currency.code for currency in client.list_currencies().items}


class TestWithdrawals:
    def test_are_created_with_the_exact_bytes(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        created = pay(client, beneficiary, "18.40")

        (sent,) = posts(sandbox, CREATE_WITHDRAWAL)
        assert sent["body"] == f'{{"beneficiaryId": "{beneficiary.id}", "amount": 18.4}}'
        assert sent["idempotency_key"] == "our-key"
        assert created.status == "PENDING"
        read = client.get_withdrawal(created.id)
        assert (read.amount, read.fee, read.currency) == (rand("18.40"), rand("0.09"), "ZAR")
        assert read.details == beneficiary.details

    def test_send_no_key_where_it_is_not_wanted(
        self, place: tuple[Sandbox, str], sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        pay(lumetrade(base_url=place[1], send_idempotency_key=False), beneficiary)

        assert posts(sandbox, CREATE_WITHDRAWAL)[0]["idempotency_key"] == ""

    def test_go_their_way_and_may_come_back(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        before = client.get_account_in("ZAR")
        created = pay(client, beneficiary, "1000")
        assert client.get_account_in("ZAR").locked == rand("1005")

        seen = [client.get_withdrawal(created.id).status]
        for _ in range(40):
            pass_time(sandbox, 1)
            if (status := client.get_withdrawal(created.id).status) != seen[-1]:
                seen.append(status)

        assert seen == ["PENDING", "AWAITING_CONFIRMATION", "ACCEPTED", "PROCESSING", "COMPLETED"]
        paid = client.get_account_in("ZAR")
        assert (paid.available.amount, paid.locked) == (before.available.amount - 1005, rand("0"))
        done = client.get_withdrawal(created.id)
        assert done.completed_at is not None and done.completed_at > done.created_at

        control(sandbox, f"/lumetrade/movements/{created.id}/reversed")
        assert client.get_withdrawal(created.id).status == "REVERSED"
        assert client.get_account_in("ZAR").available == before.available

    def test_that_may_not_be_say_why(
        self, client: LumetradeClient, beneficiary: BeneficiaryRecord
    ) -> None:
        with pytest.raises(NotFound):
            client.create_withdrawal(withdrawal_body(beneficiary_id="ben_x", amount=rand("1")))
        with pytest.raises(Rejected) as caught:
            pay(client, beneficiary, "0")
        assert list(caught.value.field_errors) == ["amount"]
        with pytest.raises(Conflict, match="Insufficient funds"):
            pay(client, beneficiary, "99999999")

    def test_are_listed_with_a_bad_one_set_aside(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        made = [pay(client, beneficiary, str(number)).id for number in range(1, 6)]
        fault(sandbox, "alter", set={"amount": "12.50"}, index=2)

        items, (refused,) = everything(client.list_withdrawals())

        assert [item.id for item in items] == [made[4], made[3], made[1], made[0]]
        assert refused.record_id == made[2]
        assert "amount" in refused.reason

    def test_keep_a_stage_nobody_documented(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        created = pay(client, beneficiary)
        fault(sandbox, "unknown_status", status="on_the_Moon", index=None)

        assert client.get_withdrawal(created.id).status == "ON_THE_MOON"
        (listed,), _ = everything(client.list_withdrawals())
        assert (listed.status, listed.raw["status"]) == ("ON_THE_MOON", "on_the_Moon")

    def test_are_sent_once_each_however_the_reply_is_lost(
        self, place: tuple[Sandbox, str], sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        kinds = ["drop", "drop_midway", "answer_500", "answer_truncated", "answer_empty_object"]
        for number in range(50):
            sandbox.faults.clear()
            fault(sandbox, kinds[number % 5], method="POST")
            with pytest.raises(Unknown):  # a client of its own: five failures open a circuit
                pay(lumetrade(base_url=place[1]), beneficiary, f"{number + 1}.25")
        sandbox.faults.clear()

        assert len(posts(sandbox, CREATE_WITHDRAWAL)) == 50
        items, _ = everything(lumetrade(base_url=place[1]).list_withdrawals())
        amounts = sorted(item.amount.amount for item in items)
        assert amounts == [Decimal(f"{number}.25") for number in range(1, 51)]


class TestDeposits:
    def test_arrive_and_are_credited(self, client: LumetradeClient, sandbox: Sandbox) -> None:
        before = client.get_account_in("ZAR").available.amount
        made = control(sandbox, "/lumetrade/deposits", currency="ZAR", amount=250)

        (deposit,), refused = everything(client.list_deposits())

        assert not refused
        assert (deposit.id, deposit.status) == (made["transactionId"], "SUBMITTED")
        assert (deposit.amount, deposit.completed_at) == (rand("250"), None)
        for _ in range(12):
            pass_time(sandbox, 1)
        done = client.get_deposit(deposit.id)
        assert done.status == "COMPLETED"
        assert done.completed_at is not None and done.completed_at.utcoffset() is not None
        assert client.get_account_in("ZAR").available.amount == before + 250


class TestTrades:
    def test_are_quoted_for_showing_only(self, client: LumetradeClient) -> None:
        price = client.quote(Exchange("ZAR", "USD", Money(Decimal(50), "USD")), confirmable=False)

        assert price.reference == ""
        assert price.bought == Money(Decimal(50), "USD")
        assert price.sold.currency == "ZAR" and price.sold.amount > 50
        assert price.rate is not None and price.is_rate_inverted

    def test_are_quoted_confirmed_and_filled(
        self, client: LumetradeClient, sandbox: Sandbox
    ) -> None:
        quote = client.quote(RANDS, confirmable=True)
        body = confirmation_body(RANDS, quote)

        trade = client.confirm_quote(body)

        assert posts(sandbox, CONFIRM_QUOTE)[0]["body"].encode() == body
        assert (trade.status, trade.fills, trade.is_rfq) == ("PENDING", [], True)
        assert (trade.sold, trade.bought) == (quote.sold, quote.bought)
        for _ in range(8):
            pass_time(sandbox, 1)
        (listed,), refused = everything(client.list_trades())
        assert not refused
        assert listed == client.get_trade(trade.id)
        assert (listed.status, [fill.status for fill in listed.fills]) == (
            "COMPLETED",
            ["COMPLETED", "COMPLETED"],
        )
        assert sum(fill.sold.amount for fill in listed.fills) == 1000
        assert client.get_account_in("ZAR").available == rand("4249000")
        assert client.get_account_in("ZAR").locked == rand("0")

    def test_are_not_made_of_a_quote_that_is_old_or_used(
        self, client: LumetradeClient, sandbox: Sandbox
    ) -> None:
        quote = client.quote(RANDS, confirmable=True)
        other = Exchange("ZAR", "USD", rand("1001"))
        with pytest.raises(Rejected):
            client.confirm_quote(confirmation_body(other, quote))
        client.confirm_quote(confirmation_body(RANDS, quote))
        late = client.quote(RANDS, confirmable=True)
        assert late.expires_at is not None
        pass_time(sandbox, 30)

        for spent in (quote, late):
            with pytest.raises(Conflict, match="expired"):
                client.confirm_quote(confirmation_body(RANDS, spent))

    @pytest.mark.parametrize("kind", ["drop", "drop_midway", "answer_500", "answer_null"])
    def test_are_confirmed_once_however_the_reply_is_lost(
        self, client: LumetradeClient, sandbox: Sandbox, kind: str
    ) -> None:
        quote = client.quote(RANDS, confirmable=True)
        fault(sandbox, kind, method="POST")

        with pytest.raises(Unknown):
            client.confirm_quote(confirmation_body(RANDS, quote))

        assert len(posts(sandbox, CONFIRM_QUOTE)) == 1


class TestALongList:
    @pytest.fixture(autouse=True)
    def _one_to_copy(self, client: LumetradeClient, beneficiary: BeneficiaryRecord) -> None:
        pay(client, beneficiary)

    def test_is_read_in_little_memory_and_a_bad_record_is_set_aside(
        self, client: LumetradeClient, sandbox: Sandbox
    ) -> None:
        fault(sandbox, "huge_list", items=6_000, bytes=750, bad=[2_000, 2_001, 5_999])
        counts = [0, 0]
        tracemalloc.start()

        for batch in client.list_withdrawals():
            assert len(batch.items) + len(batch.refused) <= 500
            counts[0] += len(batch.items)
            counts[1] += len(batch.refused)

        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert counts == [5_997, 3]
        assert (
            peak < 8_000_000
        )  # the sandbox's share included; parsed at once they would take 30 MB

    def test_that_breaks_off_gives_what_came_before(
        self, client: LumetradeClient, sandbox: Sandbox
    ) -> None:
        fault(sandbox, "huge_list", items=1_200, bytes=750)
        fault(sandbox, "answer_truncated")
        found = 0

        with pytest.raises(BadPayload, match="breaks off"):
            for batch in client.list_withdrawals():
                found += len(batch.items)

        assert found == 599

    def test_leaves_no_file_open_when_nobody_reads_on(
        self, client: LumetradeClient, sandbox: Sandbox
    ) -> None:
        fault(sandbox, "huge_list", items=5_000, bytes=750)

        batches = client.list_withdrawals()
        next(batches)
        batches.close()  # type: ignore[attr-defined]

    def test_larger_than_the_cap_is_refused(
        self, client: LumetradeClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base, "LIST_BYTES", 1_000_000)
        fault(sandbox, "huge_list", items=5_000, bytes=750)

        with pytest.raises(BadPayload, match="larger than 1000000 bytes"):
            everything(client.list_withdrawals())


TROUBLES: dict[str, tuple[str, dict[str, Any], type[Exception], type[Exception]]] = {
    "server error": ("answer_500", {}, Unavailable, Unknown),
    "not accepted": ("error", {"status": 503}, Unavailable, Unknown),
    "gateway's page": ("answer_502_html", {}, Unavailable, Unknown),
    "gateway's timeout": ("answer_504", {}, Unavailable, Unknown),
    "redirect": ("answer_308", {"location": "https://evil.example/"}, BadPayload, Unknown),
    "no answer": ("drop", {}, Unavailable, Unknown),
    "half an answer": ("drop_midway", {}, Unavailable, Unknown),
    "reset": ("drop", {"reset": True}, Unavailable, Unknown),
    "slow headers": ("slow_headers", {"seconds": 0.2}, Unavailable, Unknown),
    "slow body": ("slow_body", {"bytes_per_second": 5}, Unavailable, Unknown),
    "truncated": ("answer_truncated", {}, BadPayload, Unknown),
    "empty object": ("answer_empty_object", {}, BadPayload, Unknown),
    "null": ("answer_null", {}, BadPayload, Unknown),
    "not JSON": ("malformed_json", {}, BadPayload, Unknown),
    "bomb": ("gzip_bomb", {"megabytes": 50}, BadPayload, Unknown),
    "huge": ("huge_body", {"megabytes": 8}, BadPayload, Unknown),
    "deep": ("deep_json", {"depth": 5000}, BadPayload, Unknown),
    "no id": ("missing_field", {"field": "transactionId"}, BadPayload, Unknown),
    "conflict": ("refuse", {"status": 409}, Rejected, Conflict),
    "busy": ("rate_limited", {"retry_after": "30"}, RateLimited, RateLimited),
    "refusal": ("refuse", {"error_code": "1133"}, Rejected, Rejected),
    "forbidden": ("refuse", {"status": 403}, Forbidden, Forbidden),
}


class TestTrouble:
    @pytest.mark.parametrize("name", TROUBLES)
    def test_with_a_read(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord, name: str
    ) -> None:
        kind, params, expected, _ = TROUBLES[name]
        created = pay(client, beneficiary)
        fault(sandbox, kind, **params)

        with pytest.raises(UpstreamError) as caught:
            _hurried(client, kind).get_withdrawal(created.id)

        assert type(caught.value) is expected

    @pytest.mark.parametrize("name", TROUBLES.keys() - {"no id"})
    def test_with_a_long_list(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord, name: str
    ) -> None:
        kind, params, expected, _ = TROUBLES[name]
        pay(client, beneficiary)
        fault(sandbox, kind, **params)

        with pytest.raises(UpstreamError) as caught:
            everything(_hurried(client, kind).list_withdrawals())

        assert type(caught.value) is expected

    @pytest.mark.parametrize("name", TROUBLES)
    def test_with_a_write(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord, name: str
    ) -> None:
        kind, params, _, expected = TROUBLES[name]
        fault(sandbox, kind, **params)

        with pytest.raises(UpstreamError) as caught:
            pay(_hurried(client, kind), beneficiary)

        assert type(caught.value) is expected
        assert len(posts(sandbox, CREATE_WITHDRAWAL)) == 1

    def test_that_comes_after_acceptance_is_seen_in_the_list(
        self, client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
    ) -> None:
        fault(sandbox, "accept_late", method="POST", seconds=5)
        with pytest.raises(Unknown):
            pay(client, beneficiary, "77")
        sandbox.faults.clear()
        assert everything(client.list_withdrawals())[0] == []

        pass_time(sandbox, 5)

        (found,), _ = everything(client.list_withdrawals())
        assert found.amount == rand("77")

    @pytest.mark.usefixtures("sandbox")
    @pytest.mark.parametrize("half", ["api_key", "api_secret"])
    def test_with_either_half_of_the_credential_is_told_apart(
        self, place: tuple[Sandbox, str], half: str
    ) -> None:
        with pytest.raises(Unauthorized):
            lumetrade(base_url=place[1], **{half: "wrong"}).list_accounts()

    def test_with_the_rate_is_told_by_them(self, beneficiary: BeneficiaryRecord) -> None:
        settings = sandbox_settings(rate_limit=2)
        with create_app(Config(lumetrade=settings)) as sandbox, serve(sandbox) as server:
            client = lumetrade(base_url=server.url + PREFIX, deadline=0.5)
            client.list_accounts()
            client.list_accounts()

            with pytest.raises(RateLimited) as caught:
                client.list_accounts()

        assert 1 <= caught.value.retry_after <= 60


def _hurried(client: LumetradeClient, kind: str) -> LumetradeClient:
    return client.tuned(priority=Priority.OPERATOR, deadline=1.0 if "slow" in kind else 15)


def test_calls_every_operation_there_is(
    client: LumetradeClient, sandbox: Sandbox, beneficiary: BeneficiaryRecord
) -> None:
    created = pay(client, beneficiary)
    deposit = control(sandbox, "/lumetrade/deposits", currency="ZAR", amount=1)
    trade = client.confirm_quote(confirmation_body(RANDS, client.quote(RANDS, confirmable=True)))
    client.get_account(client.create_account("EUR").id)
    client.get_account_in("EUR")
    client.get_wallet(client.list_wallets().items[0].id)
    client.get_beneficiary(beneficiary.id)
    client.get_withdrawal(created.id)
    client.get_deposit(deposit["transactionId"])
    client.get_trade(trade.id)
    client.list_accounts()
    client.list_currencies()
    for listed in (client.list_withdrawals(), client.list_deposits(), client.list_trades()):
        everything(listed)

    called = {(call["method"], call["path"]) for call in sandbox.requests}
    missed = [
        route
        for route in ROUTES
        if not any(
            method == route.method
            and re.fullmatch(V1 + re.sub("<[^>]+>", "[^/]+", route.path), path)
            for method, path in called
        )
    ]
    assert missed == []
