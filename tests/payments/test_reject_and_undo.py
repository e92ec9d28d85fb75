"""Saying no, and taking a yes back."""

from datetime import timedelta
from typing import Any

import pytest

from payments import actions, decision
from payments.enums import RejectCode, Status, Verdict
from payments.models import Policy, Withdrawal
from payments.references import CANCEL, PAYOUT
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.payments.deciding import sign, status_of
from tests.payments.factories import NOW, WithdrawalFactory, approver, maker, seen_by
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


def reject(withdrawal: Withdrawal, by: User, **told: Any) -> actions.Receipt:
    wanted: dict[str, Any] = {
        "seen": told.pop("seen", None) or seen_by(by, withdrawal),
        "code": RejectCode.DUPLICATE,
        "reason": "paid last week",
        "at": NOW,
    }
    return actions.reject_withdrawal(withdrawal_id=withdrawal.pk, by=by, **(wanted | told))


def undo(withdrawal: Withdrawal, by: User) -> Withdrawal:
    return actions.undo_approval(
        withdrawal_id=withdrawal.pk, by=by, at=NOW + timedelta(seconds=2), reason="too fast"
    )


class TestRejectWithdrawal:
    def test_ends_one_of_ours(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        receipt = reject(withdrawal, ada)

        assert status_of(withdrawal) == Status.REJECTED
        assert (withdrawal.reject_code, withdrawal.status_reason) == ("duplicate", "paid last week")
        assert receipt.signature.verdict == Verdict.REJECT
        assert receipt.audit.verb == "payments.withdrawal.signed_against"
        assert not Command.objects.exists()

    def test_cancels_one_that_lies_at_the_provider(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        reject(withdrawal, approver())

        assert status_of(withdrawal) == Status.REJECTED
        command = Command.objects.get()
        assert (command.kind, command.state) == (CANCEL, CommandState.QUEUED)
        assert withdrawal.payment.upstream_id.encode() in command.request_bytes

    def test_gives_the_first_receipt_to_the_same_click_again(self) -> None:
        withdrawal, ada = WithdrawalFactory(seen_upstream=True), approver()
        page = seen_by(ada, withdrawal)
        first = reject(withdrawal, ada, seen=page)

        again = reject(withdrawal, ada, seen=page)

        assert again.repeated
        assert again.audit == first.audit
        assert Command.objects.count() == 1

    def test_wants_a_reason_in_words(self) -> None:
        with pytest.raises(actions.ReasonMissing):
            reject(WithdrawalFactory(), approver(), reason="  ")

    def test_refuses_makers(self) -> None:
        with pytest.raises(NotPermitted):
            reject(WithdrawalFactory(), maker())

    def test_refuses_when_it_is_not_what_was_seen(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        Withdrawal.objects.update(amount=1)

        with pytest.raises(actions.FactsChanged):
            reject(withdrawal, ada, seen=page)

    def test_refuses_what_somebody_approved(self) -> None:
        withdrawal, abel = WithdrawalFactory(), approver()
        page = seen_by(abel, withdrawal)
        sign(withdrawal, approver())

        with pytest.raises(actions.AlreadyDecided, match="already approved"):
            reject(withdrawal, abel, seen=page)

    def test_lets_the_second_of_two_say_no(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal = WithdrawalFactory()
        sign(withdrawal, approver())

        reject(withdrawal, approver())

        assert status_of(withdrawal) == Status.REJECTED

    def test_does_not_let_one_person_say_both(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)

        with pytest.raises(actions.SignedAlready):
            reject(withdrawal, ada)

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL


class TestUndoApproval:
    def test_takes_back_what_nobody_has_begun_to_send(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        before = withdrawal.merchant_reference

        undo(withdrawal, ada)

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL
        assert withdrawal.attempt_no == 2
        assert withdrawal.merchant_reference != before
        assert (withdrawal.approved_at, withdrawal.signatures_required) == (None, None)
        assert Command.objects.get().state == CommandState.WITHDRAWN
        assert not withdrawal.signatures.valid().exists()

    def test_form_from_before_it_signs_nothing_any_more(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        sign(withdrawal, ada, seen=page)
        undo(withdrawal, ada)

        with pytest.raises(actions.FactsChanged):
            sign(withdrawal, ada, seen=page)

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL

    def test_can_be_approved_again_under_a_new_reference(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        undo(withdrawal, ada)
        withdrawal.refresh_from_db()

        sign(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED
        references = Command.objects.filter(kind=PAYOUT).values_list("idempotency_key", flat=True)
        assert len(set(references)) == 2

    def test_is_too_late_once_a_worker_has_it(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        Command.objects.update(state=CommandState.SENDING, attempts=1)

        with pytest.raises(actions.TooLateToUndo):
            undo(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED

    def test_takes_back_what_was_tried_and_never_sent(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        Command.objects.update(attempts=3)
        withdrawal.refresh_from_db()
        assert not decision.review(withdrawal, viewer=ada, now=NOW).cannot_undo

        undo(withdrawal, ada)

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL
        assert Command.objects.get().state == CommandState.WITHDRAWN

    @pytest.mark.parametrize("trait", ["sending", "unknown", "sent"])
    def test_is_too_late_once_it_left(self, trait: str) -> None:
        with pytest.raises(actions.TooLateToUndo):
            undo(WithdrawalFactory(**{trait: True}), approver())

    def test_needs_an_approval(self) -> None:
        with pytest.raises(actions.WithdrawalNotMovable):
            undo(WithdrawalFactory(), approver())

    def test_refuses_makers(self) -> None:
        with pytest.raises(NotPermitted):
            undo(WithdrawalFactory(approved=True), maker())

    def test_says_in_the_audit_trail_what_it_was(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)

        undo(withdrawal, ada)

        event = AuditEvent.objects.order_by("sequence").last()
        assert event is not None
        assert event.verb == "payments.withdrawal.approval_undone"
        assert (event.by, event.reason) == (ada, "too fast")
