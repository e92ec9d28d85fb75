"""What Lumetrade shows becomes our copy, in the order in which it was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import feeds_lumetrade, mirror
from payments.enums import Kind, PaymentStatus, SeenBy
from payments.mirror import Sighting
from payments.models import Balance, DailyBalance, Payment, SavedBeneficiary, Turnover, Withdrawal
from tests.payments.factories import NOW
from tests.payments.lumetrade import Place
from tests.upstreams.lumetrade import withdrawal
from upstreams import feeds as running
from upstreams.enums import RunState, Upstream
from upstreams.feeds import StoreCounts
from upstreams.lumetrade.schemas import parse_deposit, parse_withdrawal
from upstreams.models import Alarm, FeedRun, RefusedRecord

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


def seen(status: str = "PENDING", *, at: datetime = NOW, **members: Any) -> Sighting:
    raw = withdrawal(**{"status": status, "fee": Decimal("18.4"), **members})
    return Sighting(parse_withdrawal(raw), at)


def paid_in(status: str = "SUBMITTED", *, at: datetime = NOW) -> Sighting:
    raw = {"transactionId": "DP1", "status": status, "currency": "ZAR", "amount": 250}
    return Sighting(parse_deposit(raw), at)


def store(*sightings: Sighting, at: datetime = NOW) -> StoreCounts:
    return mirror.store_payments(sightings, seen_by=SeenBy.POLL, at=at, source=mirror.LUMETRADE)


def status() -> str:
    return Payment.objects.get().status


class TestMovements:
    def test_keeps_a_withdrawal_as_it_was_shown(self) -> None:
        store(seen())

        payment = Payment.objects.get()
        assert (payment.upstream, payment.kind, payment.method) == (
            Upstream.LUMETRADE,
            Kind.WITHDRAWAL,
            "beneficiary",
        )
        assert (payment.amount, payment.fee, payment.currency) == (
            Decimal("101"),
            Decimal("18.4"),
            "ZAR",
        )
        assert (payment.status, payment.upstream_status) == (PaymentStatus.CREATED, "PENDING")
        assert payment.counterparty_name == "Thandi Nkosi"
        assert payment.created_at == datetime(2026, 1, 21, 10, 30, tzinfo=UTC)

    def test_does_not_queue_what_waits_there(self) -> None:
        store(seen())

        assert not Withdrawal.objects.exists()

    def test_dates_a_deposit_by_when_it_was_first_seen(self) -> None:
        store(paid_in(), at=NOW)
        store(paid_in("COMPLETED", at=LATER), at=LATER)

        payment = Payment.objects.get()
        assert (payment.kind, payment.created_at) == (Kind.DEPOSIT, NOW)
        assert (payment.status, payment.seen_at) == (PaymentStatus.COMPLETED, LATER)
        assert Turnover.objects.get().total == 250

    @pytest.mark.parametrize(
        ("word", "expected"),
        [*mirror.lumetrade.STATUSES.items(), ("PAUSED", PaymentStatus.UNKNOWN)],
    )
    def test_has_a_common_word_for_every_stage(self, word: str, expected: PaymentStatus) -> None:
        store(seen(word))

        assert status() == expected

    def test_shows_an_unknown_stage_and_calls(self) -> None:
        store(seen("PAUSED"))

        assert Payment.objects.get().upstream_status == "PAUSED"
        alarm = Alarm.objects.get()
        assert (alarm.code, alarm.upstream) == ("unknown-status", "lumetrade")
        assert "Lumetrade uses the status 'PAUSED'" in alarm.text

    def test_follows_completed_to_reversed(self) -> None:
        store(seen("COMPLETED"))
        store(seen("REVERSED", at=LATER), at=LATER)

        assert status() == PaymentStatus.RETURNED
        assert not Alarm.objects.exists()
        assert Turnover.objects.get().total == 101

    def test_goes_back_from_review_to_processing(self) -> None:
        store(seen("COMPLIANCE_PENDING"))
        store(seen("PROCESSING", at=LATER), at=LATER)

        assert status() == PaymentStatus.IN_PROGRESS

    def test_believes_the_later_answer_whatever_order_they_are_stored_in(self) -> None:
        store(seen("PROCESSING", at=LATER), at=LATER)
        store(seen("COMPLIANCE_PENDING", at=NOW), at=LATER)

        assert status() == PaymentStatus.IN_PROGRESS

    def test_calls_when_it_ended_twice(self) -> None:
        store(seen("FAILED"))
        store(seen("COMPLETED", at=LATER), at=LATER)

        assert status() == PaymentStatus.FAILED
        assert Alarm.objects.get().text.startswith("Lumetrade contradicts itself")

    def test_sets_aside_what_does_not_fit(self) -> None:
        result = store(seen(currency="X" * 13), seen(transactionId="WD2"))

        assert (result.created, [item.reason for item in result.refused]) == (
            1,
            ["currency is too long"],
        )

    def test_writes_nothing_for_what_has_not_changed(self, django_assert_num_queries: Any) -> None:
        first = [seen(transactionId=f"WD{number}") for number in range(500)]
        again = [seen(transactionId=f"WD{number}", at=LATER) for number in range(500)]
        store(*first)

        with django_assert_num_queries(1) as asked:  # one question about all of them
            result = store(*again, at=LATER)

        assert result.unchanged == 500
        written = ("INSERT", "UPDATE", "DELETE")
        assert not [q for q in asked.captured_queries if q["sql"].startswith(written)]


@pytest.mark.django_db(transaction=True)
class TestFeeds:
    @pytest.fixture
    def place(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
        made = Place()
        monkeypatch.setattr("payments.feeds_lumetrade.get_client", made.get_client)
        yield made
        made.close()

    def run(self, name: str, *, at: datetime | None = None) -> FeedRun:
        run = running.run(name, at=at)
        assert run is not None
        assert run.state == RunState.DONE, run.error
        return run

    def test_read_withdrawals_and_deposits(self, place: Place) -> None:
        out, into = place.pay_out(), place.pay_in()

        self.run(feeds_lumetrade.WITHDRAWALS)
        self.run(feeds_lumetrade.DEPOSITS)

        assert Payment.objects.get(upstream_id=out).kind == Kind.WITHDRAWAL
        assert Payment.objects.get(upstream_id=into).kind == Kind.DEPOSIT
        again = self.run(feeds_lumetrade.WITHDRAWALS)
        assert (again.created, again.changed, again.unchanged) == (0, 0, again.read)

    def test_follow_a_reversal_that_nobody_told(self, place: Place) -> None:
        out = place.pay_out()
        place.move(out, "COMPLETED")
        self.run(feeds_lumetrade.WITHDRAWALS)
        place.move(out, "REVERSED")

        self.run(feeds_lumetrade.WITHDRAWALS)

        assert Payment.objects.get(upstream_id=out).status == PaymentStatus.RETURNED

    def test_read_the_young_one_by_one_and_leave_the_old(self, place: Place) -> None:
        young, old = place.pay_out(), place.pay_out("102")
        self.run(feeds_lumetrade.WITHDRAWALS)
        now = Payment.objects.get(upstream_id=young).created_at + timedelta(minutes=5)
        open_ones = Payment.objects.open().exclude(upstream_id=young)
        open_ones.update(created_at=now - timedelta(hours=2))
        place.move(young, "PROCESSING")
        place.move(old, "PROCESSING")
        place.calls.clear()

        self.run(feeds_lumetrade.OPEN, at=now)

        assert place.calls == [("GET", f"/api/v1/withdrawals/{young}")]
        assert Payment.objects.get(upstream_id=young).status == PaymentStatus.IN_PROGRESS
        assert Payment.objects.get(upstream_id=old).status == PaymentStatus.CREATED

    def test_read_the_list_where_many_are_young(self, place: Place) -> None:
        for number in range(feeds_lumetrade.MOST_ONE_BY_ONE + 1):
            place.pay_out(str(100 + number))
        self.run(feeds_lumetrade.WITHDRAWALS)
        now = max(Payment.objects.open().values_list("created_at", flat=True))
        place.calls.clear()

        self.run(feeds_lumetrade.OPEN, at=now)

        assert place.calls == [("GET", "/api/v1/withdrawals")]

    def test_read_accounts_as_balances(self, place: Place) -> None:
        place.pay_out()

        self.run(feeds_lumetrade.ACCOUNTS)

        balance = Balance.objects.get(upstream="lumetrade", currency="ZAR")
        assert balance.balance_type == "main"
        assert balance.frozen > 101
        assert balance.amount == balance.available + balance.frozen
        assert DailyBalance.objects.filter(upstream="lumetrade", currency="ZAR").exists()

    def test_read_beneficiaries_and_notice_which_are_gone(self, place: Place) -> None:
        run = self.run(feeds_lumetrade.BENEFICIARIES)
        known = SavedBeneficiary.objects.listed().count()
        assert run.created == known > 1
        gone = SavedBeneficiary.objects.create(
            upstream="lumetrade",
            upstream_id="ben_gone",
            currency="ZAR",
            digest="0",
            first_seen_at=NOW,
            changed_at=NOW,
        )

        again = self.run(feeds_lumetrade.BENEFICIARIES)

        gone.refresh_from_db()
        assert (again.changed, again.unchanged, gone.is_listed) == (1, known, False)

    def test_keep_every_beneficiary_while_some_cannot_be_read(self, place: Place) -> None:
        self.run(feeds_lumetrade.BENEFICIARIES)
        place.fault("malformed_record", method="GET", path="/lumetrade/api/v1/beneficiaries")
        known = SavedBeneficiary.objects.listed().count()

        self.run(feeds_lumetrade.BENEFICIARIES)

        assert SavedBeneficiary.objects.listed().count() == known
        assert json.loads(RefusedRecord.objects.get().payload)
