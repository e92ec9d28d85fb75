"""A worker is killed at each step of telling Lux Financial of a decision: it follows, once."""

from __future__ import annotations

import signal
from datetime import datetime
from functools import partial
from typing import Any

import httpx
import pytest

from customers.enums import CaseStatus
from customers.kyc import sending
from customers.models import Identity, KycCase, Profile
from tests.customers.factories import KycCaseFactory
from tests.customers.kyc.helpers import propose
from tests.faults import dying
from tests.faults.desk import TRIES, let_time_pass
from tests.support.rounds import rounds
from tests.support.sandbox import LUX_KEY, SandboxProcess
from upstreams import outbox
from upstreams.models import Command

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

DEATHS: dict[str, dying.Deed] = {
    "before the claim is committed": dying.at("outbox.claiming"),
    "after the claim is committed": dying.at("outbox.claimed"),
    "before a byte leaves": dying.at("outbox.sending"),
    "while connecting": dying.while_connecting,
    "with half the request written": dying.half_a_request_written,
    "when all of it has left": dying.whole_request_written,
    "at the answer's headers": dying.headers_read,
    "in the middle of the answer": dying.half_the_answer_read,
    "before the outcome is committed": dying.at("outbox.recording"),
    "after the outcome is committed": dying.at("outbox.recorded"),
}


@pytest.fixture
def door(luxcore: SandboxProcess, settings: Any) -> Any:
    settings.LUX_BASE_URL, settings.LUX_API_KEY = luxcore.lux, LUX_KEY
    settings.LUX_RATE_LIMIT_RPS = settings.LUX_RATE_LIMIT_RPD = 1_000_000
    settings.LUX_PUSH_KYC_DECISION = True
    with httpx.Client(base_url=f"{luxcore.url}/_control", trust_env=False) as client:
        yield client


def case_there(door: httpx.Client, number: int) -> KycCase:
    """A case that could be approved, of a customer whom Lux Financial reviews."""
    case: KycCase = KycCaseFactory(
        ready=True,
        profile__customer__email=f"{number}@example.com",
        profile__customer__phone=f"+6140000{number:04}",
    )
    made = door.post("/lux/customers", json={"kyc_status": "under_review"}).json()["customers"]
    Identity.objects.filter(customer=case.customer).update(upstream_id=made[0]["id"])
    changed_at = datetime.fromisoformat(made[0]["updated_at"])
    Profile.objects.filter(customer=case.customer).update(updated_at=changed_at)
    return case


@pytest.mark.parametrize("step", DEATHS)
def test_a_worker_killed_at_any_step_decides_once(step: str, door: httpx.Client) -> None:
    for number in range(rounds(3)):
        case = case_there(door, number)
        propose(case)
        command = sending.newest_command(case)
        assert command is not None
        let_time_pass()

        ended = dying.in_worker(partial(outbox.deliver, command.pk), prepare=DEATHS[step])

        assert ended == -signal.SIGKILL, f"the worker was not killed {step}"
        for _ in range(TRIES):
            case.refresh_from_db()
            if case.status == CaseStatus.DECIDED:
                break
            let_time_pass()
            assert dying.in_worker(outbox.sweep) == 0
        assert case.status == CaseStatus.DECIDED
        there = Identity.objects.get(customer=case.customer).upstream_id
        shown = door.get("/lux/customers", params={"kyc_status": "approved"}).json()["customers"]
        assert there in [one["id"] for one in shown]
        assert Command.objects.filter(subject_id=str(case.pk), kind=sending.KIND).count() == 1
