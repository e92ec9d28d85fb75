from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from payments import actions, mirror
from payments.enums import PaymentStatus, SeenBy, Status
from payments.models import Withdrawal
from staff import audit, claims
from staff.models import Claim
from tests.customers.factories import HoldFactory
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    PolicyFactory,
    SignatureFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
    record_for,
    seen_by,
)
from tests.payments.pages.helpers import as_role, at, client_of, page, text_of
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command, SendingSwitch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    everything_is_fresh()
    with at(NOW):
        yield


def command_of(row: Withdrawal, **fields: Any) -> Command:
    subject_type, subject_id = audit.subject_of(row)
    facts = {
        "kind": "luxcore.payout",
        "upstream": row.upstream,
        "subject_type": subject_type,
        "subject_id": subject_id,
        "attempt_no": 1,
        "request": b"{}",
        "request_hash": "0" * 64,
        "idempotency_key": row.merchant_reference,
        "created_at": NOW,
    }
    return Command.objects.create(**(facts | fields))


def told(row: Withdrawal, **members: Any) -> None:
    """LuxCore tells of the payment of this withdrawal."""
    mirror.store_payments([record_for(row, **members)], seen_by=SeenBy.POLL, at=NOW)


class TestFacts:
    def test_show_what_is_paid_to_whom_and_by_which_rail(self) -> None:
        row = WithdrawalFactory(created_by=maker(email="mara@lightdesk.test"))

        text = text_of(as_role("approver").get(page(row)))

        for words in ("2,500.00", "AUD", "James Smith", "PayID", "j••••@e••••.com", "mara@"):
            assert words in text
        assert "james@example.com" not in text

    def test_show_the_checks_with_their_age(self) -> None:
        text = text_of(as_role("approver").get(page(WithdrawalFactory())))

        assert "No similar payout within 72 hours." in text
        assert "First payout to this account." in text
        assert "as of" in text

    def test_show_the_last_payouts_to_the_same_account(self) -> None:
        row = WithdrawalFactory()
        others = [WithdrawalFactory(created_at=NOW - timedelta(days=n + 4)) for n in range(7)]
        WithdrawalFactory(payid="other@example.com")

        response = as_role("approver").get(page(row))

        assert response.context["last_ones"] == others[:5]

    def test_show_who_signed_and_who_may(self) -> None:
        PolicyFactory(version=1, currency="AUD", signatures=2)
        row = WithdrawalFactory()
        SignatureFactory(withdrawal=row, by=approver(email="abel@lightdesk.test"))

        text = text_of(as_role("approver").get(page(row)))

        assert "abel@lightdesk.test" in text
        assert "Signature missing" in text
        assert "Any approver or ops lead who neither wrote it nor signed it." in text
        assert "Policy v1, AUD: 2 signatures." in text

    def test_cost_no_more_with_a_long_history(self) -> None:
        client, row = as_role("approver"), WithdrawalFactory()
        with CaptureQueriesContext(connection) as short:
            client.get(page(row))
        for number in range(20):
            SignatureFactory(withdrawal=row, voided_at=NOW)
            WithdrawalFactory(created_at=NOW - timedelta(days=number + 5))

        with CaptureQueriesContext(connection) as long:
            client.get(page(row))

        assert len(long) == len(short)

    def test_tell_the_story_in_words(self) -> None:
        mara = maker(email="mara@lightdesk.test")
        row = WithdrawalFactory(created_by=mara)
        ada = approver()
        actions.reject_withdrawal(
            withdrawal_id=row.pk,
            seen=seen_by(ada, row),
            code="other",
            reason="The customer called.",
            by=ada,
            at=NOW,
        )

        text = text_of(client_of(ada).get(page(row)))

        assert "rejected it" in text
        assert "The customer called." in text
        assert "audit #" in text


class TestDecisionRail:
    def test_offers_an_approver_the_question_and_never_the_answer(self) -> None:
        row = WithdrawalFactory()

        text = text_of(as_role("approver").get(page(row)))

        assert "Approve 2,500.00 AUD…" in text
        assert f'href="/withdrawals/{row.code}/approve/?saw=' in text
        assert f'action="/withdrawals/{row.code}/approve/' not in text

    @pytest.mark.parametrize(
        ("role", "why"),
        [
            ("maker", "Your roles do not sign withdrawals."),
            ("viewer", "Your roles do not sign withdrawals."),
            ("auditor", "Your roles do not sign withdrawals."),
        ],
    )
    def test_says_why_beside_a_button_that_is_refused(self, role: str, why: str) -> None:
        response = as_role(role).get(page(WithdrawalFactory()))

        assert why in text_of(response)
        assert "disabled" in text_of(response)

    def test_says_to_a_writer_that_somebody_else_signs(self) -> None:
        # A lead who was a maker before: the right to sign does not help.
        ada = approver()
        row = WithdrawalFactory(last_edited_by=ada)

        assert "You wrote this withdrawal" in text_of(client_of(ada).get(page(row)))

    def test_says_what_blocks_it(self) -> None:
        row = WithdrawalFactory(amount=Decimal("99000000.00"))

        assert "A check blocks it: The balance is" in text_of(as_role("approver").get(page(row)))

    def test_lets_a_maker_change_and_retract_their_own(self) -> None:
        mara = maker()
        row = WithdrawalFactory(created_by=mara)

        text = text_of(client_of(mara).get(page(row)))

        assert f'href="/withdrawals/{row.code}/amend/"' in text
        assert f'href="/withdrawals/{row.code}/retract/"' in text

    def test_lets_a_maker_make_a_new_one_from_a_refused_one(self) -> None:
        row = WithdrawalFactory(refused=True)

        assert f"/withdrawals/new/?copy_of={row.code}" in text_of(as_role("maker").get(page(row)))


class TestWithinTheView:
    def test_knows_its_place_and_its_neighbours(self) -> None:
        rows = [WithdrawalFactory(created_at=NOW - timedelta(minutes=9 - n)) for n in range(4)]

        response = as_role("approver").get(page(rows[1]) + "?tab=mine&currency=AUD")

        assert response.context["place_words"] == "2 of 4"
        assert response.context["previous"] == page(rows[0]) + "?tab=mine&currency=AUD"
        assert response.context["next"] == page(rows[2]) + "?tab=mine&currency=AUD"
        assert 'href="/withdrawals/?tab=mine&currency=AUD"' in text_of(response)

    def test_says_when_it_is_in_the_view_no_more(self) -> None:
        row = WithdrawalFactory(sent=True)

        response = as_role("approver").get(page(row) + "?tab=mine")

        assert response.context["place_words"] == "not in this queue, 0 there"


class TestClaims:
    def test_are_taken_renewed_and_given_back(self) -> None:
        row, ada = WithdrawalFactory(), approver()
        client = client_of(ada)

        claimed = client.post(page(row, "claim/") + "?tab=all", follow=True)
        released = client.post(page(row, "release/"), follow=True)

        assert "You look at it" in text_of(claimed)
        assert claimed.redirect_chain[-1][0] == page(row) + "?tab=all"
        assert "Nobody is looking at it." in text_of(released)

    def test_name_who_holds_it(self) -> None:
        row = WithdrawalFactory()
        claims.claim(subject=row, by=approver(name="Abel Approver"), at=NOW)

        response = as_role("approver").post(page(row, "claim/"), follow=True)

        assert "Abel Approver is looking at this until" in text_of(response)

    def test_are_taken_over_with_a_reason(self) -> None:
        row, ada = WithdrawalFactory(), approver()
        claims.claim(subject=row, by=approver(), at=NOW)

        client_of(ada).post(page(row, "claim/"), {"reason": "Abel went home."})

        assert Claim.objects.get().user == ada


class TestLiveFragment:
    @pytest.mark.parametrize("trait", ["approved", "sending", "sent", "unknown"])
    def test_is_asked_for_every_two_seconds_while_it_can_move(self, trait: str) -> None:
        row = WithdrawalFactory(**{trait: True})
        client = as_role("approver")

        assert 'hx-trigger="every 2s"' in text_of(client.get(page(row)))
        assert client.get(page(row, "live/")).status_code == 200

    @pytest.mark.parametrize("trait", ["refused"])
    def test_stops_when_all_is_over(self, trait: str) -> None:
        row = WithdrawalFactory(**{trait: True})
        client = as_role("approver")

        assert 'id="life" data-live' not in text_of(client.get(page(row)))
        assert client.get(page(row, "live/")).status_code == 286

    def test_brings_the_new_state_to_every_part_of_the_page(self) -> None:
        row = WithdrawalFactory(
            sent=True,
            payment=PaymentFactory(status=PaymentStatus.IN_PROGRESS, upstream_status="processing"),
        )
        client = as_role("approver")
        still = text_of(client.get(page(row, "live/?was=sent")))
        Withdrawal.objects.filter(pk=row.pk).update(status=Status.COMPLETED, settled_at=NOW)

        moved = client.get(page(row, "live/?was=sent"))

        assert "hx-swap-oob" not in still
        assert moved.status_code == 286
        assert text_of(moved).count("hx-swap-oob") == 3
        assert 'data-announce="' in text_of(moved)
        assert "The money was paid out." in text_of(moved)


class TestWhatIsSaid:
    def test_while_it_can_be_undone(self) -> None:
        row = WithdrawalFactory(approved=True)
        command_of(row, next_at=NOW + timedelta(seconds=5))

        text = text_of(as_role("approver").get(page(row)))

        assert "Undo (5 s left)" in text
        assert "It is sent in 5 seconds." in text
        assert "Nothing has been sent yet." in text

    def test_while_sending_is_stopped(self) -> None:
        row = WithdrawalFactory(approved=True)
        outbox.stop_sending("luxcore", reason="Drill.", by_label="lead", at=NOW)

        text = text_of(as_role("approver").get(page(row)))

        assert (
            "Sending to LuxCore is stopped: “Drill.” It goes when an ops lead resumes sending."
            in text
        )
        assert SendingSwitch.objects.get().is_on is False

    def test_while_it_is_on_its_way(self) -> None:
        row = WithdrawalFactory(sending=True)
        command_of(row, state=CommandState.SENDING, attempts=1)

        text = text_of(as_role("approver").get(page(row)))

        assert "The request is on its way to LuxCore." in text
        assert "LuxCore: not sent" not in text

    def test_while_a_machine_still_looks_for_the_answer(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=2, next_at=NOW + timedelta(seconds=40))

        text = text_of(as_role("approver").get(page(row)))

        assert "It may have been paid. Do not pay it in any other way." in text
        assert "if it is not found after 5 more looks, two people settle it. The desk looks" in text
        assert "in 40 s" in text
        assert "Settle it" not in text

    def test_once_people_must_find_out(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=6, next_at=None)

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "A maker or an ops lead reads what became of it at LuxCore" in text
        assert f'href="/withdrawals/{row.code}/settle/"' in text

    def test_once_the_key_was_changed(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command = command_of(row, state=CommandState.UNKNOWN, attempts=2, next_at=NOW)
        Command.objects.filter(pk=command.pk).update(credential="0123456789ab")

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "The key was changed since it was sent" in text
        assert "we look for it" not in text
        assert f'href="/withdrawals/{row.code}/settle/"' in text

    def test_while_nobody_looks_because_sending_is_stopped(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=2, next_at=NOW)
        outbox.stop_sending("luxcore", reason="drill", by_label="lead", at=NOW)

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "Sending to LuxCore is stopped: it is looked for when resumed." in text

    def test_once_it_was_settled_by_the_providers_word(self) -> None:
        row = WithdrawalFactory(sent=True)

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "Two people settled it by the written word of LuxCore." in text
        assert "not sent" not in text

    def test_while_something_keeps_it_from_being_sent(self) -> None:
        row = WithdrawalFactory(approved=True)
        command = command_of(row, next_at=NOW + timedelta(seconds=30))
        Command.objects.filter(pk=command.pk).update(error="The customer is on hold.")

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "It could not be sent yet: The customer is on hold." in text

    def test_when_the_provider_said_no(self) -> None:
        row = WithdrawalFactory(refused=True)

        text = text_of(as_role("maker").get(page(row)))

        assert "LuxCore refused it: The balance is too low." in text
        assert "No money has moved." in text

    def test_when_it_was_seen_at_the_provider(self) -> None:
        row = WithdrawalFactory(seen_upstream=True)

        text = text_of(as_role("approver").get(page(row)))

        assert "To sign only records that you agree" in text
        assert "LuxCore:" in text

    def test_when_the_money_came_back(self) -> None:
        row = WithdrawalFactory(sending=True)
        told(row, status="completed")
        told(row, status="refunded")

        text = text_of(as_role("maker").get(page(row)))

        assert "It was paid, and later LuxCore said: refunded." in text
        assert "The money came back to us." in text
        assert "The money was paid out." not in text
        assert "sent the money back, or part of it" in text
        assert f'href="/withdrawals/new/?copy_of={row.code}"' in text

    def test_when_it_was_rejected_and_paid_all_the_same(self) -> None:
        row = WithdrawalFactory(seen_upstream=True, status=Status.REJECTED, settled_at=NOW)
        told(row, status="completed", transaction_id=row.payment.upstream_id)

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "LuxCore paid it all the same." in text
        assert "An ops lead asks LuxCore for the money back." in text
        assert "went on with it, although it was rejected here" in text

    @pytest.mark.parametrize("way", ["came back", "rejected"])
    def test_a_contradiction_waits_for_somebody_until_they_have_looked(self, way: str) -> None:
        if way == "came back":
            row = WithdrawalFactory(sending=True)
            told(row, status="completed")
            told(row, status="refunded")
        else:
            row = WithdrawalFactory(seen_upstream=True, status=Status.REJECTED, settled_at=NOW)
            told(row, status="completed", transaction_id=row.payment.upstream_id)
        client = as_role("ops_lead")
        queues = Withdrawal.objects

        assert queues.all().needs_attention(now=NOW).get() == row
        assert not queues.all().done().exists()
        assert "Mark as looked after" in text_of(client.get(page(row)))
        client.post(f"/withdrawals/{row.code}/attend/")

        assert not queues.all().needs_attention(now=NOW).exists()
        assert queues.all().done().get() == row

    def test_when_the_provider_uses_a_word_that_nobody_knows(self) -> None:
        row = WithdrawalFactory(sending=True)
        told(row, status="on_the_moon")

        text = text_of(as_role("maker").get(page(row)))

        assert "The desk does not know this word, so nor whether it was paid." in text
        assert "The money is on its way" not in text

    def test_when_the_provider_holds_something_else(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command = command_of(row, state=CommandState.UNKNOWN, attempts=1, next_at=None)
        differences = [["amount", "142 AUD", "14200 AUD"]]
        outcome = {"outcome": "mismatch", "differences": differences, "data": {}}
        Command.objects.filter(pk=command.pk).update(outcome=outcome)

        text = text_of(as_role("maker").get(page(row)))

        assert "Amount: 142 AUD was asked for, 14200 AUD is there" in text
        assert "An ops lead calls LuxCore before anybody settles it here." in text

    def test_while_its_customer_is_held(self) -> None:
        row = WithdrawalFactory(approved=True)
        HoldFactory(customer__email=row.customer_email)
        command = command_of(row, next_at=NOW + timedelta(seconds=30))
        Command.objects.filter(pk=command.pk).update(error="The customer is held.")

        text = text_of(as_role("approver").get(page(row)))

        assert "It goes by itself once compliance lets the customer go." in text
        assert "It is tried again by itself" not in text

    def test_what_blocks_it_and_who_can_do_what(self) -> None:
        row = WithdrawalFactory(payid="")

        text = text_of(as_role("approver").get(page(row)))

        assert "<b>Blocked.</b> No money has moved." in text
        assert "The PayID is missing. <b>The maker changes the details" in text

    def test_what_somebody_proposed_became_of_it(self) -> None:
        row = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=6, next_at=None)
        row.settlements.create(
            outcome=Status.REFUSED, reason="Not there.", proposed_by=maker(), proposed_at=NOW
        )

        text = text_of(as_role("ops_lead").get(page(row)))

        assert "It waits for a second person." in text
        assert "Confirm it, or drop it…" in text
