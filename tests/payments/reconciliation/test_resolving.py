"""What people may do about a drift, who, and what comes of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from payments import actions
from payments.actions import DriftNotResolvable, ReasonMissing
from payments.enums import DriftState, PaymentStatus, Remedy, RemedyState
from payments.models import Drift, Payment, Resolution
from payments.reconciliation import remedies, resolving
from staff.models import AuditEvent, User
from staff.permissions import NotPermitted
from tests.payments.conftest import Line
from tests.payments.factories import DriftFactory, WithdrawalFactory
from tests.payments.reconciliation.conftest import Run
from tests.sandbox.helpers import Bench
from tests.staff.factories import UserFactory
from upstreams import outbox, webhooks
from upstreams.enums import CommandState, Upstream
from upstreams.models import Command, WebhookEvent

WHY = "Looked at both sides."


@pytest.fixture
def lead(db: None) -> User:
    return UserFactory(roles=["ops_lead"])


@pytest.fixture
def different(books: Bench, run: Run) -> Drift:
    """The reference of one payment is another one there."""
    payment = Payment.objects.filter(kind="deposit").order_by("pk")[0]
    books.act({"transaction_id": payment.upstream_id}, "change", merchant_reference="another")
    run()
    return Drift.objects.get()


def asked(drift: Drift, by: User, **changes: Any) -> dict[str, Any]:
    given = {"drift_id": drift.pk, "seen": drift.fingerprint, "reason": WHY, "by": by}
    return {**given, "at": timezone.now(), **changes}


def offered(drift: Drift) -> dict[str, bool]:
    return {offer.remedy.value: not offer.refused for offer in remedies.offers(drift)}


class TestWhoAndWhat:
    def test_needs_the_role(self, different: Drift) -> None:
        with pytest.raises(NotPermitted):
            actions.accept_theirs(**asked(different, UserFactory(roles=["approver"])))

    def test_needs_a_reason(self, different: Drift, lead: User) -> None:
        with pytest.raises(ReasonMissing):
            actions.read_again(**asked(different, lead, reason="  "))

    def test_needs_to_be_as_it_was_seen(self, different: Drift, lead: User) -> None:
        with pytest.raises(DriftNotResolvable, match="changed since you looked"):
            actions.accept_theirs(**asked(different, lead, seen="0" * 64))

    def test_is_done_by_one_at_a_time(self, different: Drift, lead: User) -> None:
        actions.read_again(**asked(different, lead))

        with pytest.raises(DriftNotResolvable, match="at it already"):
            actions.propose_write_off(**asked(different, lead))

    def test_what_is_closed_stays_closed(self, different: Drift, lead: User) -> None:
        actions.accept_theirs(**asked(different, lead))

        with pytest.raises(DriftNotResolvable, match="resolved already"):
            actions.accept_theirs(**asked(different, lead))

    def test_what_does_not_help_is_refused(self, different: Drift, lead: User) -> None:
        with pytest.raises(DriftNotResolvable, match="does not help"):
            actions.send_again(**asked(different, lead))

    def test_is_told_to_the_audit_trail(self, different: Drift, lead: User) -> None:
        actions.accept_theirs(**asked(different, lead))

        events = AuditEvent.objects.filter(verb__startswith="payments.drift.").order_by("sequence")
        assert [(event.verb, event.by, event.reason) for event in events] == [
            ("payments.drift.asked", lead, WHY),
            ("payments.drift.resolved", lead, WHY),
        ]


class TestAcceptTheirs:
    def test_takes_over_even_what_makes_it_the_payment_it_is(
        self, books: Bench, run: Run, lead: User
    ) -> None:
        payment = Payment.objects.filter(kind="deposit").order_by("pk")[0]
        books.act({"transaction_id": payment.upstream_id}, "change", amount=4242)
        run()

        actions.accept_theirs(**asked(Drift.objects.get(), lead))

        payment.refresh_from_db()
        assert payment.amount == Decimal("42.42")
        assert run().found == 0

    def test_never_opens_what_has_ended(self, books: Bench, run: Run) -> None:
        payment = Payment.objects.order_by("pk")[0]
        books.act({"transaction_id": payment.upstream_id}, "force", status="processing")
        Payment.objects.update(changed_at=timezone.now() - timedelta(hours=1))
        run()

        assert offered(Drift.objects.get()) == {
            "accept_theirs": False,
            "read_again": True,
            "write_off": True,
        }

    def test_never_rewrites_what_was_signed(self, different: Drift) -> None:
        WithdrawalFactory(sent=True, payment=different.payment)

        assert not offered(different)["accept_theirs"]

    def test_hands_an_event_out_once_more(self, books: Bench, run: Run, lead: User) -> None:
        made = books.create(merchant_reference="told by an event")
        shown = books.get(made)
        books.act(made, "hide")
        event = WebhookEvent.objects.create(
            upstream=Upstream.LUXCORE,
            event_id="evt_1",
            kind="payment.created",
            subject_id=made["transaction_id"],
            body=_body(shown),
            received_at=timezone.now() - timedelta(hours=1),
        )
        run()

        actions.accept_theirs(**asked(Drift.objects.get(event=event), lead))
        webhooks.process(event.pk)
        resolving.carry_out(Resolution.objects.get().pk, at=timezone.now())

        assert Drift.objects.get(event=event).state == DriftState.RESOLVED
        assert Payment.objects.filter(upstream_id=made["transaction_id"]).exists()


class TestReadAgain:
    def test_says_when_it_is_still_so(self, books: Bench, run: Run, lead: User) -> None:
        payment = Payment.objects.order_by("pk")[0]
        books.act({"transaction_id": payment.upstream_id}, "hide")
        run()
        drift = Drift.objects.get()

        tried = actions.read_again(**asked(drift, lead))
        tried = resolving.carry_out(tried.pk, at=timezone.now())

        assert (tried.state, tried.outcome) == (RemedyState.IN_VAIN, "It is still so.")
        assert Drift.objects.get().state == DriftState.OPEN

    def test_waits_for_a_provider_that_does_not_answer(
        self, different: Drift, line: Line, books: Bench, lead: User
    ) -> None:
        tried = actions.read_again(**asked(different, lead))
        client, line.client = line.client, None

        tried = resolving.carry_out(tried.pk, at=timezone.now())
        assert (tried.state, bool(tried.outcome)) == (RemedyState.WAITING, True)

        line.client = client
        ours = different.ours["reference"]
        books.act({"transaction_id": different.subject}, "change", merchant_reference=ours)
        assert resolving.carry_out(tried.pk, at=timezone.now()).state == RemedyState.DONE

    def test_twice_is_dull(self, different: Drift, lead: User, line: Line) -> None:
        tried = actions.read_again(**asked(different, lead))
        resolving.carry_out(tried.pk, at=timezone.now())
        asked_before = line.asked

        resolving.carry_out(tried.pk, at=timezone.now())

        assert line.asked == asked_before


class TestWriteOff:
    def test_takes_two(self, different: Drift, lead: User, run: Run) -> None:
        tried = actions.propose_write_off(**asked(different, lead))
        confirm = {"resolution_id": tried.pk, "seen": different.fingerprint, "at": timezone.now()}

        with pytest.raises(DriftNotResolvable, match="somebody else"):
            actions.confirm_resolution(**confirm, by=lead)
        with pytest.raises(NotPermitted):
            actions.confirm_resolution(**confirm, by=UserFactory(roles=["viewer"]))
        actions.confirm_resolution(**confirm, by=UserFactory(roles=["maker"]))

        again = run()
        assert (again.found, sum(row.settled for row in again.totals.all())) == (0, 1)
        assert Drift.objects.get().state == DriftState.WRITTEN_OFF

    def test_comes_back_when_it_changes(
        self, different: Drift, books: Bench, lead: User, run: Run
    ) -> None:
        tried = actions.propose_write_off(**asked(different, lead))
        actions.confirm_resolution(
            resolution_id=tried.pk,
            seen=different.fingerprint,
            by=UserFactory(roles=["approver"]),
            at=timezone.now(),
        )
        payment = {"transaction_id": different.subject}
        books.act(payment, "change", merchant_reference="a third one")

        assert run().found == 1
        assert Drift.objects.get().state == DriftState.OPEN

    def test_is_confirmed_as_it_was_proposed(
        self, different: Drift, books: Bench, lead: User, run: Run
    ) -> None:
        tried = actions.propose_write_off(**asked(different, lead))
        payment = {"transaction_id": different.subject}
        books.act(payment, "change", merchant_reference="a third one")
        run()

        with pytest.raises(DriftNotResolvable, match="changed since you looked"):
            actions.confirm_resolution(
                resolution_id=tried.pk,
                seen=different.fingerprint,
                by=UserFactory(roles=["approver"]),
                at=timezone.now(),
            )

    def test_may_be_dropped(self, different: Drift, lead: User) -> None:
        tried = actions.propose_write_off(**asked(different, lead))

        actions.drop_resolution(resolution_id=tried.pk, by=lead, at=timezone.now())

        tried.refresh_from_db()
        assert tried.state == RemedyState.DROPPED
        assert Drift.objects.get().state == DriftState.OPEN

    def test_ends_with_a_drift_that_goes_by_itself(
        self, different: Drift, books: Bench, lead: User, run: Run
    ) -> None:
        tried = actions.propose_write_off(**asked(different, lead))
        ours = different.ours["reference"]
        books.act({"transaction_id": different.subject}, "change", merchant_reference=ours)

        run()

        tried.refresh_from_db()
        assert (tried.state, Drift.objects.get().state) == (RemedyState.DROPPED, DriftState.GONE)


class TestSendAgain:
    @pytest.fixture
    def stuck(self, books: Bench, run: Run) -> Drift:
        from tests.payments.reconciliation.test_every_kind import seeded_stuck

        seeded_stuck()
        run()
        return Drift.objects.get()

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"state": CommandState.SENDING}, "It is sending."),
            ({"state": CommandState.WITHDRAWN}, "Nothing in the outbox sends it"),
            (
                {"state": CommandState.UNKNOWN, "outcome": {"outcome": "mismatch"}},
                "people compare both first",
            ),
        ],
    )
    def test_is_refused_where_the_outbox_does(
        self, stuck: Drift, changes: dict[str, Any], why: str
    ) -> None:
        Command.objects.update(**changes)

        assert why in remedies.refusal(stuck, Remedy.SEND_AGAIN)

    def test_is_refused_while_sending_is_stopped(self, stuck: Drift) -> None:
        outbox.stop_sending(Upstream.LUXCORE, reason="x", by_label="x", at=timezone.now())

        assert "stopped" in remedies.refusal(stuck, Remedy.SEND_AGAIN)

    def test_never_makes_a_second_payment(self, stuck: Drift, books: Bench, lead: User) -> None:
        """What may have been sent is looked for first, and found."""
        withdrawal = stuck.withdrawal
        assert withdrawal is not None
        books.control("/balances", {"currency": "AUD", "available": 1_000_000})
        command = Command.objects.get()
        headers = {"Content-Type": "application/json"}
        books.api.post("/payments", content=command.request_bytes, headers=headers)
        withdrawal.status = "unknown"
        withdrawal.save(update_fields=["status"])
        Command.objects.update(state=CommandState.UNKNOWN, next_at=None, doubts=9)

        actions.send_again(**asked(stuck, lead))
        outbox.deliver(command.pk)

        reference = withdrawal.merchant_reference
        assert books.control(f"/payments?reference={reference}")["total"] == 1
        withdrawal.refresh_from_db()
        assert withdrawal.payment is not None

    def test_gives_up_after_an_hour(self, stuck: Drift, lead: User) -> None:
        tried = actions.send_again(**asked(stuck, lead))

        tried = resolving.carry_out(tried.pk, at=timezone.now() + timedelta(minutes=59))
        assert tried.state == RemedyState.WAITING
        tried = resolving.carry_out(tried.pk, at=timezone.now() + timedelta(minutes=61))
        assert tried.state == RemedyState.IN_VAIN


def test_a_payment_open_for_too_long_is_stuck(books: Bench, run: Run) -> None:
    Payment.objects.filter(pk=Payment.objects.order_by("pk")[0].pk).update(
        status=PaymentStatus.IN_PROGRESS, created_at=timezone.now() - timedelta(days=3)
    )
    run(first_day=timezone.now().date(), last_day=timezone.now().date())

    drift = Drift.objects.get()
    assert (drift.kind, set(offered(drift))) == ("stuck", {"read_again", "write_off"})


def test_masks_personal_data_as_the_role_demands(lead: User) -> None:
    from tests.payments.pages.helpers import as_role, text_of

    drift = DriftFactory()

    clear = text_of(as_role("viewer").get(drift.get_absolute_url()))
    masked = text_of(as_role("agent").get(drift.get_absolute_url()))

    assert "James Smith" in clear
    assert "James" not in masked
    assert "james@example.com" not in clear + masked


def _body(shown: dict[str, Any]) -> bytes:
    import json

    return json.dumps({"id": "evt_1", "event": "payment.created", "payment": shown}).encode()
