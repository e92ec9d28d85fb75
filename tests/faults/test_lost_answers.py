"""M-3, M-4, M-8, M-9: LuxCore accepts a payout, and its answer is lost, late, spoilt or wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from payments.enums import Status
from payments.models import Withdrawal
from staff.models import User
from tests.faults.desk import approved, command_of, let_time_pass, settle
from tests.support.rounds import rounds
from tests.support.sandbox import SandboxProcess
from upstreams import outbox
from upstreams.enums import CommandState, Upstream
from upstreams.models import Alarm

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

SPOILT: dict[str, dict[str, Any]] = {
    "drop": {},
    "drop-reset": {"kind": "drop", "params": {"reset": True}},
    "drop_midway": {},
    "answer_500": {},
    "answer_502_html": {},
    "answer_504": {},
    "answer_308": {},
    "answer_truncated": {},
    "answer_empty_object": {},
    "answer_empty_list": {},
    "answer_null": {},
    "malformed_json": {},
    "gzip_bomb": {"params": {"megabytes": 300}},
    "huge_body": {"params": {"megabytes": 100}},
    "deep_json": {},
    "accept_late": {"params": {"seconds": 1}},
}


def sent_with_fault(
    luxcore: SandboxProcess, fault: dict[str, Any], *, maker: User, approver: User
) -> Withdrawal:
    withdrawal = approved(maker=maker, approver=approver)
    luxcore.fault(method="POST", path="/api/*/payments", **fault)
    let_time_pass()
    outbox.deliver(command_of(withdrawal).pk)
    luxcore.clear_faults()
    withdrawal.refresh_from_db()
    return withdrawal


def payments_for(luxcore: SandboxProcess, withdrawal: Withdrawal) -> list[str]:
    found = luxcore.with_reference(withdrawal.merchant_reference)
    return [payment["transaction_id"] for payment in found]


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_answer_is_unknown_and_settles_by_itself(
    name: str, luxcore: SandboxProcess, maker: User, approver: User, client: Client
) -> None:
    fault = {"kind": name} | SPOILT[name]
    client.force_login(approver)
    for _ in range(rounds(3)):
        withdrawal = sent_with_fault(luxcore, fault, maker=maker, approver=approver)

        assert withdrawal.status == Status.UNKNOWN
        page = client.get(reverse("payments:withdrawal", args=[withdrawal.code]))
        assert "gave no clear answer" in page.content.decode()

        settled = settle(withdrawal)
        assert settled.status == Status.SENT
        assert payments_for(luxcore, withdrawal) == [settled.payment.upstream_id]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "echo_amount", "params": {"amount": 250_000}},  # x 100
        {"kind": "echo_amount", "params": {"amount": 25}},  # / 100
        {"kind": "echo_currency", "params": {"currency": "MXN"}},
        {"kind": "echo_recipient", "params": {"recipient_name": "Mallory Thief"}},
    ],
    ids=["hundredfold", "hundredth", "currency", "recipient"],
)
def test_an_answer_that_differs_stops_the_provider_and_calls_a_person(
    fault: dict[str, Any], luxcore: SandboxProcess, maker: User, approver: User
) -> None:
    withdrawal = sent_with_fault(luxcore, fault, maker=maker, approver=approver)
    another = approved(maker=maker, approver=approver, amount="31.00")

    let_time_pass()
    outbox.sweep()

    assert withdrawal.status == Status.UNKNOWN
    command = command_of(withdrawal)
    assert (command.state, command.next_at) == (CommandState.UNKNOWN, None)
    assert not outbox.sending_is_on(Upstream.LUXCORE)
    assert Alarm.objects.open().filter(upstream=Upstream.LUXCORE).exists()
    assert len(payments_for(luxcore, withdrawal)) == 1
    assert payments_for(luxcore, another) == []


def test_a_refusal_is_definite(luxcore: SandboxProcess, maker: User, approver: User) -> None:
    fault = {"kind": "refuse", "params": {"error_code": "INVALID_WITHDRAWAL_DATA"}}

    withdrawal = sent_with_fault(luxcore, fault, maker=maker, approver=approver)

    assert withdrawal.status == Status.REFUSED
    assert withdrawal.error_code == "INVALID_WITHDRAWAL_DATA"
    assert payments_for(luxcore, withdrawal) == []


@pytest.mark.parametrize("fault", [{"kind": "rate_limited"}, {"kind": "error"}], ids=["429", "503"])
def test_a_provider_that_is_busy_gets_it_later(
    fault: dict[str, Any], luxcore: SandboxProcess, maker: User, approver: User
) -> None:
    withdrawal = sent_with_fault(luxcore, fault, maker=maker, approver=approver)

    settled = settle(withdrawal)

    assert settled.status == Status.SENT
    assert payments_for(luxcore, withdrawal) == [settled.payment.upstream_id]
