"""Two people decide what no machine could find out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from payments import actions, mirror
from payments.enums import SeenBy, Status
from payments.models import Payment, Settlement, Withdrawal
from payments.references import PAYOUT
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    WithdrawalFactory,
    approver,
    maker,
    payment_json,
    record_for,
)
from tests.payments.test_senders import listing
from tests.staff.factories import UserFactory
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("line")]


def given_up(**fields: Any) -> Withdrawal:
    """A withdrawal whose command is unknown, and no machine will try again."""
    withdrawal = WithdrawalFactory(unknown=True, **fields)
    subject_type, subject_id = audit.subject_of(withdrawal)
    Command.objects.create(
        kind=PAYOUT,
        upstream="luxcore",
        subject_type=subject_type,
        subject_id=subject_id,
        attempt_no=1,
        request=b"{}",
        request_hash="0" * 64,
        idempotency_key=withdrawal.merchant_reference,
        state=CommandState.UNKNOWN,
        attempts=6,
        created_at=NOW,
        first_sent_at=NOW,
        next_at=None,
    )
    return withdrawal


def propose(withdrawal: Withdrawal, **told: Any) -> Settlement:
    wanted: dict[str, Any] = {
        "outcome": Status.REFUSED,
        "reason": "their support says no",
        "by": told.pop("by", None) or maker(),
        "at": NOW,
    }
    return actions.propose_settlement(withdrawal_id=withdrawal.pk, **(wanted | told))


def status_of(withdrawal: Withdrawal) -> str:
    withdrawal.refresh_from_db()
    return withdrawal.status


class TestProposeSettlement:
    def test_moves_nothing_by_itself(self) -> None:
        withdrawal = given_up()

        settlement = propose(withdrawal)

        assert status_of(withdrawal) == Status.UNKNOWN
        assert (settlement.outcome, settlement.confirmed_at) == (Status.REFUSED, None)
        assert AuditEvent.objects.get().verb == "payments.settlement.proposed"

    def test_needs_a_machine_that_gave_up(self) -> None:
        withdrawal = given_up()
        Command.objects.update(next_at=NOW + timedelta(minutes=2))

        with pytest.raises(actions.SettlementNotPossible, match="still looking"):
            propose(withdrawal)

    def test_needs_an_unknown_outcome(self) -> None:
        with pytest.raises(actions.SettlementNotPossible, match="not unknown"):
            propose(WithdrawalFactory(sent=True))

    def test_is_one_at_a_time(self) -> None:
        withdrawal = given_up()
        propose(withdrawal)

        with pytest.raises(actions.SettlementNotPossible, match="already"):
            propose(withdrawal)

    def test_names_the_payment_that_paid(self) -> None:
        with pytest.raises(actions.SettlementNotPossible, match="Name the payment"):
            propose(given_up(), outcome=Status.SENT)

    def test_does_not_take_a_payment_of_another_withdrawal(self) -> None:
        other = WithdrawalFactory(sent=True, payment=PaymentFactory())

        with pytest.raises(actions.SettlementNotPossible, match="belongs to another"):
            propose(given_up(), outcome=Status.SENT, payment_id=other.payment_id)

    def test_does_not_take_a_deposit(self) -> None:
        deposit = PaymentFactory(deposit=True)

        with pytest.raises(actions.SettlementNotPossible, match="Name the payment"):
            propose(given_up(), outcome=Status.SENT, payment_id=deposit.pk)

    def test_needs_a_reason_and_a_role(self) -> None:
        withdrawal = given_up()

        with pytest.raises(actions.ReasonMissing):
            propose(withdrawal, reason="")
        with pytest.raises(NotPermitted):
            propose(withdrawal, by=approver())


class TestConfirmSettlement:
    def test_links_the_payment_that_two_people_named(self) -> None:
        withdrawal, payment = given_up(), PaymentFactory(completed=True, amount=1)
        settlement = propose(withdrawal, outcome=Status.SENT, payment_id=payment.pk)

        actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert status_of(withdrawal) == Status.COMPLETED  # as its payment is
        assert withdrawal.payment == payment
        assert Command.objects.get().state == CommandState.DONE

    def test_closes_what_was_not_paid(self, answering: Callable[..., None]) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)
        answering(lambda _: listing())

        actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert status_of(withdrawal) == Status.REFUSED
        assert Command.objects.get().state == CommandState.REFUSED

    @pytest.mark.parametrize("word", ["pending", "processing", "completed", "on_hold"])
    def test_looks_once_more_before_it_says_not_paid(
        self, answering: Callable[..., None], word: str
    ) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)
        there = payment_json(merchant_reference=withdrawal.merchant_reference, status=word)
        answering(lambda _: listing(there))

        with pytest.raises(actions.SettlementNotPossible, match="LuxCore shows|provider shows"):
            actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert status_of(withdrawal) == Status.UNKNOWN

    def test_takes_a_payment_that_failed_there_as_not_paid(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)
        there = payment_json(merchant_reference=withdrawal.merchant_reference, status="failed")
        answering(lambda _: listing(there))

        actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert status_of(withdrawal) == Status.REFUSED

    @pytest.mark.parametrize(
        "problem", [httpx.ConnectError("gone"), httpx.ReadTimeout("slow")], ids=str
    )
    def test_does_not_say_not_paid_without_looking(
        self, answering: Callable[..., None], problem: Exception
    ) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)

        def fail(_: httpx.Request) -> httpx.Response:
            raise problem

        answering(fail)

        with pytest.raises(actions.SettlementNotPossible, match="cannot be read now"):
            actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

    def test_needs_a_second_person(self) -> None:
        lead = UserFactory(roles=["ops_lead"])
        settlement = propose(given_up(), by=lead)

        with pytest.raises(actions.SettlementNotPossible, match="somebody else confirms"):
            actions.confirm_settlement(settlement_id=settlement.pk, by=lead, at=NOW)

    def test_refuses_whoever_wrote_the_withdrawal(self, settings: Any) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True
        both = UserFactory(roles=["maker", "approver"])
        settlement = propose(given_up(created_by=both))

        with pytest.raises(actions.MakerCannotSign):
            actions.confirm_settlement(settlement_id=settlement.pk, by=both, at=NOW)

    def test_refuses_makers(self) -> None:
        settlement = propose(given_up())

        with pytest.raises(NotPermitted):
            actions.confirm_settlement(settlement_id=settlement.pk, by=maker(), at=NOW)

    def test_gives_way_to_an_answer_that_came_meanwhile(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)

        def webhook_arrives(_: httpx.Request) -> httpx.Response:
            mirror.store_payments(
                [record_for(withdrawal)], seen_by=SeenBy.WEBHOOK, at=timezone.now()
            )
            Command.objects.update(state=CommandState.DONE)
            return listing()

        answering(webhook_arrives)

        with pytest.raises(actions.SettlementNotPossible, match="answered meanwhile"):
            actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert status_of(withdrawal) == Status.SENT
        settlement.refresh_from_db()
        assert settlement.confirmed_at is None

    def test_is_dull_when_the_same_person_confirms_again(self) -> None:
        payment, ada = PaymentFactory(), approver()
        settlement = propose(given_up(), outcome=Status.SENT, payment_id=payment.pk)
        actions.confirm_settlement(settlement_id=settlement.pk, by=ada, at=NOW)
        events = AuditEvent.objects.count()

        actions.confirm_settlement(settlement_id=settlement.pk, by=ada, at=NOW)

        assert AuditEvent.objects.count() == events


class TestDropSettlement:
    def test_makes_room_for_another(self) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)

        for _ in range(2):
            actions.drop_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        assert propose(withdrawal).pk != settlement.pk

    def test_refuses_what_was_confirmed(self) -> None:
        settlement = propose(given_up(), outcome=Status.SENT, payment_id=PaymentFactory().pk)
        actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

        with pytest.raises(actions.SettlementNotPossible, match="confirmed already"):
            actions.drop_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

    def test_cannot_be_confirmed_afterwards(self) -> None:
        settlement = propose(given_up())
        actions.drop_settlement(settlement_id=settlement.pk, by=maker(), at=NOW)

        with pytest.raises(actions.SettlementNotPossible, match="dropped"):
            actions.confirm_settlement(settlement_id=settlement.pk, by=approver(), at=NOW)

    def test_refuses_viewers(self) -> None:
        settlement = propose(given_up())

        with pytest.raises(NotPermitted):
            actions.drop_settlement(
                settlement_id=settlement.pk, by=UserFactory(roles=["viewer"]), at=NOW
            )


class TestRefreshPayment:
    def test_reads_it_now(self, answering: Callable[..., None]) -> None:
        payment = PaymentFactory(upstream_id="pay_1")
        answering(
            lambda _: httpx.Response(
                200,
                json=payment_json(
                    transaction_id="pay_1",
                    merchant_reference=payment.merchant_reference,
                    status="processing",
                ),
            )
        )

        fresh = actions.refresh_payment(
            payment_id=payment.pk, by=UserFactory(roles=["viewer"]), at=NOW
        )

        assert fresh.upstream_status == "processing"
        assert Payment.objects.get().seen_by == SeenBy.CLICK

    def test_refuses_who_sees_no_payments(self) -> None:
        with pytest.raises(NotPermitted):
            actions.refresh_payment(
                payment_id=PaymentFactory().pk, by=UserFactory(roles=["admin"]), at=NOW
            )
