"""Several people and workers at the same moment, on a database that lets them (proof m9)."""

import os
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import connection
from django.utils import timezone

from payments import actions, invariants, mirror
from payments.enums import RejectCode, SeenBy, Status
from payments.models import Balance, Payment, Policy, Signature, Withdrawal
from staff import audit
from tests.payments.factories import (
    NOW,
    WithdrawalFactory,
    approver,
    draft,
    maker,
    payment_json,
    record,
    record_for,
    seen_by,
)
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Alarm, Command

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("ready", "line"),
]

ROUNDS = int(os.environ.get("LIGHTDESK_ROUNDS", "30"))


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Start every call at the same moment; what each returned or raised."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[number] = call()
        except Exception as problem:
            results[number] = problem
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=(number, call)) for number, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "somebody still waits"
    return results


def refusals(results: list[Any], *kinds: type[Exception]) -> list[Exception]:
    """The refusals among the results; anything else that was raised is a fault."""
    raised = [result for result in results if isinstance(result, Exception)]
    assert all(isinstance(problem, kinds) for problem in raised), raised
    return raised


def signing(withdrawal: Withdrawal, by: Any) -> Callable[[], actions.Receipt]:
    page = seen_by(by, withdrawal)
    return lambda: actions.sign_withdrawal(withdrawal_id=withdrawal.pk, seen=page, by=by, at=NOW)


def status_of(withdrawal: Withdrawal) -> str:
    withdrawal.refresh_from_db()
    return withdrawal.status


def rounds() -> Iterator[int]:
    """Number the rounds, each with a payout that looks like none before it."""
    yield from range(1, ROUNDS + 1)


def withdrawal_of(number: int, **fields: Any) -> Withdrawal:
    made = WithdrawalFactory(amount=Decimal(number), **fields)
    assert isinstance(made, Withdrawal)
    return made


def commands_of(withdrawal: Withdrawal) -> int:
    subject_type, subject_id = audit.subject_of(withdrawal)
    return Command.objects.about(subject_type=subject_type, subject_id=subject_id).count()


class TestSigning:
    def test_two_at_once_where_one_is_needed(self) -> None:
        """A-1."""
        ada, abel, mara = approver(), approver(), maker()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)

            results = at_once(signing(withdrawal, ada), signing(withdrawal, abel))

            (refusal,) = refusals(results, actions.AlreadyDecided)
            assert "already approved by" in str(refusal)
            assert Signature.objects.filter(withdrawal=withdrawal).count() == 1
            assert commands_of(withdrawal) == 1
        assert audit.verify().ok

    def test_three_at_once_where_two_are_needed(self) -> None:
        """A-2."""
        Policy.objects.update(signatures=2)
        people, mara = [approver() for _ in range(3)], maker()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)

            results = at_once(*(signing(withdrawal, person) for person in people))

            assert len(refusals(results, actions.AlreadyDecided)) == 1
            assert Signature.objects.filter(withdrawal=withdrawal).count() == 2
            assert status_of(withdrawal) == Status.APPROVED
            assert commands_of(withdrawal) == 1

    def test_approve_reject_and_retract_at_once(self) -> None:
        """A-6."""
        ada, abel, mara = approver(), approver(), maker()
        ends = set()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)
            page = seen_by(abel, withdrawal)

            results = at_once(
                signing(withdrawal, ada),
                lambda: actions.reject_withdrawal(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    seen=page,  # noqa: B023
                    code=RejectCode.OTHER,
                    reason="no",
                    by=abel,
                    at=NOW,
                ),
                lambda: actions.retract_withdrawal(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    by=mara,
                    at=NOW,
                    reason="wrong",
                ),
            )

            assert len(refusals(results, actions.AlreadyDecided)) == 2
            end = status_of(withdrawal)
            assert end in (Status.APPROVED, Status.REJECTED, Status.RETRACTED)
            assert commands_of(withdrawal) == (end == Status.APPROVED)
            ends.add(end)

    def test_a_double_click(self) -> None:
        """A-10."""
        ada, mara = approver(), maker()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)
            click = signing(withdrawal, ada)

            first, second = at_once(click, click)

            assert {first.repeated, second.repeated} == {True, False}
            assert first.audit == second.audit
            assert commands_of(withdrawal) == 1

    def test_two_payouts_from_money_for_one(self) -> None:
        ada, abel, mara = approver(), approver(), maker()
        for number in rounds():
            Withdrawal.objects.filter(status=Status.APPROVED).update(status=Status.LAPSED)
            Balance.objects.update(available=Decimal("150"))
            one, other = (
                WithdrawalFactory(
                    created_by=mara, amount=Decimal(100), payid=f"p{number}{name}@example.com"
                )
                for name in "ab"
            )

            results = at_once(signing(one, ada), signing(other, abel))

            assert len(refusals(results, actions.Blocked)) == 1
            assert sorted([status_of(one), status_of(other)]) == ["approved", "awaiting_approval"]

    def test_signing_while_a_maker_amends(self) -> None:
        """A-5."""
        ada, mara = approver(), maker()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)

            results = at_once(
                signing(withdrawal, ada),
                lambda: actions.amend_withdrawal(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    draft=draft(amount=Decimal("0.5")),
                    by=mara,
                    at=NOW,
                    reason="less",
                ),
            )

            assert len(refusals(results, actions.FactsChanged, actions.AlreadyDecided)) == 1
            approved = status_of(withdrawal) == Status.APPROVED
            assert withdrawal.amount == (number if approved else Decimal("0.5"))


class TestSending:
    def due(self, withdrawal: Withdrawal, by: Any) -> Command:
        signing(withdrawal, by)()
        subject_type, subject_id = audit.subject_of(withdrawal)
        commands = Command.objects.about(subject_type=subject_type, subject_id=subject_id)
        commands.update(next_at=timezone.now() - timedelta(seconds=1))
        return commands.get()

    def test_eight_workers_at_once(self, answering: Callable[..., None]) -> None:
        """M-5."""
        posted: list[bytes] = []
        ada, mara = approver(), maker()

        def create(request: httpx.Request) -> httpx.Response:
            if request.method != "POST":
                return httpx.Response(503)
            posted.append(request.content)
            body = httpx.Response(200, content=request.content).json()
            told = {name: body[name] for name in ("amount", "merchant_reference")}
            return httpx.Response(
                201, json=payment_json(transaction_id=f"pay_{len(posted)}", **told)
            )

        answering(create)
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)
            command = self.due(withdrawal, ada)

            results = at_once(*[lambda: outbox.deliver(command.pk)] * 8)  # noqa: B023

            assert results.count(CommandState.DONE) == 1
            assert results.count(None) == 7
            assert len(posted) == number
            assert status_of(withdrawal) == Status.SENT

    def test_undo_while_a_worker_begins(self, answering: Callable[..., None]) -> None:
        ada, mara = approver(), maker()
        answering(lambda _: httpx.Response(200, json={}))  # a 500 would open the circuit
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)
            command = self.due(withdrawal, ada)

            undone, delivered = at_once(
                lambda: actions.undo_approval(
                    withdrawal_id=withdrawal.pk,  # noqa: B023
                    by=ada,
                    at=NOW,
                    reason="wait",
                ),
                lambda: outbox.deliver(command.pk),  # noqa: B023
            )

            if isinstance(undone, Withdrawal):
                assert delivered is None
                assert status_of(withdrawal) == Status.AWAITING_APPROVAL
            else:
                assert isinstance(undone, actions.TooLateToUndo)
                assert delivered == CommandState.UNKNOWN
                assert status_of(withdrawal) == Status.UNKNOWN

    def test_answer_and_webhook_at_once(self, answering: Callable[..., None]) -> None:
        ada, mara = approver(), maker()
        for number in rounds():
            withdrawal = withdrawal_of(number, created_by=mara)
            command = self.due(withdrawal, ada)
            told = payment_json(
                transaction_id=f"pay_of_{withdrawal.code}",
                amount=number * 100,
                merchant_reference=withdrawal.merchant_reference,
            )
            shown = record_for(withdrawal, status="completed", status_version=3)
            hooked = threading.Event()

            def webhook() -> Any:
                hooked.wait(timeout=10)  # noqa: B023
                return mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW)  # noqa: B023

            def create(_: httpx.Request) -> httpx.Response:
                hooked.set()  # noqa: B023
                return httpx.Response(201, json=told)  # noqa: B023

            answering(create)

            results = at_once(lambda: outbox.deliver(command.pk), webhook)  # noqa: B023

            assert refusals(results) == []
            assert results[0] == CommandState.DONE
            assert status_of(withdrawal) == Status.COMPLETED
        assert not Alarm.objects.exists()
        assert invariants.check(now=NOW) == []


class TestMirroring:
    def test_the_same_new_payments_from_four_sides(self) -> None:
        """W-1, W-8: poll, webhook, click and poll see the same payments for the first time."""
        for number in rounds():
            page = [
                record(
                    transaction_id=f"pay_{number}_{item}",
                    merchant_reference=f"theirs-{number}-{item}",
                    customer={"id": number * 10 + item, "name": "Maria"},
                )
                for item in range(5)
            ]

            results = at_once(
                lambda: mirror.store_payments(page, seen_by=SeenBy.POLL, at=NOW),  # noqa: B023
                lambda: mirror.store_payments(
                    page[::-1],  # noqa: B023
                    seen_by=SeenBy.POLL,
                    at=NOW,
                ),
                lambda: mirror.store_payments(page[2:], seen_by=SeenBy.WEBHOOK, at=NOW),  # noqa: B023
                lambda: mirror.store_payments(page[:3], seen_by=SeenBy.CLICK, at=NOW),  # noqa: B023
            )

            assert refusals(results) == []
            assert Payment.objects.count() == number * 5
            assert Withdrawal.objects.count() == number * 5

    def test_different_news_of_one_payment(self) -> None:
        """W-2: whatever wins the race, the end is the same."""
        for number in rounds():
            life = [
                record(
                    transaction_id=f"pay_{number}",
                    merchant_reference=f"theirs-{number}",
                    status=word,
                    status_version=version,
                    type="deposit",
                )
                for version, word in enumerate(
                    ["pending", "processing", "completed", "partial_refund", "refunded"]
                )
            ]

            results = at_once(
                *(
                    lambda shown=shown: mirror.store_payments(
                        [shown], seen_by=SeenBy.WEBHOOK, at=NOW
                    )
                    for shown in life
                )
            )

            assert refusals(results) == []
            payment = Payment.objects.get(upstream_id=f"pay_{number}")
            assert (payment.upstream_status, payment.status_version) == ("refunded", 4)
