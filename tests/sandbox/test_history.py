"""History and traffic: believable, repeatable, and consistent with the books."""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.app import Sandbox, create_app
from sandbox.clock import Clock
from sandbox.config import Config, LuxCoreConfig
from sandbox.luxcore.payments.lifecycle import STATUSES
from sandbox.luxcore.people import COUNTRIES
from tests.sandbox.helpers import NOON, Bench, Json, Mailbox, Wire, client, withdrawal


def start(*, seed: int | None = 7, state: str = ":memory:", pace: float = 0) -> Sandbox:
    clock = Clock(NOON, wire=Wire())
    return create_app(Config(seed=seed, state=state, pace=pace), clock=clock, sender=Mailbox())


def ledger(sandbox: Sandbox) -> list[Json]:
    with client(sandbox) as api:
        return list(api.get("http://sandbox/_control/payments").json()["payments"])


@pytest.fixture(scope="module")
def history() -> list[Json]:
    with start() as sandbox:
        return ledger(sandbox)


class TestHistory:
    def test_is_the_same_for_the_same_seed(self, history: list[Json]) -> None:
        with start() as again, start(seed=8) as other:
            assert ledger(again) == history
            assert ledger(other) != history

    def test_holds_payments_in_every_status(self, history: list[Json]) -> None:
        counts = Counter(payment["status"] for payment in history)

        assert set(counts) == set(STATUSES)
        assert 150 <= len(history) <= 180
        assert counts["pending"] >= 8
        assert counts["completed"] > len(history) / 2

    def test_covers_two_weeks_and_every_country(self, history: list[Json]) -> None:
        days = {payment["created_at"][:10] for payment in history}

        assert min(days) >= "2026-03-17"
        assert len(days) >= 13
        assert {p["currency"] for p in history} == {country.currency for country in COUNTRIES}
        assert {p["type"] for p in history} == {"deposit", "deposit_pp", "withdrawal"}

    def test_names_each_reference_once(self, history: list[Json]) -> None:
        assert len({payment["merchant_reference"] for payment in history}) == len(history)

    def test_pays_out_to_the_customer(self, history: list[Json]) -> None:
        payouts = [p for p in history if p["type"] == "withdrawal"]

        assert len(payouts) > 30
        assert all(p["payout"]["recipient_name"] == p["customer_name"] for p in payouts)

    def test_gives_accounts_with_right_check_digits(self, history: list[Json]) -> None:
        clabes = [p["payout"]["clabe"] for p in history if p["payout"] and "clabe" in p["payout"]]
        cbus = [
            p["payout"]["bank_account"] for p in history if p["payout"] and p["currency"] == "ARS"
        ]

        assert clabes
        assert cbus
        assert all(is_clabe(account) for account in clabes)
        assert all(is_cbu(account) for account in cbus)

    def test_balances_the_books(self, history: list[Json]) -> None:
        with start() as sandbox, client(sandbox) as api:
            lines = api.get("http://sandbox/_control/balances").json()["balances"]

        for line in lines:
            waiting = sum(
                p["amount"] + p["fee"]
                for p in history
                if p["currency"] == line["currency"]
                and p["type"] == "withdrawal"
                and p["status"] in ("pending", "processing")
            )
            assert line["frozen"] == waiting
            assert line["available"] > 0

    def test_leaves_pending_withdrawals_to_the_company_s_delay(self) -> None:
        with start() as sandbox:
            pending = {p["transaction_id"] for p in ledger(sandbox) if p["status"] == "pending"}
            sandbox.clock.advance(120)
            sandbox.tick()
            still = {p["transaction_id"] for p in ledger(sandbox) if p["status"] == "pending"}

        assert still == pending

    def test_tells_some_tickets(self) -> None:
        with start() as sandbox, client(sandbox) as api:
            tickets = api.get("/tickets", params={"limit": 100}).json()["data"]

        statuses = Counter(ticket["status"] for ticket in tickets)
        assert len(tickets) == 9
        assert len(statuses) >= 3
        assert any(ticket["comments_count"] for ticket in tickets)

    def test_sends_no_events(self) -> None:
        with start() as sandbox, client(sandbox) as api:
            assert api.get("http://sandbox/_control/events").json()["total"] == 0

    def test_is_not_written_without_a_seed(self) -> None:
        with start(seed=None) as sandbox, client(sandbox) as api:
            assert ledger(sandbox) == []
            assert api.get("/balance/all").json()["total_balances"] == 5


def is_clabe(account: str) -> bool:
    digits = [int(char) for char in account]
    weights = (3, 7, 1) * 5 + (3, 7)
    total = sum(digit * weight % 10 for digit, weight in zip(digits[:17], weights, strict=True))
    return len(digits) == 18 and -total % 10 == digits[17]


def is_cbu(account: str) -> bool:
    digits = [int(char) for char in account]
    bank = sum(d * w for d, w in zip(digits[:7], (7, 1, 3, 9, 7, 1, 3), strict=True))
    own = sum(d * w for d, w in zip(digits[8:21], (3, 9, 7, 1) * 3 + (3,), strict=True))
    return -bank % 10 == digits[7] and -own % 10 == digits[21]


class TestState:
    def test_survives_a_restart(self, tmp_path: Path) -> None:
        path = str(tmp_path / "deep" / "sandbox.sqlite3")
        with start(state=path) as first, client(first) as api:
            made = api.post(
                "/webhooks", json={"url": "https://e.com", "events": ["payment.failed"]}
            )
            before = ledger(first)
        with start(state=path) as second, client(second) as api:
            assert ledger(second) == before
            listed = api.get("/webhooks").json()["data"]

        assert [hook["id"] for hook in listed] == [made.json()["data"]["id"]]

    def test_keeps_links_valid(self, tmp_path: Path) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        body = {
            "amount": 500,
            "currency": "LKR",
            "method": "ipay",
            "type": "deposit",
            "merchant_reference": "x",
        }
        with start(state=path) as first, client(first) as api:
            url = api.post("/payments", json=body).json()["redirect_url"]
        with start(state=path) as second, client(second) as api:
            assert api.get(url).status_code == 200

    def test_is_kept_aside_when_its_tables_were_other_ones(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = tmp_path / "sandbox.sqlite3"
        with closing(sqlite3.connect(path)) as db:
            db.execute("CREATE TABLE payment (id TEXT)")
        with start(state=str(path)) as sandbox:
            assert len(ledger(sandbox)) > 150

        assert (tmp_path / "sandbox.sqlite3.old").exists()
        assert "kept as" in caplog.text

    def test_has_one_webhook_per_configured_address(self, tmp_path: Path) -> None:
        path = str(tmp_path / "sandbox.sqlite3")
        for secret in ("whsec_1", "whsec_1", "whsec_2"):
            luxcore = LuxCoreConfig(webhook_url="http://127.0.0.1/x", webhook_secret=secret)
            config = Config(state=path, luxcore=luxcore)
            with create_app(config) as sandbox, sandbox.store.transaction() as db:
                rows = db.execute("SELECT secret FROM webhook").fetchall()

        assert [row["secret"] for row in rows] == ["whsec_2"]


class TestBatch:
    def test_spreads_payments_over_the_time_given(self, luxcore: Bench) -> None:
        answer = luxcore.control("/seed", {"payments": 120, "spread_seconds": 60})

        moments = Counter(p["created_at"] for p in luxcore.control("/payments")["payments"])
        assert answer == {"added": 120}
        assert min(moments) == "2026-03-31T11:59:00Z"
        assert set(moments.values()) == {2}

    @pytest.mark.parametrize("status", STATUSES)
    def test_brings_all_to_one_status_and_leaves_them_there(
        self, luxcore: Bench, status: str
    ) -> None:
        luxcore.control("/seed", {"payments": 12, "status": status, "spread_seconds": 60})
        luxcore.pass_time(86_400)

        payments = luxcore.control("/payments")["payments"]
        assert [p["status"] for p in payments] == [status] * 12

    def test_can_be_added_again_and_again(self, luxcore: Bench) -> None:
        for _ in range(3):
            luxcore.control("/seed", {"payments": 20, "spread_seconds": 60})

        payments = luxcore.control("/payments")["payments"]
        assert len({p["merchant_reference"] for p in payments}) == 60

    def test_leaves_the_available_money_alone(self, luxcore: Bench) -> None:
        before = {c.currency: luxcore.balance(c.currency)[0] for c in COUNTRIES}
        luxcore.control("/seed", {"payments": 200, "status": "pending"})

        assert {c.currency: luxcore.balance(c.currency)[0] for c in COUNTRIES} == before

    def test_can_be_of_one_direction(self, luxcore: Bench) -> None:
        luxcore.control("/seed", {"payments": 20, "type": "withdrawal"})

        payments = luxcore.control("/payments")["payments"]
        assert {p["type"] for p in payments} == {"withdrawal"}


class TestTraffic:
    def test_keeps_its_pace(self) -> None:
        with start(seed=None, pace=60) as sandbox:
            for _ in range(600):
                sandbox.clock.advance(1)
                sandbox.tick()
            made = ledger(sandbox)

        assert 500 < len(made) < 700
        assert {p["source"] for p in made} == {"traffic"}
        statuses = {p["status"] for p in made}
        assert {"pending", "processing", "completed", "failed"} <= statuses

    def test_leaves_its_withdrawals_to_the_company(self) -> None:
        with start(seed=None, pace=60) as sandbox:
            for _ in range(120):
                sandbox.clock.advance(1)
                sandbox.tick()
            withdrawals = [p for p in ledger(sandbox) if p["type"] == "withdrawal"]

        assert withdrawals
        assert {p["status"] for p in withdrawals} == {"pending"}

    def test_moves_them_on_after_their_delay(self) -> None:
        config = Config(pace=60, luxcore=LuxCoreConfig(traffic_approval_delay=5))
        clock = Clock(NOON, wire=Wire())
        with create_app(config, clock=clock, sender=Mailbox()) as sandbox:
            for _ in range(60):
                clock.advance(1)
                sandbox.tick()
            made = [p["status"] for p in ledger(sandbox) if p["type"] == "withdrawal"]

        assert "completed" in made

    def test_does_not_make_up_for_a_long_sleep(self) -> None:
        with start(seed=None, pace=600) as sandbox:
            sandbox.tick()
            sandbox.clock.advance(8 * 3600)
            sandbox.tick()

            assert len(ledger(sandbox)) < 5

    def test_comes_at_a_slow_pace_too(self) -> None:
        with start(seed=None, pace=0.05) as sandbox:
            for _ in range(6 * 60 * 4):
                sandbox.clock.advance(15)
                sandbox.tick()

            assert 8 < len(ledger(sandbox)) < 32

    def test_stops_when_told(self) -> None:
        with start(seed=None, pace=60) as sandbox, client(sandbox) as api:
            api.post("http://sandbox/_control/traffic", json={"pace": 0})
            for _ in range(60):
                sandbox.clock.advance(1)
                sandbox.tick()

            assert ledger(sandbox) == []

    def test_asks_support_and_is_answered(self) -> None:
        with start(seed=None, pace=120) as sandbox, client(sandbox) as api:
            for _ in range(400):
                sandbox.clock.advance(1)
                sandbox.tick()
            tickets = api.get("/tickets", params={"limit": 100}).json()["data"]

        assert len(tickets) > 5
        assert any(ticket["comments_count"] for ticket in tickets)
        assert any(ticket["status"] != "open" for ticket in tickets)

    def test_leaves_the_desk_s_own_payments_alone(self) -> None:
        with start(seed=None, pace=300) as sandbox, client(sandbox) as api:
            payment = api.post("/payments", json=withdrawal()).json()
            for _ in range(300):
                sandbox.clock.advance(1)
                sandbox.tick()
            tickets = api.get("/tickets", params={"limit": 100}).json()["data"]
            shown = api.get(f"/payments/{payment['transaction_id']}").json()

        assert tickets
        assert payment["transaction_id"] not in {t["payment_id"] for t in tickets}
        assert shown["status"] == "completed"
