"""Two people, and two workers, at the same moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from customers import actions
from customers.enums import HitState
from customers.models import Hit, Hold, Screening, ScreeningRequest, ScreeningStanding
from staff import audit
from tests.customers.factories import NOW, ProfileFactory
from tests.customers.screening.helpers import answer, match, reviewer, screen, store
from tests.payments.test_races import at_once, refusals
from tests.support.rounds import rounds

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def test_two_people_judge_a_hit() -> None:
    rita, ron = reviewer(), reviewer()
    for _ in range(rounds(20)):
        (hit,) = screen(ProfileFactory().customer, match())
        saw = actions.hit_as_seen(hit)

        def judging(by: object, verdict: HitState, hit: Hit = hit, saw: str = saw) -> Hit:
            return actions.judge_hit(
                hit_id=hit.pk,
                verdict=verdict,
                reason="Looked at.",
                saw=saw,
                by=by,  # type: ignore[arg-type]
                at=NOW,
            )

        results = at_once(
            lambda: judging(rita, HitState.TRUE),  # noqa: B023
            lambda: judging(ron, HitState.FALSE),  # noqa: B023
        )

        assert len(refusals(results, actions.HitChanged)) == 1
        hit.refresh_from_db()
        held = Hold.objects.filter(customer=hit.customer).exists()
        assert held == (hit.state == HitState.TRUE)
        stands = ScreeningStanding.objects.get(customer=hit.customer)
        assert (stands.true_hits, stands.false_hits) == ((1, 0) if held else (0, 1))
    assert audit.verify().ok


def test_two_screenings_of_one_customer_are_kept() -> None:
    for _ in range(rounds(20)):
        customer = ProfileFactory().customer
        older = answer(customer, match("James Smith"))
        newer = answer(customer, match("Jim Smith"), asked_at=NOW + timedelta(seconds=1))

        results = at_once(lambda: store([older]), lambda: store([newer]))  # noqa: B023

        assert not refusals(results)
        assert Screening.objects.filter(customer=customer).count() == 2
        listed = Hit.objects.filter(customer=customer, is_listed=True)
        assert [hit.facts["matched_name"] for hit in listed] == ["Jim Smith"]
        stands = ScreeningStanding.objects.get(customer=customer)
        assert (stands.screening.upstream_id, stands.open_hits) == (newer.record.id, 1)


def test_a_verdict_and_a_screening_that_changes_the_hit() -> None:
    rita = reviewer()
    for _ in range(rounds(20)):
        customer = ProfileFactory().customer
        (hit,) = screen(customer, match())
        saw = actions.hit_as_seen(hit)
        later = NOW + timedelta(days=1)
        changed = answer(customer, match(remarks="DOB 1950"), asked_at=later)

        judged, stored = at_once(
            lambda: actions.judge_hit(
                hit_id=hit.pk,  # noqa: B023
                verdict=HitState.FALSE,
                reason="Looked at.",
                saw=saw,  # noqa: B023
                by=rita,
                at=NOW,
            ),
            lambda: store([changed], at=later),  # noqa: B023
        )

        refusals([judged], actions.HitChanged)
        assert not isinstance(stored, Exception), stored
        hit.refresh_from_db()
        assert hit.is_open
        assert ScreeningStanding.objects.get(customer=customer).open_hits == 1


def test_two_people_ask_for_a_screening() -> None:
    rita, ron = reviewer(), reviewer()
    for _ in range(rounds(10)):
        customer = ProfileFactory().customer

        results = at_once(
            *(
                lambda by=by: actions.screen_now(customer=customer, by=by, at=timezone.now())  # noqa: B023
                for by in (rita, ron)
            )
        )

        assert not refusals(results)
        assert ScreeningRequest.objects.filter(customer=customer).count() == 1
