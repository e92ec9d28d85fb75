"""What becomes of payments: by themselves, by hand, and what it does to the balance."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from sandbox.luxcore.payments.lifecycle import MOVES
from tests.sandbox.helpers import Bench, Json

FEE = 11_250  # 4.5 % of 250,000
DEEDS = ("release", "decline", "complete", "fail", "expire", "cancel", "refund")
REACHED = {
    "pending": {
        "release": "processing",
        "decline": "failed",
        "complete": "completed",
        "fail": "failed",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "processing": {
        "decline": "failed",
        "complete": "completed",
        "fail": "failed",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "completed": {"refund": "refunded"},
    "partial_refund": {"refund": "refunded"},
    "failed": {},
    "cancelled": {},
    "expired": {},
    "refunded": {},
}
WAY: dict[str, list[tuple[str, dict[str, int]]]] = {
    "pending": [],
    "processing": [("release", {})],
    "completed": [("complete", {})],
    "partial_refund": [("complete", {}), ("refund", {"amount": 100})],
    "failed": [("fail", {})],
    "cancelled": [("cancel", {})],
    "expired": [("expire", {})],
    "refunded": [("complete", {}), ("refund", {})],
}


def brought_to(luxcore: Bench, status: str) -> Json:
    payment = luxcore.withdraw()
    for deed, arguments in WAY[status]:
        luxcore.act(payment, deed, **arguments)
    return payment


class TestEveryDeedInEveryStatus:
    @pytest.mark.parametrize("deed", DEEDS)
    @pytest.mark.parametrize("status", list(MOVES))
    def test_moves_or_is_refused(self, luxcore: Bench, status: str, deed: str) -> None:
        payment = brought_to(luxcore, status)

        url = f"http://sandbox/_control/payments/{payment['transaction_id']}/{deed}"
        answer = luxcore.api.post(url)

        reached = REACHED[status].get(deed)
        if reached is None:
            assert answer.status_code == 400
            assert answer.json()["error_code"] == "PAYMENT_ALREADY_PROCESSED"
        assert luxcore.get(payment)["status"] == (reached or status)

    def test_never_leaves_a_terminal_status_for_an_open_one(self) -> None:
        terminal = {status for status, onward in MOVES.items() if "cancelled" not in onward}

        assert all(MOVES[status] <= terminal for status in terminal)


class TestWithdrawal:
    def test_is_approved_and_paid_after_its_delays(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        seen = []
        for seconds in (2.9, 0.2, 3.8, 0.2):
            luxcore.pass_time(seconds)
            seen.append(luxcore.get(payment)["status"])

        assert seen == ["pending", "processing", "processing", "completed"]
        assert luxcore.get(payment)["payout"]["status"] == "completed"

    def test_goes_on_after_an_early_release(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        luxcore.act(payment, "release")

        luxcore.pass_time(4.1)

        assert luxcore.get(payment)["status"] == "completed"

    def test_freezes_amount_and_fee_until_paid(self, luxcore: Bench) -> None:
        available, _ = luxcore.balance()
        payment = luxcore.withdraw()
        while_pending = luxcore.balance()
        luxcore.act(payment, "complete")

        assert while_pending == (available - 250_000 - FEE, 250_000 + FEE)
        assert luxcore.balance() == (available - 250_000 - FEE, 0)

    @pytest.mark.parametrize("deed", ["decline", "fail", "expire", "cancel"])
    def test_gives_the_money_back_when_it_comes_to_nothing(self, luxcore: Bench, deed: str) -> None:
        before = luxcore.balance()
        payment = luxcore.withdraw()
        luxcore.act(payment, deed)

        assert luxcore.balance() == before

    def test_says_why_it_failed(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        luxcore.act(payment, "fail", error_code="BANK_REJECTED", error_message="Closed account")

        body = luxcore.get(payment)

        assert (body["error_code"], body["error_message"]) == ("BANK_REJECTED", "Closed account")

    def test_counts_its_status_changes(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        versions = [1]
        for deed in ("release", "complete", "refund"):
            versions.append(luxcore.act(payment, deed)["status_version"])

        assert versions == [1, 2, 3, 4]


class TestCancel:
    def test_returns_the_cancelled_payment(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()

        answer = luxcore.api.post(f"/payments/{payment['transaction_id']}/cancel")

        assert answer.status_code == 200
        assert answer.json()["status"] == "cancelled"
        assert answer.json()["transaction_id"] == payment["transaction_id"]
        luxcore.pass_time(60)
        assert luxcore.get(payment)["status"] == "cancelled"

    @pytest.mark.parametrize("status", [status for status in MOVES if status != "pending"])
    def test_is_refused_in_any_other_status(self, luxcore: Bench, status: str) -> None:
        payment = brought_to(luxcore, status)

        answer = luxcore.api.post(f"/payments/{payment['transaction_id']}/cancel")

        assert answer.status_code == 400
        assert answer.json() == {
            "statusCode": 400,
            "message": f"Payment cannot be cancelled in current status: {status}",
            "error_code": "PAYMENT_ALREADY_PROCESSED",
            "timestamp": "2026-03-31T12:00:00.000Z",
        }

    def test_is_refused_for_a_deposit(self, luxcore: Bench) -> None:
        payment = luxcore.create()

        answer = luxcore.api.post(f"/payments/{payment['transaction_id']}/cancel")

        assert answer.json()["error_code"] == "PAYMENT_ALREADY_PROCESSED"

    def test_names_a_payment_it_does_not_know(self, luxcore: Bench) -> None:
        answer = luxcore.api.post("/payments/pay_nobody/cancel")

        assert answer.status_code == 404
        assert answer.json()["error_code"] == "PAYMENT_NOT_FOUND"


class TestDeposit:
    @pytest.mark.parametrize(
        ("changes", "minutes"), [({}, 15), ({"currency": "AUD", "method": "payid"}, 10)]
    )
    def test_expires_when_nobody_pays(self, luxcore: Bench, changes: Json, minutes: int) -> None:
        payment = luxcore.create(**changes)
        luxcore.pass_time(minutes * 60 - 1)
        just_before = luxcore.get(payment)["status"]
        luxcore.pass_time(1)

        body = luxcore.get(payment)
        assert just_before == "processing"
        assert (body["status"], body["error_code"]) == ("expired", "TTL_EXPIRED")

    def test_is_paid_after_the_payer_s_delay_where_configured(
        self, make_bench: Callable[..., Bench]
    ) -> None:
        luxcore = make_bench(payer_delay=20)
        payment = luxcore.create()
        luxcore.pass_time(20)

        assert luxcore.get(payment)["status"] == "completed"

    def test_credits_the_net_amount(self, luxcore: Bench) -> None:
        available, frozen = luxcore.balance()
        luxcore.act(luxcore.create(), "complete")

        assert luxcore.balance() == (available + 143_250, frozen)

    def test_is_refunded_in_parts_out_of_the_balance(self, luxcore: Bench) -> None:
        payment = luxcore.create()
        luxcore.act(payment, "complete")
        available, _ = luxcore.balance()
        first = luxcore.act(payment, "refund", amount=50_000)
        second = luxcore.act(payment, "refund", amount=25_000)
        last = luxcore.act(payment, "refund")

        statuses = [step["status"] for step in (first, second, last)]
        assert statuses == ["partial_refund", "partial_refund", "refunded"]
        assert [step["refunded_amount"] for step in (first, second, last)] == [
            50_000,
            75_000,
            150_000,
        ]
        assert luxcore.balance()[0] == available - 150_000
        assert luxcore.get(payment)["refunded_amount"] == 150_000

    @pytest.mark.parametrize("amount", [0, -1, 150_001])
    def test_is_not_refunded_beyond_its_amount(self, luxcore: Bench, amount: int) -> None:
        payment = luxcore.create()
        luxcore.act(payment, "complete")

        url = f"http://sandbox/_control/payments/{payment['transaction_id']}/refund"
        answer = luxcore.api.post(url, json={"amount": amount})

        assert answer.status_code == 400
        assert luxcore.get(payment)["status"] == "completed"


class TestAMisbehavingUpstream:
    def test_can_be_made_to_revive_a_dead_payment(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        luxcore.act(payment, "fail")
        before = luxcore.balance()

        shown = luxcore.act(payment, "force", status="completed")

        assert (shown["status"], shown["status_version"]) == ("completed", 4)
        assert luxcore.balance() == before


class TestManyOpenPayments:
    def test_move_in_the_order_they_are_due(self, luxcore: Bench) -> None:
        luxcore.control("/seed", {"payments": 300, "spread_seconds": 60})
        luxcore.pass_time(3600)

        due = [p["due_at"] for p in luxcore.control("/payments")["payments"] if p["due_at"]]
        assert all(moment > "2026-03-31T13:00:00.000Z" for moment in due)

    def test_keep_the_books_straight(self, luxcore: Bench) -> None:
        opening = {line["currency"]: line for line in luxcore.control("/balances")["balances"]}
        luxcore.control("/seed", {"payments": 200, "spread_seconds": 86_400})
        luxcore.pass_time(86_400)

        closing = {line["currency"]: line for line in luxcore.control("/balances")["balances"]}
        for currency, line in closing.items():
            expected: Any = opening[currency]["available"]
            for payment in luxcore.control(f"/payments?currency={currency}")["payments"]:
                expected += effect(payment)
            assert (line["available"], line["frozen"]) == (expected, 0)


def effect(payment: Json) -> int:
    """What a settled payment of a batch did to the available money; payouts bring their own."""
    if payment["type"].startswith("withdrawal"):
        kept = 0 if payment["confirmed_at"] else payment["amount"] + payment["fee"]
        return int(kept + payment["refunded_amount"])
    if payment["confirmed_at"] is None:
        return 0
    return int(payment["amount"] - payment["fee"] - payment["refunded_amount"])


class TestList:
    def test_is_newest_first_in_the_standard_envelope(self, luxcore: Bench) -> None:
        for number in range(5):
            luxcore.create(merchant_reference=f"order_{number}")
            luxcore.pass_time(1)

        body = luxcore.api.get("/payments", params={"limit": 2, "offset": 1}).json()

        assert body["success"] is True
        assert [p["merchant_reference"] for p in body["data"]] == ["order_3", "order_2"]
        assert body["total"] == 5
        assert body["pagination"] == {"limit": 2, "offset": 1, "total_pages": 3}

    def test_shows_what_the_single_payment_shows(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw(customer={"name": "A", "email": "a@example.com"})

        (listed,) = luxcore.api.get("/payments").json()["data"]

        assert listed == payment == luxcore.get(payment)

    def test_covers_all_rows_without_doubles(self, luxcore: Bench) -> None:
        luxcore.control("/seed", {"payments": 250, "spread_seconds": 20})
        pages = [
            luxcore.api.get("/payments", params={"limit": 100, "offset": offset}).json()["data"]
            for offset in (0, 100, 200, 300)
        ]

        rows = [row for page in pages for row in page]
        assert [len(page) for page in pages] == [100, 100, 50, 0]
        assert len({row["transaction_id"] for row in rows}) == 250
        assert all(a["created_at"] >= b["created_at"] for a, b in pairwise(rows))

    def test_filters_by_status_method_and_window(self, luxcore: Bench) -> None:
        luxcore.create(merchant_reference="early")
        luxcore.pass_time(60)
        spei = {"currency": "MXN", "method": "spei"}
        paid = luxcore.create(merchant_reference="paid", **spei)
        luxcore.act(paid, "complete")
        luxcore.pass_time(60)
        luxcore.create(merchant_reference="late", **spei)

        def references(**params: str) -> list[str]:
            rows = luxcore.api.get("/payments", params=params).json()["data"]
            return [row["merchant_reference"] for row in rows]

        assert references(status="completed") == ["paid"]
        assert references(method="spei") == ["late", "paid"]
        assert references(method="spei", status="processing") == ["late"]
        # Both bounds belong to the window.
        window = {
            "created_at_from": "2026-03-31T12:00:00Z",
            "created_at_to": "2026-03-31T12:01:00.000Z",
        }
        assert references(**window) == ["paid", "early"]
        assert references(created_at_from="2026-03-31T14:01:00+02:00") == ["late", "paid"]
        assert references(created_at_from="2026-03-31T12:01:00.001Z") == ["late"]
        # No document names such a filter.
        assert len(references(merchant_reference="early")) == 3

    @pytest.mark.parametrize(
        "params",
        [
            {"limit": "101"},
            {"limit": "0"},
            {"limit": "ten"},
            {"offset": "-1"},
            {"status": "lost"},
            {"method": "pigeon"},
            {"created_at_from": "yesterday"},
            {"created_at_to": "2026-13-01"},
        ],
    )
    def test_refuses_a_parameter_that_means_nothing(
        self, luxcore: Bench, params: dict[str, str]
    ) -> None:
        answer = luxcore.api.get("/payments", params=params)

        assert answer.status_code == 400
        assert answer.json()["error"] == "Bad Request"
        assert len(answer.json()["message"]) == 1
