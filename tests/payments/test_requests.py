"""What makers do: ask, change, take back, look at failures."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from payments import actions
from payments.enums import Origin, PaymentStatus, Status
from payments.models import Withdrawal
from staff.models import AuditEvent
from staff.permissions import NotPermitted, Role
from tests.payments.factories import NOW, WithdrawalFactory, approver, draft, maker
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db


class TestRequestWithdrawal:
    def test_asks_for_a_payout_that_others_sign(self) -> None:
        mara = maker()

        withdrawal = actions.request_withdrawal(draft=draft(), by=mara, at=NOW)

        withdrawal.refresh_from_db()
        assert withdrawal.status == Status.AWAITING_APPROVAL
        assert (withdrawal.created_by, withdrawal.origin) == (mara, Origin.DESK)
        assert withdrawal.amount == Decimal("2500.00")
        assert withdrawal.revisions.get().by == mara
        assert len(withdrawal.merchant_reference) == 36

    def test_keeps_no_personal_value_in_the_audit_trail(self) -> None:
        actions.request_withdrawal(draft=draft(), by=maker(), at=NOW)

        told = str(AuditEvent.objects.get().after)
        assert "james@example.com" not in told
        assert "James Smith" not in told
        assert "2500.00" in told

    def test_keeps_only_the_length_of_free_text_there(self) -> None:
        wanted = draft(description="For Jim", payout_reference="JIM-1")

        actions.request_withdrawal(draft=wanted, by=maker(), at=NOW)

        told = AuditEvent.objects.get().after["facts"]
        assert told["description"] == "•••• (7 characters)"
        assert "JIM" not in str(told)

    def test_makes_one_of_a_form_that_comes_twice(self) -> None:
        """A-10."""
        mara, token = maker(), uuid4()

        first, again = (
            actions.request_withdrawal(draft=draft(), by=mara, at=NOW, token=token)
            for _ in range(2)
        )

        assert first == again
        assert Withdrawal.objects.count() == AuditEvent.objects.count() == 1

    def test_refuses_a_form_that_comes_again_and_says_something_else(self) -> None:
        """Back in the browser, another amount, send: the first amount would be paid."""
        mara, token = maker(), uuid4()
        first = actions.request_withdrawal(draft=draft(), by=mara, at=NOW, token=token)

        with pytest.raises(actions.NotPossible, match=f"asked for {first.code} already"):
            actions.request_withdrawal(
                draft=draft(amount=Decimal("26.00")), by=mara, at=NOW, token=token
            )

        assert Withdrawal.objects.count() == 1

    def test_refuses_the_form_of_somebody_else(self) -> None:
        token = uuid4()
        first = actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, token=token)

        with pytest.raises(actions.NotPossible) as refusal:
            actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, token=token)

        assert first.code not in str(refusal.value)
        assert Withdrawal.objects.count() == 1

    def test_refuses_a_draft_that_breaks_a_rule(self) -> None:
        with pytest.raises(actions.InvalidDraft) as refusal:
            actions.request_withdrawal(draft=draft(payid=""), by=maker(), at=NOW)

        assert refusal.value.errors == {"payid": "The PayID is missing."}
        assert not Withdrawal.objects.exists()

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.MAKER}))
    def test_refuses_every_other_role(self, role: Role) -> None:
        with pytest.raises(NotPermitted):
            actions.request_withdrawal(draft=draft(), by=UserFactory(roles=[role]), at=NOW)

    def test_copies_one_that_was_refused_and_settles_its_attention(self) -> None:
        refused = WithdrawalFactory(refused=True)

        copy = actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, copy_of=refused)

        refused.refresh_from_db()
        assert copy.copy_of == refused
        assert copy.merchant_reference != refused.merchant_reference
        assert refused.attended_at == NOW

    @pytest.mark.parametrize("trait", ["approved", "sending", "unknown", "sent"])
    def test_refuses_to_copy_one_that_may_still_be_paid(self, trait: str) -> None:
        """M-15: no new attempt while the old one is not over."""
        open_one = WithdrawalFactory(**{trait: True})

        with pytest.raises(actions.NotPossible, match="may still be"):
            actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, copy_of=open_one)

        assert Withdrawal.objects.count() == 1

    @pytest.mark.parametrize("ended", [Status.LAPSED, Status.REJECTED])
    @pytest.mark.parametrize(
        "there", [PaymentStatus.CREATED, PaymentStatus.IN_PROGRESS, PaymentStatus.COMPLETED]
    )
    def test_refuses_to_copy_one_that_the_provider_may_pay(
        self, ended: Status, there: PaymentStatus
    ) -> None:
        row = WithdrawalFactory(seen_upstream=True, payment__status=there, status=ended)

        with pytest.raises(actions.NotPossible, match="may still be"):
            actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, copy_of=row)

    def test_copies_one_that_lapsed_because_it_failed_there(self) -> None:
        row = WithdrawalFactory(
            seen_upstream=True, payment__status=PaymentStatus.FAILED, status=Status.LAPSED
        )

        assert actions.request_withdrawal(draft=draft(), by=maker(), at=NOW, copy_of=row)


class TestAmendWithdrawal:
    def test_makes_a_new_revision_with_its_editor(self) -> None:
        withdrawal, milo = WithdrawalFactory(), maker()

        actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=draft(payid="jim@example.com"),
            by=milo,
            at=NOW,
            reason="typed wrong",
        )

        withdrawal.refresh_from_db()
        assert (withdrawal.revision, withdrawal.last_edited_by) == (2, milo)
        assert withdrawal.payid == "jim@example.com"
        event = AuditEvent.objects.get()
        assert event.before["payid"] == "j••••@e••••.com"
        assert "@example.com" not in f"{event.before}{event.after}"

    def test_finds_its_duplicates_anew(self) -> None:
        withdrawal = WithdrawalFactory()

        amended = actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=draft(payid="jim@example.com"),
            by=maker(),
            at=NOW,
            reason="typed wrong",
        )

        assert amended.account_key not in ("", withdrawal.account_key)

    def test_is_dull_when_nothing_differs(self) -> None:
        withdrawal = WithdrawalFactory()

        actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk, draft=draft(), by=maker(), at=NOW, reason="no idea"
        )

        withdrawal.refresh_from_db()
        assert withdrawal.revision == 1
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("trait", ["approved", "sent", "refused"])
    def test_refuses_what_was_decided(self, trait: str) -> None:
        withdrawal = WithdrawalFactory(**{trait: True})

        with pytest.raises(actions.AlreadyDecided):
            actions.amend_withdrawal(
                withdrawal_id=withdrawal.pk,
                draft=draft(amount=Decimal(1)),
                by=maker(),
                at=NOW,
                reason="late",
            )

    def test_refuses_what_was_asked_for_at_the_provider(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)

        with pytest.raises(actions.NotPossible, match="asked for at the provider"):
            actions.amend_withdrawal(
                withdrawal_id=withdrawal.pk,
                draft=draft(amount=Decimal(1)),
                by=maker(),
                at=NOW,
                reason="mine now",
            )

    def test_wants_a_reason(self) -> None:
        with pytest.raises(actions.ReasonMissing):
            actions.amend_withdrawal(
                withdrawal_id=WithdrawalFactory().pk, draft=draft(), by=maker(), at=NOW, reason=" "
            )


class TestRetractWithdrawal:
    def test_takes_back_ones_own_request(self) -> None:
        withdrawal = WithdrawalFactory()

        for _ in range(2):  # the same click again is dull
            actions.retract_withdrawal(
                withdrawal_id=withdrawal.pk, by=withdrawal.created_by, at=NOW, reason="wrong"
            )

        withdrawal.refresh_from_db()
        assert (withdrawal.status, withdrawal.settled_at) == (Status.RETRACTED, NOW)
        assert AuditEvent.objects.count() == 1

    def test_refuses_another_maker(self) -> None:
        withdrawal = WithdrawalFactory()

        with pytest.raises(actions.NotYours):
            actions.retract_withdrawal(
                withdrawal_id=withdrawal.pk, by=maker(), at=NOW, reason="wrong"
            )

    def test_refuses_what_was_approved(self) -> None:
        withdrawal = WithdrawalFactory(approved=True)

        with pytest.raises(actions.AlreadyDecided, match="already approved"):
            actions.retract_withdrawal(
                withdrawal_id=withdrawal.pk, by=withdrawal.created_by, at=NOW, reason="wrong"
            )


class TestAttendWithdrawal:
    def test_takes_a_failure_from_the_list_of_attention(self) -> None:
        withdrawal = WithdrawalFactory(refused=True)

        actions.attend_withdrawal(withdrawal_id=withdrawal.pk, by=maker(), at=NOW)

        assert not Withdrawal.objects.needs_attention(now=NOW).exists()
        assert Withdrawal.objects.done().get() == withdrawal

    def test_refuses_one_that_has_not_failed(self) -> None:
        with pytest.raises(actions.NotPossible, match="has not failed"):
            actions.attend_withdrawal(
                withdrawal_id=WithdrawalFactory(unknown=True).pk, by=maker(), at=NOW
            )

    def test_refuses_who_does_not_reconcile(self) -> None:
        with pytest.raises(NotPermitted):
            actions.attend_withdrawal(
                withdrawal_id=WithdrawalFactory(refused=True).pk, by=approver(), at=NOW
            )


def test_refuses_kindly_where_a_large_file_names_the_same_new_beneficiary(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def waited(*_: Any, **__: Any) -> None:
        raise OperationalError from LockNotAvailable()

    monkeypatch.setattr("payments.beneficiaries.note", waited)

    with pytest.raises(actions.AskedAtOnce, match="Try again in a moment"):
        actions.request_withdrawal(draft=draft(), by=maker(), at=NOW)
    assert not Withdrawal.objects.exists()
