"""What is read from LuxCore, and how cheaply."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from payments import feeds, hooks, mirror
from payments.enums import PaymentStatus, SeenBy, Status
from payments.feeds import cheapest_reading
from payments.models import Balance, Payment, PaymentMethod, Withdrawal
from tests.payments.factories import DEPOSIT_RAILS, NOW, PaymentFactory, payment_json
from tests.sandbox.helpers import NOON, Bench
from upstreams import feeds as running
from upstreams.enums import RunState
from upstreams.luxcore.schemas import parse_method
from upstreams.models import RefusedRecord
from upstreams.webhooks import WebhookMessage

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
class TestAgainstTheSandbox:
    """The sandbox's clock stands still at its noon; runs are told a later moment."""

    def run(self, name: str, sandbox: Bench) -> Any:
        run = running.run(name, at=NOON + timedelta(minutes=1))
        assert run is not None
        assert run.state == RunState.DONE, run.error
        return run

    def test_reads_everything_new(self, sandbox: Bench) -> None:
        created = [sandbox.create(merchant_reference=f"order_{n}") for n in range(3)]

        run = self.run(feeds.PAYMENTS, sandbox)

        assert run.created == 3
        assert set(Payment.objects.values_list("upstream_id", flat=True)) == {
            payment["transaction_id"] for payment in created
        }

    def test_reads_what_is_open_again(self, sandbox: Bench) -> None:
        payment = sandbox.create()
        self.run(feeds.PAYMENTS, sandbox)
        sandbox.act(payment, "complete")

        run = self.run(feeds.OPEN_PAYMENTS, sandbox)

        assert run.changed == 1
        assert Payment.objects.get().status == PaymentStatus.COMPLETED
        assert self.run(feeds.OPEN_PAYMENTS, sandbox).read == 0

    def test_notices_a_refund_that_nobody_told(self, sandbox: Bench) -> None:
        payment = sandbox.create()
        self.run(feeds.PAYMENTS, sandbox)
        sandbox.act(payment, "complete")
        self.run(feeds.OPEN_PAYMENTS, sandbox)
        sandbox.act(payment, "refund")

        self.run(feeds.REFUNDS, sandbox)

        assert Payment.objects.get().status == PaymentStatus.RETURNED

    def test_reads_every_balance(self, sandbox: Bench) -> None:
        run = self.run(feeds.BALANCES, sandbox)

        assert run.created == Balance.objects.count() > 3
        assert self.run(feeds.BALANCES, sandbox).created == 0

    def test_reads_every_method_in_every_currency(self, sandbox: Bench) -> None:
        run = self.run(feeds.METHODS, sandbox)

        known = {(row.currency, row.code): row for row in PaymentMethod.objects.for_deposits()}
        assert run.created == len(known) == len(DEPOSIT_RAILS)
        assert set(known) == set(DEPOSIT_RAILS)
        ipay = known["LKR", "ipay"]
        assert (ipay.pays_in, ipay.pays_out) == (True, False)
        assert (ipay.least, ipay.most) == (Decimal("1.00"), Decimal("100000000.00"))
        assert self.run(feeds.METHODS, sandbox).unchanged == len(known)

    def test_puts_a_pending_withdrawal_into_the_queue(self, sandbox: Bench) -> None:
        sandbox.withdraw()

        self.run(feeds.PAYMENTS, sandbox)

        assert Withdrawal.objects.get().status == Status.AWAITING_APPROVAL

    def test_keeps_a_malformed_record_and_goes_on(self, sandbox: Bench) -> None:
        """U-6."""
        for number in range(3):
            sandbox.create(merchant_reference=f"order_{number}")
        sandbox.fault("malformed_record", method="GET", path="*/payments", times=2)

        run = self.run(feeds.PAYMENTS, sandbox)

        assert run.created + RefusedRecord.objects.count() == 3
        assert RefusedRecord.objects.exists()


class TestMethods:
    def listing(self, *codes: str, is_complete: bool = True, **members: Any) -> mirror.Listing:
        told = {"currencies": ["AUD"], "deposit": True, "withdrawal": True}
        methods = [parse_method({"code": code, **told, **members}) for code in codes]
        return mirror.Listing(methods, is_complete=is_complete)

    def enabled(self) -> set[str]:
        return set(PaymentMethod.objects.for_deposits().values_list("code", flat=True))

    def test_are_disabled_when_they_are_listed_no_longer_and_come_back(self) -> None:
        mirror.store_methods(self.listing("payid", "card"), at=NOW)

        counts = mirror.store_methods(self.listing("payid"), at=NOW)

        assert (counts.changed, self.enabled()) == (1, {"payid"})
        mirror.store_methods(self.listing("payid", "card"), at=NOW)
        assert self.enabled() == {"payid", "card"}

    def test_stay_when_the_list_had_gaps(self) -> None:
        mirror.store_methods(self.listing("payid", "card"), at=NOW)

        mirror.store_methods(self.listing("payid", is_complete=False), at=NOW)

        assert self.enabled() == {"payid", "card"}

    @pytest.mark.parametrize(
        "members",
        [
            {"currencies": ["ZZZ"]},
            {"currencies": ["AUD"], "min_amount": 10**40},
            {"code": "x" * 41},
            {"processing_time_minutes": -1},
        ],
    )
    def test_are_refused_where_they_cannot_be_kept(self, members: dict[str, Any]) -> None:
        listing = self.listing("payid", **members)

        counts = mirror.store_methods(listing, at=NOW)

        assert len(counts.refused) == 1
        assert self.enabled() == set()

    def test_tell_no_limit_where_none_is_told(self) -> None:
        mirror.store_methods(self.listing("payid"), at=NOW)

        method = PaymentMethod.objects.get()
        assert (method.least, method.most, method.minutes) == (None, None, None)


class TestCheapestReading:
    def test_reads_a_few_by_id(self) -> None:
        found = [(NOW, "pay_1"), (NOW + timedelta(hours=1), "pay_2")]

        assert cheapest_reading(found) == ([], ["pay_1", "pay_2"])

    def test_reads_many_neighbours_as_one_span(self) -> None:
        found = [(NOW + timedelta(seconds=number), f"pay_{number}") for number in range(20)]

        spans, ids = cheapest_reading(found)

        assert ids == []
        assert spans == [(NOW, NOW + timedelta(seconds=20))]

    def test_reads_by_id_where_a_span_would_be_full_of_others(self) -> None:
        for number in range(201):
            PaymentFactory(completed=True, created_at=NOW + timedelta(seconds=number))
        found = [(NOW + timedelta(seconds=number * 60), f"pay_{number}") for number in range(3)]

        assert cheapest_reading(found) == ([], ["pay_0", "pay_1", "pay_2"])

    def test_has_nothing_to_read_for_nothing(self) -> None:
        assert cheapest_reading([]) == ([], [])


class TestWebhooks:
    def message(self, **payload: Any) -> WebhookMessage:
        return WebhookMessage(
            upstream="luxcore",
            event_id="evt_1",
            kind="payment.completed",
            payload=payload,
            received_at=timezone.now(),
        )

    @pytest.mark.parametrize("name", ["payment", "data"])
    def test_merge_the_payment_they_carry(self, name: str) -> None:
        hooks.apply_payment(self.message(**{name: payment_json(status="completed")}))

        payment = Payment.objects.get()
        assert (payment.status, payment.seen_by) == (PaymentStatus.COMPLETED, SeenBy.WEBHOOK)

    @pytest.mark.parametrize(
        "broken",
        [
            {},
            {"payment": None},
            {"payment": []},
            {"payment": {"id": "pay_1"}},
            {"payment": payment_json(amount="much")},
            {"payment": payment_json(merchant_reference="x" * 300)},
        ],
    )
    def test_keep_what_cannot_be_used(self, broken: dict[str, Any]) -> None:
        hooks.apply_payment(self.message(**broken))

        assert not Payment.objects.exists()
        assert RefusedRecord.objects.get().source == hooks.SOURCE

    def test_ask_for_the_balances_anew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rung: list[tuple[str, dict[str, Any]]] = []
        monkeypatch.setattr(
            hooks.doorbell, "ring", lambda task, **kwargs: rung.append((task.name, kwargs))
        )

        hooks.apply_balance(self.message(balance={"currency": "ARS"}))

        assert rung == [("upstreams.tasks.run_feed", {"name": feeds.BALANCES})]
