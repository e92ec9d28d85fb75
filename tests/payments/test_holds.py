"""A held customer's payouts are neither signed nor sent, and go on by themselves afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from customers import actions as customer_actions
from customers import mirror
from customers.enums import HoldKind
from customers.models import Customer, Hold, Link
from payments import actions, checks
from payments.enums import Level, Status
from payments.models import Withdrawal
from staff.models import User
from tests.customers.factories import CustomerFactory, HoldFactory, LinkFactory, record
from tests.payments.conftest import Line
from tests.payments.deciding import sign
from tests.payments.factories import NOW, WithdrawalFactory, approver, payment_json
from tests.payments.pages.helpers import as_role, at, page, text_of
from tests.payments.test_senders import command_of, deliver
from tests.staff.factories import UserFactory
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command
from upstreams.outbox.doubts import LADDER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ready", "line")]


def hold(withdrawal: Withdrawal, by: User | None = None, **told: Any) -> Hold:
    wanted = {"kind": HoldKind.MANUAL, "reason": "Police.", "at": NOW} | told
    return actions.hold_customer(
        withdrawal_id=withdrawal.pk, by=by or UserFactory(roles=["reviewer"]), **wanted
    )


def lift(held: Hold) -> None:
    lead = UserFactory(roles=["compliance_lead"])
    actions.lift_hold(hold_id=held.pk, reason="Cleared.", by=lead, at=NOW)


def status_of(withdrawal: Withdrawal) -> str:
    return Withdrawal.objects.get(pk=withdrawal.pk).status


class TestCheck:
    def found(self, withdrawal: Withdrawal) -> checks.Check:
        (check,) = [one for one in checks.run(withdrawal, now=NOW) if one.code == "hold"]
        return check

    def test_names_kind_moment_and_person(self) -> None:
        held = HoldFactory(kind=HoldKind.KYC)

        check = self.found(WithdrawalFactory())

        assert check.level == Level.BLOCK
        assert check.text == (
            "The customer is held: KYC hold since 2026-02-18 10:30 UTC, "
            f"placed by {held.placed_by.email}."
        )

    def test_passes_once_lifted_and_for_others(self) -> None:
        lift(HoldFactory())
        HoldFactory(customer=CustomerFactory(email="mona@example.com", phone=""))

        assert self.found(WithdrawalFactory()).level == Level.PASS

    def test_another_email_at_the_provider_lets_nothing_go(self) -> None:
        """A payout that is linked to nobody, held by the e-mail that its customer had."""
        mirror.store_profiles([record()], at=NOW)
        customer = Customer.objects.get()
        HoldFactory(customer=customer)
        withdrawal = WithdrawalFactory(
            customer_email=customer.email, customer_phone=customer.phone, customer_number=""
        )
        assert self.found(withdrawal).level == Level.BLOCK

        moved = {"email": "new@example.com", "phone": "+61499999999"}
        mirror.store_profiles([record(updated_at="2026-11-20T00:00:00Z", **moved)], at=NOW)

        assert self.found(withdrawal).level == Level.BLOCK

    def test_is_a_flag_of_what_a_hold_still_stops(self) -> None:
        HoldFactory()
        waiting, sent = WithdrawalFactory(), WithdrawalFactory(sent=True, amount=Decimal(1))

        flags = checks.flags_for([waiting, sent])

        assert "held" in [flag.text for flag in flags[waiting.pk]]
        assert "held" not in [flag.text for flag in flags[sent.pk]]


class TestLinkedCustomers:
    """One person under two e-mails: a hold on one row stops the payouts of the other."""

    @pytest.fixture
    def link(self) -> Link:
        james = CustomerFactory()
        other = CustomerFactory(email="other@example.com", phone="")
        HoldFactory(customer=other)
        link = LinkFactory(other=other, into=james)
        return customer_actions.accept_link(
            link_id=link.pk, reason="One.", by=UserFactory(roles=["reviewer"]), at=NOW
        )

    def test_are_held_together(self, link: Link) -> None:
        withdrawal = WithdrawalFactory(customer_email="James@example.com")

        with pytest.raises(actions.Blocked):
            sign(withdrawal, approver())

        assert status_of(withdrawal) == Status.AWAITING_APPROVAL

    def test_are_free_of_each_other_once_taken_apart(self, link: Link) -> None:
        withdrawal = WithdrawalFactory(customer_email="James@example.com")
        customer_actions.undo_link(
            link_id=link.pk, reason="Two.", by=UserFactory(roles=["compliance_lead"]), at=NOW
        )

        sign(withdrawal, approver())

        assert status_of(withdrawal) == Status.APPROVED

    def test_what_was_signed_before_the_link_is_not_sent(
        self, answering: Callable[..., None]
    ) -> None:
        james, other = CustomerFactory(), CustomerFactory(email="other@example.com", phone="")
        HoldFactory(customer=other)
        withdrawal = WithdrawalFactory(customer_email="James@example.com")
        sign(withdrawal, approver())
        answering(lambda request: pytest.fail("it was sent"))
        link = LinkFactory(other=other, into=james)
        customer_actions.accept_link(
            link_id=link.pk, reason="One.", by=UserFactory(roles=["reviewer"]), at=NOW
        )

        deliver(withdrawal)

        assert status_of(withdrawal) == Status.APPROVED


class TestHolding:
    def test_makes_a_customer_known_who_was_not(self) -> None:
        withdrawal = WithdrawalFactory()

        held = hold(withdrawal)

        assert held.customer.email == withdrawal.customer_email
        assert hold(withdrawal) == held
        assert Customer.objects.count() == 1

    def test_takes_the_customer_it_is_linked_to(self) -> None:
        customer = CustomerFactory(email="other@example.com")

        assert hold(WithdrawalFactory(customer=customer)).customer == customer

    def test_needs_somebody_to_hold(self) -> None:
        nobody = {"customer_email": "", "customer_phone": ""}

        with pytest.raises(actions.NotPossible, match="whose payout"):
            hold(WithdrawalFactory(**nobody))
        with pytest.raises(actions.NotPossible, match="Without an e-mail"):
            hold(WithdrawalFactory(**nobody, customer_external_id="usr_9"))

    def test_knows_somebody_by_luxcores_number_alone(self) -> None:
        """Of a payout on LuxCore's page nothing else need be told."""
        told = {"customer_email": "", "customer_phone": "", "customer_number": "4711"}

        held = hold(WithdrawalFactory(hosted=True, **told))

        other = WithdrawalFactory(hosted=True, **told)
        assert checks.no_hold(other, NOW).level == Level.BLOCK
        assert held.customer.identities.get().upstream_id == "4711"


class TestSigning:
    def test_is_blocked(self) -> None:
        withdrawal = WithdrawalFactory()
        hold(withdrawal)

        with pytest.raises(actions.Blocked, match="Manual hold"):
            sign(withdrawal, approver())

        assert not withdrawal.signatures.exists()

    def test_is_blocked_between_two_signatures(self) -> None:
        from payments.models import Policy

        Policy.objects.update(signatures=2)
        withdrawal = WithdrawalFactory()
        sign(withdrawal, approver())
        held = hold(withdrawal)

        with pytest.raises(actions.Blocked):
            sign(withdrawal, approver())

        lift(held)
        sign(withdrawal, approver())
        assert status_of(withdrawal) == Status.APPROVED

    def test_is_looked_at_under_the_lock_of_the_chain(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Placed by somebody else after the checks ran."""
        withdrawal = WithdrawalFactory()
        monkeypatch.setattr(
            "payments.actions.decisions._refuse_signer", lambda *_, **__: HoldFactory()
        )

        with pytest.raises(actions.Blocked):
            sign(withdrawal, approver())


class TestSending:
    def signed(self) -> Withdrawal:
        withdrawal = WithdrawalFactory()
        sign(withdrawal, approver())
        return withdrawal

    def test_waits_and_goes_on_once_lifted(
        self, line: Line, answering: Callable[..., None]
    ) -> None:
        withdrawal = self.signed()
        held = hold(withdrawal)
        asked = line.asked

        assert deliver(withdrawal) is None
        assert status_of(withdrawal) == Status.APPROVED
        assert "Manual hold" in command_of(withdrawal).error
        assert line.asked == asked

        lift(held)
        told = payment_json(merchant_reference=withdrawal.merchant_reference)
        answering(lambda _: httpx.Response(201, json=told))
        assert deliver(withdrawal) == CommandState.DONE
        assert status_of(withdrawal) == Status.SENT

    def test_stops_what_was_claimed_before(
        self, line: Line, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal = self.signed()
        asked = line.asked

        def reached(point: str) -> None:
            if point == "outbox.sending":
                hold(withdrawal)

        monkeypatch.setattr("upstreams.outbox.calling.reach", reached)

        assert deliver(withdrawal) == CommandState.QUEUED
        assert status_of(withdrawal) == Status.APPROVED
        assert line.asked == asked
        actions.undo_approval(withdrawal_id=withdrawal.pk, by=approver(), at=NOW, reason="Held.")
        assert status_of(withdrawal) == Status.AWAITING_APPROVAL

    def test_sends_nothing_again_after_a_doubt(self, answering: Callable[..., None]) -> None:
        withdrawal = self.signed()
        calls: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            calls.append(request.method)
            if request.method == "POST":
                raise httpx.ReadTimeout("late", request=request)
            empty = {"limit": 100, "offset": 0, "total_pages": 0}
            body = {"success": True, "data": [], "total": 0, "pagination": empty}
            return httpx.Response(200, json=body)

        answering(answer)
        assert deliver(withdrawal) == CommandState.UNKNOWN
        hold(withdrawal)

        assert deliver(withdrawal) == CommandState.UNKNOWN

        assert calls.count("POST") == 1
        assert calls[-1] == "GET"
        assert command_of(withdrawal).next_at is not None

        Command.objects.update(doubts=len(LADDER))
        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert outbox.waits_for_people(command_of(withdrawal))
        assert calls.count("POST") == 1


class TestPages:
    @pytest.fixture(autouse=True)
    def _now(self) -> Any:
        with at(NOW):
            yield

    def test_place_and_lift(self) -> None:
        withdrawal = WithdrawalFactory()
        lead = as_role("compliance_lead")
        assert "Place a hold…" in text_of(lead.get(page(withdrawal)))

        assert lead.get(page(withdrawal, "hold/")).status_code == 200
        answer = lead.post(page(withdrawal, "hold/"), {"kind": "kyc", "reason": "No passport."})

        held = Hold.objects.get()
        shown = text_of(lead.get(page(withdrawal)))
        assert answer.status_code == 302
        assert "No passport." in shown
        assert "KYC hold" in shown

        lifting = page(withdrawal, f"hold/{held.pk}/")
        assert "No passport." in text_of(lead.get(lifting))
        assert lead.post(lifting, {"reason": "Seen it."}).status_code == 302
        assert "Lift it…" not in text_of(lead.get(page(withdrawal)))

    def test_tell_it_on_the_timeline_of_what_was_open_then(self) -> None:
        ended = WithdrawalFactory(refused=True, settled_at=NOW - timedelta(minutes=1))
        withdrawal = WithdrawalFactory(customer_phone="0061 412 345 678", customer_email="")
        held = hold(WithdrawalFactory(), reason="Police. See ticket 9.")
        lift(held)
        client = as_role("viewer")

        shown = text_of(client.get(page(withdrawal)))

        assert "held the customer" in shown
        assert "Police. See ticket 9." in shown
        assert "let the customer go" in shown
        assert "held the customer" not in text_of(client.get(page(ended)))

    def test_offer_what_the_role_may_do(self) -> None:
        withdrawal = WithdrawalFactory()
        hold(withdrawal)

        made, judged = as_role("maker"), as_role("reviewer")

        assert "Place a hold…" not in text_of(made.get(page(withdrawal)))
        assert "Place a hold…" in text_of(judged.get(page(withdrawal)))
        assert "Lift it…" not in text_of(judged.get(page(withdrawal)))

    def test_keep_what_was_typed(self) -> None:
        withdrawal = WithdrawalFactory(customer_email="", customer_phone="")

        answer = as_role("reviewer").post(
            page(withdrawal, "hold/"), {"kind": "ticket", "reason": "Ticket 12."}
        )

        assert answer.status_code == 422
        assert "Ticket 12." in text_of(answer)
        assert "nobody can be held" in text_of(answer)

    def test_know_only_the_holds_of_this_customer(self) -> None:
        other = HoldFactory(customer=CustomerFactory(email="mona@example.com", phone=""))

        answer = as_role("compliance_lead").get(page(WithdrawalFactory(), f"hold/{other.pk}/"))

        assert answer.status_code == 404

    def test_mask_what_the_reason_repeats(self) -> None:
        withdrawal = WithdrawalFactory()
        hold(withdrawal, reason="Ask james@example.com again.")

        assert "james@example.com" not in text_of(as_role("viewer").get(page(withdrawal)))

    def test_show_it_in_the_queue(self) -> None:
        HoldFactory(customer=WithdrawalFactory(customer=CustomerFactory()).customer)

        assert ">held<" in text_of(as_role("approver").get("/withdrawals/")).replace(" ", "")
