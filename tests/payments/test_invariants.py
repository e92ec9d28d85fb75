"""What must always be true, and what happens when it is not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from payments import actions, invariants, mirror
from payments.enums import PaymentStatus, SeenBy, Status
from payments.models import Payment, Policy, Settlement, Withdrawal
from payments.references import PAYOUT
from staff import audit
from staff.models import AuditEvent
from tests.payments.deciding import sign
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
    draft,
    maker,
    record_for,
)
from upstreams import alarms, outbox
from upstreams.enums import CommandState, EventState
from upstreams.models import Alarm, Command, WebhookEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


def paid(**fields: Any) -> Withdrawal:
    """A withdrawal that went the whole way: asked for, signed, sent, completed."""
    withdrawal = actions.request_withdrawal(draft=draft(**fields), by=maker(), at=NOW)
    sign(withdrawal, approver())
    Command.objects.update(state=CommandState.DONE)
    Withdrawal.objects.filter(pk=withdrawal.pk).update(status=Status.SENDING)
    mirror.store_payments([record_for(withdrawal, status="completed")], seen_by=SeenBy.SEND, at=NOW)
    withdrawal.refresh_from_db()
    return withdrawal


def breaches(*, later: timedelta = timedelta(minutes=2)) -> set[str]:
    return {breach.code for breach in invariants.check(now=NOW + later)}


def double_pay(withdrawal: Withdrawal) -> None:
    PaymentFactory(completed=True, merchant_reference=withdrawal.merchant_reference)


def lose_the_command(withdrawal: Withdrawal) -> None:
    Withdrawal.objects.update(status=Status.APPROVED)
    tell(withdrawal, Status.APPROVED)


def lose_a_signature(withdrawal: Withdrawal) -> None:
    withdrawal.signatures.update(voided_at=NOW)


def let_the_maker_have_signed(withdrawal: Withdrawal) -> None:
    signature = withdrawal.signatures.get()
    withdrawal.revisions.create(number=9, by=signature.by, at=NOW)


def sign_something_else(withdrawal: Withdrawal) -> None:
    SignatureFactory(withdrawal=withdrawal, digest="0" * 64)


def pay_another_amount(withdrawal: Withdrawal) -> None:
    Payment.objects.update(amount=1)


def pay_another_account(withdrawal: Withdrawal) -> None:
    told = {"payid": "eve@example.com", "payid_type": "email"}
    Payment.objects.update(account_key="f" * 64, counterparty=told)


def reverse_the_end(withdrawal: Withdrawal) -> None:
    Payment.objects.update(status=PaymentStatus.FAILED)


def move_without_a_trace(withdrawal: Withdrawal) -> None:
    Withdrawal.objects.update(status=Status.SENT, settled_at=None)


def tell(withdrawal: Withdrawal, status: Status) -> None:
    with transaction.atomic():
        audit.record("test.moved", withdrawal, by=None, at=NOW, after={"status": status})


class TestCheck:
    def test_finds_nothing_where_all_is_well(self) -> None:
        paid()
        actions.request_withdrawal(draft=draft(amount=Decimal(7)), by=maker(), at=NOW)
        refused = actions.request_withdrawal(draft=draft(amount=Decimal(8)), by=maker(), at=NOW)
        sign(refused, approver())

        assert breaches() == set()
        assert not Alarm.objects.exists()
        assert outbox.sending_is_on("luxcore")

    @pytest.mark.parametrize(
        ("break_it", "code"),
        [
            (double_pay, "i1-paid-once"),
            (lose_the_command, "i2-forgotten"),
            (lose_a_signature, "i3-signatures"),
            (let_the_maker_have_signed, "i3-signatures"),
            (sign_something_else, "i3-signatures"),
            (pay_another_amount, "i4-intent"),
            (pay_another_account, "i4-intent"),
            (reverse_the_end, "i5-reversal"),
            (move_without_a_trace, "i6-audit"),
        ],
    )
    def test_stops_the_provider_and_calls_a_person(
        self, break_it: Callable[[Withdrawal], None], code: str
    ) -> None:
        withdrawal = paid()
        break_it(withdrawal)

        assert code in breaches()

        assert not outbox.sending_is_on("luxcore")
        alarm = Alarm.objects.get(code=code)
        assert alarm.subject_id == str(withdrawal.pk)
        assert withdrawal.code in alarm.text

    def test_does_not_stop_again_what_somebody_switched_on_under_an_open_alarm(self) -> None:
        withdrawal = paid()
        pay_another_amount(withdrawal)
        breaches()
        outbox.resume_sending("luxcore", reason="looked", by_label="lead", at=NOW)

        assert breaches(later=timedelta(minutes=3)) == {"i4-intent"}
        assert outbox.sending_is_on("luxcore")

    def test_stops_again_when_the_alarm_was_closed_and_nothing_was_mended(self) -> None:
        withdrawal = paid()
        pay_another_amount(withdrawal)
        breaches()
        outbox.resume_sending("luxcore", reason="looked", by_label="lead", at=NOW)
        alarms.close(
            upstream="luxcore",
            code="i4-intent",
            subject=audit.subject_of(withdrawal),
            at=NOW,
            by_label="lead",
            reason="mended",
        )

        breaches(later=timedelta(minutes=3))

        assert not outbox.sending_is_on("luxcore")

    def test_lets_two_people_settle_on_a_payment_that_differs(self) -> None:
        withdrawal = paid()
        pay_another_amount(withdrawal)
        Settlement.objects.create(
            withdrawal=withdrawal,
            outcome=Status.SENT,
            payment=withdrawal.payment,
            reason="compared",
            proposed_by=maker(),
            proposed_at=NOW,
            confirmed_by=approver(),
            confirmed_at=NOW,
        )

        assert breaches() == set()

    def test_does_not_mind_that_the_provider_told_less_of_the_account(self) -> None:
        paid()
        Payment.objects.update(account_key="f" * 64)

        assert breaches() == set()

    @pytest.mark.parametrize(
        "status", [PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED]
    )
    def test_counts_no_payment_that_moved_nothing(self, status: PaymentStatus) -> None:
        withdrawal = paid()
        PaymentFactory(status=status, merchant_reference=withdrawal.merchant_reference)

        assert "i1-paid-once" not in breaches()

    @pytest.mark.parametrize("state", ["queued", "sending", "unknown"])
    def test_is_content_while_a_command_is_attended_to(self, state: str) -> None:
        withdrawal = paid()
        lose_the_command(withdrawal)
        Command.objects.filter(kind=PAYOUT).update(state=state)

        assert "i2-forgotten" not in breaches()

    def test_warns_of_late_events_without_stopping_anything(self) -> None:
        WebhookEvent.objects.create(
            upstream="luxcore",
            event_id="evt_1",
            body=b"{}",
            received_at=NOW - timedelta(hours=2),
            state=EventState.RECEIVED,
            next_at=NOW - timedelta(hours=1),
        )

        assert breaches() == {"i8-events"}
        assert outbox.sending_is_on("luxcore")

    def test_costs_the_same_for_ten_as_for_one(self, django_assert_max_num_queries: Any) -> None:
        for amount in range(10):
            paid(amount=Decimal(amount + 1))

        with django_assert_max_num_queries(12):
            assert breaches() == set()


class TestVerifyChain:
    @pytest.fixture(autouse=True)
    def _head_of_its_own(self, tmp_path: Path, settings: Any) -> None:
        settings.VAR_DIR = tmp_path

    def test_is_content_with_an_honest_chain(self) -> None:
        paid()

        assert invariants.verify_chain(now=NOW).ok
        assert outbox.sending_is_on("luxcore")

    @pytest.mark.parametrize("whole", [True, False])
    def test_stops_everything_when_the_chain_is_broken(self, whole: bool) -> None:
        """I7."""
        paid()
        if connection.vendor != "sqlite":
            pytest.skip("the database itself refuses to change an audit event")
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA writable_schema = 0")
            for name in self._triggers():
                cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(
                "UPDATE staff_auditevent SET reason = 'forged' WHERE sequence = "
                f"{AuditEvent.objects.order_by('sequence')[1].sequence}"
            )

        assert not invariants.verify_chain(now=NOW, whole=whole).ok

        assert set(Alarm.objects.filter(code="i7-chain").values_list("upstream", flat=True)) == {
            "luxcore",
            "lux",
            "lumetrade",
        }
        assert not outbox.sending_is_on("luxcore")

    def _triggers(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            return [row[0] for row in cursor.fetchall()]


class TestLimits:
    """I9: whatever let it through, what was signed under a tier is within its limits."""

    @pytest.mark.parametrize("limit", ["beneficiary_limit", "customer_limit", "approver_limit"])
    def test_are_kept_by_what_was_signed(self, limit: str) -> None:
        Policy.objects.update(**{limit: Decimal(6000)})
        ada = approver()
        for _ in range(2):
            sign(WithdrawalFactory(), ada)
        assert "i9-limits" not in breaches(later=timedelta(0))

        Policy.objects.update(**{limit: Decimal("4999.99")})

        assert "i9-limits" in breaches(later=timedelta(0))
        assert not outbox.sending_is_on("luxcore")
        alarm = Alarm.objects.get(code="i9-limits")
        whom = limit.removesuffix("_limit")
        assert alarm.text == (f"More was signed than the limit per {whom} of policy v1 allows.")

    def test_count_no_more_what_is_past_the_window(self) -> None:
        Policy.objects.update(beneficiary_limit=Decimal(6000))
        sign(WithdrawalFactory(), approver())
        Policy.objects.update(beneficiary_limit=Decimal(1))

        assert "i9-limits" not in breaches(later=timedelta(hours=24))
