"""The queue of hits, the page of one customer's, and what is said there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from customers import actions
from customers.enums import HitState
from customers.models import Customer, Hit, Hold, SanctionsList, ScreeningRequest
from tests.customers.factories import (
    NOW,
    CustomerFactory,
    HitFactory,
    ProfileFactory,
    ScreeningFactory,
)
from tests.customers.screening.helpers import judge, match, screen
from tests.payments.pages.helpers import as_role, at, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> object:
    with at(NOW + timedelta(days=3)):
        yield


@pytest.fixture
def client() -> Client:
    return as_role("reviewer")


def known(name: str = "James Smith", **fields: str) -> Customer:
    first, _, last = name.partition(" ")
    made: Customer = ProfileFactory(
        customer__name=name, first_name=first, last_name=last, **fields
    ).customer
    return made


def verdict(client: Client, hit: Hit, **changes: str) -> object:
    told = {"verdict": "false", "reason": "Another person.", "saw": actions.hit_as_seen(hit)}
    return client.post(f"/screenings/{hit.customer_id}/{hit.pk}/judge/", told | changes)


class TestTheQueue:
    def test_ranks_by_facts_that_agree_before_the_score(self, client: Client) -> None:
        by_score, by_facts = known("Alan Alike"), known("Fanny Facts")
        screen(by_score, match("Alan Alike", score=1, remarks=""))
        screen(by_facts, match("F. Facts", score=0, remarks="DOB 1990-01-31; Nationality AU"))

        page = text_of(client.get("/screenings/"))

        assert page.index("Fanny Facts") < page.index("Alan Alike")
        assert "Name, Born, Country, Kind" in page

    def test_has_a_tab_for_every_state(self, client: Client) -> None:
        hits = {
            name: screen(known(name), match(name))[0]
            for name in ("Olga Open", "Ursula Unsure", "Tina True", "Fred False")
        }
        judge(hits["Ursula Unsure"], HitState.UNSURE)
        judge(hits["Tina True"], HitState.TRUE)
        judge(hits["Fred False"], HitState.FALSE)
        known("Nora Never")

        shown = {
            tab: {
                name
                for name in (*hits, "Nora Never")
                if name in text_of(client.get(f"/screenings/?tab={tab}"))
            }
            for tab in ("review", "unsure", "true", "all", "never")
        }

        assert shown == {
            "review": {"Olga Open"},
            "unsure": {"Ursula Unsure"},
            "true": {"Tina True"},
            "all": set(hits),
            "never": {"Nora Never"},
        }

    @pytest.mark.parametrize(
        ("asked", "found"),
        [("q=olga", {"Olga"}), ("source=UN", {"Ulla"}), ("why=new", {"Olga", "Ulla"})],
    )
    def test_is_narrowed(self, client: Client, asked: str, found: set[str]) -> None:
        SanctionsList.objects.create(code="UN", name="United Nations", seen_at=NOW)
        screen(known("Olga One"), match("Olga One"))
        screen(known("Ulla Two"), match("Ulla Two", source="UN"))

        page = text_of(client.get(f"/screenings/?{asked}"))

        rows = page.partition("<tbody>")[2].partition("</tbody>")[0]
        assert {name for name in ("Olga", "Ulla") if name in rows} == found

    def test_tells_how_fresh_the_lists_are(self, client: Client) -> None:
        SanctionsList.objects.create(
            code="SDN",
            name="OFAC SDN List",
            records=19_159,
            downloaded_at=NOW,
            status="active",
            seen_at=NOW,
        )

        page = text_of(client.get("/screenings/"))

        assert "OFAC SDN List" in page
        assert "19,159" in page
        assert "3 d ago" in page

    @pytest.mark.parametrize("tab", ["review", "never"])
    def test_costs_as_many_queries_for_fifty_as_for_one(self, client: Client, tab: str) -> None:
        def costs() -> int:
            with CaptureQueriesContext(connection) as asked:
                client.get(f"/screenings/?tab={tab}&size=50")
            return len(asked)

        customers = [known(f"James Smith{number}") for number in range(50)]
        if tab == "review":
            screen(customers[0], match(), match("Jim Smith"))
        one = costs()
        if tab == "review":
            for customer in customers[1:]:
                screen(customer, match(), match("Jim Smith"))
        else:
            customers += [known() for _ in range(5)]

        assert costs() == one

    def test_counts_what_waits_in_the_frame(self, client: Client) -> None:
        HitFactory()

        assert "/screenings/" in text_of(client.get("/"))
        assert "/screenings/" not in text_of(as_role("approver").get("/"))


class TestThePage:
    def test_costs_for_many_hits_what_it_costs_for_one(
        self, client: Client, django_assert_max_num_queries: Any
    ) -> None:
        customer = known()
        screening = ScreeningFactory(customer=customer, status="potential_match")

        def more(number: int) -> None:
            for _ in range(number):
                HitFactory(screening=screening)
                judge(HitFactory(screening=screening), HitState.UNSURE)
                judge(HitFactory(screening=screening), HitState.FALSE)

        more(1)
        address = f"/screenings/{customer.pk}/"
        client.get(address)
        with django_assert_max_num_queries(80) as one:
            client.get(address)
        more(15)
        with django_assert_max_num_queries(len(one)):
            answer = client.get(address)
        assert answer.content.decode().count("SMITH, James") >= 48

    def test_sets_what_is_listed_beside_what_we_know(self, client: Client) -> None:
        customer = known(country="NZ")
        screen(customer, match("Jim Smith"))

        page = text_of(client.get(f"/screenings/{customer.pk}/"))

        assert "1990-01-31" in page
        assert page.count("the same") == 2  # born and kind
        assert "alike" in page
        assert "different" in page
        assert "0 of 1 reviewed" in page

    def test_masks_the_birthday_for_who_compares_nothing(self) -> None:
        customer = known()
        screen(customer, match())

        page = text_of(as_role("auditor").get(f"/screenings/{customer.pk}/"))

        assert "James Smith" in page
        assert "1990-01-31" not in page
        assert "1990-••••" in page

    def test_tells_what_changed_since_the_last_verdict(self, client: Client) -> None:
        customer = known()
        judge(screen(customer, match())[0])
        screen(customer, match(sanctions_programs=["IRAN"]), days=1)

        page = text_of(client.get(f"/screenings/{customer.pk}/"))

        assert "The list tells something else" in page
        assert "<del>SDGT</del>" in page
        assert "<ins>IRAN</ins>" in page
        assert "It is somebody else" in page

    def test_is_there_for_somebody_without_hits(self, client: Client) -> None:
        customer = CustomerFactory()

        page = text_of(client.get(f"/screenings/{customer.pk}/"))

        assert "They have never been screened." in page

    def test_walks_through_the_queue(self, client: Client) -> None:
        customers = [known(f"James{number} Smith") for number in range(3)]
        for customer in customers:
            screen(customer, match("Smith, James"))

        page = text_of(client.get(f"/screenings/{customers[1].pk}/?tab=review"))

        assert "2 of 3" in page
        for neighbour in (customers[0], customers[2]):
            assert f"/screenings/{neighbour.pk}/?tab=review" in page

    def test_leads_nowhere_else(self, client: Client) -> None:
        customer = known()

        page = text_of(client.get(f"/screenings/{customer.pk}/?back=//evil.example/"))

        assert 'href="//evil' not in page


class TestJudging:
    def test_keeps_the_verdict_and_goes_on(self, client: Client) -> None:
        customer = known()
        first, second = screen(customer, match(), match("Jim Smith"))

        response = verdict(client, first)

        assert response.status_code == 302  # type: ignore[attr-defined]
        assert f"hit={second.pk}" in response["Location"]  # type: ignore[index]
        first.refresh_from_db()
        assert (first.state, first.judged_reason) == (HitState.FALSE, "Another person.")

    def test_returns_to_the_case_when_all_is_done(self, client: Client) -> None:
        (hit,) = screen(known(), match())
        told = {"verdict": "unsure", "reason": "?", "saw": actions.hit_as_seen(hit)}

        response = client.post(
            f"/screenings/{hit.customer_id}/{hit.pk}/judge/?back=%2Fcustomers%2F", told
        )

        assert response["Location"] == "/customers/"

    def test_holds_who_is_listed(self, client: Client) -> None:
        (hit,) = screen(known(), match())

        verdict(client, hit, verdict="true")

        assert Hold.objects.get().kind == "screening"

    @pytest.mark.parametrize("missing", ["verdict", "reason"])
    def test_asks_for_what_is_missing_and_keeps_the_rest(
        self, client: Client, missing: str
    ) -> None:
        (hit,) = screen(known(), match())

        response = verdict(client, hit, **{missing: ""})

        assert response.status_code == 422  # type: ignore[attr-defined]
        assert Hit.objects.open().exists()
        kept = "Another person." if missing == "verdict" else "checked"
        assert kept in text_of(response)  # type: ignore[arg-type]

    def test_tells_who_was_faster(self, client: Client) -> None:
        (hit,) = screen(known(), match())
        saw = actions.hit_as_seen(hit)
        faster = judge(hit, HitState.UNSURE).judged_by

        response = verdict(client, hit, saw=saw)

        assert response.status_code == 409  # type: ignore[attr-defined]
        page = text_of(response)  # type: ignore[arg-type]
        assert f"Not sure, says {faster.email}" in page  # type: ignore[union-attr]
        assert "Your verdict was not kept" in page

    @pytest.mark.parametrize("saw", ["", "....", "x", "open", "nonsense.1.2.3"])
    def test_is_not_talked_into_it(self, client: Client, saw: str) -> None:
        (hit,) = screen(known(), match())

        response = verdict(client, hit, saw=saw)

        assert response.status_code == (409 if saw else 422)  # type: ignore[attr-defined]
        assert Hit.objects.open().exists()

    def test_is_about_this_customer_alone(self, client: Client) -> None:
        (hit,) = screen(known(), match())

        response = client.post(f"/screenings/{known().pk}/{hit.pk}/judge/", {})

        assert response.status_code == 404

    def test_takes_a_verdict_back(self, client: Client) -> None:
        hit = judge(screen(known(), match())[0])
        address = f"/screenings/{hit.customer_id}/{hit.pk}/reopen/"
        told = {"reason": "The wrong button.", "saw": actions.hit_as_seen(hit)}

        assert client.get(address).status_code == 200
        assert client.post(address, told).status_code == 302

        assert Hit.objects.open().get() == hit
        assert client.post(address, told).status_code == 409


class TestScreenNow:
    def test_is_queued_and_watched(self, client: Client, settings: Settings) -> None:
        settings.LUX_API_KEY = "sk_test"
        customer = known()

        assert client.post(f"/screenings/{customer.pk}/start/").status_code == 302

        page = text_of(client.get(f"/screenings/{customer.pk}/"))
        assert "They are being screened" in page
        assert client.get(f"/screenings/{customer.pk}/live/").status_code == 200
        ScreeningRequest.objects.update(ended_at=NOW)
        screen(customer, match(), days=3)
        answered = client.get(f"/screenings/{customer.pk}/live/")
        assert answered.status_code == 286
        assert "The answer is here: 1 to review." in text_of(answered)

    def test_tells_why_there_is_no_answer(self, client: Client) -> None:
        customer = known()
        ScreeningRequest.objects.create(
            customer=customer,
            reason="by_hand",
            asked_at=NOW,
            ended_at=NOW,
            refused_with="name is missing",
        )

        page = text_of(client.get(f"/screenings/{customer.pk}/"))

        assert "They could not be screened." in page
        assert "name is missing" in page

    def test_says_that_somebody_has_no_name(self, client: Client) -> None:
        customer = CustomerFactory(name="")

        response = client.post(f"/screenings/{customer.pk}/start/", follow=True)

        assert "Without a name nobody can be screened" in text_of(response)
