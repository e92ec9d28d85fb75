"""Two hundred decisions whose workers are killed: dry run, receipts and provider agree."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import zip_longest
from typing import Any

import pytest
from django.utils import timezone

from payments import actions
from payments.bulk import items, running
from payments.enums import BulkState, Cause, Outcome, Plan, Status, Verdict
from payments.models import BulkRun, Signature, Withdrawal
from staff import audit
from staff.models import AuditEvent, User
from tests.customers.factories import HoldFactory
from tests.faults import dying
from tests.faults.desk import let_time_pass
from tests.payments.bulk.helpers import items as items_of
from tests.payments.deciding import sign
from tests.payments.factories import PolicyFactory, WithdrawalFactory, draft, seen_by
from tests.staff.factories import UserFactory
from tests.support.sandbox import SandboxProcess
from upstreams import feeds, outbox

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

HELD = "+61400000001"
LEFT, NOT_DONE = Outcome.LEFT_OUT, Outcome.NOT_DONE

# Name: how many, the first amount, what the dry run says, what becomes of it, and why not.
KINDS: dict[str, tuple[int, int, Plan, Outcome, str]] = {
    "fine": (24, 1, Plan.SEND, Outcome.APPROVED, ""),
    "second": (6, 3000, Plan.SIGN, Outcome.SIGNED, ""),
    "changed": (5, 200, Plan.SEND, NOT_DONE, Cause.CHANGED),
    "overtaken": (5, 300, Plan.SEND, NOT_DONE, Cause.DECIDED),
    "own": (85, 400, Plan.LEAVE, LEFT, Cause.OWN),
    "held": (40, 500, Plan.LEAVE, LEFT, Cause.HELD),
    "limit": (10, 8000, Plan.LEAVE, LEFT, Cause.LIMIT),
    "balance": (10, 50_000, Plan.LEAVE, LEFT, Cause.BALANCE),
    "typed": (10, 5000, Plan.LEAVE, LEFT, Cause.TYPED),
    "decided": (5, 600, Plan.LEAVE, LEFT, Cause.DECIDED),
}
PAID = ("fine", "changed", "overtaken", "decided")


@pytest.fixture
def rules(luxcore: SandboxProcess) -> None:
    """Money for all but the largest, and tiers that stop some."""
    luxcore.set_balance("AUD", 45_000_00)
    feeds.run("luxcore.balances")
    PolicyFactory(version=1, currency="AUD", from_amount=3000, signatures=2)
    PolicyFactory(version=1, currency="AUD", from_amount=5000, typed_amount=True)
    PolicyFactory(version=1, currency="AUD", from_amount=8000, beneficiary_limit=7000)
    PolicyFactory(version=1, currency="AUD", from_amount=50_000)
    HoldFactory(customer__phone=HELD, customer__email="held@example.com")


def payouts(*, maker: User, ada: User) -> dict[str, list[Withdrawal]]:
    """Two hundred of which no two look alike, mixed as they would wait."""
    now = timezone.now()

    def make(name: str, amount: int) -> Withdrawal:
        made = WithdrawalFactory(
            amount=Decimal(amount),
            payid=f"p{amount}@example.com",
            customer_email=f"p{amount}@example.com",
            customer_phone=HELD if name == "held" else "",
            created_by=ada if name == "own" else maker,
            created_at=now,
        )
        assert isinstance(made, Withdrawal)
        return made

    return {
        name: [make(name, first + each) for each in range(number)]
        for name, (number, first, *_) in KINDS.items()
    }


def killed_after(place: str, number: int) -> Callable[[], None]:
    """Die when a function of `items` is called for the nth time, before it does anything."""

    def prepare() -> None:
        original, calls = getattr(items, place), 0

        def count(*given: Any, **told: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number:
                dying.die()
            return original(*given, **told)

        setattr(items, place, count)

    return prepare


def in_workers(run: BulkRun, *deaths: Callable[[], object]) -> BulkRun:
    """Work on it in one worker after the other, of which the first ones are killed."""
    for prepare in (*deaths, None):
        feeds.run("luxcore.payments")  # as beat would: old data is a reason to look again
        BulkRun.objects.update(lease_until=None)
        work = partial(running.work, run.pk, seconds=120)
        ended = dying.in_worker(work, prepare=prepare or (lambda: None))
        assert ended == (-signal.SIGKILL if prepare else 0)
    run.refresh_from_db()
    return run


def pay() -> None:
    """Let the outbox send what is due, until nothing is left to send."""
    for _ in range(20):
        let_time_pass()
        assert dying.in_worker(outbox.sweep) == 0
        if not Withdrawal.objects.filter(status__in=[Status.APPROVED, Status.SENDING]).exists():
            return


def paid_at(luxcore: SandboxProcess) -> Counter[tuple[str, int]]:
    return Counter(
        (payment["merchant_reference"], payment["amount"]) for payment in luxcore.payments()
    )


def started(rows: list[Withdrawal], *, by: User) -> BulkRun:
    return actions.start_bulk_run(
        withdrawal_ids=[row.pk for row in rows],
        verdict=Verdict.APPROVE,
        by=by,
        at=timezone.now(),
    )


def signed_alone(row: Withdrawal, by: User) -> None:
    sign(row, by, seen=seen_by(by, row, now=timezone.now()), at=timezone.now())


def amend(row: Withdrawal, by: User) -> None:
    same = {name: getattr(row, name) for name in ("amount", "payid", "customer_email")}
    actions.amend_withdrawal(
        withdrawal_id=row.pk,
        draft=draft(**same, customer_phone="", description="Another one"),
        by=by,
        at=timezone.now(),
        reason="Asked for by the customer.",
    )


def test_two_hundred_are_decided_once_and_told_as_they_are(
    luxcore: SandboxProcess, rules: None, maker: User, approver: User
) -> None:
    abel = UserFactory(roles=["approver"])
    rows = payouts(maker=maker, ada=approver)
    kind_of = {row.pk: name for name, each in rows.items() for row in each}
    assert len(kind_of) == 200
    for row in rows["decided"]:
        signed_alone(row, abel)

    run = started([row for each in zip_longest(*rows.values()) for row in each if row], by=approver)
    in_workers(run, killed_after("show", 100))
    assert run.state == BulkState.READY
    for row in rows["changed"]:
        amend(row, maker)
    for row in rows["overtaken"]:
        signed_alone(row, abel)
    actions.confirm_bulk_run(run_id=run.pk, by=approver, at=timezone.now())
    # Signed and not noted, between two of them, signed and not noted again.
    in_workers(
        run,
        killed_after("_note_receipt", 10),
        dying.at("bulk.item"),
        killed_after("_note_receipt", 10),
    )
    pay()

    assert run.state == BulkState.DONE
    found = {item.withdrawal_id: item for item in items_of(run)}
    for pk, item in found.items():
        assert (item.plan, item.outcome, item.cause) == KINDS[kind_of[pk]][2:], kind_of[pk]
        assert bool(item.said) == (item.outcome in (NOT_DONE, LEFT))
    agree(luxcore, paid=[*rows["fine"], *rows["overtaken"], *rows["decided"]])
    receipts_tell_the_trail(run)

    again = actions.retry_bulk_run(run_id=run.pk, by=approver, at=timezone.now())
    assert {item.withdrawal_id for item in items_of(again)} == {row.pk for row in rows["changed"]}
    in_workers(again, dying.at("bulk.item"))
    actions.confirm_bulk_run(run_id=again.pk, by=approver, at=timezone.now())
    in_workers(again, killed_after("_note_receipt", 3))
    pay()

    assert {item.outcome for item in items_of(again)} == {Outcome.APPROVED}
    agree(luxcore, paid=[row for name in PAID for row in rows[name]])
    receipts_tell_the_trail(again)
    assert audit.verify().ok


def agree(luxcore: SandboxProcess, *, paid: list[Withdrawal]) -> None:
    """The provider has one payment for each of these and for nothing else."""
    wanted = Withdrawal.objects.in_bulk([row.pk for row in paid]).values()
    assert {row.status for row in wanted} == {Status.SENT}
    assert paid_at(luxcore) == Counter(
        (row.merchant_reference, int(row.amount * 100)) for row in wanted
    )


def receipts_tell_the_trail(run: BulkRun) -> None:
    """Each receipt of a signature bears the number of the one event that tells of it."""
    done = [item for item in items_of(run) if item.outcome in (Outcome.APPROVED, Outcome.SIGNED)]
    for item in done:
        event = AuditEvent.objects.get(sequence=item.audit_number)
        assert (event.verb, event.by, event.subject_id) == (
            "payments.withdrawal.signed",
            run.by,
            str(item.withdrawal_id),
        )
    ids = [item.withdrawal_id for item in done]
    assert Signature.objects.filter(by=run.by, withdrawal__in=ids).count() == len(ids)
