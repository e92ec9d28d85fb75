"""Many decisions at once: what the dry run says, what is decided, what each receipt tells."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from payments import actions, tasks
from payments.actions import errors
from payments.bulk import causes, running, totals
from payments.bulk import items as bulk_items
from payments.bulk.moves import move
from payments.enums import BulkState, Cause, Outcome, Plan, RejectCode, Status, Verdict
from payments.models import (
    BULK_MOVES,
    OUTCOMES,
    Balance,
    BulkItem,
    BulkRun,
    BulkRunNotMovable,
    Policy,
    Signature,
    Withdrawal,
)
from staff import audit
from staff.journal import Journal
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.customers.factories import HoldFactory
from tests.payments.bulk.helpers import (
    confirmed,
    item_of,
    looked_through,
    outcomes,
    plans,
    started,
    worked,
)
from tests.payments.conftest import Line
from tests.payments.deciding import sign, status_of
from tests.payments.factories import (
    NOW,
    BeneficiaryFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
)
from tests.payments.pages.helpers import at
from upstreams.errors import RateLimited, Unavailable
from upstreams.models import Command

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with at(NOW):
        yield


def payout(amount: int, **fields: Any) -> Withdrawal:
    """A payout that looks like no other of another amount."""
    made = WithdrawalFactory(
        amount=Decimal(amount), payid=f"p{amount}@example.com", customer_email="", **fields
    )
    assert isinstance(made, Withdrawal)
    return made


class Interrupted(BaseException):
    """As a worker that is killed: nothing of ours catches it."""


def die(*_: Any, **__: Any) -> None:
    raise Interrupted


class TestDryRun:
    def test_sorts_by_what_would_happen_and_why_not(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=3000, signatures=2)
        PolicyFactory(version=1, currency="AUD", from_amount=5000, typed_amount=True)
        PolicyFactory(version=1, currency="AUD", from_amount=7000, beneficiary_limit=7000)
        PolicyFactory(version=1, currency="AUD", from_amount=9000, roles=["ops_lead"])
        ada, mara = approver(), maker()
        rows = {
            "fine": payout(100, created_by=mara),
            "theirs": WithdrawalFactory(seen_upstream=True, amount=Decimal(200)),
            "second": payout(3000, created_by=mara),
            "own": payout(101, created_by=ada),
            "decided": payout(102, created_by=mara, approved=True),
            "signed": payout(3001, created_by=mara),
            "held": payout(103, created_by=mara, customer_phone="+61400000001"),
            "limit": payout(8000, created_by=mara),
            "typed": payout(5000, created_by=mara),
            "role": payout(9000, created_by=mara),
        }
        sign(rows["signed"], ada)
        HoldFactory(customer__phone="+61400000001", customer__email="other@example.com")

        run = looked_through(rows.values(), by=ada)

        found = plans(run)
        assert {name: found[row.code] for name, row in rows.items()} == {
            "fine": (Plan.SEND, ""),
            "theirs": (Plan.RELEASE, ""),
            "second": (Plan.SIGN, ""),
            "own": (Plan.LEAVE, Cause.OWN),
            "decided": (Plan.LEAVE, Cause.DECIDED),
            "signed": (Plan.LEAVE, Cause.SIGNED),
            "held": (Plan.LEAVE, Cause.HELD),
            "limit": (Plan.LEAVE, Cause.LIMIT),
            "typed": (Plan.LEAVE, Cause.TYPED),
            "role": (Plan.LEAVE, Cause.ROLE),
        }
        assert "The customer is held" in str(item_of(run, rows["held"]).words)
        assert not Signature.objects.exclude(withdrawal__in=[rows["signed"], rows["decided"]])
        assert not Command.objects.exists()

    def test_leaves_what_is_to_be_looked_at_alone(self) -> None:
        mara, ada = maker(), approver()
        twins = [payout(100, created_by=mara), payout(100, created_by=mara)]
        payee = BeneficiaryFactory(changed_at=NOW)
        payee.changes.create(field="recipient_name", at=NOW)
        unsaid = dict.fromkeys(("payid", "payid_type", "recipient_name", "account_key"), "")
        telling = {
            "changed": payout(101, beneficiary=payee),
            "hosted": WithdrawalFactory(amount=Decimal(102), hosted=True, **unsaid),
            "webhook": payout(103, webhook_url="https://hooks.example.com/s3cret"),
        }
        fine = payout(104)

        run = looked_through([*twins, *telling.values(), fine], by=ada)

        assert {code: plan for code, plan in plans(run).items() if plan[1] != Cause.ALONE} == {
            fine.code: (Plan.SEND, "")
        }
        assert twins[1].code in str(item_of(run, twins[0]).words)
        words = {name: str(item_of(run, row).words) for name, row in telling.items()}
        assert "The beneficiary was changed within 24 hours" in words["changed"]
        assert "asks the payee where the money goes" in words["hosted"]
        assert words["webhook"] == "Its events go to an address of its own."

    def test_rejects_a_duplicate_like_any_other(self) -> None:
        twins = [payout(100), payout(100)]

        run = looked_through(twins, by=approver(), verdict=Verdict.REJECT)

        assert set(plans(run).values()) == {(Plan.REJECT, "")}

    def test_counts_what_is_let_pass_by_check(self) -> None:
        rows = [payout(100), payout(101)]

        (warned,) = totals.warned(looked_through(rows, by=approver()))

        assert (warned.code, warned.number) == ("beneficiary", 2)
        assert warned.label == "The account is new to us, or was paid under another name"

    def test_leaves_what_goes_to_a_beneficiary_they_brought(self) -> None:
        ada = approver()
        row = payout(100, beneficiary=BeneficiaryFactory(first_asked_by=ada))

        assert plans(looked_through([row], by=ada)) == {row.code: (Plan.LEAVE, Cause.OWN)}

    def test_knows_every_refusal_of_a_decision(self) -> None:
        named = "".join(
            str(action.__doc__) for action in (actions.sign_withdrawal, actions.reject_withdrawal)
        )
        refusals = {
            refusal
            for name, refusal in vars(errors).items()
            if isinstance(refusal, type) and re.search(rf"\b{name}\b", named)
        }

        # A blocked one is told by its checks, and without a reason no run is confirmed.
        assert refusals - set(causes.BY_KIND) == {errors.Blocked, errors.ReasonMissing}

    def test_counts_what_those_before_would_take(self) -> None:
        Balance.objects.update(available=Decimal(350))
        rows = [payout(100), payout(101), payout(150)]

        run = looked_through(rows, by=approver())
        done = confirmed(run)

        expected = [Plan.SEND, Plan.SEND, Plan.LEAVE]
        assert [item_of(run, row).plan for row in rows] == expected
        assert "2 payouts ahead" in str(item_of(run, rows[2]).words)
        assert outcomes(done)[rows[2].code] == (Outcome.LEFT_OUT, Cause.BALANCE)

    def test_counts_what_one_person_signs_before(self) -> None:
        Policy.objects.update(approver_limit=Decimal(250))
        rows = [payout(100), payout(101), payout(102)]

        run = looked_through(rows, by=approver())

        assert [item_of(run, row).cause for row in rows] == ["", "", Cause.LIMIT]

    def test_keeps_what_was_shown_and_no_account_in_clear(self) -> None:
        row = payout(100)

        item = item_of(looked_through([row], by=approver()), row)

        assert (item.amount, item.currency, item.recipient_name) == (100, "AUD", "James Smith")
        assert item.account == "p••••@e••••.com"
        assert len(item.digest) == 64
        assert [str(text) for text in item.remarks] == ["First payout to this account."]

    def test_asks_no_provider_and_records_no_refusal(self, line: Line) -> None:
        ada = approver()

        looked_through([payout(100, created_by=ada)], by=ada)

        assert line.asked == 0
        verbs = set(AuditEvent.objects.values_list("verb", flat=True))
        assert verbs == {"payments.bulkrun.started", "payments.bulkrun.ready"}


class TestDeciding:
    def test_decides_each_like_a_single_one(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=3000, signatures=2)
        ada = approver()
        fine, second, own = payout(100), payout(3000), payout(101, created_by=ada)

        run = confirmed(looked_through([fine, second, own], by=ada), reason="Friday's list.")

        assert run.state == BulkState.DONE
        assert outcomes(run) == {
            fine.code: (Outcome.APPROVED, ""),
            second.code: (Outcome.SIGNED, ""),
            own.code: (Outcome.LEFT_OUT, Cause.OWN),
        }
        assert (status_of(fine), status_of(second)) == (Status.APPROVED, Status.AWAITING_APPROVAL)
        assert status_of(own) == Status.AWAITING_APPROVAL
        assert Command.objects.get().idempotency_key == fine.merchant_reference
        signature = Signature.objects.get(withdrawal=fine)
        assert (signature.by, signature.reason) == (ada, "Friday's list.")
        event = AuditEvent.objects.get(sequence=item_of(run, fine).audit_number)
        assert (event.verb, event.subject_id) == ("payments.withdrawal.signed", str(fine.pk))
        assert audit.verify().ok

    def test_leaves_what_changed_since_the_dry_run_and_says_how(self) -> None:
        row = payout(100)
        run = looked_through([row], by=approver())
        Withdrawal.objects.filter(pk=row.pk).update(amount=Decimal(9900))

        confirmed(run)

        item = item_of(run, row)
        assert (item.outcome, item.cause) == (Outcome.NOT_DONE, Cause.CHANGED)
        (change,) = item.changes
        assert {name: str(text) for name, text in change.items()} == {
            "label": "Amount",
            "before": "100.00",
            "after": "9900.00",
        }
        refused = AuditEvent.objects.get(sequence=item.audit_number)
        assert refused.verb == "payments.withdrawal.signature_refused"
        assert status_of(row) == Status.AWAITING_APPROVAL

    def test_leaves_what_somebody_else_decided_meanwhile(self) -> None:
        row, abel = payout(100), approver()
        run = looked_through([row], by=approver())
        sign(row, abel)

        confirmed(run)

        assert outcomes(run) == {row.code: (Outcome.NOT_DONE, Cause.DECIDED)}
        assert abel.email in str(item_of(run, row).words)

    def test_rejects_with_one_code_and_words(self) -> None:
        ada = approver()
        row, own = payout(100), payout(101, created_by=ada)
        run = looked_through([row, own], by=ada, verdict=Verdict.REJECT)

        confirmed(run, code=RejectCode.DUPLICATE, reason="Paid on Monday.")

        assert outcomes(run) == {
            row.code: (Outcome.REJECTED, ""),
            own.code: (Outcome.LEFT_OUT, Cause.OWN),
        }
        row.refresh_from_db()
        assert (row.reject_code, row.status_reason) == (RejectCode.DUPLICATE, "Paid on Monday.")

    @pytest.mark.parametrize("verdict", Verdict)
    def test_tells_of_what_is_decided_though_its_worker_died_and_its_person_is_gone(
        self, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, row = approver(), payout(100)
        run = looked_through([row], by=ada, verdict=verdict)
        with monkeypatch.context() as patch:
            patch.setattr(bulk_items, "_note_receipt", die)
            with pytest.raises(Interrupted):
                confirmed(run, code=RejectCode.OTHER, reason="No contract.")
        User.objects.filter(pk=ada.pk).update(is_active=False)
        ada.grants.all().delete()
        BulkRun.objects.update(lease_until=None)

        worked(run)

        item = item_of(run, row)
        is_rejection = verdict == Verdict.REJECT
        assert item.outcome == (Outcome.REJECTED if is_rejection else Outcome.APPROVED)
        assert AuditEvent.objects.get(sequence=item.audit_number).by == ada

    def test_signs_nothing_for_somebody_whose_role_was_taken(self) -> None:
        ada, row = approver(), payout(100)
        run = looked_through([row], by=ada)
        actions.confirm_bulk_run(run_id=run.pk, by=ada, at=NOW)
        ada.grants.all().delete()

        worked(run)

        assert outcomes(run) == {row.code: (Outcome.NOT_DONE, Cause.ROLE)}

    def test_goes_on_after_a_fault_of_ours(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [payout(100), payout(101)]
        run = looked_through(rows, by=approver())
        original = bulk_items.decisions.sign_withdrawal

        def fail_once(**told: Any) -> Any:
            if told["withdrawal_id"] == rows[0].pk:
                raise ValueError("James Smith")
            return original(**told)

        monkeypatch.setattr(bulk_items.decisions, "sign_withdrawal", fail_once)
        confirmed(run)

        assert outcomes(run)[rows[0].code] == (Outcome.NOT_DONE, Cause.FAULT)
        assert outcomes(run)[rows[1].code] == (Outcome.APPROVED, "")
        assert "James" not in str(item_of(run, rows[0]).said)

    def test_calls_a_wait_for_others_busy_and_a_lost_database_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = payout(100)
        run = looked_through([row], by=approver())

        def lost(**_: Any) -> Any:
            raise OperationalError("server closed the connection")

        def locked(**_: Any) -> Any:
            raise OperationalError("database is locked")

        with monkeypatch.context() as patch:
            patch.setattr(bulk_items.decisions, "sign_withdrawal", lost)
            with pytest.raises(OperationalError):
                confirmed(run)
        assert outcomes(run) == {row.code: ("", "")}
        BulkRun.objects.update(lease_until=None)
        with monkeypatch.context() as patch:
            patch.setattr(bulk_items.decisions, "sign_withdrawal", locked)
            worked(run)
        assert outcomes(run) == {row.code: (Outcome.NOT_DONE, Cause.BUSY)}


class TestReading:
    """The provider is asked as often as it must be, and in turn with other work."""

    def test_reads_one_balance_for_many_payouts(self, line: Line) -> None:
        Balance.objects.update(as_of=NOW - timedelta(minutes=1))
        run = looked_through([payout(100), payout(101)], by=approver())
        Balance.objects.update(as_of=NOW)

        confirmed(run)

        assert line.asked == 0

    def test_decides_nothing_that_lies_there_without_their_word(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there, ours = WithdrawalFactory(seen_upstream=True), payout(100)
        Balance.objects.update(as_of=NOW - timedelta(minutes=1))
        run = looked_through([there, ours], by=approver())

        confirmed(run)  # the line is cut

        assert outcomes(run) == {
            there.code: (Outcome.NOT_DONE, Cause.UNREAD),
            ours.code: (Outcome.APPROVED, ""),
        }

    def test_waits_for_its_turn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        there = WithdrawalFactory(seen_upstream=True)
        run = looked_through([there], by=approver())

        def full(**_: Any) -> Any:
            raise RateLimited("busy", retry_after=30)

        monkeypatch.setattr("payments.actions.reads.get_client", full)
        confirmed(run)

        assert (run.state, outcomes(run)) == (BulkState.DECIDING, {there.code: ("", "")})
        assert running.work(run.pk) is None
        assert not BulkRun.objects.to_be_worked_on(now=NOW).exists()

        def down(**_: Any) -> Any:
            raise Unavailable("down")

        monkeypatch.setattr("payments.actions.reads.get_client", down)
        BulkRun.objects.update(next_at=NOW)  # its pause is over, by the database's own clock
        worked(run)
        assert outcomes(run) == {there.code: (Outcome.NOT_DONE, Cause.UNREAD)}


class TestProof:
    @pytest.fixture(autouse=True)
    def _tier(self, ready: None) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=1000, reauthenticate=True)

    def test_is_asked_for_once_and_counts_for_five_minutes(self) -> None:
        run = looked_through([payout(2000), payout(2001), payout(100)], by=approver())

        with pytest.raises(actions.ProofTooOld):
            actions.confirm_bulk_run(run_id=run.pk, by=run.by, at=NOW)
        actions.confirm_bulk_run(run_id=run.pk, by=run.by, at=NOW, proved_at=NOW)
        late = NOW + timedelta(minutes=6)
        everything_is_fresh(at=late)
        with at(late):
            worked(run)

        assert sorted(outcomes(run).values()) == [
            (Outcome.APPROVED, ""),
            (Outcome.NOT_DONE, Cause.PROOF),
            (Outcome.NOT_DONE, Cause.PROOF),
        ]

    def test_is_not_asked_for_where_no_tier_wants_it(self) -> None:
        run = confirmed(looked_through([payout(100)], by=approver()))

        assert run.state == BulkState.DONE


class TestGoingOn:
    def test_gives_the_first_receipt_to_what_was_decided_before_the_end_of_a_worker(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = [payout(100), payout(101)]
        run = looked_through(rows, by=approver())

        with monkeypatch.context() as patch:
            patch.setattr(bulk_items, "_note_receipt", die)
            with pytest.raises(Interrupted):
                confirmed(run)
        assert status_of(rows[0]) == Status.APPROVED
        assert running.work(run.pk) is None  # its lease has not run out
        BulkRun.objects.update(lease_until=None)
        worked(run)

        assert [item_of(run, row).outcome for row in rows] == [Outcome.APPROVED] * 2
        numbers = [item_of(run, row).audit_number for row in rows]
        signed = AuditEvent.objects.filter(verb="payments.withdrawal.signed").order_by("sequence")
        assert numbers == list(signed.values_list("sequence", flat=True))
        assert Command.objects.count() == Signature.objects.count() == 2

    def test_does_the_rest_in_the_next_slice(self) -> None:
        run = started([payout(100), payout(101)], by=approver())

        running.work(run.pk, seconds=0)
        first = list(run.items.order_by("position").values_list("plan", flat=True))
        worked(run)

        assert first == [Plan.SEND, ""]
        assert run.state == BulkState.READY

    def test_a_worker_that_was_overtaken_stops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run = started([payout(100), payout(101)], by=approver())

        def overtake(_: str) -> None:
            BulkRun.objects.update(fence=99, lease_until=None)

        with monkeypatch.context() as patch:
            patch.setattr(running, "reach", overtake)
            running.work(run.pk)

        assert list(run.items.to_look_at().values_list("position", flat=True)) == [2]
        assert worked(run).state == BulkState.READY

    def test_a_confirmed_dry_run_is_not_looked_at_again(self) -> None:
        row = payout(100)
        run = looked_through([row], by=approver())
        stale = item_of(run, row)
        stale.plan = ""
        Withdrawal.objects.filter(pk=row.pk).update(amount=Decimal(9900))

        bulk_items.look(run, stale)

        assert item_of(run, row).amount == 100


class TestStopping:
    def test_decides_no_more_and_keeps_the_receipts(self) -> None:
        rows = [payout(100), payout(101), payout(102)]
        run = looked_through(rows, by=approver())
        actions.confirm_bulk_run(run_id=run.pk, by=run.by, at=NOW)
        running.work(run.pk, seconds=0)
        # The second is signed, and its worker dies before the receipt.
        sign(rows[1], run.by, seen=item_of(run, rows[1]).seen)

        actions.drop_bulk_run(run_id=run.pk, by=run.by, at=NOW)
        assert run.items.to_decide().count() == 2
        worked(run)

        assert run.state == BulkState.STOPPED
        assert [item_of(run, row).outcome for row in rows] == [
            Outcome.APPROVED,
            Outcome.APPROVED,
            Outcome.NOT_DONE,
        ]
        assert item_of(run, rows[2]).cause == Cause.STOPPED
        assert status_of(rows[2]) == Status.AWAITING_APPROVAL

    def test_is_for_whoever_signs_once_it_decides(self) -> None:
        run, abel = looked_through([payout(100)], by=approver()), approver()
        actions.confirm_bulk_run(run_id=run.pk, by=run.by, at=NOW)

        with pytest.raises(NotPermitted):
            actions.drop_bulk_run(run_id=run.pk, by=maker(), at=NOW)
        actions.drop_bulk_run(run_id=run.pk, by=abel, at=NOW)

        assert worked(run).state == BulkState.STOPPED
        assert AuditEvent.objects.get(verb="payments.bulkrun.stopping").by == abel
        with pytest.raises(actions.BulkNotPossible, match="Only the person"):
            actions.retry_bulk_run(run_id=run.pk, by=abel, at=NOW)

    def test_discards_a_dry_run(self) -> None:
        run = looked_through([payout(100)], by=approver())

        for _ in range(2):
            actions.drop_bulk_run(run_id=run.pk, by=run.by, at=NOW)

        assert BulkRun.objects.get().state == BulkState.DROPPED
        item = run.items.get()
        assert (item.seen, item.recipient_name, item.account) == ("", "", "")
        with pytest.raises(actions.BulkNotPossible):
            actions.confirm_bulk_run(run_id=run.pk, by=run.by, at=NOW)


class TestForgetting:
    def test_discards_after_a_day_what_nobody_confirmed(self) -> None:
        forgotten, taken = (looked_through([payout(each)], by=approver()) for each in (100, 101))
        actions.confirm_bulk_run(run_id=taken.pk, by=taken.by, at=NOW)
        with at(NOW + timedelta(hours=23)):
            tasks.discard_forgotten_bulk_runs()
        assert BulkRun.objects.get(pk=forgotten.pk).state == BulkState.READY

        with at(NOW + timedelta(hours=24)):
            tasks.discard_forgotten_bulk_runs()
            tasks.discard_forgotten_bulk_runs()

        states = {run.pk: run.state for run in BulkRun.objects.all()}
        assert states == {forgotten.pk: BulkState.DROPPED, taken.pk: BulkState.DECIDING}
        item = forgotten.items.get()
        assert (item.seen, item.recipient_name, item.account) == ("", "", "")
        event = AuditEvent.objects.get(verb="payments.bulkrun.dropped")
        assert (event.by, event.by_label) == (None, "Lightdesk")
        assert event.reason == "Nobody confirmed it within 24 hours."


class TestTryingAgain:
    def test_takes_what_may_go_now_and_nothing_else(self) -> None:
        ada = approver()
        changed, decided, fine = payout(100), payout(101), payout(102)
        own = payout(103, created_by=ada)
        run = looked_through([changed, decided, fine, own], by=ada)
        Withdrawal.objects.filter(pk=changed.pk).update(description="another")
        sign(decided, approver())
        confirmed(run)

        again = actions.retry_bulk_run(run_id=run.pk, by=ada, at=NOW)
        worked(again)

        assert again.retry_of == run
        assert plans(again) == {changed.code: (Plan.SEND, "")}
        assert outcomes(confirmed(again)) == {changed.code: (Outcome.APPROVED, "")}
        with pytest.raises(actions.BulkNotPossible, match="Nothing was selected"):
            actions.retry_bulk_run(run_id=again.pk, by=ada, at=NOW)

    def test_waits_for_the_end(self) -> None:
        run = looked_through([payout(100)], by=approver())

        with pytest.raises(actions.BulkNotPossible, match="not ended"):
            actions.retry_bulk_run(run_id=run.pk, by=run.by, at=NOW)


class TestWhoMay:
    def test_begin_one(self) -> None:
        with pytest.raises(NotPermitted):
            started([payout(100)], by=maker())

    def test_go_on_with_one(self) -> None:
        run, other, mara = looked_through([payout(100)], by=approver()), approver(), maker()

        for act in (actions.confirm_bulk_run, actions.drop_bulk_run, actions.retry_bulk_run):
            with pytest.raises(actions.BulkNotPossible, match="Only the person"):
                act(run_id=run.pk, by=other, at=NOW)
            with pytest.raises(NotPermitted):
                act(run_id=run.pk, by=mara, at=NOW)

    def test_not_take_none_or_too_many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("payments.actions.bulk.MOST_AT_ONCE", 1)

        with pytest.raises(actions.BulkNotPossible, match="At most 1"):
            started([payout(100), payout(101)], by=approver())
        with pytest.raises(actions.BulkNotPossible, match="Nothing"):
            started([], by=approver())


class TestTrail:
    def test_tells_of_the_run_from_its_start_to_its_end(self) -> None:
        ada = approver()
        run = looked_through([payout(100), payout(101, created_by=ada)], by=ada)
        confirmed(confirmed(run))  # a second click changes nothing

        told = AuditEvent.objects.filter(subject_type="payments.bulkrun").order_by("sequence")
        assert list(told.values_list("verb", "by")) == [
            ("payments.bulkrun.started", ada.pk),
            ("payments.bulkrun.ready", None),
            ("payments.bulkrun.deciding", ada.pk),
            ("payments.bulkrun.done", None),
        ]
        assert told[2].after["totals"] == {"AUD": "1 payouts, 100.00"}
        assert told[3].after["groups"] == {"approved": 1, "left_out.own": 1}


class TestTables:
    def test_a_run_moves_by_the_table_and_nothing_else(self) -> None:
        run = started([payout(100)], by=approver())
        for current, wanted in itertools.product(BulkState, BulkState):
            BulkRun.objects.update(state=current)
            run.refresh_from_db()
            journal = Journal(by=None, at=NOW)
            if wanted in BULK_MOVES[current]:
                move(run, wanted, journal=journal, told={})
            else:
                with pytest.raises(BulkRunNotMovable):
                    move(run, wanted, journal=journal, told={})
            run.refresh_from_db()
            assert (run.state == wanted) == (wanted in BULK_MOVES[current] or wanted == current)

    def test_name_every_state(self) -> None:
        assert set(BULK_MOVES) == set(BulkState)
        assert {state for state in BulkState if not BULK_MOVES[state]} == {
            BulkState.DONE,
            BulkState.STOPPED,
            BulkState.DROPPED,
        }
        assert set(OUTCOMES) == set(Plan)
        assert frozenset().union(*OUTCOMES.values()) == set(Outcome)

    def test_hold_a_withdrawal_once(self) -> None:
        row = payout(100)
        run = started([row, row], by=approver())

        assert run.items.count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            BulkItem.objects.create(
                run=run,
                withdrawal=row,
                position=2,
                amount=1,
                currency="AUD",
                method="payid",
                upstream="luxcore",
            )

    @pytest.mark.parametrize(
        "wrong",
        [
            {"outcome": "approved"},
            {"plan": "other"},
            {"plan": "send", "outcome": "other"},
            {"plan": "leave", "outcome": "approved"},
            {"plan": "reject", "outcome": "signed"},
        ],
    )
    def test_refuse_an_outcome_that_its_plan_cannot_come_to(self, wrong: dict[str, str]) -> None:
        run = started([payout(100)], by=approver())

        with pytest.raises(IntegrityError), transaction.atomic():
            run.items.update(**wrong)
