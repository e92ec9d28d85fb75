"""Screenings as Lux Financial answers them, and what the tests of them share."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from customers import actions
from customers.enums import HitState
from customers.models import Customer, Hit
from customers.screening import asking
from customers.screening.storing import Answer, store_screenings
from staff.models import User
from tests.customers.factories import NOW
from tests.staff.factories import UserFactory
from upstreams.feeds import StoreCounts
from upstreams.lux.schemas import ScreeningRecord, parse_screening

_numbers = itertools.count(1)


def match(name: str = "James Smith", **changes: Any) -> dict[str, Any]:
    """One match, as §1.9 writes it."""
    told: dict[str, Any] = {
        "score": 1,
        "source": "SDN",
        "source_name": "OFAC SDN List",
        "matched_name": name,
        "match_type": "name_exact",
        "entity_type": "individual",
        "sanctions_programs": ["SDGT"],
        "listed_on": "2020-05-04",
        "remarks": "DOB 1990-01-31; Nationality AU",
    }
    return told | changes


def record(*matches: dict[str, Any], **changes: Any) -> ScreeningRecord:
    told: dict[str, Any] = {
        "id": f"scr_{next(_numbers)}",
        "object": "screening",
        "status": "potential_match" if matches else "clear",
        "match_count": len(matches),
        "matches": list(matches),
        "screened_at": "2026-02-18T10:30:00.000Z",
        "data_sources_checked": ["SDN", "UN"],
    }
    return parse_screening(told | changes)


def answer(
    customer: Customer, *matches: dict[str, Any], asked_at: datetime = NOW, **changes: Any
) -> Answer:
    """What came of asking about this customer as they are now."""
    customer = asking.by_key([customer.pk])[customer.pk]
    asked = asking.about(customer)
    assert asked is not None
    return Answer(
        customer_id=customer.pk,
        asked=asked,
        asked_at=asked_at,
        reason="periodic",
        record=record(*matches, **changes),
    )


def store(answers: Sequence[Answer], at: datetime = NOW) -> StoreCounts:
    with transaction.atomic():
        return store_screenings(answers, at=at)


def screen(customer: Customer, *matches: dict[str, Any], days: int = 0) -> list[Hit]:
    """Screen a customer, so many days later; their hits then, the likeliest first."""
    moment = NOW + timedelta(days=days)
    store([answer(customer, *matches, asked_at=moment)], at=moment)
    return list(Hit.objects.filter(customer=customer).likeliest_first())


def judge(hit: Hit, verdict: HitState = HitState.FALSE, *, by: User | None = None) -> Hit:
    return actions.judge_hit(
        hit_id=hit.pk,
        verdict=verdict,
        reason="Another date of birth.",
        saw=actions.hit_as_seen(hit),
        by=by or reviewer(),
        at=NOW,
    )


def reviewer() -> User:
    person = UserFactory(roles=["reviewer"])
    assert isinstance(person, User)
    return person
