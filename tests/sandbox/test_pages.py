"""Hosted pages and the iPay checkout: signed links, three outcomes."""

import re

import httpx
import pytest

from tests.sandbox.helpers import Bench, Json, deposit

IPAY = {"currency": "LKR", "method": "ipay"}


def page_of(payment: Json) -> str:
    url = payment.get("redirect_url") or payment["payment_page"]["url"]
    return str(url)


def choose(luxcore: Bench, payment: Json, outcome: str) -> httpx.Response:
    return luxcore.api.post(page_of(payment), data={"outcome": outcome})


class TestPage:
    @pytest.mark.parametrize("changes", [IPAY, {"type": "deposit_pp"}, {"type": "withdrawal_pp"}])
    def test_shows_the_payment_and_its_choices(self, luxcore: Bench, changes: Json) -> None:
        payment = luxcore.create(**changes, description="<b>Order</b> 7")

        answer = luxcore.api.get(page_of(payment))

        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "1,500.00" in answer.text
        assert "&lt;b&gt;Order&lt;/b&gt; 7" in answer.text
        assert re.findall('value="(\\w+)"', answer.text) == ["success", "decline", "pending"]
        assert not re.search(r"<script|src=|<link|https?://", answer.text)

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [("success", "completed"), ("decline", "failed"), ("pending", "processing")],
    )
    @pytest.mark.parametrize("changes", [IPAY, {"type": "deposit_pp"}])
    def test_settles_a_deposit(
        self, luxcore: Bench, changes: Json, outcome: str, status: str
    ) -> None:
        payment = luxcore.create(**changes)

        answer = choose(luxcore, payment, outcome)

        assert answer.status_code == 200
        assert luxcore.get(payment)["status"] == status

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [("success", "processing"), ("decline", "cancelled"), ("pending", "pending")],
    )
    def test_lets_the_payee_accept_a_payout(
        self, luxcore: Bench, outcome: str, status: str
    ) -> None:
        payment = luxcore.create(type="withdrawal_pp")

        choose(luxcore, payment, outcome)

        assert luxcore.get(payment)["status"] == status

    def test_offers_nothing_more_when_it_is_over(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)
        done = choose(luxcore, payment, "success")
        again = choose(luxcore, payment, "decline")

        assert "<button" not in done.text
        assert again.status_code == 409
        assert luxcore.get(payment)["status"] == "completed"

    def test_refuses_an_outcome_it_does_not_know(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)

        assert choose(luxcore, payment, "refund").status_code == 400

    def test_needs_its_signature(self, luxcore: Bench) -> None:
        url = page_of(luxcore.create(**IPAY))
        later = re.sub(r"exp=([0-9]+)", lambda found: f"exp={int(found[1]) + 1}", url)
        other = url.replace("/pay/", "/pay/x")

        statuses = [luxcore.api.get(bad).status_code for bad in (later, other, url.split("?")[0])]
        assert statuses == [403, 403, 403]

    def test_keeps_its_address(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)
        repeat = luxcore.create(**IPAY)

        assert page_of(payment) == page_of(repeat) == page_of(luxcore.get(payment))

    def test_is_over_after_its_time(self, luxcore: Bench) -> None:
        payment = luxcore.create(type="withdrawal_pp")
        luxcore.pass_time(24 * 3600)

        assert luxcore.get(payment)["status"] == "expired"

    def test_ends_with_the_payment_s_time(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)
        luxcore.clock.advance(15 * 60 + 1)

        assert luxcore.api.get(page_of(payment)).status_code == 410


class TestPendingAtIpay:
    def test_waits_a_day_and_is_then_cancelled(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)
        choose(luxcore, payment, "pending")
        luxcore.pass_time(24 * 3600 - 1)
        waiting = luxcore.get(payment)
        luxcore.pass_time(1)

        assert waiting["status"] == "processing"
        assert "expires_at" not in waiting
        assert luxcore.get(payment)["status"] == "cancelled"

    def test_may_still_be_settled(self, luxcore: Bench) -> None:
        payment = luxcore.create(**IPAY)
        choose(luxcore, payment, "pending")
        luxcore.pass_time(3600)
        luxcore.act(payment, "complete")

        assert luxcore.get(payment)["status"] == "completed"


class TestHostedWithdrawal:
    def test_checks_bank_details_only_if_given(self, luxcore: Bench) -> None:
        wrong = {"recipient_name": "A", "bank_account": "1"}
        body = deposit(type="withdrawal_pp", payout=wrong)

        refused = luxcore.api.post("/payments", json=body)
        taken = luxcore.create(type="withdrawal_pp")

        assert refused.json()["error_code"] == "INVALID_CVU"
        assert "payout" not in taken
