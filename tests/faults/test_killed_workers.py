"""M-1: a worker is killed at each of ten steps. Each payout is made once, none is lost."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial

import pytest

from payments.enums import Status
from payments.models import Withdrawal
from staff.models import User
from tests.faults import dying
from tests.faults.desk import approved, command_of, let_time_pass, settle
from tests.support.rounds import rounds
from tests.support.sandbox import SandboxProcess
from upstreams import outbox

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Death = Callable[[SandboxProcess, Withdrawal], Callable[[], object]]


def _accepted(luxcore: SandboxProcess, withdrawal: Withdrawal) -> Callable[[], object]:
    reference = withdrawal.merchant_reference
    return dying.once(lambda: bool(luxcore.with_reference(reference)))


def _not_yet_processed(luxcore: SandboxProcess, withdrawal: Withdrawal) -> Callable[[], object]:
    luxcore.fault("delay", method="POST", path="/api/*/payments", params={"seconds": 0.2})
    return dying.whole_request_written


DEATHS: dict[str, Death] = {
    "before the claim is committed": lambda *_: dying.at("outbox.claiming"),
    "after the claim is committed": lambda *_: dying.at("outbox.claimed"),
    "while connecting": lambda *_: dying.while_connecting,
    "with half the request written": lambda *_: dying.half_a_request_written,
    "before the upstream has processed it": _not_yet_processed,
    "when the upstream has accepted it": _accepted,
    "at the answer's headers": lambda *_: dying.headers_read,
    "in the middle of the answer": lambda *_: dying.half_the_answer_read,
    "before the outcome is committed": lambda *_: dying.at("outbox.recording"),
    "after the outcome is committed": lambda *_: dying.at("outbox.recorded"),
}


@pytest.mark.parametrize("step", DEATHS)
def test_a_worker_killed_at_any_step_pays_once(
    step: str, luxcore: SandboxProcess, maker: User, approver: User
) -> None:
    for _ in range(rounds(15)):
        withdrawal = approved(maker=maker, approver=approver)
        command = command_of(withdrawal)
        die = DEATHS[step](luxcore, withdrawal)
        let_time_pass()
        ended = dying.in_worker(partial(outbox.deliver, command.pk), prepare=die)
        luxcore.clear_faults()

        assert ended == -signal.SIGKILL, f"the worker was not killed {step}"
        settled = settle(withdrawal)
        assert settled.status in (Status.SENT, Status.COMPLETED)
        paid = luxcore.with_reference(withdrawal.merchant_reference)
        assert [payment["transaction_id"] for payment in paid] == [settled.payment.upstream_id]
