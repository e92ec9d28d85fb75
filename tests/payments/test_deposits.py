"""Deposits that are asked for here: what may be asked, and that it is asked once."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from django.db import transaction
from django.utils import timezone

from payments import actions, deposits, mirror
from payments.deposits import DepositDraft
from payments.enums import PaymentStatus, RequestStatus, SeenBy
from payments.models import NotPossible, Payment, PaymentRequest
from payments.references import DEPOSIT
from staff import audit
from staff.models import AuditEvent
from staff.permissions import NotPermitted
from tests.payments.conftest import Line
from tests.payments.factories import (
    DEPOSIT_RAILS,
    NOW,
    PaymentFactory,
    approver,
    deposit_draft,
    deposit_methods,
    maker,
    record,
)
from tests.sandbox.helpers import NOON, Bench
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Alarm, Command, SendingSwitch
from upstreams.outbox import MustNotSend

pytestmark = pytest.mark.django_db(transaction=True)

HOOK = "https://hooks.example.com/luxcore"


@pytest.fixture(autouse=True)
def _methods(transactional_db: None) -> None:
    deposit_methods()


def ask(draft: DepositDraft | None = None, **fields: Any) -> PaymentRequest:
    return actions.request_deposit(
        draft=draft or deposit_draft(**fields), by=maker(), at=timezone.now()
    )


def command_of(request: PaymentRequest) -> Command:
    subject_type, subject_id = audit.subject_of(request)
    return Command.objects.get(kind=DEPOSIT, subject_type=subject_type, subject_id=subject_id)


def deliver(request: PaymentRequest) -> CommandState | None:
    command = command_of(request)
    Command.objects.filter(pk=command.pk, next_at__isnull=False).update(
        next_at=timezone.now() - timedelta(seconds=1)
    )
    state = outbox.deliver(command.pk)
    request.refresh_from_db()
    return state


def there(sandbox: Bench) -> list[Any]:
    return list(sandbox.api.get("/payments").json()["data"])


def same_page(ours: str, told: str) -> bool:
    """The sandbox names itself by the address it was called by; the rest is one page."""
    return urlsplit(ours)[2:] == urlsplit(told)[2:] and "sig=" in ours


class TestAgainstTheSandbox:
    @pytest.mark.parametrize(("currency", "method"), DEPOSIT_RAILS)
    @pytest.mark.parametrize("hosted", [False, True])
    def test_makes_every_kind_once_and_keeps_what_is_to_be_handed_on(
        self, sandbox: Bench, currency: str, method: str, hosted: bool
    ) -> None:
        request = ask(currency=currency, method=method, hosted=hosted)
        assert there(sandbox) == []

        assert deliver(request) == CommandState.DONE
        assert deliver(request) is None

        (made,) = there(sandbox)
        assert request.status == RequestStatus.MADE
        assert made["type"] == ("deposit_pp" if hosted else "deposit")
        assert (made["amount"], made["currency"], made["method"]) == (15000, currency, method)
        assert made["merchant_reference"] == request.merchant_reference
        payment = Payment.objects.get()
        assert request.payment == payment
        assert (payment.upstream_id, payment.hosted) == (made["transaction_id"], hosted)
        assert payment.expires_at is not None
        if hosted:
            assert same_page(payment.page_url, made["payment_page"]["url"])
        elif method == "ipay":
            assert same_page(payment.page_url, made["redirect_url"])
        elif method in ("payid", "bank_transfer", "spei"):
            assert payment.counterparty == made.get("bank_details", made.get("payid_details"))

    def test_sends_everything_that_was_written(self, sandbox: Bench) -> None:
        number = sandbox.create(customer={"email": "old@example.com"})["customer_id"]

        request = ask(
            currency="LKR",
            method="ipay",
            amount=Decimal("1.00"),
            scheme="VISA",
            description="Order 17",
            customer_number=str(number),
            customer_name="Nimal Perera",
            customer_email="nimal@example.com",
            customer_phone="+94771234567",
            customer_external_id="c-17",
            metadata={"order": "17", "lines": [1, 2]},
            webhook_url=HOOK,
            webhook_events=("payment.completed", "payment.cancelled"),
        )

        assert json.loads(command_of(request).request_bytes) == {
            "amount": 100,
            "currency": "LKR",
            "method": "ipay",
            "type": "deposit",
            "merchant_reference": request.merchant_reference,
            "description": "Order 17",
            "customer_id": number,
            "customer": {
                "name": "Nimal Perera",
                "email": "nimal@example.com",
                "phone": "+94771234567",
                "external_id": "c-17",
            },
            "ipay": {"payment_method": "VISA"},
            "metadata": {"order": "17", "lines": [1, 2]},
            "webhook_url": HOOK,
            "webhook_events": ["payment.completed", "payment.cancelled"],
        }
        assert deliver(request) == CommandState.DONE

    def test_calls_the_payments_own_webhook(self, sandbox: Bench) -> None:
        request = ask(webhook_url=HOOK, webhook_events=("payment.completed",))
        deliver(request)

        sandbox.act(there(sandbox)[0], "complete")
        sandbox.pass_time(1)

        own = [json.loads(body) for url, _, body in sandbox.mail.posts if url == HOOK]
        assert [event["event"] for event in own] == ["payment.completed"]

    @pytest.mark.parametrize("fault", ["drop", "answer_truncated", "answer_504"])
    def test_makes_one_payment_when_the_answer_is_lost(self, sandbox: Bench, fault: str) -> None:
        request = ask()
        sandbox.fault(fault, method="POST", path="/api/v1/payments", times=1)

        assert deliver(request) == CommandState.UNKNOWN
        assert request.status == RequestStatus.UNKNOWN
        assert deliver(request) == CommandState.DONE

        assert request.status == RequestStatus.MADE
        (made,) = there(sandbox)
        assert request.payment and request.payment.upstream_id == made["transaction_id"]

    def test_is_linked_by_the_mirror_when_it_was_faster(self, sandbox: Bench) -> None:
        request = ask()
        sandbox.fault("drop", method="POST", path="/api/v1/payments", times=1)
        deliver(request)
        (made,) = there(sandbox)

        mirror.store_payments([record(**made, payout=None)], seen_by=SeenBy.POLL, at=timezone.now())
        request.refresh_from_db()

        assert request.status == RequestStatus.MADE
        assert deliver(request) == CommandState.DONE
        assert len(there(sandbox)) == 1

    def test_does_not_open_a_second_one_after_the_first_expired(self, sandbox: Bench) -> None:
        """LuxCore frees the reference of an expired deposit (LC-A11)."""
        request = ask()
        sandbox.fault("drop", method="POST", path="/api/v1/payments", times=1)
        deliver(request)
        Command.objects.update(first_sent_at=NOON)  # the sandbox has a clock of its own
        sandbox.pass_time(3600)

        assert deliver(request) == CommandState.DONE

        assert [payment["status"] for payment in there(sandbox)] == ["expired"]
        assert request.payment and request.payment.status == PaymentStatus.EXPIRED

    def test_tells_what_luxcore_refused(self, sandbox: Bench) -> None:
        request = ask(customer_number="999999")

        assert deliver(request) == CommandState.REFUSED

        assert request.status == RequestStatus.REFUSED
        assert request.error_code == "CUSTOMER_NOT_FOUND" or request.error_code == "NOT_FOUND"
        assert request.status_reason
        assert there(sandbox) == []


class TestRequestDeposit:
    def test_is_for_makers_alone(self) -> None:
        with pytest.raises(NotPermitted):
            actions.request_deposit(draft=deposit_draft(), by=approver(), at=NOW)

        assert not PaymentRequest.objects.exists()

    def test_asks_once_for_one_form(self) -> None:
        person, token = maker(), uuid4()

        def again(**fields: Any) -> PaymentRequest:
            return actions.request_deposit(
                draft=deposit_draft(**fields), by=person, at=NOW, token=token
            )

        first = again()

        assert again() == first
        assert Command.objects.count() == 1
        with pytest.raises(NotPossible, match="now says something else"):
            again(amount=Decimal("151.00"))
        with pytest.raises(NotPossible, match="used before"):
            actions.request_deposit(draft=deposit_draft(), by=maker(), at=NOW, token=token)

    def test_is_audited_without_who_pays_or_a_secret(self) -> None:
        ask(webhook_url=f"{HOOK}?key=s3cret", description="For James")

        event = AuditEvent.objects.get(verb="payments.paymentrequest.asked")
        assert event.after["webhook_host"] == "hooks.example.com"
        for private in ("James", "james@example.com", "s3cret"):
            assert private not in json.dumps(event.after)

    def test_tells_beforehand_what_luxcore_would_refuse(self, line: Line, answering: Any) -> None:
        answer = {"valid": False, "errors": [{"error_code": "X", "message": "Not on Sundays"}]}
        answering(lambda request: httpx.Response(200, json={"success": True, "data": answer}))

        with pytest.raises(actions.InvalidDraft, match="Not on Sundays"):
            ask()

        assert not PaymentRequest.objects.exists()

    @pytest.mark.parametrize("status", [404, 500])
    def test_does_not_need_that_answer(self, answering: Any, status: int) -> None:
        answering(lambda request: httpx.Response(status, json={}))

        assert ask().status == RequestStatus.QUEUED


class TestSending:
    def test_waits_for_a_provider_that_is_switched_off(self, sandbox: Bench) -> None:
        request = ask()
        outbox.stop_sending("luxcore", reason="Stop.", by_label="test", at=timezone.now())

        assert deliver(request) is None

        assert request.status == RequestStatus.QUEUED
        assert there(sandbox) == []

    def test_is_postponed_while_luxcore_says_not_now(self, answering: Any) -> None:
        request = ask()
        body = {"statusCode": 400, "message": "busy", "error_code": "LOCK_TIMEOUT"}
        answering(lambda request: httpx.Response(400, json=body))

        assert deliver(request) == CommandState.QUEUED

        assert request.status == RequestStatus.QUEUED

    def test_starts_only_what_is_queued(self) -> None:
        from payments.deposits.sending import start

        request = ask()
        PaymentRequest.objects.update(status=RequestStatus.REFUSED)

        with pytest.raises(MustNotSend), transaction.atomic():
            start(command_of(request), NOW)

    @pytest.mark.parametrize(
        "lie",
        [
            {"amount": 15001},
            {"currency": "ARS"},
            {"type": "deposit_pp"},
            {"method": "bank_transfer"},
        ],
    )
    def test_stops_the_provider_when_the_answer_is_not_what_was_asked(
        self, answering: Any, lie: dict[str, Any]
    ) -> None:
        request = ask()
        told = {
            "transaction_id": "pay_other",
            "status": "processing",
            "amount": 15000,
            "currency": "AUD",
            "method": "payid",
            "type": "deposit",
            "merchant_reference": request.merchant_reference,
            "created_at": "2026-02-18T10:30:00Z",
        }
        answering(lambda request: httpx.Response(201, json=told | lie))

        assert deliver(request) == CommandState.UNKNOWN

        assert request.status == RequestStatus.UNKNOWN
        assert not SendingSwitch.objects.get(upstream="luxcore").is_on
        assert Alarm.objects.open().filter(code="answer-differs").exists()


class TestMirror:
    def observe(self, request: PaymentRequest, **members: Any) -> None:
        told: dict[str, Any] = {
            "transaction_id": "pay_seen",
            "status": "processing",
            "amount": 15000,
            "type": "deposit",
            "merchant_reference": request.merchant_reference,
            "payout": None,
        }
        seen = record(**(told | members))
        mirror.store_payments([seen], seen_by=SeenBy.POLL, at=timezone.now())
        request.refresh_from_db()

    def test_calls_a_person_for_a_second_payment(self) -> None:
        request = ask()
        PaymentRequest.objects.update(status=RequestStatus.SENDING)
        self.observe(request)
        assert request.status == RequestStatus.MADE

        self.observe(request, transaction_id="pay_again")

        assert request.payment and request.payment.upstream_id == "pay_seen"
        assert Alarm.objects.open().filter(code="second-payment").exists()

    def test_calls_a_person_for_one_that_differs(self) -> None:
        request = ask()
        PaymentRequest.objects.update(status=RequestStatus.SENDING)

        self.observe(request, amount=15001)

        assert (request.status, request.payment) == (RequestStatus.UNKNOWN, None)
        assert Alarm.objects.open().filter(code="payment-differs").exists()

    def test_calls_a_person_for_one_that_was_never_sent(self) -> None:
        request = ask()

        self.observe(request)

        assert request.status == RequestStatus.MADE
        assert Alarm.objects.open().filter(code="payment-not-by-us").exists()

    def test_keeps_the_page_when_a_webhook_tells_less(self) -> None:
        request = ask()
        PaymentRequest.objects.update(status=RequestStatus.SENDING)
        page = "https://pay.example.com/x?sig=1"
        self.observe(request, type="deposit_pp", payment_page={"url": page})
        self.observe(request, type="deposit_pp", status="completed", status_version=3)

        assert Payment.objects.get().page_url == page


class TestSettleRequest:
    def unknown(self) -> PaymentRequest:
        request = ask()
        PaymentRequest.objects.update(status=RequestStatus.UNKNOWN)
        Command.objects.update(state=CommandState.UNKNOWN, next_at=None, first_sent_at=NOW)
        request.refresh_from_db()
        return request

    def settle(self, request: PaymentRequest, payment: Payment | None = None) -> PaymentRequest:
        return actions.settle_request(
            request_id=request.pk, payment=payment, reason="I looked.", by=maker(), at=NOW
        )

    def test_links_the_payment_that_somebody_found(self) -> None:
        request, payment = self.unknown(), PaymentFactory(deposit=True)

        settled = self.settle(request, payment)

        assert (settled.status, settled.payment) == (RequestStatus.MADE, payment)

    def test_says_that_there_is_none_after_looking(self, sandbox: Bench) -> None:
        assert self.settle(self.unknown()).status == RequestStatus.REFUSED

    def test_does_not_say_so_when_it_is_there(self, sandbox: Bench) -> None:
        request = self.unknown()
        sandbox.create(
            amount=15000,
            currency="AUD",
            method="payid",
            merchant_reference=request.merchant_reference,
        )

        with pytest.raises(actions.SettlementNotPossible, match="shows pay_"):
            self.settle(request)

    def test_does_not_say_so_without_looking(self, line: Line) -> None:
        with pytest.raises(actions.SettlementNotPossible, match="cannot be read"):
            self.settle(self.unknown())

    def test_takes_neither_a_payout_nor_a_payment_of_another_request(self) -> None:
        request, payout = self.unknown(), PaymentFactory()
        with pytest.raises(actions.SettlementNotPossible, match="Name a deposit"):
            self.settle(request, payout)

        payment = PaymentFactory(deposit=True)
        PaymentRequest.objects.update(payment=payment)
        with pytest.raises(actions.SettlementNotPossible, match="another request"):
            self.settle(request, payment)

    def test_waits_while_a_machine_still_looks(self) -> None:
        request = self.unknown()
        Command.objects.update(next_at=timezone.now())

        with pytest.raises(actions.SettlementNotPossible, match="still looking"):
            self.settle(request, PaymentFactory(deposit=True))

    def test_is_not_for_approvers(self) -> None:
        with pytest.raises(NotPermitted):
            actions.settle_request(
                request_id=self.unknown().pk, payment=None, reason="x", by=approver(), at=NOW
            )


class TestValidate:
    def problems(self, **fields: Any) -> dict[str, str]:
        return deposits.validate(deposit_draft(**fields), rails=deposits.open_rails())

    def test_finds_nothing_wrong_with_what_is_right(self) -> None:
        assert self.problems() == {}
        assert self.problems(webhook_url=HOOK, webhook_events=("payment.completed",)) == {}
        assert self.problems(currency="LKR", method="ipay", scheme="MC") == {}

    @pytest.mark.parametrize(
        ("fields", "name", "why"),
        [
            ({"currency": "XYZ"}, "currency", "XYZ is not among them"),
            ({"currency": ""}, "currency", "no currency"),
            ({"currency": "aud"}, "currency", "aud is not among them"),
            ({"method": "spei"}, "method", "LuxCore takes AUD by"),
            ({"method": ""}, "method", "LuxCore takes AUD by"),
            ({"method": "crypto"}, "method", "LuxCore takes AUD by"),
            ({"amount": Decimal("1.005")}, "amount", "AUD has 2 decimals"),
            ({"amount": Decimal(0)}, "amount", "more than zero"),
            ({"amount": Decimal(-1)}, "amount", "more than zero"),
            ({"amount": Decimal("NaN")}, "amount", "not a number"),
            ({"amount": Decimal("Infinity")}, "amount", "not a number"),
            ({"amount": Decimal(2**53)}, "amount", "too large"),
            ({"amount": Decimal("100000000.01")}, "amount", "no more than 100000000.00 AUD"),
            (
                {"currency": "LKR", "method": "ipay", "amount": Decimal("0.99")},
                "amount",
                "no less than 1.00 LKR",
            ),
            ({"scheme": "VISA"}, "scheme", "only iPay"),
            ({"currency": "LKR", "method": "ipay", "scheme": "AMEX"}, "scheme", "Visa"),
            ({"customer_number": "12a"}, "customer_number", "digits only"),
            ({"customer_number": "١٢"}, "customer_number", "digits only"),
            ({"customer_email": "james"}, "customer_email", "not an e-mail"),
            ({"customer_name": "x" * 256}, "customer_name", "At most 255"),
            ({"customer_phone": "1" * 51}, "customer_phone", "At most 50"),
            ({"customer_external_id": "x" * 256}, "customer_external_id", "At most 255"),
            ({"description": "a\u202eb"}, "description", "U+202E"),
            ({"metadata": {"x": "y" * 5000}}, "metadata", "At most 4096"),
            ({"webhook_url": "http://hooks.example.com/"}, "webhook_url", "https://"),
            ({"webhook_url": "https://169.254.169.254/"}, "webhook_url", "IP address"),
            ({"webhook_events": ("payment.completed",)}, "webhook_url", "Say where"),
            (
                {"webhook_url": HOOK, "webhook_events": ("ticket.created",)},
                "webhook_events",
                "no event ticket.created",
            ),
            ({"upstream": "lux"}, "upstream", "LuxCore only"),
        ],
    )
    def test_says_what_is_wrong_at_its_field(
        self, fields: dict[str, Any], name: str, why: str
    ) -> None:
        found = self.problems(**fields)

        assert list(found) == [name]
        assert why in found[name]

    def test_keeps_webhooks_to_our_hosts_where_they_are_named(self, settings: Any) -> None:
        settings.PAYMENT_WEBHOOK_HOSTS = ["pay.example.com"]

        assert "pay.example.com" in self.problems(webhook_url=HOOK)["webhook_url"]

    def test_says_when_no_method_was_ever_told(self) -> None:
        found = deposits.validate(deposit_draft(), rails={})

        assert "not told yet" in found["currency"]
