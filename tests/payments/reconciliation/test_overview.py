"""The page over all providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from payments.models import Payment, Reconciliation
from tests.payments.factories import DriftFactory
from tests.payments.pages.helpers import as_role, text_of
from tests.payments.reconciliation.conftest import Run, today

ADDRESS = "/reconciliation/"


def test_shows_every_provider_and_who_is_not_configured(run: Run) -> None:
    run()

    shown = text_of(as_role("viewer").get(ADDRESS))

    assert all(name in shown for name in ("LuxCore", "Lux Financial", "Lumetrade"))
    assert "Not configured" in shown
    assert "Every day's count and sum are the same on both sides." in shown


@pytest.mark.django_db
def test_says_nothing_of_what_was_never_compared(settings: Any) -> None:
    settings.LUXCORE_API_KEY = "qp_test_sk_sandbox"

    cards = text_of(as_role("viewer").get(ADDRESS)).partition("What does not agree")[0]

    assert "<dt>Open</dt><dd>not compared yet</dd>" in cards
    assert "<dd>none</dd>" not in cards


def test_puts_days_that_differ_on_top(run: Run) -> None:
    gone = Payment.objects.order_by("pk")[0]
    Payment.objects.filter(pk=gone.pk).delete()
    run()

    shown = text_of(as_role("viewer").get(ADDRESS))

    assert gone.upstream_id in shown
    assert "Theirs less ours" in shown.partition("Days that agree")[0]


@pytest.mark.parametrize(
    ("days", "age"),
    [(0, "today"), (1, "days"), (2, "days"), (3, "week"), (7, "week"), (8, "older")],
)
def test_tells_ages_apart(run: Run, days: int, age: str) -> None:
    drift = DriftFactory(since_day=today() - timedelta(days=days))

    client = as_role("viewer")

    for other in ("today", "days", "week", "older"):
        shown = text_of(client.get(ADDRESS, {"age": other}))
        assert (f'href="{drift.get_absolute_url()}"' in shown) is (other == age)


def test_asks_a_worker_to_compare(run: Run) -> None:
    client = as_role("ops_lead")
    given = {"upstream": "luxcore", "first_day": str(today()), "last_day": str(today())}

    answer = client.post(f"{ADDRESS}start/", given)

    assert answer.status_code == 302
    started = Reconciliation.objects.get()
    assert (started.first_day, started.last_day) == (today(), today())
    assert client.post(f"{ADDRESS}start/", given).status_code == 422  # one at a time


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"last_day": "2099-01-01"}, "This day has not come yet."),
        ({"first_day": "2026-03-31", "last_day": "2026-03-30"}, "This is before the first day."),
        ({"first_day": "soon"}, "Enter a valid date."),
        ({"upstream": "lux"}, "Select a valid choice."),
    ],
)
def test_says_at_the_field_what_is_wrong(run: Run, changes: dict[str, str], problem: str) -> None:
    given = {"upstream": "luxcore", "first_day": str(today()), "last_day": str(today())}

    answer = as_role("ops_lead").post(f"{ADDRESS}start/", given | changes)

    assert answer.status_code == 422
    assert problem in text_of(answer)
    assert not Reconciliation.objects.exists()


def test_costs_the_same_for_many_differences(run: Run, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    DriftFactory.create_batch(25)
    client = as_role("viewer")
    client.get(ADDRESS)

    with django_assert_max_num_queries(26):
        client.get(ADDRESS)
