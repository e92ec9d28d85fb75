"""A worker is killed at each step of making a customer: there is one in the end, and no second."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from customers import actions
from customers.enums import RequestStatus
from customers.models import CustomerRequest, Identity
from staff.models import User
from tests.faults import dying
from tests.faults.desk import TRIES, let_time_pass
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from tests.support.sandbox import LUX_KEY, SandboxProcess
from upstreams import outbox
from upstreams.models import Command

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Death = Callable[[SandboxProcess, str], Callable[[], object]]


@pytest.fixture
def lux(_sandbox: SandboxProcess, settings: Any, db: None) -> SandboxProcess:
    """The sandbox, empty; the desk points at its Lux Financial."""
    _sandbox.reset()
    settings.LUX_BASE_URL = _sandbox.lux
    settings.LUX_API_KEY = LUX_KEY
    settings.LUX_RATE_LIMIT_RPS = settings.LUX_RATE_LIMIT_RPD = 1_000_000
    return _sandbox


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory(roles=["reviewer"])


def _accepted(lux: SandboxProcess, email: str) -> Callable[[], object]:
    return dying.once(lambda: bool(lux.lux_customers(email)))


DEATHS: dict[str, Death] = {
    "before the claim is committed": lambda *_: dying.at("outbox.claiming"),
    "after the claim is committed": lambda *_: dying.at("outbox.claimed"),
    "while connecting": lambda *_: dying.while_connecting,
    "with half the request written": lambda *_: dying.half_a_request_written,
    "when Lux Financial has made it": _accepted,
    "at the answer's headers": lambda *_: dying.headers_read,
    "in the middle of the answer": lambda *_: dying.half_the_answer_read,
    "before the outcome is committed": lambda *_: dying.at("outbox.recording"),
    "after the outcome is committed": lambda *_: dying.at("outbox.recorded"),
}


@pytest.mark.parametrize("step", DEATHS)
def test_a_worker_killed_at_any_step_makes_one_customer(
    step: str, lux: SandboxProcess, reviewer: User
) -> None:
    for _ in range(rounds(3)):
        email = f"{uuid.uuid4()}@example.com"
        request = asked(email, by=reviewer)
        die = DEATHS[step](lux, email)
        let_time_pass()
        command = Command.objects.get(subject_id=str(request.pk))
        ended = dying.in_worker(partial(outbox.deliver, command.pk), prepare=die)

        assert ended == -signal.SIGKILL, f"the worker was not killed {step}"
        settled = settle(request)
        assert (settled.status, settled.body) == (RequestStatus.MADE, {})
        made = lux.lux_customers(email)
        assert [one["id"] for one in made] == [settled.made]
        assert settled.customer == Identity.objects.get(upstream_id=settled.made).customer
        command.refresh_from_db()
        assert command.request_bytes == b""


def asked(email: str, *, by: User) -> CustomerRequest:
    given = {"first_name": "Maria", "last_name": "Silva", "email": email}
    return actions.create_customer(
        kind="individual", given=given, token=uuid.uuid4(), by=by, at=timezone.now()
    )


def settle(request: CustomerRequest) -> CustomerRequest:
    """Sweep in fresh workers until the request is settled."""
    for _ in range(TRIES):
        request.refresh_from_db()
        if request.is_settled:
            return request
        let_time_pass()
        assert dying.in_worker(outbox.sweep) == 0
    return request
