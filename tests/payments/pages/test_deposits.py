"""Asking for a deposit on a page, following it, and what is handed on."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone

from payments import actions, answered
from payments.enums import PaymentStatus, RequestStatus, Status
from payments.models import PaymentMethod, PaymentRequest
from payments.rules.extras import EVENTS
from tests.payments.factories import (
    DEPOSIT_RAILS,
    NOW,
    PaymentFactory,
    PaymentRequestFactory,
    WithdrawalFactory,
    approver,
    deposit_methods,
    maker,
)
from tests.payments.pages.helpers import as_role, at, client_of, hidden, text_of
from tests.payments.test_deposits import command_of
from tests.sandbox.helpers import Bench
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command, SendingSwitch

pytestmark = pytest.mark.django_db

NEW = "/payments/new/"
PAYID = {
    "currency": "AUD",
    "method": "payid",
    "payment_type": "deposit",
    "amount": "150.00",
    "customer_name": "James Smith",
    "customer_email": "james@example.com",
}
BANK = {
    "amount": "15000",
    "currency": "AUD",
    "bank_name": "Commonwealth Bank",
    "swift_code": "CTBAAU2S",
    "account_holder": "LuxCore Platform Pty Ltd",
    "bsb": "062-000",
    "account_number": "12345678",
    "purpose": "Payment pay_1",
}
PAGE = "https://pay.example.com/p/1?sig=s&exp=9"


@pytest.fixture(autouse=True)
def _now(db: None) -> Any:
    deposit_methods()
    with at(NOW):
        yield


def ask(client: Any = None, **fields: Any) -> HttpResponse:
    client = client or as_role("maker")
    token = hidden(client.get(NEW), "token")
    answer: HttpResponse = client.post(NEW, {"token": token, **PAYID, **fields})
    return answer


def errors(response: HttpResponse) -> dict[str, list[str]]:
    form = response.context["form"]  # type: ignore[attr-defined]
    return {name: [str(text) for text in texts] for name, texts in form.errors.items()}


class TestForm:
    @pytest.mark.parametrize(("currency", "method"), DEPOSIT_RAILS)
    @pytest.mark.parametrize("kind", ["deposit", "deposit_pp"])
    def test_asks_for_every_kind(self, currency: str, method: str, kind: str) -> None:
        response = ask(currency=currency, method=method, payment_type=kind)

        made = PaymentRequest.objects.get()
        assert response.headers["Location"] == made.get_absolute_url()
        assert (made.currency, made.method, made.hosted) == (currency, method, kind[-2:] == "pp")
        assert json.loads(command_of(made).request_bytes)["type"] == kind

    def test_sends_every_field(self) -> None:
        ask(
            currency="LKR",
            method="ipay",
            scheme="LQR",
            description="Order 17",
            customer_number="17",
            customer_phone="+94771234567",
            customer_external_id="c-17",
            metadata='{"order": "17", "lines": [1, 2]}',
            webhook_url="https://hooks.example.com/x",
            webhook_events=list(EVENTS),
        )

        body = json.loads(command_of(PaymentRequest.objects.get()).request_bytes)
        assert body["ipay"] == {"payment_method": "LQR"}
        assert body["customer_id"] == 17
        assert body["metadata"] == {"order": "17", "lines": [1, 2]}
        assert body["webhook_url"] == "https://hooks.example.com/x"
        assert body["webhook_events"] == list(EVENTS)
        assert body["customer"]["phone"] == "+94771234567"
        assert body["description"] == "Order 17"

    @pytest.mark.parametrize(
        ("fields", "name", "why"),
        [
            ({"currency": "XYZ"}, "currency", "XYZ is not among them"),
            ({"currency": "TRY"}, "currency", "TRY is not among them"),
            ({"method": "spei"}, "method", "LuxCore takes AUD by"),
            ({"payment_type": "withdrawal"}, "payment_type", "Select a valid choice"),
            ({"amount": ""}, "amount", "required"),
            ({"amount": "1.005"}, "amount", "2 decimals"),
            ({"amount": "0"}, "amount", "more than zero"),
            ({"amount": "١٠٠"}, "amount", "plain digits"),
            ({"amount": "1_000"}, "amount", "plain digits"),
            ({"amount": "1e3"}, "amount", "plain digits"),
            ({"amount": "Infinity"}, "amount", "plain digits"),
            ({"amount": "NaN"}, "amount", "plain digits"),
            ({"amount": "-0"}, "amount", "plain digits"),
            ({"amount": "-5"}, "amount", "plain digits"),
            ({"amount": "1,000.00"}, "amount", "plain digits"),
            ({"amount": "9" * 30}, "amount", "too large"),
            ({"amount": "9" * 40}, "amount", "not a plain decimal number"),
            ({"amount": "100000000.01"}, "amount", "no more than"),
            ({"currency": "LKR", "method": "ipay", "amount": "0.99"}, "amount", "no less than"),
            ({"currency": "LKR", "method": "ipay", "scheme": "AMEX"}, "scheme", "iPay can be"),
            ({"customer_email": "james"}, "customer_email", "not an e-mail"),
            ({"customer_name": "x" * 256}, "customer_name", "at most 255"),
            ({"customer_number": "twelve"}, "customer_number", "digits only"),
            ({"description": "a\u202eb"}, "description", "invisible"),
            ({"metadata": "order 17"}, "metadata", "cannot be read as JSON"),
            ({"metadata": "[1]"}, "metadata", "JSON object"),
            ({"metadata": '{"a": 1.5}'}, "metadata", "into quotes"),
            ({"metadata": '{"a": 1, "a": 2}'}, "metadata", "given twice"),
            ({"metadata": '{"a": NaN}'}, "metadata", "not a number"),
            ({"metadata": '{"a": "\\u0000"}'}, "metadata", "no text holds"),
            ({"metadata": '{"a":' + "[" * 200}, "metadata", "nested deeper"),
            ({"webhook_url": "http://hooks.example.com/"}, "webhook_url", "https://"),
            ({"webhook_url": "https://127.0.0.1/"}, "webhook_url", "IP address"),
            ({"webhook_url": "https://0x7f.1/"}, "webhook_url", "IP address"),
            ({"webhook_url": "https://u:p@hooks.example.com/"}, "webhook_url", "user name"),
            ({"webhook_url": "https://hooks.example.com:6379/"}, "webhook_url", "port"),
            (
                {"webhook_url": "https://hooks.example.com/" + "x" * 2048},
                "webhook_url",
                "At most 2048",
            ),
            ({"webhook_events": ["payment.completed"]}, "webhook_url", "Say where"),
            ({"webhook_events": ["ticket.created"]}, "webhook_events", "Select a valid choice"),
        ],
    )
    def test_says_what_is_wrong_at_its_field_and_loses_nothing(
        self, fields: dict[str, Any], name: str, why: str
    ) -> None:
        response = ask(**{"customer_name": "María García", **fields})

        assert response.status_code == 422
        found = errors(response)
        assert list(found) == [name]
        assert why in " ".join(found[name])
        assert not PaymentRequest.objects.exists()
        if name != "customer_name":
            assert 'value="María García"' in text_of(response)

    def test_says_everything_that_is_wrong_at_once(self) -> None:
        response = ask(amount="1e3", metadata="x", webhook_url="https://10.0.0.1/")

        assert set(errors(response)) == {"amount", "metadata", "webhook_url"}

    def test_follows_the_currency_and_keeps_what_was_typed(self) -> None:
        response = as_role("maker").post(
            NEW,
            {
                **PAYID,
                "currency": "LKR",
                "metadata": '{"a": 1}',
                "webhook_events": ["payment.completed", "payment.failed"],
                "continue": "1",
            },
            headers={"hx-request": "true", "hx-target": "fields"},
        )

        text = text_of(response)
        assert response.status_code == 200
        assert "<html" not in text
        assert "LankaQR" in text
        assert 'value="james@example.com"' in text
        assert '{"a": 1}' in text
        assert text.count(" checked") == 2

    def test_begins_as_its_address_says(self) -> None:
        text = text_of(
            as_role("maker").get(NEW, {"currency": "MXN", "method": "oxxo", "amount": "12.5"})
        )

        assert re.search(r'value="MXN"\s+selected', text)
        assert re.search(r'value="oxxo"\s+selected', text)
        assert 'value="12.5"' in text

    def test_asks_once_when_it_is_sent_twice(self) -> None:
        client = as_role("maker")
        token = hidden(client.get(NEW), "token")

        answers = [client.post(NEW, {"token": token, **PAYID}) for _ in range(2)]

        assert {answer.status_code for answer in answers} == {302}
        assert PaymentRequest.objects.count() == Command.objects.count() == 1

    def test_waits_for_the_methods_to_be_known(self) -> None:
        PaymentMethod.objects.all().delete()

        assert "not told yet" in text_of(as_role("maker").get(NEW))
        assert as_role("maker").post(NEW, PAYID).status_code == 422

    def test_offers_no_method_that_was_taken_away(self) -> None:
        PaymentMethod.objects.filter(code="payid").update(is_enabled=False)

        assert "LuxCore takes AUD by" in errors(ask())["method"][0]


class TestPage:
    def page(self, row: PaymentRequest, *, role: str = "maker", part: str = "") -> HttpResponse:
        answer: HttpResponse = as_role(role).get(f"{row.get_absolute_url()}{part}")
        return answer

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (RequestStatus.QUEUED, "It is sent within a few seconds"),
            (RequestStatus.SENDING, "on its way"),
            (RequestStatus.UNKNOWN, "No machine asks again"),
            (RequestStatus.REFUSED, "There is no deposit, and nobody can pay it."),
        ],
    )
    def test_says_where_it_stands(self, status: str, told: str) -> None:
        row = PaymentRequestFactory(status=status, status_reason="Not today.")

        assert told in text_of(self.page(row))

    def test_says_when_the_provider_is_switched_off(self) -> None:
        SendingSwitch.objects.create(
            upstream="luxcore", is_on=False, reason="Holiday.", changed_at=NOW
        )

        assert "stopped: Holiday." in text_of(self.page(PaymentRequestFactory()))

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            (PaymentStatus.IN_PROGRESS, "Hand on what stands below"),
            (PaymentStatus.COMPLETED, "The money has arrived."),
            (PaymentStatus.EXPIRED, "none can any more"),
            (PaymentStatus.RETURNED, "was returned"),
        ],
    )
    def test_follows_the_payment(self, status: str, told: str) -> None:
        payment = PaymentFactory(deposit=True, status=status, counterparty=BANK)
        row = PaymentRequestFactory(status=RequestStatus.MADE, payment=payment)

        assert told in text_of(self.page(row))
        live = self.page(row, part="live/")
        assert live.status_code == (200 if status == PaymentStatus.IN_PROGRESS else 286)
        assert told in text_of(live)

    def test_hands_on_bank_details_with_copy_buttons_and_a_code(self) -> None:
        payment = PaymentFactory(
            deposit=True,
            counterparty=BANK,
            amount=Decimal("150"),
            expires_at=NOW + timedelta(minutes=12),
        )
        row = PaymentRequestFactory(status=RequestStatus.MADE, payment=payment)

        text = text_of(self.page(row))

        for value in ("150.00 AUD", "062-000", "12345678", "LuxCore Platform Pty Ltd"):
            assert f'data-copy="{value}"' in text
        assert "12 min left" in text
        assert '<svg viewBox="0 0 ' in text  # the stylesheet may shrink it and cut nothing off
        assert "style=" not in text
        assert "Account number: 12345678\n" in text

    def test_hands_on_an_address(self) -> None:
        payment = PaymentFactory(deposit=True, counterparty={}, page_url=PAGE)
        row = PaymentRequestFactory(status=RequestStatus.MADE, payment=payment)

        text = text_of(self.page(row))

        assert f'href="{PAGE}"' in text
        assert 'rel="noopener noreferrer"' in text
        assert f'data-copy="{PAGE}"' in text

    def test_hands_nothing_on_to_people_who_do_not_need_it(self) -> None:
        payment = PaymentFactory(deposit=True, counterparty=BANK, page_url=PAGE, raw={"u": PAGE})
        row = PaymentRequestFactory(status=RequestStatus.MADE, payment=payment)

        for role in ("viewer", "agent", "approver"):
            for response in (
                self.page(row, role=role),
                as_role(role).get(payment.get_absolute_url()),
            ):
                assert PAGE not in text_of(response)
                assert "12345678" not in text_of(response)

    def test_hands_nothing_on_when_it_is_over(self) -> None:
        payment = PaymentFactory(
            deposit=True, counterparty=BANK, page_url=PAGE, status=PaymentStatus.EXPIRED
        )

        text = text_of(as_role("maker").get(payment.get_absolute_url()))

        assert PAGE not in text
        assert "To hand on" not in text

    def test_draws_no_code_of_an_endless_address(self) -> None:
        payment = PaymentFactory(deposit=True, counterparty={}, page_url=PAGE + "x" * 3000)

        text = text_of(as_role("maker").get(payment.get_absolute_url()))

        assert "QR code" not in text
        assert PAGE in text

    def test_masks_who_pays(self) -> None:
        row = PaymentRequestFactory(customer_phone="+61412345678", description="For James Smith")

        seen, masked = text_of(self.page(row)), text_of(self.page(row, role="agent"))

        for private in ("james@example.com", "+61412345678"):
            assert private not in seen + masked
        assert "James Smith" in seen
        assert "James" not in masked

    def test_stands_in_the_list(self) -> None:
        row = PaymentRequestFactory()

        assert row.code in text_of(as_role("viewer").get("/payments/requests/"))
        assert "James" not in text_of(as_role("agent").get("/payments/requests/"))

    def test_is_reached_from_the_payment(self) -> None:
        payment = PaymentFactory(deposit=True)
        row = PaymentRequestFactory(status=RequestStatus.MADE, payment=payment)

        assert row.get_absolute_url() in text_of(as_role("viewer").get(payment.get_absolute_url()))


class TestSettle:
    def test_links_the_payment(self) -> None:
        row = PaymentRequestFactory(status=RequestStatus.UNKNOWN)
        payment = PaymentFactory(deposit=True)
        Command.objects.create(
            kind="luxcore.deposit",
            upstream="luxcore",
            subject_type="payments.paymentrequest",
            subject_id=str(row.pk),
            attempt_no=1,
            request=b"{}",
            idempotency_key=row.merchant_reference,
            state=CommandState.UNKNOWN,
            created_at=NOW,
        )
        client = as_role("maker")
        address = f"{row.get_absolute_url()}settle/"
        assert address in text_of(client.get(row.get_absolute_url()))

        wrong = client.post(address, {"outcome": "made", "reason": "Seen."})
        unseen = client.post(
            address, {"outcome": "made", "upstream_id": "pay_nowhere", "reason": "Seen."}
        )
        right = client.post(
            address, {"outcome": "made", "upstream_id": payment.upstream_id, "reason": "Seen."}
        )

        assert "Write the id" in text_of(wrong)
        assert "not seen this payment" in text_of(unseen)
        assert right.status_code == 302
        row.refresh_from_db()
        assert (row.status, row.payment) == (RequestStatus.MADE, payment)


@pytest.mark.django_db(transaction=True)
class TestCancel:
    def pending(self, sandbox: Bench) -> Any:
        made = sandbox.withdraw(currency="ARS")
        return PaymentFactory(
            upstream_id=made["transaction_id"],
            currency="ARS",
            method="bank_transfer",
            counterparty={},
            merchant_reference=made["merchant_reference"],
        )

    def cancel(self, payment: Any, *, role: str = "approver") -> HttpResponse:
        client = as_role(role)
        answer: HttpResponse = client.post(
            f"{payment.get_absolute_url()}cancel/", {"reason": "The customer asked."}
        )
        return answer

    def deliver(self) -> None:
        command = Command.objects.get(kind="luxcore.cancel")
        Command.objects.update(next_at=timezone.now() - timedelta(days=400))
        outbox.deliver(command.pk)

    def story(self, payment: Any) -> HttpResponse:
        answer: HttpResponse = as_role("viewer").get(f"{payment.get_absolute_url()}cancel/live/")
        return answer

    def test_asks_the_provider_and_tells_its_answer(self, sandbox: Bench) -> None:
        payment = self.pending(sandbox)
        assert "Cancel it there" in text_of(as_role("approver").get(payment.get_absolute_url()))

        assert self.cancel(payment).status_code == 302
        waiting = self.story(payment)
        self.deliver()
        answered = self.story(payment)

        assert (waiting.status_code, answered.status_code) == (200, 286)
        assert "is being asked to cancel it" in text_of(waiting)
        assert "cancelled it, as it was asked to" in text_of(answered)
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.CANCELLED
        page = text_of(as_role("approver").get(payment.get_absolute_url()))
        assert "asked to have it cancelled" in page
        assert "The customer asked." in page
        assert self.cancel(payment).status_code == 409

    def test_says_truly_that_it_came_too_late(self, sandbox: Bench) -> None:
        payment = self.pending(sandbox)
        self.cancel(payment)
        there = sandbox.get({"transaction_id": payment.upstream_id})
        sandbox.act(there, "release")
        sandbox.act(there, "complete")

        self.deliver()

        assert "It is completed: the cancellation came too late" in text_of(self.story(payment))
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.COMPLETED

    def test_cancels_once_when_the_answer_is_lost(self, sandbox: Bench) -> None:
        payment = self.pending(sandbox)
        self.cancel(payment)
        sandbox.fault("drop", method="POST", path="*/cancel", times=1)

        self.deliver()
        assert "no clear answer" in text_of(self.story(payment))
        self.deliver()

        assert "as it was asked to" in text_of(self.story(payment))

    def doubt(self, sandbox: Bench) -> Any:
        """A cancellation that got no clear answer, and that no machine asks about any more."""
        payment = self.pending(sandbox)
        self.cancel(payment)
        sandbox.fault("drop", method="POST", path="*/cancel", times=1)
        self.deliver()
        Command.objects.update(next_at=None)
        return payment

    def read(self, payment: Any, *, role: str = "approver") -> HttpResponse:
        answer: HttpResponse = as_role(role).post(f"{payment.get_absolute_url()}cancel/read/")
        return answer

    def test_is_settled_by_reading_it_again(self, sandbox: Bench) -> None:
        payment = self.doubt(sandbox)
        page = text_of(as_role("approver").get(payment.get_absolute_url()))
        assert "read it there, and what it says settles it" in page
        assert "cancel/read/" in page
        assert "cancel/read/" not in text_of(as_role("viewer").get(payment.get_absolute_url()))

        assert self.read(payment).status_code == 302

        assert Command.objects.get().state == CommandState.DONE
        page = text_of(as_role("approver").get(payment.get_absolute_url()))
        assert "cancelled it, as it was asked to" in page
        assert "read what became of the cancellation" in page

    def test_is_asked_for_again_while_it_is_still_pending(self, sandbox: Bench) -> None:
        payment = self.pending(sandbox)
        self.cancel(payment)
        Command.objects.update(state=CommandState.UNKNOWN, next_at=None)

        self.read(payment)
        self.deliver()

        assert Command.objects.get().state == CommandState.DONE
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.CANCELLED

    def test_is_settled_by_itself_once_it_was_seen(self, sandbox: Bench) -> None:
        payment = self.doubt(sandbox)
        assert answered.settle_answered(at=NOW) == 0  # our copy still says that it is pending

        actions.refresh_payment(payment_id=payment.pk, by=approver(), at=NOW)

        assert answered.settle_answered(at=NOW) == 1
        assert Command.objects.get().outcome["reference"] == payment.upstream_id

    def test_shows_on_the_withdrawal_that_was_rejected(self) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True, status=Status.REJECTED)
        assert withdrawal.payment
        Command.objects.create(
            kind="luxcore.cancel",
            upstream="luxcore",
            subject_type="payments.withdrawal",
            subject_id=str(withdrawal.pk),
            attempt_no=1,
            request=json.dumps({"payment": withdrawal.payment.upstream_id}).encode(),
            idempotency_key="k",
            state=CommandState.UNKNOWN,
            created_at=NOW,
        )

        for address in (withdrawal.get_absolute_url(), withdrawal.payment.get_absolute_url()):
            assert "gave no clear answer" in text_of(as_role("approver").get(address))

    def test_needs_a_reason(self, sandbox: Bench) -> None:
        payment = self.pending(sandbox)

        answer = as_role("approver").post(f"{payment.get_absolute_url()}cancel/", {})

        assert answer.status_code == 422
        assert not Command.objects.exists()

    def test_is_for_signers_and_for_who_asked(self) -> None:
        person = maker()
        payment = PaymentFactory(
            deposit=True, status=PaymentStatus.CREATED, upstream_status="pending"
        )
        PaymentRequestFactory(status=RequestStatus.MADE, payment=payment, created_by=person)
        address = f"{payment.get_absolute_url()}cancel/"

        assert as_role("maker").post(address, {"reason": "x"}).status_code == 409
        assert not Command.objects.exists()
        assert client_of(person).post(address, {"reason": "x"}).status_code == 302

    def test_leaves_what_awaits_a_decision_to_its_own_page(self, sandbox: Bench) -> None:
        withdrawal = WithdrawalFactory(seen_upstream=True)
        assert withdrawal.payment

        answer = self.cancel(withdrawal.payment)

        assert answer.status_code == 409
        assert "reject it on its own page" in text_of(answer)

    @pytest.mark.parametrize("word", ["processing", "completed", "cancelled", "expired"])
    def test_is_offered_for_what_is_pending_alone(self, word: str) -> None:
        payment = PaymentFactory(deposit=True, upstream_status=word)

        assert self.cancel(payment).status_code == 409
        assert "Cancel it there" not in text_of(as_role("approver").get(payment.get_absolute_url()))
