"""Books that go wrong on request: for reconciliation, which must notice."""

from __future__ import annotations

from tests.sandbox.helpers import Bench


def ids(luxcore: Bench) -> list[str]:
    return [row["transaction_id"] for row in luxcore.api.get("/payments").json()["data"]]


class TestDisorder:
    def test_changes_what_never_changes_and_tells_nobody(self, luxcore: Bench) -> None:
        payment = luxcore.withdraw()
        before = luxcore.balance()

        luxcore.act(
            payment,
            "change",
            amount=1,
            merchant_reference="another",
            payout={**payment["payout"], "recipient_name": "Somebody Else"},
        )

        shown = luxcore.get(payment)
        assert (shown["amount"], shown["merchant_reference"]) == (1, "another")
        assert shown["payout"]["recipient_name"] == "Somebody Else"
        assert luxcore.balance() == before

    def test_hides_a_payment_and_shows_it_again(self, luxcore: Bench) -> None:
        payment = luxcore.create()
        address = f"/payments/{payment['transaction_id']}"

        luxcore.act(payment, "hide")
        hidden = luxcore.api.get(address).status_code, ids(luxcore)
        luxcore.act(payment, "show")

        assert hidden == (404, [])
        assert luxcore.api.get(address).status_code == 200
        assert ids(luxcore) == [payment["transaction_id"]]

    def test_wants_to_know_what_to_change(self, luxcore: Bench) -> None:
        payment = luxcore.create()
        url = f"http://sandbox/_control/payments/{payment['transaction_id']}/change"

        assert luxcore.api.post(url, json={"status": "completed"}).status_code == 400

    def test_tells_what_is_not_so(self, luxcore: Bench) -> None:
        luxcore.api.post(
            "/webhooks", json={"url": "https://desk.test/", "events": ["payment.completed"]}
        )

        luxcore.control("/events", {"event": "payment.completed", "payment": {"id": "pay_ghost"}})
        luxcore.pass_time(1)

        assert luxcore.mail.of("payment.completed")[0]["payment"] == {"id": "pay_ghost"}
