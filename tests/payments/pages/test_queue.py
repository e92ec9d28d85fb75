from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments.models import Withdrawal
from staff import claims
from staff.models import Claim
from tests.payments.factories import (
    NOW,
    PolicyFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
)
from tests.payments.pages.helpers import as_role, at, client_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    with at(NOW):
        yield


def codes(response: Any) -> list[str]:
    return [row.withdrawal.code for row in response.context["rows"]]


class TestTabs:
    def test_shows_approvers_what_needs_their_decision_first(self) -> None:
        ada = approver()
        mine = WithdrawalFactory()
        signed = WithdrawalFactory()
        SignatureFactory(withdrawal=signed, by=ada)

        response = client_of(ada).get("/withdrawals/")

        assert codes(response) == [mine.code]
        assert {str(tab["label"]): tab["count"] for tab in response.context["tabs"]} == {
            "Needs my decision": 1,
            "Waiting for others": 1,
            "In flight": 0,
            "Needs attention": 0,
            "Done": 0,
            "All": 2,
        }

    def test_shows_everybody_else_what_waits(self) -> None:
        row = WithdrawalFactory()

        assert codes(as_role("viewer").get("/withdrawals/")) == [row.code]

    @pytest.mark.parametrize(
        ("tab", "traits"),
        [
            ("flight", {"sent": True}),
            ("flight", {"sending": True}),
            ("attention", {"unknown": True}),
            ("attention", {"refused": True}),
            ("all", {"refused": True}),
        ],
    )
    def test_sorts_by_state(self, tab: str, traits: dict[str, bool]) -> None:
        row = WithdrawalFactory(**traits)
        WithdrawalFactory()

        assert row.code in codes(as_role("viewer").get("/withdrawals/", {"tab": tab}))

    def test_takes_an_unheard_tab_for_the_first_one(self) -> None:
        assert as_role("viewer").get("/withdrawals/?tab=%3Cscript%3E").status_code == 200


class TestOrder:
    def test_puts_what_is_due_first_on_top(self) -> None:
        late = WithdrawalFactory(created_at=NOW - timedelta(hours=3))
        soon = WithdrawalFactory(created_at=NOW - timedelta(hours=1))
        response = as_role("approver").get("/withdrawals/")

        assert codes(response) == [late.code, soon.code]
        assert "60 min late" in text_of(response)

    def test_can_be_turned_to_newest_first(self) -> None:
        old = WithdrawalFactory(created_at=NOW - timedelta(hours=3))
        new = WithdrawalFactory(created_at=NOW - timedelta(hours=1))

        response = as_role("approver").get("/withdrawals/?order=newest")

        assert codes(response) == [new.code, old.code]


class TestFilter:
    @pytest.fixture
    def rows(self) -> dict[str, Withdrawal]:
        return {
            "aud": WithdrawalFactory(amount=Decimal("100.00"), recipient_name="James Smith"),
            "ars": WithdrawalFactory(
                amount=Decimal("250000.00"),
                currency="ARS",
                method="bank_transfer",
                payid="",
                payid_type="",
                recipient_name="María García",
                payout_reference="PAYOUT-118",
            ),
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("currency=ARS", {"ars"}),
            ("method=payid", {"aud"}),
            ("amount_from=100.00&amount_to=100.00", {"aud"}),
            ("amount_from=101", {"ars"}),
            ("origin=desk", {"aud", "ars"}),
            ("origin=upstream", set()),
            ("q=smith", {"aud"}),
            ("q=PAYOUT-118", {"ars"}),
            ("q=AYOUT-118", set()),
            ("q=nobody", set()),
            ("currency=ARS&q=smith", set()),
        ],
    )
    def test_narrows_the_tab(
        self, query: str, found: set[str], rows: dict[str, Withdrawal]
    ) -> None:
        response = as_role("approver").get(f"/withdrawals/?{query}")

        assert set(codes(response)) == {rows[name].code for name in found}

    def test_finds_a_code_however_it_is_written(self, rows: dict[str, Withdrawal]) -> None:
        code = rows["aud"].code

        assert codes(as_role("approver").get(f"/withdrawals/?q={code.lower()}")) == [code]

    def test_counts_the_tabs_under_the_same_filters(self, rows: dict[str, Withdrawal]) -> None:
        response = as_role("approver").get("/withdrawals/?currency=ARS")

        assert [tab["count"] for tab in response.context["tabs"]][0] == 1

    def test_shows_what_is_in_force_and_how_to_take_it_out(
        self, rows: dict[str, Withdrawal]
    ) -> None:
        response = as_role("approver").get("/withdrawals/?tab=all&currency=ARS&amount_from=10")

        chips = response.context["chips"]
        assert [(chip.label, chip.value) for chip in chips] == [
            ("Currency", "ARS"),
            ("Amount from", "10"),
        ]
        assert chips[0].remove_url == "?tab=all&amount_from=10"
        assert response.context["cleared"] == "?tab=all&view="  # whatever view opens first

    @pytest.mark.parametrize("amount", ["1e3", "1_000", "١٠٠", "1,000.00", "-5", "Infinity", "NaN"])
    def test_understands_plain_amounts_only_and_says_so(
        self, amount: str, rows: dict[str, Withdrawal]
    ) -> None:
        response = as_role("approver").get("/withdrawals/", {"amount_from": amount})

        assert len(codes(response)) == 2
        assert "Write the amount in plain digits" in text_of(response)

    @pytest.mark.parametrize(
        "text", ["'; DROP TABLE payments_withdrawal; --", "%", "_", "\x00", "a" * 5000, "\\", "😀"]
    )
    def test_survives_whatever_is_typed(self, text: str, rows: dict[str, Withdrawal]) -> None:
        assert as_role("approver").get("/withdrawals/", {"q": text}).status_code == 200

    def test_does_not_let_people_guess_masked_names(self, rows: dict[str, Withdrawal]) -> None:
        assert codes(as_role("agent").get("/withdrawals/?q=smith")) == []


class TestPages:
    def test_keep_the_filter_and_say_how_much_there_is(self) -> None:
        person = maker()
        for number in range(30):
            WithdrawalFactory(created_by=person, created_at=NOW - timedelta(minutes=number))
        client = as_role("approver")

        first = client.get("/withdrawals/?currency=AUD")
        second = client.get(f"/withdrawals/{first.context['pages'].next}")

        assert first.context["pages"].words == "1 to 25 of 30"
        assert "currency=AUD" in first.context["pages"].next
        assert len(codes(second)) == 5
        assert not set(codes(first)) & set(codes(second))
        assert second.context["pages"].previous

    def test_say_more_than_when_there_is_too_much_to_count(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("staff.lists.CAP", 1)
        WithdrawalFactory.create_batch(3)

        assert "more than 1" in text_of(as_role("viewer").get("/withdrawals/"))

    def test_cost_the_same_for_one_row_and_for_fifty(self) -> None:
        everything_is_fresh()
        client, person = as_role("approver"), maker()
        WithdrawalFactory(seen_upstream=True)
        with CaptureQueriesContext(connection) as one:
            client.get("/withdrawals/?size=50")
        for number in range(49):
            row = WithdrawalFactory(created_by=person, amount=Decimal(100 + number))
            claims.claim(subject=row, by=person, at=NOW)
            SignatureFactory(withdrawal=row)

        with CaptureQueriesContext(connection) as fifty:
            response = client.get("/withdrawals/?size=50")

        assert len(codes(response)) == 50
        assert len(fifty) == len(one)
        assert len(one) <= 25


class TestRows:
    def test_say_how_many_signatures_are_given_and_needed(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=1000, signatures=3)
        SignatureFactory(withdrawal=WithdrawalFactory(amount=Decimal("2500.00")))

        response = as_role("approver").get("/withdrawals/")

        assert response.context["rows"][0].signed == "1 of 3"

    def test_say_who_looks_at_it_and_for_how_long(self) -> None:
        ada, row = approver(email="ada@lightdesk.test"), WithdrawalFactory()
        claims.claim(subject=row, by=ada, at=NOW - timedelta(minutes=3))

        assert client_of(ada).get("/withdrawals/").context["rows"][0].claimed == "you, 7 min"
        assert as_role("approver").get("/withdrawals/").context["rows"][0].claimed == "ada, 7 min"

    def test_flag_a_duplicate_a_new_account_and_one_seen_at_the_provider(self) -> None:
        WithdrawalFactory()
        WithdrawalFactory(seen_upstream=True)

        rows = as_role("approver").get("/withdrawals/").context["rows"]

        words = {mark.word for row in rows for mark in row.marks}
        assert words == {"duplicate?", "new beneficiary", "seen at provider"}

    def test_lead_to_the_withdrawal_within_this_view(self) -> None:
        row = WithdrawalFactory()

        response = as_role("approver").get("/withdrawals/?tab=all&currency=AUD")

        url = response.context["rows"][0].url
        assert url == f"/withdrawals/{row.code}/?tab=all&currency=AUD"


class TestNews:
    def test_counts_what_came_since_without_moving_anything(self) -> None:
        client = as_role("approver")
        address = client.get("/withdrawals/?currency=AUD").context["news_url"]
        WithdrawalFactory(created_at=NOW + timedelta(seconds=5))
        WithdrawalFactory(created_at=NOW + timedelta(seconds=6))
        WithdrawalFactory(created_at=NOW + timedelta(seconds=7), currency="UYU")

        response = client.get(address, headers={"hx-request": "true"})

        assert "2 new." in text_of(response)
        assert 'href="/withdrawals/?currency=AUD&tab=mine"' in text_of(response)

    def test_says_nothing_while_nothing_came(self) -> None:
        WithdrawalFactory()
        client = as_role("approver")

        response = client.get(client.get("/withdrawals/").context["news_url"])

        assert not response.content.strip()

    @pytest.mark.parametrize("since", ["", "yesterday", "2026-02-18T10:30:00", "x" * 900])
    def test_survives_a_moment_that_is_none(self, since: str) -> None:
        response = as_role("approver").get("/withdrawals/news/", {"since": since})

        assert response.status_code == 200


class TestClaimSelected:
    def test_claims_what_was_picked_and_names_what_others_hold(self) -> None:
        free, held = WithdrawalFactory(), WithdrawalFactory()
        other = approver(name="Abel Approver")
        claims.claim(subject=held, by=other, at=NOW)

        response = as_role("approver").post(
            "/withdrawals/claim/?tab=mine", {"pick": [free.code, held.code]}, follow=True
        )

        assert Claim.objects.count() == 2
        assert f"{held.code}: Abel Approver is looking at this" in text_of(response)
        assert response.redirect_chain[-1][0] == "/withdrawals/?tab=mine"

    def test_says_when_nothing_was_picked(self) -> None:
        response = as_role("approver").post("/withdrawals/claim/", follow=True)

        assert "No row was picked." in text_of(response)


class TestFragment:
    def test_is_the_table_alone(self) -> None:
        row = WithdrawalFactory()

        response = as_role("approver").get(
            "/withdrawals/", headers={"hx-request": "true", "hx-target": "results"}
        )

        assert row.code in text_of(response)
        assert "<html" not in text_of(response)
