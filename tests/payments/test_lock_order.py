"""Whoever changes the same rows locks them in one order, so nobody waits in a circle.

docs/architecture.md, "In which order rows are locked". PostgreSQL ends such a circle by failing
one of the two: every failure here is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.utils import timezone

from payments import actions, beneficiaries, mirror
from payments.enums import SeenBy, Status
from payments.models import Beneficiary, Payment, Settlement, Withdrawal
from tests.payments.deciding import sign
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    WithdrawalFactory,
    approver,
    draft,
    maker,
    payment_json,
    record,
    record_for,
)
from tests.payments.test_races import at_once, refusals, signing, status_of
from tests.payments.test_senders import command_of
from tests.payments.test_settlements import given_up, propose
from tests.support.rounds import rounds
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("ready", "line"),
]


def due(number: int, *, by: Any, of: Any) -> tuple[Withdrawal, Command]:
    """A payout that a worker may begin to send now."""
    withdrawal = WithdrawalFactory(amount=Decimal(number), created_by=of)
    sign(withdrawal, by)
    command = command_of(withdrawal)
    Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))
    return withdrawal, command


class TestSettling:
    def test_a_proposal_a_confirmation_and_a_webhook_at_once(self) -> None:
        mara, ada, abel = maker(), approver(), approver()
        for _ in range(rounds(30)):
            withdrawal = given_up(created_by=mara)
            payment = PaymentFactory(upstream_id=f"pay_of_{withdrawal.code}")
            paid = {"outcome": Status.SENT, "upstream_id": payment.upstream_id, "by": mara}
            settlement = propose(withdrawal, **paid)
            shown = record_for(withdrawal, status="processing", merchant_reference="theirs")

            results = at_once(
                lambda: propose(withdrawal, **paid),  # noqa: B023
                lambda: actions.confirm_settlement(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    settlement_id=settlement.pk,  # noqa: B023
                    by=ada,
                    at=NOW,
                ),
                lambda: actions.drop_settlement(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    settlement_id=settlement.pk,  # noqa: B023
                    by=abel,
                    at=NOW,
                ),
                lambda: mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW),  # noqa: B023
            )

            refusals(results, actions.SettlementNotPossible)
            settlement.refresh_from_db()
            is_confirmed = settlement.confirmed_at is not None
            assert is_confirmed != (settlement.dropped_at is not None)
            assert (status_of(withdrawal) == Status.SENT) == is_confirmed

    def test_two_proposals_and_news_of_their_payment_at_once(self) -> None:
        """A word nobody knows calls a person: the webhook needs the lock of the chain as well."""
        mara, mona = maker(), maker()
        for number in range(rounds(30)):
            withdrawal = given_up(created_by=mara)
            payment = PaymentFactory(upstream_id=f"pay_of_{withdrawal.code}")
            paid = {"outcome": Status.SENT, "upstream_id": payment.upstream_id}
            shown = record_for(withdrawal, status=f"odd_{number}", merchant_reference="theirs")

            results = at_once(
                lambda: propose(withdrawal, by=mara, **paid),  # noqa: B023
                lambda: propose(withdrawal, by=mona, **paid),  # noqa: B023
                lambda: mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW),  # noqa: B023
            )

            assert len(refusals(results, actions.SettlementNotPossible)) == 1
            assert Settlement.objects.filter(withdrawal=withdrawal).count() == 1


class TestSending:
    def test_an_answer_and_a_webhook_that_both_differ_stop_the_provider(
        self, answering: Callable[..., None]
    ) -> None:
        ada, mara = approver(), maker()
        for number in range(1, rounds(30) + 1):
            outbox.resume_sending("luxcore", reason="next round", by_label="lead", at=NOW)
            withdrawal, command = due(number, by=ada, of=mara)
            wrong = {"amount": (number + 1) * 100, "transaction_id": f"pay_of_{withdrawal.code}"}
            told = payment_json(merchant_reference=withdrawal.merchant_reference, **wrong)
            shown = record_for(withdrawal, **wrong)
            asked = threading.Event()

            def webhook() -> Any:
                asked.wait(timeout=10)  # noqa: B023
                return mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW)  # noqa: B023

            def create(_: httpx.Request) -> httpx.Response:
                asked.set()  # noqa: B023
                return httpx.Response(201, json=told)  # noqa: B023

            answering(create)

            results = at_once(lambda: outbox.deliver(command.pk), webhook)  # noqa: B023

            assert refusals(results) == []
            assert results[0] == CommandState.UNKNOWN
            assert status_of(withdrawal) == Status.UNKNOWN
            assert not outbox.sending_is_on("luxcore")

    def test_an_answer_that_bears_another_reference_and_news_of_ours_at_once(
        self, answering: Callable[..., None]
    ) -> None:
        """The withdrawal is not found by that answer's reference: it is locked all the same."""
        ada, mara = approver(), maker()
        for number in range(1, rounds(30) + 1):
            outbox.resume_sending("luxcore", reason="next round", by_label="lead", at=NOW)
            withdrawal, command = due(number, by=ada, of=mara)
            told = payment_json(
                transaction_id=f"pay_else_{withdrawal.code}",
                amount=number * 100,
                merchant_reference=f"else-{withdrawal.code}",
            )
            shown = record_for(withdrawal)
            asked = threading.Event()

            def webhook() -> Any:
                asked.wait(timeout=10)  # noqa: B023
                return mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW)  # noqa: B023

            def create(_: httpx.Request) -> httpx.Response:
                asked.set()  # noqa: B023
                return httpx.Response(201, json=told)  # noqa: B023

            answering(create)

            results = at_once(lambda: outbox.deliver(command.pk), webhook)  # noqa: B023

            assert refusals(results) == []
            assert status_of(withdrawal) == Status.SENT
            assert Payment.objects.get(withdrawal=withdrawal).upstream_id == shown.id

    def test_the_switch_an_undo_and_a_worker_at_once(self, answering: Callable[..., None]) -> None:
        ada, mara = approver(), maker()
        answering(lambda _: httpx.Response(200, json={}))
        for number in range(1, rounds(30) + 1):
            outbox.resume_sending("luxcore", reason="next round", by_label="lead", at=NOW)
            withdrawal, command = due(number, by=ada, of=mara)

            undone, delivered, stopped = at_once(
                lambda: actions.undo_approval(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    by=ada,
                    at=NOW,
                    reason="wait",
                ),
                lambda: outbox.deliver(command.pk),  # noqa: B023
                lambda: outbox.stop_sending("luxcore", reason="drill", by_label="lead", at=NOW),
            )

            assert stopped is True
            refusals([undone, delivered], actions.TooLateToUndo)
            if isinstance(undone, Withdrawal):
                assert delivered is None
                assert status_of(withdrawal) == Status.AWAITING_APPROVAL
            else:
                assert delivered == CommandState.UNKNOWN
                assert status_of(withdrawal) == Status.UNKNOWN


class TestBeneficiaries:
    def test_two_makers_bring_the_same_account_at_once(self) -> None:
        mara, mona = maker(), maker()
        for number in range(rounds(30)):
            new = draft(payid=f"new{number}@example.com")

            results = at_once(
                *(
                    partial(actions.request_withdrawal, draft=new, by=by, at=NOW)
                    for by in (mara, mona)
                )
            )

            assert refusals(results) == []
            (row,) = {withdrawal.beneficiary for withdrawal in results}
            assert Beneficiary.objects.get(account_key=new.account_key) == row
            assert row.first_asked_by in (mara, mona)

    def test_makers_a_file_a_signature_and_the_provider_meet_in_the_same_ones(self) -> None:
        """Each tells the details of both accounts otherwise: all of them must write both."""
        mara, ada = maker(), approver()
        for number in range(rounds(20)):
            ones, others = (
                draft(payid=f"{side}{number}@example.com", recipient_name=f"Name {number}")
                for side in ("a", "b")
            )
            waiting = actions.request_withdrawal(draft=ones, by=mara, at=NOW)
            amended = actions.request_withdrawal(draft=others, by=mara, at=NOW)
            told = [replace(one, recipient_name="Jane") for one in (ones, others)]
            shown = [
                record(
                    transaction_id=f"pay_{number}_{side}",
                    merchant_reference=f"theirs-{number}-{side}",
                    payout={"recipient_name": "Jim", "payid": one.payid, "payid_type": "email"},
                )
                for side, one in (("b", others), ("a", ones))
            ]

            def of_a_file() -> None:
                with transaction.atomic():
                    beneficiaries.note(told[::-1], by=mara, at=NOW)  # noqa: B023

            results = at_once(
                signing(waiting, ada),
                of_a_file,
                lambda: mirror.store_payments(shown, seen_by=SeenBy.POLL, at=NOW),  # noqa: B023
                partial(
                    actions.amend_withdrawal,
                    withdrawal_id=amended.pk,
                    draft=replace(ones, recipient_name="June"),
                    by=mara,
                    at=NOW,
                    reason="another account",
                ),
                partial(actions.request_withdrawal, draft=told[1], by=mara, at=NOW),
            )

            refusals(results, actions.FactsChanged)
            keys = [ones.account_key, others.account_key]
            assert Beneficiary.objects.filter(account_key__in=keys).count() == 2
