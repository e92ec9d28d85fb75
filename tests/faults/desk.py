"""A desk that pays out through a sandbox, and time that passes for its outbox."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from payments import actions, decision
from payments.enums import Status
from payments.models import Withdrawal
from staff.models import User
from tests.faults.dying import in_worker
from tests.payments.factories import draft
from upstreams import outbox
from upstreams.clock import database_now
from upstreams.enums import CommandState
from upstreams.models import Command

TRIES = 12  # sweeps after which a payout counts as stuck
OPEN = [CommandState.QUEUED, CommandState.SENDING, CommandState.UNKNOWN]


def approved(*, maker: User, approver: User, amount: str = "25.00") -> Withdrawal:
    """A withdrawal asked for and signed through the same doors as the pages use."""
    now = timezone.now()
    withdrawal = actions.request_withdrawal(draft=draft(amount=Decimal(amount)), by=maker, at=now)
    seen = decision.review(withdrawal, viewer=approver, now=now).seen
    actions.sign_withdrawal(withdrawal_id=withdrawal.pk, seen=seen, by=approver, at=timezone.now())
    withdrawal.refresh_from_db()
    assert withdrawal.status == Status.APPROVED
    return withdrawal


def command_of(withdrawal: Withdrawal) -> Command:
    return Command.objects.get(idempotency_key=withdrawal.merchant_reference)


def let_time_pass() -> None:
    """Every lease has run out and every pause is over."""
    long_ago = database_now()
    Command.objects.filter(state__in=OPEN).filter(
        Q(next_at__isnull=False) | Q(state=CommandState.SENDING)
    ).update(next_at=long_ago, lease_until=long_ago)


def settle(withdrawal: Withdrawal) -> Withdrawal:
    """Sweep in fresh workers until the payout is settled or a person is needed."""
    for _ in range(TRIES):
        withdrawal.refresh_from_db()
        if withdrawal.status not in (Status.APPROVED, Status.SENDING, Status.UNKNOWN):
            return withdrawal
        let_time_pass()
        assert in_worker(outbox.sweep) == 0
    return withdrawal
