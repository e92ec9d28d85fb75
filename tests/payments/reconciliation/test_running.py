"""A run: what it finds, what it leaves alone, and how it goes on after a worker died."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from payments.enums import DriftKind, DriftState
from payments.models import DayTotal, Drift, Payment
from tests.payments.reconciliation.conftest import Run
from upstreams.enums import RunState


def found() -> dict[str, str]:
    return dict(Drift.objects.open().values_list("subject", "kind"))


def test_finds_nothing_where_both_agree(run: Run) -> None:
    done = run()

    assert done.state == RunState.DONE, done.error
    assert (done.read, done.found, done.gaps) == (12, 0, [])
    assert not Drift.objects.exists()
    totals = list(DayTotal.objects.all())
    assert sum(row.matched for row in totals) == 12
    assert all(
        (row.ours_number, row.ours_sum) == (row.theirs_number, row.theirs_sum) for row in totals
    )


def test_does_not_merge_what_it_reads(run: Run) -> None:
    payment = Payment.objects.order_by("pk")[0]
    Payment.objects.filter(pk=payment.pk).update(amount=Decimal("0.01"))

    run()

    payment.refresh_from_db()
    assert payment.amount == Decimal("0.01")
    drift = Drift.objects.get()
    assert (drift.kind, drift.fields) == (DriftKind.DIFFERS, ["amount"])
    assert drift.ours["amount"] == "0.01"


def test_finds_what_is_missing_here_and_there(run: Run) -> None:
    gone_here, gone_there = Payment.objects.order_by("pk")[:2]
    Payment.objects.filter(pk=gone_here.pk).delete()
    Payment.objects.filter(pk=gone_there.pk).update(upstream_id="pay_nobody_knows")

    run()

    assert found() == {
        gone_here.upstream_id: "missing_here",
        gone_there.upstream_id: "missing_here",
        "pay_nobody_knows": "missing_there",
    }


def test_does_not_say_the_same_twice(run: Run) -> None:
    Payment.objects.filter(pk=Payment.objects.order_by("pk")[0].pk).delete()

    first, second = run(), run()

    assert (first.found, second.found) == (1, 1)
    drift = Drift.objects.get()
    assert drift.last_run == second


def test_closes_what_went_by_itself(run: Run) -> None:
    payment = Payment.objects.order_by("pk")[0]
    Payment.objects.filter(pk=payment.pk).update(merchant_reference="another")
    run()
    Payment.objects.filter(pk=payment.pk).update(merchant_reference=payment.merchant_reference)

    second = run()

    drift = Drift.objects.get()
    assert (drift.state, drift.last_run, second.gone) == (DriftState.GONE, second, 1)


def test_leaves_days_it_did_not_read_alone(run: Run) -> None:
    payment = Payment.objects.order_by("created_at")[0]
    Payment.objects.filter(pk=payment.pk).update(merchant_reference="another")
    run()
    Payment.objects.filter(pk=payment.pk).update(merchant_reference=payment.merchant_reference)

    run(first_day=payment.created_at.date() + timedelta(days=1))

    assert Drift.objects.get().state == DriftState.OPEN
