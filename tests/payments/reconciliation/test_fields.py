"""Each field that may differ, and what is no difference."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from payments import feeds as payment_feeds
from payments.models import Drift, Payment
from tests.payments.reconciliation.conftest import Run
from tests.sandbox.helpers import Bench
from upstreams import feeds

PAYOUT = {"recipient_name": "Juan Perez Martinez", "bank_account": "0110012345678901234567"}


@pytest.fixture
def payout(books: Bench) -> dict[str, Any]:
    """A payout that both sides hold, on its way."""
    made = books.withdraw()
    books.act(made, "release")
    feeds.run(payment_feeds.PAYMENTS, at=timezone.now(), full=True)
    Payment.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    return made


@pytest.mark.parametrize(
    ("deed", "members", "fields"),
    [
        ("change", {"amount": 250_001}, ["amount"]),
        ("change", {"currency": "MXN"}, ["currency"]),
        ("change", {"type": "deposit"}, ["kind"]),
        ("change", {"merchant_reference": "another"}, ["reference"]),
        ("change", {"payout": PAYOUT | {"recipient_name": "Mallory Thief"}}, ["recipient"]),
        ("change", {"payout": PAYOUT | {"bank_account": "9" * 22}}, ["account"]),
        ("force", {"status": "failed"}, ["status"]),
        ("force", {"status": "expired"}, ["status"]),
    ],
)
def test_finds_each_field(
    payout: dict[str, Any],
    books: Bench,
    run: Run,
    deed: str,
    members: dict[str, Any],
    fields: list[str],
) -> None:
    books.act(payout, deed, **members)

    run()

    drift = Drift.objects.get()
    assert (drift.subject, drift.fields) == (payout["transaction_id"], fields)


def test_finds_a_refund(payout: dict[str, Any], books: Bench, run: Run) -> None:
    books.act(payout, "complete")
    feeds.run(payment_feeds.PAYMENTS, at=timezone.now(), full=True)
    Payment.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    books.act(payout, "refund", amount=1000)

    run()

    assert Drift.objects.get().fields == ["status", "refunded"]


def test_what_moved_a_moment_ago_is_pending(payout: dict[str, Any], books: Bench, run: Run) -> None:
    Payment.objects.filter(upstream_id=payout["transaction_id"]).update(
        changed_at=timezone.now() - timedelta(minutes=1)
    )
    books.act(payout, "complete")

    done = run()

    assert not Drift.objects.exists()
    assert sum(row.pending for row in done.totals.all()) == 1


def test_how_a_name_is_written_is_no_difference(
    payout: dict[str, Any], books: Bench, run: Run
) -> None:
    books.act(payout, "change", payout=PAYOUT | {"recipient_name": "JUAN  PEREZ MARTINEZ"})

    run()

    assert not Drift.objects.exists()
