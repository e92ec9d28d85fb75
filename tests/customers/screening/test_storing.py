"""Hits, and what becomes of a verdict when somebody is screened again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.enums import HitState, WhyOpen
from customers.models import Customer, Hit, Profile, Screening, ScreeningStanding
from tests.customers.factories import NOW, ProfileFactory
from tests.customers.screening.helpers import answer, judge, match, screen, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> Customer:
    profile: Profile = ProfileFactory()
    return profile.customer


class TestANewHit:
    def test_is_to_be_reviewed_with_the_facts_that_agree(self, customer: Customer) -> None:
        (hit,) = screen(customer, match(score=Decimal("0.87654")))

        assert (hit.state, hit.why_open, hit.is_open) == (HitState.OPEN, WhyOpen.NEW, True)
        assert hit.agreeing == ["name", "born", "country", "type"]
        assert (hit.score, hit.rank) == (Decimal("0.8765"), Decimal("40.8765"))
        assert hit.facts["remarks"] == "DOB 1990-01-31; Nationality AU"
        assert list(Hit.objects.of(customer).open()) == [hit]

    def test_is_one_of_several_namesakes_on_a_list(self, customer: Customer) -> None:
        hits = screen(customer, match(remarks="DOB 1990-01-31"), match(remarks="DOB 1950"))

        assert len(hits) == 2
        assert [hit.agreeing for hit in hits] == [["name", "born", "type"], ["name", "type"]]

    def test_of_a_linked_row_is_the_persons(self, customer: Customer) -> None:
        root = Customer.objects.create(name="J Smith", created_at=NOW)
        Customer.objects.filter(pk=customer.pk).update(merged_into=root)

        (hit,) = screen(customer, match())

        assert list(Hit.objects.of(root)) == [hit]


class TestAVerdict:
    @pytest.mark.parametrize("verdict", [HitState.FALSE, HitState.TRUE, HitState.UNSURE])
    def test_stands_while_nothing_changes(self, customer: Customer, verdict: HitState) -> None:
        (hit,) = screen(customer, match())
        judge(hit, verdict)

        (again,) = screen(customer, match(score=Decimal("0.9")), days=1)

        assert (again.pk, again.state, again.score) == (hit.pk, verdict, Decimal("0.9"))
        assert again.seen_at == NOW + timedelta(days=1)

    @pytest.mark.parametrize("verdict", [HitState.FALSE, HitState.TRUE, HitState.UNSURE])
    def test_falls_when_the_list_tells_something_else(
        self, customer: Customer, verdict: HitState
    ) -> None:
        (hit,) = screen(customer, match())
        judge(hit, verdict)

        (again,) = screen(customer, match(sanctions_programs=["SDGT", "IRAN"]), days=1)

        assert (again.state, again.why_open) == (HitState.OPEN, WhyOpen.LIST_CHANGED)
        assert (again.verdict, again.judged_facts["programs"]) == (verdict, ["SDGT"])

    @pytest.mark.parametrize(
        "changes",
        [{"last_name": "Smyth"}, {"date_of_birth": "1970-01-02"}, {"country": "NZ"}],
    )
    def test_falls_when_the_customer_is_another_by_now(
        self, customer: Customer, changes: dict[str, str]
    ) -> None:
        (hit,) = screen(customer, match())
        judge(hit)
        Profile.objects.filter(customer=customer).update(**changes)

        (again,) = screen(customer, match(), days=1)

        assert (again.state, again.why_open) == (HitState.OPEN, WhyOpen.CUSTOMER_CHANGED)

    def test_falls_for_both(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit)
        Profile.objects.filter(customer=customer).update(country="NZ")

        (again,) = screen(customer, match(listed_on="2024-01-01"), days=1)

        assert again.why_open == WhyOpen.BOTH_CHANGED

    def test_is_nobodys_while_the_entity_is_off_the_list(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit, HitState.UNSURE)

        (gone,) = screen(customer, days=1)

        assert (gone.is_listed, gone.is_open) == (False, False)
        assert not Hit.objects.open().exists()

    def test_counts_again_when_the_entity_comes_back_as_it_was(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit)
        screen(customer, days=1)

        (back,) = screen(customer, match(), days=2)

        assert (back.is_listed, back.state) == (True, HitState.FALSE)

    def test_does_not_count_when_the_entity_comes_back_as_another(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit)
        screen(customer, days=1)

        (back,) = screen(customer, match(remarks="DOB 1990-01-31"), days=2)

        assert (back.is_listed, back.state) == (True, HitState.OPEN)

    def test_counts_again_when_both_sides_are_as_they_were(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit)
        screen(customer, match(remarks="DOB 1950"), days=1)

        (back,) = screen(customer, match(), days=2)

        assert (back.state, back.why_open) == (HitState.FALSE, "")

    def test_of_another_time_is_forgotten_for_a_newer_one(self, customer: Customer) -> None:
        (hit,) = screen(customer, match())
        judge(hit, HitState.FALSE)
        (changed,) = screen(customer, match(remarks="DOB 1950"), days=1)
        judge(changed, HitState.TRUE)

        (back,) = screen(customer, match(), days=2)

        assert back.state == HitState.OPEN


class TestAnAnswer:
    def test_is_kept_once(self, customer: Customer) -> None:
        told = answer(customer, match())

        first, second = store([told]), store([told])

        assert (first.created, second.created, second.unchanged) == (1, 0, 1)
        assert Hit.objects.count() == Screening.objects.count() == 1

    def test_that_says_something_else_by_now_is_written_over(self, customer: Customer) -> None:
        store([answer(customer, id="scr_same")])

        store([answer(customer, match(), id="scr_same")])

        assert Screening.objects.get().match_count == 1
        assert Hit.objects.get().is_open

    def test_that_comes_late_changes_nothing_of_a_newer_one(self, customer: Customer) -> None:
        late = answer(customer, asked_at=NOW - timedelta(hours=1))
        screen(customer, match())

        store([late])

        assert Screening.objects.count() == 2
        assert Hit.objects.get().is_listed

    def test_with_an_id_that_does_not_fit_is_refused(self, customer: Customer) -> None:
        counts = store([answer(customer, id="scr_" + "x" * 120), answer(customer)])

        assert (counts.created, len(counts.refused)) == (1, 1)

    def test_is_never_about_two_customers(self, customer: Customer) -> None:
        other = ProfileFactory().customer
        store([answer(customer, id="scr_same")])

        with pytest.raises(ValueError, match="two customers"):
            store([answer(other, id="scr_same")])


class TestStandings:
    def test_count_what_is_listed(self, customer: Customer) -> None:
        hits = screen(customer, *(match(f"James Smith {number}") for number in range(4)))
        judge(hits[0], HitState.TRUE)
        judge(hits[1], HitState.FALSE)
        judge(hits[2], HitState.UNSURE)

        stands = ScreeningStanding.objects.get(customer=customer)

        counted = (stands.open_hits, stands.unsure_hits, stands.true_hits, stands.false_hits)
        assert counted == (1, 1, 1, 1)
        assert (stands.hits, stands.reviewed) == (4, 2)

    def test_are_ranked_by_what_is_to_be_looked_at(self, customer: Customer) -> None:
        likely, unlikely = screen(customer, match(), match("Jim Smith", remarks=""))
        judge(likely)

        stands = ScreeningStanding.objects.get(customer=customer)

        assert stands.rank == unlikely.rank

    def test_are_empty_for_somebody_without_hits(self, customer: Customer) -> None:
        screen(customer)

        stands = ScreeningStanding.objects.get(customer=customer)

        assert (stands.hits, stands.rank) == (0, 0)


class TestManyAtOnce:
    def costs(self, number: int, **changes: Any) -> int:
        customers = [ProfileFactory().customer for _ in range(number)]
        first = [answer(one, match(), match("Jim Smith")) for one in customers]
        store(first)
        later = NOW + timedelta(days=1)
        second = [answer(one, match(**changes), asked_at=later) for one in customers]
        with CaptureQueriesContext(connection) as asked:
            store(second, at=later)
        return len(asked)

    def test_cost_as_many_queries_as_one(self) -> None:
        batches = 2  # SQLite takes so many values in one query, and no more

        assert self.costs(1, remarks="") <= 10
        assert self.costs(50, remarks="") <= 10 + batches
