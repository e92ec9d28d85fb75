"""Two people decide what no machine could find out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from payments import actions, invariants, mirror, senders
from payments.enums import SeenBy, Status
from payments.models import Payment, Settlement, Withdrawal
from payments.references import PAYOUT
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.conftest import Line
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PaymentFactory,
    WithdrawalFactory,
    approver,
    maker,
    payment_json,
    record_for,
)
from tests.payments.test_senders import listing
from tests.staff.factories import UserFactory
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Alarm, Command

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
            propose(given_up(), outcome=Status.SENT, upstream_id=other.payment.upstream_id)

    def test_does_not_take_a_deposit(self) -> None:
        deposit = PaymentFactory(deposit=True)

        with pytest.raises(actions.SettlementNotPossible, match="Name the payment"):
            propose(given_up(), outcome=Status.SENT, upstream_id=deposit.upstream_id)

    def test_does_not_take_a_payment_that_another_withdrawal_asked_for(self) -> None:
        other = WithdrawalFactory(sending=True)
        payment = PaymentFactory(merchant_reference=other.merchant_reference)

        with pytest.raises(actions.SettlementNotPossible, match="belongs to another"):
            propose(given_up(), outcome=Status.SENT, upstream_id=payment.upstream_id)

    def test_needs_a_reason_and_a_role(self) -> None:
        withdrawal = given_up()

        with pytest.raises(actions.ReasonMissing):
            propose(withdrawal, reason="")
        with pytest.raises(NotPermitted):
            propose(withdrawal, by=approver())


class TestConfirmSettlement:
    def test_links_the_payment_that_two_people_named(self) -> None:
        withdrawal, payment = given_up(), PaymentFactory(completed=True, amount=1)
        settlement = propose(withdrawal, outcome=Status.SENT, upstream_id=payment.upstream_id)

        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id,
            settlement_id=settlement.pk,
            by=approver(),
            at=NOW,
        )

        assert status_of(withdrawal) == Status.COMPLETED  # as its payment is
        assert withdrawal.payment == payment
        assert Command.objects.get().state == CommandState.DONE

    def test_closes_what_was_not_paid(self, answering: Callable[..., None]) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)
        answering(lambda _: listing())

        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id,
            settlement_id=settlement.pk,
            by=approver(),
            at=NOW,
        )

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
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

        assert status_of(withdrawal) == Status.UNKNOWN

    def test_takes_a_payment_that_failed_there_as_not_paid(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)
        there = payment_json(merchant_reference=withdrawal.merchant_reference, status="failed")
        answering(lambda _: listing(there))

        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id,
            settlement_id=settlement.pk,
            by=approver(),
            at=NOW,
        )

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
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

    def test_needs_a_second_person(self) -> None:
        lead = UserFactory(roles=["ops_lead"])
        settlement = propose(given_up(), by=lead)

        with pytest.raises(actions.SettlementNotPossible, match="somebody else confirms"):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=lead, at=NOW
            )

    def test_refuses_whoever_brought_its_beneficiary(self) -> None:
        ada = approver()
        brought = BeneficiaryFactory(first_asked_by=ada)
        settlement = propose(given_up(beneficiary=brought))

        with pytest.raises(actions.IntroducerCannotSign):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=ada, at=NOW
            )

    def test_refuses_whoever_wrote_the_withdrawal(self, settings: Any) -> None:
        settings.RELAX_MAKER_AND_APPROVER = True
        both = UserFactory(roles=["maker", "approver"])
        settlement = propose(given_up(created_by=both))

        with pytest.raises(actions.MakerCannotSign):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=both, at=NOW
            )

    def test_refuses_makers(self) -> None:
        settlement = propose(given_up())

        with pytest.raises(NotPermitted):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=maker(),
                at=NOW,
            )

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
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

        assert status_of(withdrawal) == Status.SENT
        settlement.refresh_from_db()
        assert settlement.confirmed_at is None

    def test_is_dull_when_the_same_person_confirms_again(self) -> None:
        payment, ada = PaymentFactory(), approver()
        settlement = propose(given_up(), outcome=Status.SENT, upstream_id=payment.upstream_id)
        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=ada, at=NOW
        )
        events = AuditEvent.objects.count()

        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=ada, at=NOW
        )

        assert AuditEvent.objects.count() == events

    def test_waits_no_longer_than_a_click_may(
        self, line: Line, answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal, now = given_up(), 0.0
        settlement = propose(withdrawal)
        monkeypatch.setattr(senders, "monotonic", lambda: now)

        def slow(_: httpx.Request) -> httpx.Response:
            nonlocal now
            now += 0.75
            return listing(payment_json(transaction_id=f"pay_{now}"), total=4000)

        answering(slow)

        with pytest.raises(actions.SettlementNotPossible, match="within 2 seconds.*is kept"):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

        assert line.deadlines == [2.0, 1.25, 0.5]
        settlement.refresh_from_db()
        assert (settlement.confirmed_at, settlement.dropped_at) == (None, None)
        assert status_of(withdrawal) == Status.UNKNOWN

    def test_does_not_count_what_was_found_out_before_another_attempt(self) -> None:
        withdrawal, payment = given_up(), PaymentFactory()
        settlement = propose(withdrawal, outcome=Status.SENT, upstream_id=payment.upstream_id)
        Command.objects.update(fence=1)

        with pytest.raises(actions.SettlementNotPossible, match="asked the provider again"):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

        assert status_of(withdrawal) == Status.UNKNOWN


WORD = "Their ticket 4711 of 18 February: never received."


class TestUnderAnotherKey:
    """It was sent under a key that is not set now: no list that is read now proves anything."""

    @pytest.fixture
    def withdrawal(self) -> Withdrawal:
        withdrawal = given_up()
        Command.objects.update(credential="0123456789ab", next_at=NOW)
        return withdrawal

    def confirm(self, settlement: Settlement) -> Settlement:
        return actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id,
            settlement_id=settlement.pk,
            by=approver(),
            at=NOW,
        )

    def test_not_paid_needs_the_providers_written_word(self, withdrawal: Withdrawal) -> None:
        with pytest.raises(actions.SettlementNotPossible, match="what the provider says"):
            propose(withdrawal)

        assert not Settlement.objects.exists()

    @pytest.mark.parametrize("can_be_read", [True, False])
    def test_not_paid_holds_by_the_written_word(
        self, withdrawal: Withdrawal, answering: Callable[..., None], can_be_read: bool
    ) -> None:
        if can_be_read:
            answering(lambda _: listing())

        self.confirm(propose(withdrawal, written_word=WORD))

        assert status_of(withdrawal) == Status.REFUSED
        assert Settlement.objects.get().written_word == WORD
        told = [
            event.after["written_word"]
            for event in AuditEvent.objects.order_by("sequence")
            if event.verb.startswith("payments.settlement.")
        ]
        assert told == [WORD, WORD]

    def test_not_paid_is_untrue_where_the_payment_shows(
        self, withdrawal: Withdrawal, answering: Callable[..., None]
    ) -> None:
        settlement = propose(withdrawal, written_word=WORD)
        answering(lambda _: listing(payment_json(merchant_reference=withdrawal.merchant_reference)))

        with pytest.raises(actions.SettlementNotPossible, match="provider shows"):
            self.confirm(settlement)

    def test_not_paid_was_proposed_before_the_key_was_changed(
        self, withdrawal: Withdrawal, answering: Callable[..., None]
    ) -> None:
        Command.objects.update(credential="", next_at=None)
        settlement = propose(withdrawal)
        Command.objects.update(credential="0123456789ab")
        answering(lambda _: listing())

        with pytest.raises(actions.SettlementNotPossible, match="what the provider says"):
            self.confirm(settlement)

        assert status_of(withdrawal) == Status.UNKNOWN

    def test_paid_names_the_payment_that_is_seen_here(self, withdrawal: Withdrawal) -> None:
        payment = PaymentFactory(completed=True)

        self.confirm(propose(withdrawal, outcome=Status.SENT, upstream_id=payment.upstream_id))

        assert status_of(withdrawal) == Status.COMPLETED
        assert withdrawal.payment == payment

    @pytest.mark.parametrize("told", [{"upstream_id": "pay_unseen"}, {"written_word": WORD}])
    def test_paid_by_one_that_is_not_seen_needs_its_id_and_the_word(
        self, withdrawal: Withdrawal, told: dict[str, str]
    ) -> None:
        with pytest.raises(actions.SettlementNotPossible, match="Name the payment"):
            propose(withdrawal, outcome=Status.SENT, **told)

    def settled_as_paid(self, withdrawal: Withdrawal) -> None:
        paid = {"outcome": Status.SENT, "upstream_id": f"pay_of_{withdrawal.code}"}
        self.confirm(propose(withdrawal, written_word=WORD, **paid))

    def test_paid_by_one_that_is_not_seen_is_sent(self, withdrawal: Withdrawal) -> None:
        self.settled_as_paid(withdrawal)

        assert status_of(withdrawal) == Status.SENT
        assert withdrawal.payment is None
        assert Command.objects.get().outcome["reference"] == f"pay_of_{withdrawal.code}"
        assert invariants.check(now=timezone.now()) == []

    def test_follows_the_payment_once_it_is_seen(self, withdrawal: Withdrawal) -> None:
        self.settled_as_paid(withdrawal)

        for _ in range(2):
            mirror.store_payments(
                [record_for(withdrawal, status="completed")], seen_by=SeenBy.CLICK, at=NOW
            )

        assert status_of(withdrawal) == Status.COMPLETED
        assert withdrawal.payment == Payment.objects.get()
        assert not Alarm.objects.exists()
        assert outbox.sending_is_on("luxcore")

    def test_stops_sending_when_another_payment_than_the_named_one_is_seen(
        self, withdrawal: Withdrawal
    ) -> None:
        self.settled_as_paid(withdrawal)

        other = record_for(withdrawal, transaction_id="pay_other")
        mirror.store_payments([other], seen_by=SeenBy.POLL, at=NOW)

        assert status_of(withdrawal) == Status.SENT
        assert Alarm.objects.filter(code="second-payment").exists()
        assert not outbox.sending_is_on("luxcore")


class TestDropSettlement:
    def test_makes_room_for_another(self) -> None:
        withdrawal = given_up()
        settlement = propose(withdrawal)

        for _ in range(2):
            actions.drop_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

        assert propose(withdrawal).pk != settlement.pk

    def test_refuses_what_was_confirmed(self) -> None:
        settlement = propose(
            given_up(), outcome=Status.SENT, upstream_id=PaymentFactory().upstream_id
        )
        actions.confirm_settlement(
            withdrawal_id=settlement.withdrawal_id,
            settlement_id=settlement.pk,
            by=approver(),
            at=NOW,
        )

        with pytest.raises(actions.SettlementNotPossible, match="confirmed already"):
            actions.drop_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

    def test_cannot_be_confirmed_afterwards(self) -> None:
        settlement = propose(given_up())
        actions.drop_settlement(
            withdrawal_id=settlement.withdrawal_id, settlement_id=settlement.pk, by=maker(), at=NOW
        )

        with pytest.raises(actions.SettlementNotPossible, match="dropped"):
            actions.confirm_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=approver(),
                at=NOW,
            )

    def test_refuses_viewers(self) -> None:
        settlement = propose(given_up())

        with pytest.raises(NotPermitted):
            actions.drop_settlement(
                withdrawal_id=settlement.withdrawal_id,
                settlement_id=settlement.pk,
                by=UserFactory(roles=["viewer"]),
                at=NOW,
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
