"""Payouts through Lumetrade: sent once, looked for when the answer is lost, settled by people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Hold
from payments import actions, checks, feeds_lumetrade, matching
from payments.enums import Level, PaymentStatus, Status
from payments.models import Payment, SavedBeneficiary, Withdrawal
from payments.rules import WithdrawalDraft, lumetrade
from staff.models import User
from tests.customers.factories import CustomerFactory, HoldFactory
from tests.payments.factories import PolicyFactory, approver, maker, seen_by
from tests.payments.lumetrade import Place
from tests.staff.factories import UserFactory
from upstreams import feeds, outbox
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db(transaction=True)

POST = ("POST", "/api/v1/beneficiaries/withdrawals")
POST_PATH = "/lumetrade/api/v1/beneficiaries/withdrawals"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Place]:
    """Lumetrade at the other end, read once, and nobody who may undo."""
    settings.UNDO_SECONDS = 0
    made = Place()
    for asker in (
        "payments.feeds_lumetrade",
        "payments.senders_lumetrade",
        "upstreams.lumetrade.client",
    ):
        monkeypatch.setattr(f"{asker}.get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    PolicyFactory(published_at=timezone.now() - timedelta(days=1))
    for name in (feeds_lumetrade.ACCOUNTS, feeds_lumetrade.BENEFICIARIES, feeds_lumetrade.OPEN):
        feeds.run(name)
    yield made
    made.close()


def payee() -> SavedBeneficiary:
    return SavedBeneficiary.objects.listed().filter(currency="ZAR").order_by("pk")[0]


def draft(amount: str = "101.00", **fields: Any) -> WithdrawalDraft:
    made = lumetrade.draft_to(payee(), amount=Decimal(amount), description="Rent")
    return WithdrawalDraft.from_values({**made.values(), **fields})


def approved(by: User, signer: User, amount: str = "101.00") -> Withdrawal:
    now = timezone.now()
    withdrawal = actions.request_withdrawal(draft=draft(amount), by=by, at=now)
    actions.sign_withdrawal(
        withdrawal_id=withdrawal.pk,
        by=signer,
        at=now,
        seen=seen_by(signer, withdrawal, now=now),
    )
    return withdrawal


def deliver() -> CommandState | None:
    return outbox.deliver(Command.objects.latest("pk").pk)


def look_again(command: Command) -> CommandState | None:
    Command.objects.filter(pk=command.pk).update(next_at=timezone.now())
    return outbox.deliver(command.pk)


def posts(place: Place) -> int:
    return place.calls.count(POST)


def ours(withdrawal: Withdrawal) -> Withdrawal:
    return Withdrawal.objects.select_related("payment").get(pk=withdrawal.pk)


def test_is_not_sent_for_somebody_who_is_held_since_it_was_claimed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = CustomerFactory()
    withdrawal = approved(maker(), approver())
    Withdrawal.objects.update(customer=customer)
    held: list[Hold] = []

    def reached(point: str) -> None:
        if point == "outbox.sending" and not held:
            held.append(HoldFactory(customer=customer))

    monkeypatch.setattr("upstreams.outbox.calling.reach", reached)

    assert deliver() == CommandState.QUEUED

    assert posts(place) == 0
    assert "The customer is held" in Command.objects.get().error
    assert ours(withdrawal).status == Status.APPROVED


def test_is_asked_for_signed_sent_and_followed(place: Place) -> None:
    withdrawal = approved(maker(), approver())

    assert deliver() == CommandState.DONE

    sent = ours(withdrawal)
    assert sent.payment is not None
    assert (sent.status, sent.payment.upstream_status) == (Status.SENT, "PENDING")
    assert posts(place) == 1
    place.move(sent.payment.upstream_id, "COMPLETED")
    feeds.run(feeds_lumetrade.WITHDRAWALS)
    sent = ours(withdrawal)
    assert sent.status == Status.COMPLETED
    assert sent.payment is not None
    assert sent.payment.counterparty  # what the answer left out
    place.move(sent.payment.upstream_id, "REVERSED")
    feeds.run(feeds_lumetrade.WITHDRAWALS)
    assert Payment.objects.get(pk=sent.payment.pk).status == PaymentStatus.RETURNED


def test_passes_its_checks(place: Place) -> None:
    now = timezone.now()
    withdrawal = actions.request_withdrawal(draft=draft(), by=maker(), at=now)

    found = checks.run(withdrawal, now=now)

    assert not [check for check in found if check.level == Level.BLOCK]
    again = actions.request_withdrawal(draft=draft(), by=maker(), at=now)
    duplicate = {check.code: check for check in checks.run(again, now=now)}["duplicate"]
    assert (duplicate.level, withdrawal.code in str(duplicate.text)) == (Level.WARN, True)


def test_is_blocked_when_the_beneficiary_is_gone_or_changed(place: Place) -> None:
    now = timezone.now()
    withdrawal = actions.request_withdrawal(draft=draft(), by=maker(), at=now)
    SavedBeneficiary.objects.update(nickname="Somebody else")
    found = {check.code: check.level for check in checks.run(withdrawal, now=now)}
    assert found["payout_rules"] == Level.BLOCK

    SavedBeneficiary.objects.update(is_listed=False)

    with pytest.raises(actions.InvalidDraft):
        actions.request_withdrawal(draft=draft_of(withdrawal), by=maker(), at=now)


def draft_of(withdrawal: Withdrawal) -> WithdrawalDraft:
    return WithdrawalDraft.of(withdrawal)


@pytest.mark.parametrize("amount", ["0.00", "1.001"])
def test_refuses_an_amount_that_cannot_be_paid(place: Place, amount: str) -> None:
    with pytest.raises(actions.InvalidDraft) as refusal:
        actions.request_withdrawal(draft=draft(amount), by=maker(), at=timezone.now())

    assert set(refusal.value.errors) == {"amount"}


def test_a_lost_reply_is_found_and_linked(place: Place) -> None:
    place.fault("drop", method="POST", path=POST_PATH)
    withdrawal = approved(maker(), approver())
    assert deliver() == CommandState.UNKNOWN
    assert ours(withdrawal).status == Status.UNKNOWN

    assert look_again(Command.objects.get()) == CommandState.DONE

    there = [one for one in place.movements() if one["source"] == "api"]
    linked = ours(withdrawal).payment
    assert linked is not None
    assert (len(there), posts(place)) == (1, 1)
    assert linked.upstream_id == there[0]["transactionId"]


def test_what_never_arrived_is_never_sent_again(place: Place) -> None:
    place.fault("drop_before", method="POST", path=POST_PATH)
    withdrawal = approved(maker(), approver())
    deliver()

    for _ in range(7):
        look_again(Command.objects.get())

    assert ours(withdrawal).status == Status.UNKNOWN
    assert posts(place) == 1


def test_two_that_look_alike_are_left_to_two_people(place: Place, client: Client) -> None:
    place.fault("drop", method="POST", path=POST_PATH, times=2)
    by, signer = maker(), approver()
    first, second = approved(by, signer), approved(by, signer)
    commands = list(Command.objects.order_by("pk"))
    for command in commands:
        outbox.deliver(command.pk)

    for _ in range(6):
        for command in commands:
            look_again(command)

    assert {ours(first).status, ours(second).status} == {Status.UNKNOWN}
    there = matching.candidates(ours(first), commands[0])
    assert len(there) == 2
    client.force_login(UserFactory(roles=["ops_lead"]))
    page = client.get(reverse("payments:withdrawal-settle", args=[first.code]))
    assert all(payment.upstream_id in page.text for payment in there)
    lead, now = UserFactory(roles=["ops_lead"]), timezone.now()
    proposed = actions.propose_settlement(
        withdrawal_id=first.pk,
        outcome=Status.SENT,
        upstream_id=there[0].upstream_id,
        reason="The first of the two.",
        by=lead,
        at=now,
    )
    actions.confirm_settlement(
        withdrawal_id=proposed.withdrawal_id, settlement_id=proposed.pk, by=approver(), at=now
    )
    assert ours(first).payment == there[0]
    unpaid = actions.propose_settlement(
        withdrawal_id=second.pk, outcome=Status.REFUSED, reason="Not there.", by=lead, at=now
    )
    with pytest.raises(actions.SettlementNotPossible, match=there[1].upstream_id):
        actions.confirm_settlement(
            withdrawal_id=unpaid.withdrawal_id, settlement_id=unpaid.pk, by=approver(), at=now
        )
    assert posts(place) == 2


def test_the_page_asks_for_beneficiary_and_amount(place: Place, client: Client) -> None:
    client.force_login(maker())
    url = reverse("payments:withdrawal-lumetrade")
    page = client.get(url)
    assert payee().nickname in page.text
    assert str(payee().account) not in page.text
    typed = {
        "token": "00000000-0000-4000-8000-000000000001",
        "payee_id": payee().upstream_id,
        "amount": "1.001",
        "description": "Rent",
    }
    refused = client.post(url, typed)
    assert (refused.status_code, "ZAR has 2 decimals" in refused.text) == (422, True)

    client.post(url, {**typed, "amount": "250.00"})

    withdrawal = Withdrawal.objects.get()
    assert (withdrawal.upstream, withdrawal.amount, withdrawal.payee_id) == (
        "lumetrade",
        250,
        payee().upstream_id,
    )
    amend = reverse("payments:withdrawal-amend", args=[withdrawal.code])
    assert client.get(amend).status_code == 200
    client.post(amend, {**typed, "amount": "260.00", "reason": "More"})
    assert ours(withdrawal).amount == 260


@pytest.mark.services
def test_fifty_lost_replies_lead_to_one_post_each(place: Place) -> None:
    place.fault("drop", method="POST", path=POST_PATH, times=50)
    by, signer = maker(), approver()
    all_of_them = [approved(by, signer, f"{100 + number}.00") for number in range(50)]
    commands = list(Command.objects.order_by("pk"))
    for command in commands:  # one by one: five silences in a row would close the line for a while
        assert outbox.deliver(command.pk) == CommandState.UNKNOWN
        assert look_again(command) == CommandState.DONE

    assert posts(place) == 50
    assert {ours(one).status for one in all_of_them} == {Status.SENT}
    assert len({ours(one).payment_id for one in all_of_them}) == 50
