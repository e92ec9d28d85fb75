from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from payments import actions
from payments.enums import PaymentStatus, Status, Verdict
from payments.models import Settlement, Signature, Withdrawal
from staff.models import AuditEvent, User
from tests.payments.factories import (
    NOW,
    PaymentFactory,
    PolicyFactory,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    maker,
    seen_by,
)
from tests.payments.pages.helpers import as_role, at, client_of, hidden, page, text_of
from tests.payments.pages.test_withdrawal import command_of
from tests.staff.factories import PASSWORD, UserFactory
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now() -> Any:
    PolicyFactory()
    everything_is_fresh()
    with at(NOW):
        yield


def approve(client: Client, row: Withdrawal, **fields: str) -> HttpResponse:
    """Open the question and answer it, as a person does."""
    seen = hidden(client.get(page(row, "approve/")), "seen")
    return client.post(page(row, "approve/"), {"seen": seen, **fields})


def status_of(row: Withdrawal) -> str:
    return Withdrawal.objects.get(pk=row.pk).status


class TestApproveQuestion:
    def test_says_in_one_sentence_what_will_happen(self) -> None:
        text = text_of(as_role("approver").get(page(WithdrawalFactory(), "approve/")))

        plain = text.replace("<b>", "").replace("</b>", "")
        assert "Send 2,500.00 AUD to J•••• S•••• via PayID" in plain
        assert "it is sent 5 seconds after you sign" in text

    def test_writes_nothing(self) -> None:
        row = WithdrawalFactory()

        as_role("approver").get(page(row, "approve/"))

        assert not Signature.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_says_when_more_signatures_are_needed(self) -> None:
        PolicyFactory(version=1, currency="AUD", signatures=2)

        text = text_of(as_role("approver").get(page(WithdrawalFactory(), "approve/")))

        assert "After yours, 1 more is needed before anything is sent." in text

    def test_does_not_let_sign_what_changed_since_the_page_was_opened(self) -> None:
        row, ada = WithdrawalFactory(), approver()
        client = client_of(ada)
        question = client.get(page(row)).context["question_query"]
        Withdrawal.objects.filter(pk=row.pk).update(amount=Decimal("9900.00"))

        text = text_of(client.get(page(row, "approve/") + question))

        assert "It has changed since you opened it." in text
        assert "Sign for" not in text

    def test_asks_for_the_amount_where_the_tier_says_so(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=1000, typed_amount=True)
        row, client = WithdrawalFactory(), as_role("approver")

        wrong = approve(client, row, typed_amount="2500.01")
        unplain = approve(client, row, typed_amount="2,500.00")
        right = approve(client, row, typed_amount="2500")

        assert (wrong.status_code, unplain.status_code, right.status_code) == (422, 422, 302)
        assert "This is not the amount shown. Nothing was signed." in text_of(wrong)
        assert 'value="2500.01"' in text_of(wrong)
        assert Signature.objects.count() == 1

    def test_does_not_ask_for_it_elsewhere(self) -> None:
        PolicyFactory(version=1, currency="AUD", from_amount=1000, signatures=1)
        row = WithdrawalFactory()

        assert "Type the amount" not in text_of(as_role("approver").get(page(row, "approve/")))


class TestApprove:
    def test_hands_out_a_receipt_and_the_way_on(self) -> None:
        row = WithdrawalFactory(created_at=NOW - timedelta(minutes=50))
        following = WithdrawalFactory(amount=Decimal("1.00"))
        ada = approver()
        client = client_of(ada)

        response = approve(client, row, reason="Checked with the customer.")
        text = text_of(client.get(response.headers["Location"]))

        assert response.headers["Location"] == page(row)
        assert f"{row.code} is approved." in text
        number = AuditEvent.objects.get(verb="payments.withdrawal.signed").sequence
        assert f"Audit #{number}." in text
        assert f'href="/withdrawals/{following.code}/"' in text
        assert f"Next: {following.code}" in text
        assert status_of(row) == Status.APPROVED
        assert Signature.objects.get().reason == "Checked with the customer."

    def test_keeps_the_view_it_was_opened_from(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "approve/?tab=mine&currency=AUD")), "seen")

        response = client.post(page(row, "approve/?tab=mine&currency=AUD"), {"seen": seen})

        assert response.headers["Location"] == page(row) + "?tab=mine&currency=AUD"

    def test_says_that_it_waits_for_another_signature(self) -> None:
        PolicyFactory(version=1, currency="AUD", signatures=2)
        row, client = WithdrawalFactory(), as_role("approver")

        approve(client, row)

        text = text_of(client.get(page(row)))
        assert "is signed by you and waits for another signature." in text
        assert status_of(row) == Status.AWAITING_APPROVAL

    def test_twice_is_once_with_the_same_receipt(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "approve/")), "seen")

        first = client.post(page(row, "approve/"), {"seen": seen}, follow=True)
        again = client.post(page(row, "approve/"), {"seen": seen}, follow=True)

        number = AuditEvent.objects.get(verb="payments.withdrawal.signed").sequence
        assert f"Audit #{number}." in text_of(first)
        assert f"Audit #{number}." in text_of(again)
        assert "This was recorded before, once:" in text_of(again)
        assert Signature.objects.count() == Command.objects.count() == 1

    @pytest.mark.parametrize(
        ("change", "label", "before", "after"),
        [
            ({"amount": Decimal("9900.00")}, "Amount", "2500.00", "9900.00"),
            ({"recipient_name": "Jane Doe"}, "Recipient", "James Smith", "Jane Doe"),
            ({"payid": "eve@example.com"}, "PayID", "j••••@e••••.com", "e••••@e••••.com"),
            ({"currency": "MXN"}, "Currency", "AUD", "MXN"),
            ({"method": "bank_transfer"}, "Method", "payid", "bank_transfer"),
        ],
    )
    def test_shows_the_difference_when_a_fact_changed_meanwhile(
        self, change: dict[str, Any], label: str, before: str, after: str
    ) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "approve/")), "seen")
        Withdrawal.objects.filter(pk=row.pk).update(**change)

        response = client.post(page(row, "approve/"), {"seen": seen})

        text = text_of(response)
        assert response.status_code == 409
        assert "Nothing was signed and nothing was sent." in text
        for words in (label, f"<del>{before}</del>", f"<ins>{after}</ins>"):
            assert words in text
        assert f'href="/withdrawals/{row.code}/"' in text
        assert not Signature.objects.exists()
        assert not Command.objects.exists()

    def test_names_who_was_faster(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "approve/")), "seen")
        abel = approver(email="abel@lightdesk.test")
        actions.sign_withdrawal(withdrawal_id=row.pk, seen=seen_by(abel, row), by=abel, at=NOW)

        response = client.post(page(row, "approve/"), {"seen": seen})

        assert response.status_code == 409
        assert "is already approved by abel@lightdesk.test" in text_of(response)
        assert Signature.objects.count() == 1

    def test_says_what_blocks_it(self) -> None:
        row, client = WithdrawalFactory(amount=Decimal("99000000.00")), as_role("approver")

        response = approve(client, row)

        assert response.status_code == 409
        assert "What blocks it" in text_of(response)
        assert not Signature.objects.exists()

    def test_is_refused_to_who_wrote_it(self) -> None:
        ada = approver()
        row = WithdrawalFactory(last_edited_by=ada)

        response = approve(client_of(ada), row)

        assert response.status_code == 403
        assert "You wrote this withdrawal" in text_of(response)
        assert AuditEvent.objects.filter(verb="payments.withdrawal.signature_refused").exists()

    def test_signs_nothing_with_a_token_that_was_tampered_with(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "approve/")), "seen")

        for token in (
            seen[:-2],
            "x",
            seen_by(approver(), WithdrawalFactory()),
            seen_by(approver(), row),  # what somebody else saw
        ):
            assert client.post(page(row, "approve/"), {"seen": token}).status_code == 409
        assert not Signature.objects.exists()

    def test_works_for_one_that_lies_at_the_provider(self) -> None:
        row = WithdrawalFactory(seen_upstream=True)

        response = approve(as_role("approver"), row)

        assert response.status_code == 302
        assert status_of(row) == Status.SENT
        assert not Command.objects.exists()


class TestProof:
    """Tiers that want whoever signs to prove who they are (at most five minutes before)."""

    @pytest.fixture(autouse=True)
    def _asked_for(self, clean_cache: None) -> None:
        PolicyFactory(version=1, currency="AUD", reauthenticate=True, typed_amount=True)

    def prove(self, client: Client, address: str, password: str = PASSWORD) -> HttpResponse:
        return client.post(address, {"password": password})

    def test_is_asked_for_before_the_signature_and_loses_nothing_typed(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        view = "approve/?tab=mine&currency=AUD"
        seen = hidden(client.get(page(row, view)), "seen")

        asked = client.post(
            page(row, view), {"seen": seen, "typed_amount": "2500.00", "reason": "I asked him."}
        )
        wrong = self.prove(client, asked.headers["Location"], "not it")
        nothing = Signature.objects.count()
        proved = self.prove(client, asked.headers["Location"])
        again = client.get(proved.headers["Location"])
        signed = client.post(
            proved.headers["Location"],
            {
                "seen": hidden(again, "seen"),
                "typed_amount": again.context["form"]["typed_amount"].value(),
                "reason": again.context["form"]["reason"].value(),
            },
        )

        assert asked.headers["Location"].startswith("/accounts/reauthenticate/?next=")
        assert (wrong.status_code, nothing) == (200, 0)
        assert proved.headers["Location"] == page(row, view)
        assert 'value="2500.00"' in text_of(again)
        assert signed.headers["Location"] == page(row) + "?tab=mine&currency=AUD"
        assert Signature.objects.get().reason == "I asked him."

    def test_is_not_asked_for_before_the_amount_is_right(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")

        response = approve(client, row, typed_amount="1")

        assert response.status_code == 422
        assert "you are asked for your password" in text_of(response)

    def test_is_good_for_five_minutes(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        self.prove(client, "/accounts/reauthenticate/")

        with at(NOW + timedelta(minutes=5, seconds=1)):
            late = approve(client, row, typed_amount="2500")
        with at(NOW + timedelta(minutes=4)):
            in_time = approve(client, row, typed_amount="2500")

        assert late.headers["Location"].startswith("/accounts/reauthenticate/")
        assert in_time.headers["Location"] == page(row)

    def test_counts_a_sign_in_just_now(self) -> None:
        row, ada = WithdrawalFactory(), approver()
        client = Client()
        client.post("/accounts/login/", {"login": ada.email, "password": PASSWORD})

        assert approve(client, row, typed_amount="2500").headers["Location"] == page(row)

    def test_of_one_withdrawal_fills_in_no_other(self) -> None:
        row, other, client = WithdrawalFactory(), WithdrawalFactory(), as_role("approver")
        approve(client, row, typed_amount="2500", reason="This one.")

        assert "This one." not in text_of(client.get(page(other, "approve/")))


class TestReject:
    def test_needs_a_code_and_words_and_loses_neither(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "reject/")), "seen")

        no_code = client.post(page(row, "reject/"), {"seen": seen, "reason": "Not his account."})
        no_words = client.post(page(row, "reject/"), {"seen": seen, "code": "suspected_fraud"})

        assert (no_code.status_code, no_words.status_code) == (422, 422)
        assert "Not his account." in text_of(no_code)
        assert 'value="suspected_fraud" selected' in text_of(no_words)
        assert hidden(no_words, "seen") == seen
        assert status_of(row) == Status.AWAITING_APPROVAL

    def test_ends_it_with_a_receipt(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "reject/")), "seen")

        response = client.post(
            page(row, "reject/"),
            {"seen": seen, "code": "wrong_details", "reason": "The PayID is not his."},
            follow=True,
        )

        assert f"{row.code} is rejected." in text_of(response)
        assert "Audit #" in text_of(response)
        assert status_of(row) == Status.REJECTED
        assert Signature.objects.get().verdict == Verdict.REJECT

    def test_shows_the_difference_when_a_fact_changed_meanwhile(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        seen = hidden(client.get(page(row, "reject/")), "seen")
        Withdrawal.objects.filter(pk=row.pk).update(recipient_name="Jane Doe")

        response = client.post(
            page(row, "reject/"), {"seen": seen, "code": "other", "reason": "No."}
        )

        assert response.status_code == 409
        assert "<ins>Jane Doe</ins>" in text_of(response)
        assert status_of(row) == Status.AWAITING_APPROVAL


class TestUndo:
    def test_takes_the_approval_back_by_one_button(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        approve(client, row)
        shown = client.get(page(row))

        response = client.post(page(row, "undo/"), {"reason": hidden(shown, "reason")}, follow=True)

        assert "Undo (5 s left)" in text_of(shown)
        assert f"The approval of {row.code} is undone. Nothing was sent." in text_of(response)
        assert status_of(row) == Status.AWAITING_APPROVAL

    def test_is_too_late_once_sending_has_begun(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        approve(client, row)
        Command.objects.update(state=CommandState.SENDING, attempts=1)

        response = client.post(page(row, "undo/"), {"reason": "Wait!"})

        assert response.status_code == 409
        assert "it cannot be taken back any more" in text_of(response)
        assert status_of(row) == Status.APPROVED

    def test_asks_why_when_there_is_time(self) -> None:
        row, client = WithdrawalFactory(), as_role("approver")
        approve(client, row)

        response = client.post(page(row, "undo/"), {"reason": "  "})

        assert response.status_code == 422
        assert status_of(row) == Status.APPROVED


class TestRetract:
    def test_is_for_the_maker_with_a_reason(self) -> None:
        mara = maker()
        row, client = WithdrawalFactory(created_by=mara), client_of(mara)

        empty = client.post(page(row, "retract/"), {"reason": ""})
        done = client.post(page(row, "retract/"), {"reason": "Asked for twice."}, follow=True)

        assert empty.status_code == 422
        assert f"{row.code} is retracted. Nothing was sent." in text_of(done)
        assert status_of(row) == Status.RETRACTED

    def test_is_not_for_another_maker(self) -> None:
        row = WithdrawalFactory()

        response = as_role("maker").post(page(row, "retract/"), {"reason": "Mine!"})

        assert response.status_code == 403
        assert status_of(row) == Status.AWAITING_APPROVAL


class TestSettle:
    @pytest.fixture
    def row(self) -> Withdrawal:
        row: Withdrawal = WithdrawalFactory(unknown=True)
        command_of(row, state=CommandState.UNKNOWN, attempts=6, next_at=None)
        return row

    @pytest.fixture
    def olga(self) -> User:
        return UserFactory(roles=["ops_lead"], email="olga@lightdesk.test")

    def propose(self, person: User, row: Withdrawal, **fields: str) -> HttpResponse:
        return client_of(person).post(page(row, "settle/"), {"reason": "Read there.", **fields})

    def test_takes_a_proposal_and_a_second_person(self, row: Withdrawal, olga: User) -> None:
        payment = PaymentFactory(
            merchant_reference=row.merchant_reference,
            status=PaymentStatus.IN_PROGRESS,
            upstream_status="processing",
        )
        proposed = self.propose(olga, row, outcome="sent", upstream_id=payment.upstream_id)
        own = text_of(client_of(olga).get(page(row, "settle/")))
        answer = {"do": "confirm", "proposal": str(Settlement.objects.get().pk)}
        by_olga = client_of(olga).post(page(row, "settle/"), answer)
        confirmed = as_role("approver").post(page(row, "settle/"), answer)

        assert proposed.status_code == 302
        assert "You proposed it, so somebody else confirms it." in own
        assert by_olga.status_code in {403, 409}
        assert confirmed.status_code == 302
        assert status_of(row) == Status.SENT

    def test_needs_the_payment_that_was_found(self, row: Withdrawal, olga: User) -> None:
        without = self.propose(olga, row, outcome="sent")
        unheard = self.propose(olga, row, outcome="sent", upstream_id="pay_nobody")

        assert "Write the id of the payment you found." in text_of(without)
        assert "The desk has not seen this payment yet." in text_of(unheard)
        assert 'value="pay_nobody"' in text_of(unheard)
        assert not Settlement.objects.exists()

    def test_takes_the_opposite_proposal_of_a_second_person_for_no_confirmation(
        self, row: Withdrawal, olga: User
    ) -> None:
        self.propose(olga, row, outcome="refused")
        payment = PaymentFactory(merchant_reference=row.merchant_reference)
        second = UserFactory(roles=["ops_lead"])

        told = self.propose(second, row, outcome="sent", upstream_id=payment.upstream_id)

        assert told.status_code == 409
        assert "Somebody proposed an outcome for" in text_of(told)
        assert f'value="{payment.upstream_id}"' in text_of(told)  # what was typed is kept
        assert "I looked, and confirm" in text_of(told)  # and what was proposed is shown
        for wrong in ({}, {"proposal": "0"}, {"proposal": "x"}):
            blind = as_role("approver").post(page(row, "settle/"), {"do": "confirm", **wrong})
            assert blind.status_code == 409
            assert "look at it, and then confirm or drop it" in text_of(blind)
        assert status_of(row) == Status.UNKNOWN
        assert Settlement.objects.get().confirmed_at is None

    def test_can_be_dropped_again(self, row: Withdrawal, olga: User) -> None:
        payment = PaymentFactory(merchant_reference=row.merchant_reference)
        self.propose(olga, row, outcome="sent", upstream_id=payment.upstream_id)

        answer = {"do": "drop", "proposal": str(Settlement.objects.get().pk)}
        response = client_of(olga).post(page(row, "settle/"), answer, follow=True)

        assert "Its outcome is still unknown." in text_of(response)
        assert Settlement.objects.get().dropped_at == NOW
        assert status_of(row) == Status.UNKNOWN

    def test_shows_the_second_person_what_was_proposed_and_why(
        self, row: Withdrawal, olga: User
    ) -> None:
        payment = PaymentFactory(merchant_reference=row.merchant_reference)
        self.propose(olga, row, outcome="sent", upstream_id=payment.upstream_id)

        text = text_of(as_role("approver").get(page(row, "settle/")))

        assert "olga@lightdesk.test" in text
        assert "Read there." in text
        assert payment.upstream_id in text
        assert "I looked, and confirm" in text

    def test_asks_for_the_providers_word_where_the_key_was_changed(
        self, row: Withdrawal, olga: User
    ) -> None:
        Command.objects.update(credential="0123456789ab", next_at=NOW)

        asked = text_of(client_of(olga).get(page(row, "settle/")))
        without = self.propose(olga, row, outcome="refused")
        unseen = self.propose(olga, row, outcome="sent", upstream_id="pay_unseen")
        proposed = self.propose(olga, row, outcome="refused", written_word="Ticket 4711: no.")
        second = text_of(as_role("approver").get(page(row, "settle/")))

        assert "It was sent under another key than the one set now." in asked
        for refused in (without, unseen):
            assert refused.status_code == 422
            assert "Nothing else proves it." in text_of(refused)
            assert "Read there." in text_of(refused)  # what was typed is kept
        assert proposed.status_code == 302
        assert "Ticket 4711: no." in second

    def test_asks_for_no_word_where_a_list_can_be_read(self, row: Withdrawal, olga: User) -> None:
        assert "written word" not in text_of(client_of(olga).get(page(row, "settle/")))

    def test_says_that_the_list_was_not_read_and_keeps_the_proposal(
        self, row: Withdrawal, olga: User
    ) -> None:
        self.propose(olga, row, outcome="refused")

        answer = {"do": "confirm", "proposal": str(Settlement.objects.get().pk)}
        response = as_role("approver").post(page(row, "settle/"), answer)

        assert response.status_code == 409
        assert "The proposal is kept: confirm it a little later." in text_of(response)
        assert Settlement.objects.get().dropped_at is None

    def test_is_not_for_one_whose_outcome_is_known(self, olga: User) -> None:
        response = self.propose(olga, WithdrawalFactory(), outcome="refused")

        assert response.status_code == 409


class TestAttend:
    def test_takes_a_failure_off_the_list(self) -> None:
        row, client = WithdrawalFactory(refused=True), as_role("maker")

        response = client.post(page(row, "attend/"), follow=True)

        assert "is looked after" in text_of(response)
        assert row.code not in text_of(client.get("/withdrawals/?tab=attention"))
