"""What LuxCore shows becomes our copy, and our withdrawals follow it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from customers.models import Customer, Identity
from payments import actions, mirror
from payments.enums import Origin, PaymentStatus, SeenBy, Status
from payments.models import Balance, Payment, Withdrawal
from staff.models import AuditEvent
from tests.payments.deciding import sign, status_of
from tests.payments.factories import (
    NOW,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    record,
    record_for,
)
from upstreams import outbox
from upstreams.feeds import StoreCounts
from upstreams.luxcore.schemas import PaymentRecord, parse_balance
from upstreams.models import Alarm, Command

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(minutes=1)


def store(*records: PaymentRecord, seen_by: SeenBy = SeenBy.POLL, at: Any = NOW) -> StoreCounts:
    return mirror.store_payments(records, seen_by=seen_by, at=at)


def counts(result: StoreCounts) -> tuple[int, int, int, int]:
    return result.created, result.changed, result.unchanged, len(result.refused)


def alarms() -> set[str]:
    return set(Alarm.objects.values_list("code", flat=True))


class TestStorePayments:
    def test_keeps_a_payment_as_it_was_shown(self) -> None:
        store(record(fee_amount=11250, status_version=1))

        payment = Payment.objects.get()
        assert payment.amount == Decimal("2500.00")
        assert (payment.currency, payment.method, payment.kind) == ("AUD", "payid", "withdrawal")
        assert (payment.status, payment.upstream_status) == (PaymentStatus.CREATED, "pending")
        assert (payment.fee, payment.net) == (Decimal("112.50"), None)
        assert payment.counterparty["payid"] == "james@example.com"
        assert payment.counterparty_name == "James Smith"
        assert payment.raw["transaction_id"] == payment.upstream_id
        assert (payment.first_seen_at, payment.seen_by) == (NOW, SeenBy.POLL)

    def test_counts_what_was_new_changed_and_unchanged(self) -> None:
        first = [record(transaction_id=f"pay_{number}") for number in range(3)]
        assert counts(store(*first)) == (3, 0, 0, 0)

        moved = record(transaction_id="pay_1", status="processing")
        again = store(first[0], moved, first[2], record(transaction_id="pay_9"), at=LATER)

        assert counts(again) == (1, 1, 2, 0)
        assert Payment.objects.get(upstream_id="pay_1").changed_at == LATER
        assert Payment.objects.get(upstream_id="pay_0").seen_at == NOW

    def test_writes_nothing_for_what_has_not_changed(self, django_assert_num_queries: Any) -> None:
        page = [record(transaction_id=f"pay_{number}") for number in range(100)]
        store(*page)

        with django_assert_num_queries(1):  # the probe, between two savepoints
            store(*page, at=LATER)

    def test_costs_no_more_queries_for_fifty_than_for_one(
        self, django_assert_max_num_queries: Any
    ) -> None:
        def page(size: int, start: int) -> list[PaymentRecord]:
            return [
                record(
                    transaction_id=f"pay_{number}",
                    type="deposit",
                    status="processing",
                    customer={"id": number, "name": f"Customer {number}"},
                )
                for number in range(start, start + size)
            ]

        with django_assert_max_num_queries(15):
            store(*page(1, 0))
        with django_assert_max_num_queries(15):
            store(*page(50, 1))

    def test_takes_more_than_one_page_at_once(self) -> None:
        many = [record(transaction_id=f"pay_{number}", type="deposit") for number in range(230)]

        assert counts(store(*many)) == (230, 0, 0, 0)

    def test_takes_the_same_payment_twice_in_one_page(self) -> None:
        result = store(record(), record(status="processing"))

        assert counts(result) == (1, 0, 1, 0)
        assert Payment.objects.get().status == PaymentStatus.IN_PROGRESS

    def test_refuses_what_does_not_fit_and_goes_on(self) -> None:
        result = store(
            record(transaction_id="pay_1", merchant_reference="x" * 256),
            record(transaction_id="pay_2"),
            record(transaction_id="pay_3", status_version=2**63),
            record(transaction_id="pay_4", payout={"bank_account": "1" * 65}),
        )

        assert [item.reason for item in result.refused] == [
            "merchant_reference is too long",
            "status_version is too large",
            "payout bank_account is too long",
        ]
        assert Payment.objects.get().upstream_id == "pay_2"

    @pytest.mark.parametrize(
        "odd",
        [
            {"status": "on_hold"},
            {"type": "chargeback"},
            {"method": "carrier_pigeon"},
            {"currency": "TRY"},
            {"error_code": "E" * 200},
            {"description": "d" * 5000},
            {"customer": {"id": 1, "name": "n" * 300}},
        ],
    )
    def test_takes_what_nobody_documented(self, odd: dict[str, Any]) -> None:
        """U-7."""
        assert counts(store(record(**odd))) == (1, 0, 0, 0)

        payment = Payment.objects.get()
        assert odd.items() <= payment.raw.items()

    def test_calls_somebody_once_for_a_word_nobody_knows(self) -> None:
        store(record(transaction_id="pay_1", status="on_hold"))
        store(record(transaction_id="pay_2", status="on_hold"))

        assert Alarm.objects.get().code == "unknown-status"
        assert outbox.sending_is_on("luxcore")

    def test_calls_somebody_when_a_payment_ends_in_two_ways(self) -> None:
        """M-16."""
        store(record(status="cancelled"))

        store(record(status="completed"))

        assert Payment.objects.get().status == PaymentStatus.CANCELLED
        assert alarms() == {"payment-conflict"}

    def test_notes_a_click_even_when_nothing_changed(self) -> None:
        store(record())

        result = store(record(), seen_by=SeenBy.CLICK, at=LATER)

        payment = Payment.objects.get()
        assert counts(result) == (0, 0, 1, 0)
        assert (payment.seen_at, payment.changed_at, payment.seen_by) == (LATER, NOW, "click")

    def test_keeps_what_a_webhook_leaves_out(self) -> None:
        store(record(fee_amount=11250))

        store(
            record(
                transaction_id=None,
                id="pay_1234567890_abcdefgh",
                payout=None,
                status="completed",
                status_version=3,
            ),
            seen_by=SeenBy.WEBHOOK,
        )

        payment = Payment.objects.get()
        assert payment.status == PaymentStatus.COMPLETED
        assert payment.counterparty["payid"] == "james@example.com"
        assert payment.fee == Decimal("112.50")


class TestCustomers:
    def test_learns_who_a_payment_is_for(self) -> None:
        told = {"id": 12345, "name": "Maria Garcia", "email": "maria@example.com"}

        store(record(customer=told), record(transaction_id="pay_2", customer=told))

        customer = Customer.objects.get()
        assert (customer.name, customer.email) == ("Maria Garcia", "maria@example.com")
        assert Identity.objects.get().upstream_id == "12345"
        assert set(Payment.objects.values_list("customer", flat=True)) == {customer.pk}


class TestOurWithdrawals:
    @pytest.mark.parametrize("trait", ["sending", "unknown"])
    def test_are_sent_once_their_payment_shows(self, trait: str) -> None:
        withdrawal = WithdrawalFactory(**{trait: True})

        store(record_for(withdrawal), seen_by=SeenBy.WEBHOOK)

        assert status_of(withdrawal) == Status.SENT
        assert withdrawal.payment == Payment.objects.get()
        event = AuditEvent.objects.get()
        assert (event.verb, event.by_label) == ("payments.withdrawal.sent", "LuxCore")

    @pytest.mark.parametrize(
        ("word", "status"),
        [
            ("completed", Status.COMPLETED),
            ("failed", Status.FAILED),
            ("expired", Status.FAILED),
            ("cancelled", Status.CANCELLED),
            ("refunded", Status.COMPLETED),
            ("partial_refund", Status.COMPLETED),
            ("processing", Status.SENT),
        ],
    )
    def test_end_as_their_payment_ends(self, word: str, status: Status) -> None:
        withdrawal = WithdrawalFactory(sent=True)
        store(record_for(withdrawal), at=NOW)
        Withdrawal.objects.update(status=Status.SENT, payment=Payment.objects.get())

        store(record_for(withdrawal, status=word, error_code="BANK", error_message="No account"))

        assert status_of(withdrawal) == status

    def test_pass_every_state_on_the_way_when_several_are_skipped(self) -> None:
        withdrawal = WithdrawalFactory(sending=True)

        store(record_for(withdrawal, status="failed", error_code="E", error_message="No account"))

        assert status_of(withdrawal) == Status.FAILED
        assert (withdrawal.error_code, withdrawal.status_reason) == ("E", "No account")
        assert not AuditEvent.objects.filter(reason__contains="No account").exists()
        assert [event.verb for event in AuditEvent.objects.order_by("sequence")] == [
            "payments.withdrawal.sent",
            "payments.withdrawal.failed",
        ]

    def test_do_not_move_again_when_they_have_ended(self) -> None:
        withdrawal = WithdrawalFactory(sending=True)
        store(record_for(withdrawal, status="completed"))

        store(record_for(withdrawal, status="refunded", refunded_amount=250000))

        assert status_of(withdrawal) == Status.COMPLETED
        assert Payment.objects.get().refunded == Decimal("2500.00")

    @pytest.mark.parametrize(
        "other",
        [
            {"amount": 2500},
            {"amount": 25000000},
            {"currency": "MXN"},
            {"type": "deposit", "status": "processing"},
            {"method": "bank_transfer"},
            {"payout": {"recipient_name": "Eve Smith"}},
            {"payout": {"payid": "eve@example.com", "payid_type": "email"}},
            {"payout": {"bank_account": "99999999"}},
        ],
    )
    def test_are_not_paid_by_a_payment_that_differs(self, other: dict[str, Any]) -> None:
        """M-8, M-9: a person is called, sending stops, nothing is marked as paid."""
        withdrawal = WithdrawalFactory(sending=True)

        store(record_for(withdrawal, **other))

        withdrawal.refresh_from_db()
        assert withdrawal.payment is None
        if other.get("type") == "deposit":
            return  # seen as somebody's deposit; the sender compares its own answer
        assert withdrawal.status == Status.UNKNOWN
        assert "payment-differs" in alarms()
        assert not outbox.sending_is_on("luxcore")
        assert "example.com" not in Alarm.objects.get(code="payment-differs").text

    @pytest.mark.parametrize(
        "same",
        [
            {"payout": {"recipient_name": "JAMES  SMITH"}},
            {"payout": {"payid": "James@Example.com", "payid_type": "email"}},
            {"payout": None},
        ],
    )
    def test_are_paid_by_one_that_only_spells_it_otherwise(self, same: dict[str, Any]) -> None:
        withdrawal = WithdrawalFactory(sending=True)

        store(record_for(withdrawal, **same))

        assert status_of(withdrawal) == Status.SENT

    def test_are_never_paid_twice_without_a_call(self) -> None:
        """I1."""
        withdrawal = WithdrawalFactory(sending=True)
        store(record_for(withdrawal))

        store(record_for(withdrawal, transaction_id="pay_second"))

        assert "second-payment" in alarms()
        assert not outbox.sending_is_on("luxcore")
        assert withdrawal.pk == Withdrawal.objects.get().pk

    @pytest.mark.parametrize(
        "status",
        [
            Status.AWAITING_APPROVAL,
            Status.REJECTED,
            Status.RETRACTED,
            Status.LAPSED,
            Status.REFUSED,
        ],
    )
    def test_call_somebody_when_they_were_never_sent_and_are_there(self, status: Status) -> None:
        withdrawal = WithdrawalFactory(status=status)

        store(record_for(withdrawal))

        withdrawal.refresh_from_db()
        assert (withdrawal.status, withdrawal.payment) == (status, None)
        assert "payment-not-by-us" in alarms()
        assert not outbox.sending_is_on("luxcore")

    def test_follow_and_call_somebody_when_paid_before_they_were_sent(self) -> None:
        """M-12: the desk was restored from a backup that is older than the payment."""
        withdrawal = WithdrawalFactory(approved=True)

        store(record_for(withdrawal))

        assert status_of(withdrawal) == Status.SENT
        assert withdrawal.payment is not None
        assert "payment-not-by-us" in alarms()

    def test_recognise_the_reference_of_an_approval_that_was_undone(self) -> None:
        PolicyFactory()
        everything_is_fresh()
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        withdrawal.refresh_from_db()
        former = withdrawal.merchant_reference
        actions.undo_approval(withdrawal_id=withdrawal.pk, by=ada, at=NOW, reason="no")

        store(record_for(withdrawal, merchant_reference=former))

        assert "payment-not-by-us" in alarms()
        assert Withdrawal.objects.count() == 1
        assert Command.objects.get().idempotency_key == former


class TestSeenUpstream:
    def test_joins_the_queue_while_it_is_pending_there(self) -> None:
        store(record(customer={"id": 5, "name": "James Smith", "email": "james@example.com"}))

        withdrawal = Withdrawal.objects.get()
        assert (withdrawal.origin, withdrawal.status) == (
            Origin.UPSTREAM,
            Status.AWAITING_APPROVAL,
        )
        assert (withdrawal.amount, withdrawal.currency) == (Decimal("2500.00"), "AUD")
        assert (withdrawal.payid, withdrawal.recipient_name) == ("james@example.com", "James Smith")
        assert withdrawal.customer_email == "james@example.com"
        assert withdrawal.created_by is None
        assert withdrawal.account_key == withdrawal.payment.account_key != ""

    def test_joins_from_a_hosted_page_too(self) -> None:
        store(record(type="withdrawal_pp"))

        assert Withdrawal.objects.get().payment.hosted

    @pytest.mark.parametrize("word", ["processing", "completed", "failed", "on_hold"])
    def test_does_not_join_when_nothing_is_left_to_decide(self, word: str) -> None:
        store(record(status=word))

        assert not Withdrawal.objects.exists()

    def test_does_not_join_as_a_deposit(self) -> None:
        store(record(type="deposit", status="pending"))

        assert not Withdrawal.objects.exists()

    def test_joins_once(self) -> None:
        store(record())
        store(record(status_version=1), seen_by=SeenBy.WEBHOOK)

        assert Withdrawal.objects.count() == 1

    @pytest.mark.parametrize("word", ["processing", "completed", "cancelled", "expired", "on_hold"])
    def test_lapses_when_the_provider_moves_it_before_a_decision(self, word: str) -> None:
        store(record())

        store(record(status=word))

        withdrawal = Withdrawal.objects.get()
        assert withdrawal.status == Status.LAPSED
        assert word in withdrawal.status_reason

    def test_voids_signatures_when_the_provider_tells_more(self) -> None:
        PolicyFactory(signatures=2)
        everything_is_fresh()
        store(record(transaction_id="pay_1", payout=None))
        withdrawal = Withdrawal.objects.select_related("payment").get()
        assert withdrawal.recipient_name == ""

        store(record(transaction_id="pay_1"))

        withdrawal.refresh_from_db()
        assert (withdrawal.recipient_name, withdrawal.revision) == ("James Smith", 2)
        assert withdrawal.account_key != ""

    def test_calls_somebody_when_it_goes_on_after_a_rejection(self) -> None:
        store(record())
        Withdrawal.objects.update(status=Status.REJECTED)

        store(record(status="completed"))

        assert Withdrawal.objects.get().status == Status.REJECTED
        assert alarms() == {"rejected-but-moving"}

    def test_is_content_when_it_is_cancelled_after_a_rejection(self) -> None:
        store(record())
        Withdrawal.objects.update(status=Status.REJECTED)

        store(record(status="cancelled"))

        assert not alarms()


class TestStoreBalances:
    def balance(self, **members: Any) -> Any:
        told = {
            "currency": "ARS",
            "balance_type": "main",
            "balance_amount": "900000",
            "available_amount": "700000",
            "frozen_amount": "200000",
        }
        return parse_balance(told | members)

    def test_keeps_the_latest_of_each_kind(self) -> None:
        result = mirror.store_balances(
            [self.balance(), self.balance(balance_type="frozen")], at=NOW
        )

        assert result.created == 2
        balance = Balance.objects.get(balance_type="main")
        assert (balance.amount, balance.available, balance.frozen) == (9000, 7000, 2000)

    def test_notes_that_an_unchanged_one_was_seen(self) -> None:
        mirror.store_balances([self.balance()], at=NOW)

        result = mirror.store_balances([self.balance()], at=LATER)

        assert (result.created, result.changed, result.unchanged) == (0, 0, 1)
        assert Balance.objects.get().as_of == LATER

    def test_does_not_let_an_older_answer_in(self) -> None:
        mirror.store_balances([self.balance()], at=LATER)

        mirror.store_balances([self.balance(available_amount="1")], at=NOW)

        assert Balance.objects.get().available == 7000

    def test_has_nothing_to_do_for_nothing(self) -> None:
        assert mirror.store_balances([], at=NOW) == StoreCounts()
