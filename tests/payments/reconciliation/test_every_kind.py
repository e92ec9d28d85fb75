"""Must show 7: drift of every kind is found by one run, each closed by its own resolution."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from payments import feeds as payment_feeds
from payments import tasks
from payments.enums import DriftKind, DriftState, RemedyState, Status
from payments.models import Drift, Payment, Resolution, Withdrawal
from payments.reconciliation import resolving
from payments.references import PAYOUT
from payments.rules import payload
from staff import audit
from staff.models import AuditEvent
from tests.payments.factories import WithdrawalFactory
from tests.payments.pages.helpers import as_role, client_of, text_of
from tests.payments.reconciliation.conftest import Run
from tests.sandbox.helpers import NOON, Bench
from tests.staff.factories import UserFactory
from upstreams import feeds, outbox
from upstreams.enums import CommandState, EventState, Upstream
from upstreams.models import Command, WebhookEvent

PAYID = {"recipient_name": "James Smith", "payid": "james@example.com", "payid_type": "email"}


def seeded_missing_here(books: Bench) -> str:
    return str(books.create(merchant_reference="nobody read it")["transaction_id"])


def seeded_missing_there(books: Bench) -> str:
    payment = Payment.objects.filter(kind="deposit").order_by("-pk")[0]
    books.act({"transaction_id": payment.upstream_id}, "hide")
    return payment.upstream_id


def seeded_difference(books: Bench) -> str:
    payment = Payment.objects.filter(kind="deposit").order_by("pk")[0]
    books.act({"transaction_id": payment.upstream_id}, "change", merchant_reference="another")
    return payment.upstream_id


def seeded_stuck() -> Withdrawal:
    """Approved hours ago; its command was put off for a day."""
    withdrawal = WithdrawalFactory(approved=True, amount=Decimal("20.00"))
    _put(withdrawal, state=CommandState.QUEUED, next_at=timezone.now() + timedelta(days=1))
    return withdrawal


def seeded_unknown(books: Bench) -> Withdrawal:
    """It was paid there under another reference, so no machine finds it."""
    withdrawal = WithdrawalFactory(unknown=True, amount=Decimal("30.00"), approved_at=NOON)
    _put(withdrawal, state=CommandState.UNKNOWN, next_at=None)
    books.control("/balances", {"currency": "AUD", "available": 1_000_000})
    paid = books.create(
        amount=3000,
        currency="AUD",
        method="payid",
        type="withdrawal",
        merchant_reference="mangled",
        payout=PAYID,
    )
    books.act(paid, "release")
    feeds.run(payment_feeds.PAYMENTS, at=timezone.now(), full=True)
    return withdrawal


def seeded_event(books: Bench) -> WebhookEvent:
    """An event about a payment that neither side shows: there it is hidden for now."""
    ghost = books.create(merchant_reference="a ghost")
    books.act(ghost, "hide")
    return WebhookEvent.objects.create(
        upstream=Upstream.LUXCORE,
        event_id="evt_ghost",
        kind="payment.completed",
        subject_id=ghost["transaction_id"],
        body=b"{}",
        state=EventState.APPLIED,
        received_at=NOON,
    )


def seeded_balance(books: Bench) -> str:
    """Money left the balance overnight, and no payment says why."""
    for day, available in ((NOON - timedelta(days=1), 50_000), (NOON, 40_000)):
        books.control("/balances", {"currency": "UYU", "available": available})
        feeds.run(payment_feeds.BALANCES, at=day)
    return f"UYU {NOON.date()}"


def _put(withdrawal: Withdrawal, **changes: Any) -> None:
    subject_type, subject_id = audit.subject_of(withdrawal)
    Command.objects.create(
        kind=PAYOUT,
        upstream=Upstream.LUXCORE,
        subject_type=subject_type,
        subject_id=subject_id,
        attempt_no=1,
        request=payload(withdrawal),
        request_hash="0" * 64,
        idempotency_key=withdrawal.merchant_reference,
        created_at=NOON,
        **changes,
    )


def resolve(client: Any, subject: str, remedy: str, **more: Any) -> Drift:
    """Take the way out that the page offers, as people do: ask, then confirm with a reason."""
    drift = Drift.objects.open().get(subject=subject)
    address = f"{drift.get_absolute_url()}{remedy}/"
    assert f'href="{address}"' in text_of(client.get(drift.get_absolute_url())), remedy
    form = {"seen": drift.fingerprint, "reason": "Looked at both sides.", **more}
    answer = client.post(address, form)
    assert answer.status_code == 302, text_of(answer)
    drift.refresh_from_db()
    return drift


def confirm(client: Any, drift: Drift) -> None:
    answer = client.post(
        f"{drift.get_absolute_url()}second/", {"do": "confirm", "seen": drift.fingerprint}
    )
    assert answer.status_code == 302, text_of(answer)


def state_of(subject: str) -> str:
    return Drift.objects.get(subject=subject).state


@pytest.mark.django_db
def test_every_kind_is_found_and_closed_by_its_own_resolution(books: Bench, run: Run) -> None:
    balance = seeded_balance(books)
    unknown = seeded_unknown(books)
    missing_there, difference = seeded_missing_there(books), seeded_difference(books)
    event, stuck = seeded_event(books), seeded_stuck()
    missing_here = seeded_missing_here(books)

    first = run()

    found = dict(Drift.objects.open().values_list("subject", "kind"))
    assert found == {
        missing_here: DriftKind.MISSING_HERE,
        missing_there: DriftKind.MISSING_THERE,
        difference: DriftKind.DIFFERS,
        stuck.code: DriftKind.STUCK,
        unknown.code: DriftKind.STUCK,
        event.event_id: DriftKind.UNMATCHED_EVENT,
        balance: DriftKind.BALANCE,
    }
    assert first.found == 7

    person = UserFactory(roles=["approver"])
    lead, second = as_role("ops_lead"), client_of(person)
    resolve(lead, missing_here, "accept_theirs")
    assert Payment.objects.filter(upstream_id=missing_here).exists()

    resolve(lead, difference, "accept_theirs")
    assert Payment.objects.get(upstream_id=difference).merchant_reference == "another"

    books.act({"transaction_id": missing_there}, "show")
    resolve(lead, missing_there, "read_again")

    books.act({"transaction_id": event.subject_id}, "show")
    resolve(lead, event.event_id, "read_again")

    confirm(second, resolve(lead, balance, "write_off"))

    resolve(lead, stuck.code, "send_again")
    outbox.deliver(Command.objects.get(idempotency_key=stuck.merchant_reference).pk)

    there = Payment.objects.get(merchant_reference="mangled")
    confirm(second, resolve(lead, unknown.code, "link", payment=there.pk))
    unknown.refresh_from_db()
    assert (unknown.status, unknown.payment) == (Status.SENT, there)

    for resolution_id in resolving.waiting(limit=10):
        tasks.carry_out_resolution(resolution_id=resolution_id)

    assert Payment.objects.filter(upstream_id=event.subject_id).exists()
    assert not Drift.objects.open().exists()
    assert state_of(balance) == DriftState.WRITTEN_OFF
    others = Drift.objects.exclude(subject=balance)
    assert {drift.state for drift in others} == {DriftState.RESOLVED}
    assert {row.state for row in Resolution.objects.all()} == {RemedyState.DONE}
    assert len(books.control("/payments?reference=" + stuck.merchant_reference)["payments"]) == 1

    again = run()

    assert (again.found, again.gone) == (0, 0)
    assert not Drift.objects.open().exists()
    assert audit.verify().ok
    told = AuditEvent.objects.filter(verb="payments.drift.written_off").get()
    assert (told.by, told.reason) == (person, "Looked at both sides.")
