"""Approving: once, with everything that belongs to it or nothing at all."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from payments import actions
from payments.enums import Origin, Status, Verdict
from payments.models import Balance, Policy, Signature
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.conftest import Line
from tests.payments.deciding import nothing_happened_to, sign, status_of
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    WithdrawalFactory,
    approver,
    maker,
    seen_by,
)
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command, FeedState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


class TestSignWithdrawal:
    def test_approves_and_queues_the_payout_for_after_the_undo_time(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        receipt = sign(withdrawal, ada, reason="looks right")

        assert receipt.withdrawal.status == status_of(withdrawal) == Status.APPROVED
        assert (withdrawal.approved_at, withdrawal.signatures_required) == (NOW, 1)
        signature = Signature.objects.get()
        assert (signature.by, signature.maker, signature.verdict) == (
            ada,
            withdrawal.created_by,
            Verdict.APPROVE,
        )
        command = Command.objects.get()
        assert command.state == CommandState.QUEUED
        assert command.next_at == NOW + timedelta(seconds=5)
        assert command.idempotency_key == withdrawal.merchant_reference
        assert b'"amount":250000' in command.request_bytes

    def test_gives_a_receipt_with_the_number_of_its_audit_event(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        receipt = sign(withdrawal, ada)

        assert receipt.audit.verb == "payments.withdrawal.signed"
        assert receipt.audit.by == ada
        assert [event.verb for event in AuditEvent.objects.order_by("sequence")] == [
            "payments.withdrawal.signed",
            "payments.withdrawal.approved",
        ]

    def test_waits_for_the_second_of_two_signatures(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal, ada, abel = WithdrawalFactory(), approver(), approver()

        sign(withdrawal, ada)
        assert status_of(withdrawal) == Status.AWAITING_APPROVAL
        assert not Command.objects.exists()
        sign(withdrawal, abel, at=NOW + timedelta(seconds=30))

        assert status_of(withdrawal) == Status.APPROVED
        assert Command.objects.count() == 1
        first, second = Signature.objects.order_by("pk")
        assert first.digest == second.digest

    def test_lets_the_page_of_the_second_signer_be_older_than_the_first_signature(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal, ada, abel = WithdrawalFactory(), approver(), approver()
        page = seen_by(abel, withdrawal)

        sign(withdrawal, ada)
        sign(withdrawal, abel, seen=page)

        assert status_of(withdrawal) == Status.APPROVED

    def test_hands_one_seen_at_the_provider_back_to_the_provider(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        sign(withdrawal, approver())

        assert status_of(withdrawal) == Status.SENT
        assert not Command.objects.exists()


class TestOneEffect:
    """A-10: double click, back button, two tabs."""

    def test_gives_the_first_receipt_to_the_same_person_again(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        first = sign(withdrawal, ada, seen=page)

        again = sign(withdrawal, ada, seen=page, at=NOW + timedelta(seconds=1))

        assert (first.repeated, again.repeated) == (False, True)
        assert again.signature == first.signature
        assert again.audit == first.audit
        assert Command.objects.count() == Signature.objects.count() == 1
        assert AuditEvent.objects.count() == 2

    def test_asks_the_provider_nothing_for_a_repeat(self, line: Line) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        sign(withdrawal, ada, seen=page)
        asked = line.asked

        sign(withdrawal, ada, seen=page)

        assert line.asked == asked == 1

    def test_tells_a_late_second_approver_who_was_faster_and_when(self) -> None:
        """A-1."""
        withdrawal, ada, abel = WithdrawalFactory(), approver(), approver()
        page = seen_by(abel, withdrawal)
        sign(withdrawal, ada)

        with pytest.raises(actions.AlreadyDecided) as refusal:
            sign(withdrawal, abel, seen=page)

        assert (refusal.value.by, refusal.value.at) == (ada, NOW)
        assert f"already approved by {ada.email} at 2026-02-18 10:30:00 UTC" in str(refusal.value)
        assert Command.objects.count() == 1


class TestBlocks:
    def test_refuses_what_the_balance_does_not_cover(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        Balance.objects.update(available=Decimal("2612.49"))

        with pytest.raises(actions.Blocked, match="0.01 AUD short"):
            sign(withdrawal, ada)

        assert nothing_happened_to(withdrawal)

    def test_refuses_on_data_that_is_too_old(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        FeedState.objects.update(last_success_at=NOW - timedelta(minutes=16))

        with pytest.raises(actions.Blocked, match="16 min old"):
            sign(withdrawal, ada)

    def test_lets_a_switched_off_provider_be_signed_for(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        outbox.stop_sending("luxcore", reason="test", by_label="test", at=NOW)

        sign(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED

    def test_refuses_a_second_payout_from_money_that_the_first_took(self) -> None:
        Balance.objects.update(available=Decimal("3000.00"))
        first, second, ada = WithdrawalFactory(), WithdrawalFactory(), approver()
        page = seen_by(ada, second)

        sign(first, ada)

        with pytest.raises(actions.Blocked, match="1 payout ahead"):
            sign(second, ada, seen=page)


class TestLiveReRead:
    """The provider is asked again right before the decision, outside any transaction."""

    def test_decides_on_the_balance_of_this_moment(self, sandbox: Any) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        Balance.objects.update(as_of=NOW - timedelta(hours=1))
        page = seen_by(ada, withdrawal)

        sign(withdrawal, ada, seen=page)

        assert Balance.objects.get(currency="AUD", balance_type="main").as_of == NOW

    def test_refuses_one_that_moved_on_at_the_provider_meanwhile(self, sandbox: Any) -> None:
        """A-7."""
        there = sandbox.withdraw(
            currency="AUD",
            method="payid",
            payout={
                "recipient_name": "James Smith",
                "payid": "james@example.com",
                "payid_type": "email",
            },
        )
        payment = PaymentFactory(
            upstream_id=there["transaction_id"], merchant_reference=there["merchant_reference"]
        )
        withdrawal = WithdrawalFactory(seen_upstream=True, payment=payment)
        ada = approver()
        page = seen_by(ada, withdrawal)
        sandbox.api.post(f"/payments/{there['transaction_id']}/cancel")

        with pytest.raises(actions.AlreadyDecided, match="already lapsed"):
            sign(withdrawal, ada, seen=page)

        assert status_of(withdrawal) == Status.LAPSED
        assert "cancelled" in withdrawal.status_reason

    def test_goes_on_with_what_is_known_when_the_provider_does_not_answer(self, line: Line) -> None:
        withdrawal = WithdrawalFactory()

        sign(withdrawal, approver())

        assert line.asked == 1
        assert status_of(withdrawal) == Status.APPROVED

    def test_is_not_done_for_somebody_who_may_not_sign(self, line: Line) -> None:
        with pytest.raises(NotPermitted):
            sign(WithdrawalFactory(), maker())

        assert line.asked == 0


class TestAllOrNothing:
    """A-13: whatever fails, nothing or everything."""

    @pytest.mark.parametrize(
        "breaks",
        [
            "payments.actions.decisions.outbox.put",
            "payments.actions.decisions.rules.payload",
            "payments.actions.decisions.move",
            "payments.actions.decisions._approve",
            "payments.actions.decisions._receipt",
            "payments.actions.decisions.Signature.objects.create",
            "staff.journal.audit.record_all",
        ],
    )
    def test_leaves_nothing_behind_when_a_step_fails(
        self, breaks: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)

        def fail(*args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("lightning")

        with monkeypatch.context() as lightning:
            lightning.setattr(breaks, fail)
            with pytest.raises(RuntimeError, match="lightning"):
                sign(withdrawal, ada, seen=page)

        assert nothing_happened_to(withdrawal)
        assert not AuditEvent.objects.exists()
        sign(withdrawal, ada, seen=page)
        assert status_of(withdrawal) == Status.APPROVED


class TestUpstreamOrigin:
    def test_has_no_maker_and_may_be_signed_by_any_approver(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        receipt = sign(withdrawal, approver())

        assert withdrawal.origin == Origin.UPSTREAM
        assert receipt.signature.maker is None
