"""A hold against a signature and against a worker at the same moment: never sent while held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.utils import timezone

from customers.models import Hold
from payments import actions
from payments.enums import Status
from payments.models import Policy, Withdrawal
from staff import audit
from tests.payments.deciding import sign
from tests.payments.factories import WithdrawalFactory, approver, maker, payment_json
from tests.payments.test_holds import hold
from tests.payments.test_races import at_once, refusals, signing, status_of
from tests.payments.test_senders import command_of
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("ready", "line"),
]


def of_somebody(number: int, by: Any) -> Withdrawal:
    """Each round is about another customer."""
    made = WithdrawalFactory(
        amount=Decimal(number),
        created_by=by,
        customer_email=f"somebody{number}@example.com",
        customer_phone="",
    )
    assert isinstance(made, Withdrawal)
    return made


def test_a_hold_and_the_second_signature() -> None:
    Policy.objects.update(signatures=2)
    ada, abel, rita, mara = approver(), approver(), UserFactory(roles=["reviewer"]), maker()
    for number in range(1, rounds(30) + 1):
        withdrawal = of_somebody(number, mara)
        sign(withdrawal, ada)

        signed, held = at_once(
            signing(withdrawal, abel),
            lambda: hold(withdrawal, rita),  # noqa: B023
        )

        assert isinstance(held, Hold), held
        refusals([signed], actions.Blocked)
        if status_of(withdrawal) == Status.AWAITING_APPROVAL:
            continue
        # The signature was first: what it queued stays here.
        command = command_of(withdrawal)
        Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))
        assert outbox.deliver(command.pk) is None
        assert status_of(withdrawal) == Status.APPROVED
    assert audit.verify().ok


def test_a_hold_and_a_worker(answering: Callable[..., None]) -> None:
    ada, rita, mara = approver(), UserFactory(roles=["reviewer"]), maker()
    for number in range(1, rounds(30) + 1):
        withdrawal = of_somebody(number, mara)
        sign(withdrawal, ada)
        command = command_of(withdrawal)
        Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))
        asked: list[httpx.Request] = []
        told = payment_json(
            merchant_reference=withdrawal.merchant_reference,
            transaction_id=f"pay_of_{withdrawal.code}",
            amount=number * 100,
        )

        def create(
            request: httpx.Request,
            told: dict[str, Any] = told,
            asked: list[httpx.Request] = asked,
        ) -> httpx.Response:
            asked.append(request)
            return httpx.Response(201, json=told)

        answering(create)
        sent, held = at_once(
            lambda: outbox.deliver(command.pk),  # noqa: B023
            lambda: hold(withdrawal, rita),  # noqa: B023
        )

        assert isinstance(held, Hold), held
        assert refusals([sent]) == []
        if sent == CommandState.DONE:
            assert status_of(withdrawal) in (Status.SENT, Status.COMPLETED)
            continue
        # The hold was first: nothing was asked for, and nothing is while it is in force.
        assert sent in (None, CommandState.QUEUED)
        Command.objects.filter(pk=command.pk).update(next_at=timezone.now() - timedelta(seconds=1))
        assert outbox.deliver(command.pk) is None
        assert asked == []
        assert status_of(withdrawal) == Status.APPROVED
    assert audit.verify().ok
