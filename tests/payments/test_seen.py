"""Signing exactly what was shown, and the page that shows it."""

import base64
import zlib
from decimal import Decimal
from typing import Any

import pytest

from payments import actions, decision
from payments.enums import Level, Status
from payments.models import Policy, Signature, Withdrawal
from staff.models import AuditEvent
from tests.payments.deciding import nothing_happened_to, sign, status_of
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    draft,
    maker,
    seen_by,
)
from tests.staff.factories import UserFactory
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


class TestApproveWhatYouSaw:
    """A-5."""

    @pytest.mark.parametrize(
        ("change", "field", "before", "after"),
        [
            ({"amount": Decimal("2600.00")}, "amount", "2500.00", "2600.00"),
            ({"recipient_name": "Eve Smith"}, "recipient_name", "James Smith", "Eve Smith"),
            ({"payid": "eve@example.com"}, "payid", "j••••@e••••.com", "e••••@e••••.com"),
            (
                {"payid": "jane@example.com"},
                "payid",
                "j••••@e••••.com",
                "j••••@e••••.com (another one)",
            ),
            ({"customer_phone": "+61412345679"}, "customer_phone", "+61••••678", "+61••••679"),
            (
                {"description": "Payout March"},
                "description",
                "Payout February 2026",
                "Payout March",
            ),
        ],
    )
    def test_refuses_when_a_shown_fact_changed_and_says_which(
        self, change: dict[str, Any], field: str, before: str, after: str
    ) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        Withdrawal.objects.filter(pk=withdrawal.pk).update(**change)

        with pytest.raises(actions.FactsChanged) as refusal:
            sign(withdrawal, ada, seen=page)

        (difference,) = refusal.value.differences
        assert difference.field == field
        assert (str(difference.before), str(difference.after)) == (before, after)
        assert nothing_happened_to(withdrawal)

    def test_keeps_the_refusal_in_the_audit_trail_without_personal_data(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        Withdrawal.objects.filter(pk=withdrawal.pk).update(payid="eve@example.com")

        with pytest.raises(actions.FactsChanged):
            sign(withdrawal, ada, seen=page)

        event = AuditEvent.objects.get()
        assert event.after["refusal"] == "FactsChanged"
        assert "PayID" in event.reason
        assert "@example.com" not in f"{event.reason} {event.after}"

    def test_voids_earlier_signatures_when_it_is_amended(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal, ada, abel = WithdrawalFactory(), approver(), approver()
        sign(withdrawal, ada)
        actions.amend_withdrawal(
            withdrawal_id=withdrawal.pk,
            draft=draft(amount=Decimal("9.00")),
            by=maker(),
            at=NOW,
            reason="less",
        )

        sign(withdrawal, abel)

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL
        assert Signature.objects.valid().count() == 1
        sign(withdrawal, ada)
        assert status_of(withdrawal) == Status.APPROVED

    def test_notices_a_policy_that_asks_for_more_by_now(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        PolicyFactory(version=2, signatures=2)

        with pytest.raises(actions.FactsChanged) as refusal:
            sign(withdrawal, ada, seen=page)

        assert [difference.field for difference in refusal.value.differences] == ["policy"]

    def test_shows_a_warning_that_is_new_since_the_page(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        page = seen_by(ada, withdrawal)
        WithdrawalFactory()  # the same payout again

        with pytest.raises(actions.FactsChanged) as refusal:
            sign(withdrawal, ada, seen=page)

        assert [difference.field for difference in refusal.value.differences] == ["check:duplicate"]

    def test_lets_a_warning_that_was_shown_be_signed(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        WithdrawalFactory()

        sign(withdrawal, ada)

        assert status_of(withdrawal) == Status.APPROVED

    @pytest.mark.parametrize("damaged", ["nothing", "x:y:z", ".eJyrVs", "{0}x", "{0}:"])
    def test_refuses_a_damaged_form(self, damaged: str) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        with pytest.raises(actions.FactsChanged, match="This form"):
            sign(withdrawal, ada, seen=damaged.format(seen_by(ada, withdrawal)))

        assert nothing_happened_to(withdrawal)

    def test_refuses_the_form_of_another_withdrawal(self) -> None:
        withdrawal, other, ada = WithdrawalFactory(), WithdrawalFactory(), approver()

        with pytest.raises(actions.FactsChanged):
            sign(withdrawal, ada, seen=seen_by(ada, other))

    def test_form_carries_no_personal_value(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()

        packed = seen_by(ada, withdrawal).split(":")[0].removeprefix(".")
        content = zlib.decompress(base64.urlsafe_b64decode(packed + "==")).decode()

        assert "James Smith" in content  # who sees payments reads names
        assert "james@example.com" not in content
        assert "+61412345678" not in content


class TestReview:
    def test_says_why_each_person_cannot(self) -> None:
        withdrawal = WithdrawalFactory()
        made, ada = withdrawal.created_by, approver()

        for_maker = decision.review(withdrawal, viewer=made, now=NOW)
        for_ada = decision.review(withdrawal, viewer=ada, now=NOW)

        assert for_maker.cannot_sign == "Your roles do not sign withdrawals."
        assert (for_maker.cannot_retract, for_maker.cannot_amend) == ("", "")
        assert (for_ada.cannot_sign, for_ada.cannot_reject) == ("", "")
        assert for_ada.missing == 1
        assert "retract" in for_ada.cannot_retract
        assert "no approval to undo" in for_ada.cannot_undo
        assert for_ada.who_may_sign.startswith("Any approver or ops lead")

    def test_shows_signatures_and_what_is_missing(self) -> None:
        Policy.objects.update(signatures=2)
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        withdrawal.refresh_from_db()

        seen = decision.review(withdrawal, viewer=ada, now=NOW)

        assert [signature.by for signature in seen.signatures] == [ada]
        assert seen.missing == 1
        assert seen.cannot_sign == seen.cannot_reject == "You have signed this already."

    def test_offers_undo_only_while_nothing_left(self) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        sign(withdrawal, ada)
        withdrawal.refresh_from_db()

        assert decision.review(withdrawal, viewer=ada, now=NOW).cannot_undo == ""
        Command.objects.update(attempts=1)
        assert decision.review(withdrawal, viewer=ada, now=NOW).cannot_undo == ""
        Command.objects.update(state=CommandState.SENDING)
        assert "has begun" in decision.review(withdrawal, viewer=ada, now=NOW).cannot_undo

    def test_masks_names_for_support_and_accounts_for_everybody(self) -> None:
        withdrawal = WithdrawalFactory()

        for_agent = decision.review(withdrawal, viewer=UserFactory(roles=["agent"]), now=NOW)
        for_ada = decision.review(withdrawal, viewer=approver(), now=NOW)

        assert for_agent.facts["recipient_name"] == "J•••• S••••"
        assert for_ada.facts["recipient_name"] == "James Smith"
        assert for_ada.facts["payid"] == "j••••@e••••.com"

    def test_keeps_showing_signatures_once_it_was_sent(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)
        ada = approver()
        sign(withdrawal, ada)
        withdrawal.refresh_from_db()
        withdrawal.payment.upstream_status = "processing"

        seen = decision.review(withdrawal, viewer=ada, now=NOW)

        assert len(seen.signatures) == 1

    def test_costs_the_same_queries_whatever_there_is(
        self, django_assert_max_num_queries: Any
    ) -> None:
        withdrawal, ada = WithdrawalFactory(), approver()
        for _ in range(5):
            WithdrawalFactory(approved=True)
            PaymentFactory(completed=True)
        withdrawal = Withdrawal.objects.select_related("payment").get(pk=withdrawal.pk)
        assert ada.held_roles

        with django_assert_max_num_queries(22):
            found = decision.review(withdrawal, viewer=ada, now=NOW)

        assert found.checks[0].level == Level.PASS
