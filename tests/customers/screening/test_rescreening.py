"""Who is screened again, and when it stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
from pytest_django import Settings

from customers.enums import HitState
from customers.models import Customer, Hit, Profile, SanctionsList, Screening, ScreeningStanding
from customers.screening.rescreening import LISTS, SCREENINGS, due
from tests.customers.factories import NOW, CustomerFactory, ProfileFactory
from tests.customers.screening.conftest import Lists
from tests.customers.screening.helpers import judge, match, record, reviewer, screen
from tests.upstreams.lux import flat, lux, refusal
from tests.upstreams.wire import answer
from upstreams import feeds
from upstreams.budget import Budget, Priority, Rate
from upstreams.enums import RunState
from upstreams.models import FeedRun, RefusedRecord

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


def known(**fields: object) -> Customer:
    profile: Profile = ProfileFactory(**fields)
    return profile.customer


def run(name: str = SCREENINGS, at: datetime = NOW, *, full: bool = False) -> FeedRun:
    made = feeds.run(name, at=at, full=full)
    assert made is not None
    return made


class TestWhoIsDue:
    def test_begins_with_new_ones_in_review_and_with_changes(self) -> None:
        old, changed, fresh = known(), known(), known()
        for customer in (old, fresh):
            screen(customer, days=0 if customer is old else 20)
        screen(changed, days=20)
        new, reviewed = known(), known(kyc_status="under_review", status="pending")
        now = NOW + MONTH + timedelta(hours=1)
        Profile.objects.filter(customer=changed).update(country="NZ", seen_at=now)
        Profile.objects.filter(customer=fresh).update(seen_at=now)  # nothing that is asked about

        assert due(now=now) == {
            reviewed.pk: "first",
            changed.pk: "changed",
            new.pk: "first",
            old.pk: "periodic",
        }

    @pytest.mark.parametrize(
        ("status", "kyc_status", "is_due"),
        [
            ("active", "approved", True),
            ("active", "not_started", True),
            ("pending", "pending", True),
            ("pending", "manual_review", True),
            ("pending", "awaiting_ubo", True),
            ("pending", "not_started", False),
            ("pending", "rejected", False),
            ("deleted", "under_review", False),
            ("suspended", "approved", False),
        ],
    )
    def test_is_active_or_in_review(self, status: str, kyc_status: str, is_due: bool) -> None:
        customer = known(status=status, kyc_status=kyc_status)

        assert (customer.pk in due(now=NOW)) == is_due

    @pytest.mark.parametrize(("days", "is_due"), [(9, False), (10, True)])
    def test_comes_round_as_often_as_the_settings_say(
        self, settings: Settings, days: int, is_due: bool
    ) -> None:
        settings.SCREENING_EVERY_DAYS = 10
        customer = known()
        screen(customer)

        assert (customer.pk in due(now=NOW + timedelta(days=days))) == is_due

    def test_is_nobody_whom_lux_financial_does_not_know(self) -> None:
        CustomerFactory()

        assert due(now=NOW) == {}


class TestTheFeed:
    def test_leaves_work_for_exactly_those_who_changed(self, lists: Lists) -> None:
        """500 customers, each listed and judged; three change: one here, one there, one of both."""
        lists.add("James Smith", date_of_birth="1950-05-05", country="GB", listed_on="2020-01-01")
        lists.add("Olga Petrova", listed_on="2020-01-01")
        customers = [known() for _ in range(498)]
        customers += [known(first_name="Olga", last_name="Petrova") for _ in range(2)]
        assert run().created == 500
        by = reviewer()
        for hit in Hit.objects.all():
            judge(hit, by=by)
        assert not Hit.objects.open().exists()
        ours, theirs, both = customers[0], customers[498], customers[499]
        Profile.objects.filter(customer__in=[ours, both]).update(date_of_birth="1971-01-01")
        lists.add("Olga Petrova", listed_on="2020-01-01", remarks="DOB 1971-01-01")

        done = run(at=NOW + MONTH)

        assert (done.state, done.pages, done.created) == (RunState.DONE, 5, 500)
        waiting = ScreeningStanding.objects.to_review().values_list("customer", flat=True)
        assert set(waiting) == {ours.pk, theirs.pk, both.pk}
        assert set(Hit.objects.open().values_list("customer", "why_open")) == {
            (ours.pk, "customer_changed"),
            (theirs.pk, "list_changed"),
            (both.pk, "both_changed"),
        }
        assert Hit.objects.filter(state=HitState.FALSE).count() == 497

    def test_asks_about_a_hundred_at_once(self, lists: Lists) -> None:
        for _ in range(101):
            known()

        assert run().pages == 2

    def test_asks_everybody_again_when_told_to(self, lists: Lists) -> None:
        screen(known())

        assert run(at=NOW + timedelta(days=1)).created == 0
        assert run(at=NOW + timedelta(days=1), full=True).created == 1

    def test_stops_where_the_background_has_no_more_room(self, line: object) -> None:
        for _ in range(450):
            known()
        asked = []

        def batch(request: httpx.Request) -> httpx.Response:
            entities = json.loads(request.content)["entities"]
            asked.append(len(entities))
            return answer(200, {"data": [record().raw for _ in entities]})

        day = {"standard": (Rate(5, 86_400, grain=900),)}
        line.client = lux(  # type: ignore[attr-defined]
            batch,
            priority=Priority.BACKGROUND,
            budget=Budget(upstream="lux", credential="test", rates=day, share=1),
        )

        done = run()

        assert asked == [100] * 4  # of five a day, one is left for people
        assert (done.state, done.created) == (RunState.DONE, 400)
        assert "no room" in done.error

    def test_finds_the_one_that_they_refuse(self, answering: Callable[..., None]) -> None:
        bad = known(first_name="Bad")
        for _ in range(4):
            known()

        def batch(request: httpx.Request) -> httpx.Response:
            entities = json.loads(request.content)["entities"]
            if any(entity["name"].startswith("Bad") for entity in entities):
                return refusal(400, "SANCTIONS_003", "Bad Smith is no name")
            return answer(200, {"data": [record().raw for _ in entities]})

        answering(batch)

        done = run()

        assert (done.created, done.refused) == (4, 1)
        refused = RefusedRecord.objects.get()
        assert refused.record_id == f"customer {bad.pk}"
        assert "Smith" not in refused.payload + refused.reason

    @pytest.mark.parametrize("field", ["name", "date_of_birth", "country", "type"])
    def test_leaves_out_what_nobody_could_understand(self, lists: Lists, field: str) -> None:
        known(date_of_birth="soon", country="Atlantis", kind="robot")
        known(first_name="", last_name="", customer__name="")

        done = run()

        assert (done.created, done.refused) == (1, 0)
        assert Screening.objects.get().asked == {
            "name": "James Smith",
            "type": "",
            "date_of_birth": "",
            "country": "",
        }


class TestTheLists:
    def test_are_kept_with_their_dates(self, lists: Lists) -> None:
        run(LISTS)

        kept = SanctionsList.objects.get(code="SDN")
        assert (kept.name, kept.country, kept.records) == ("OFAC SDN List", "US", 19_159)
        assert kept.downloaded_at == datetime(2026, 3, 31, tzinfo=NOW.tzinfo)

    def test_that_are_used_no_more_stay_and_say_so(self, lists: Lists) -> None:
        SanctionsList.objects.create(code="OLD", seen_at=NOW - MONTH)

        run(LISTS)

        assert not SanctionsList.objects.get(code="OLD").is_listed
        assert SanctionsList.objects.filter(is_listed=True).count() == 5


def test_what_a_refusal_looks_like_does_not_matter(answering: Callable[..., None]) -> None:
    known()
    answering(lambda _: answer(400, flat("SANCTIONS_003")))

    assert run().refused == 1


def test_hits_are_found_by_the_name_that_is_told(lists: Lists) -> None:
    customer = known(kind="business", business={"name": "Blue Harbour Trading FZE"}, country="AE")

    run()

    (hit,) = Hit.objects.filter(customer=customer)
    assert hit.agreeing == ["name", "country", "type"]
    assert match()["source"] != hit.facts["source"] == "FSF"
