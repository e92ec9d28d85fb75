"""Payouts on their way: what each answer of LuxCore, and each silence, leads to."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.utils import timezone

from payments import mirror, senders
from payments.enums import PaymentStatus, SeenBy, Status
from payments.models import Payment, Withdrawal
from payments.references import CANCEL, PAYOUT
from payments.senders import LOOK_SECONDS, PAGE_SECONDS
from staff import audit
from tests.customers.factories import ProfileFactory
from tests.payments.conftest import Line
from tests.payments.deciding import sign, status_of
from tests.payments.factories import (
    NOW,
    WithdrawalFactory,
    approver,
    everything_is_fresh,
    payment_json,
    record_for,
)
from tests.payments.test_reject_and_undo import reject
from tests.sandbox.helpers import Bench
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.http.client import OPERATOR_WAIT, TOTAL_SECONDS
from upstreams.models import Alarm, Command, SendingSwitch
from upstreams.outbox import Done, MustNotSend, Refused, Uncertain
from upstreams.outbox.claiming import LEASE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("ready")]

PENDING = {"statusCode": 400, "timestamp": "2026-02-18T10:30:00Z"}


def approved(**fields: Any) -> Withdrawal:
    """A withdrawal that was signed, its undo time over."""
    withdrawal = WithdrawalFactory(**fields)
    sign(withdrawal, approver())
    Command.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    return withdrawal


def command_of(withdrawal: Withdrawal, kind: str = PAYOUT) -> Command:
    subject_type, subject_id = audit.subject_of(withdrawal)
    commands = Command.objects.about(subject_type=subject_type, subject_id=subject_id)
    return commands.filter(kind=kind).latest("pk")


def deliver(withdrawal: Withdrawal, kind: str = PAYOUT) -> CommandState | None:
    command = command_of(withdrawal, kind)
    Command.objects.filter(pk=command.pk, next_at__isnull=False).update(
        next_at=timezone.now() - timedelta(seconds=1)
    )
    return outbox.deliver(command.pk)


def posts(sandbox: Bench) -> list[Any]:
    """What LuxCore was made to create."""
    return list(sandbox.api.get("/payments").json()["data"])


class TestOneThatCouldNotBeLookedFor:
    def test_is_not_sent_and_says_why(
        self, line: Line, answering: Callable[..., None], settings: Any
    ) -> None:
        """A merchant with a secret to sign with and no key reads no lists (upstreams.md §3.2)."""
        settings.LUXCORE_MERCHANT_ID, settings.LUXCORE_HMAC_SECRET = "77", "h" * 64
        withdrawal = approved()
        asked = line.asked

        assert deliver(withdrawal) is None

        command = command_of(withdrawal)
        assert (command.state, command.attempts, line.asked) == (CommandState.QUEUED, 0, asked)
        assert status_of(withdrawal) == Status.APPROVED
        assert "Nothing is sent until LUXCORE_API_KEY is set." in command.error

        settings.LUXCORE_API_KEY = "qp_test_sk_1"
        there = payment_json(merchant_reference=withdrawal.merchant_reference)
        answering(lambda _: httpx.Response(201, json=there))
        assert deliver(withdrawal) == CommandState.DONE


class TestAgainstTheSandbox:
    def test_creates_the_payment_once_and_links_it(self, sandbox: Bench) -> None:
        withdrawal = approved()

        assert deliver(withdrawal) == CommandState.DONE

        assert status_of(withdrawal) == Status.SENT
        (there,) = posts(sandbox)
        assert there["merchant_reference"] == withdrawal.merchant_reference
        assert there["amount"] == 250000
        payment = Payment.objects.get()
        assert withdrawal.payment == payment
        assert (payment.upstream_id, payment.seen_by) == (there["transaction_id"], SeenBy.SEND)
        assert deliver(withdrawal) is None
        assert len(posts(sandbox)) == 1

    @pytest.mark.parametrize(
        "rail",
        [
            {
                "currency": "AUD",
                "method": "bank_transfer",
                "bank_account": "12345678",
                "bank_code": "062000",
                "payid": "",
                "payid_type": "",
            },
            {
                "currency": "MXN",
                "method": "spei",
                "bank_account": "032180000118359719",
                "bank_code": "032",
                "payid": "",
                "payid_type": "",
            },
            {
                "currency": "ARS",
                "method": "bank_transfer",
                "bank_account": "2850590940090418135201",
                "payid": "",
                "payid_type": "",
            },
            {
                "currency": "UYU",
                "method": "bank_transfer",
                "bank_account": "001234567890",
                "payid": "",
                "payid_type": "",
            },
        ],
    )
    def test_every_rail_is_taken_and_echoed_as_asked(
        self, sandbox: Bench, rail: dict[str, str]
    ) -> None:
        everything_is_fresh(currencies=[rail["currency"]])
        withdrawal = approved(amount=Decimal("100.00"), **rail)

        assert deliver(withdrawal) == CommandState.DONE

        assert status_of(withdrawal) == Status.SENT
        assert withdrawal.payment.account_key == withdrawal.account_key

    def test_a_definite_no_is_refused_with_its_code(self, sandbox: Bench) -> None:
        withdrawal = approved(amount=Decimal("9000000.00"))

        assert deliver(withdrawal) == CommandState.REFUSED

        assert status_of(withdrawal) == Status.REFUSED
        assert withdrawal.error_code == "INSUFFICIENT_BALANCE"
        assert withdrawal.status_reason
        assert not posts(sandbox)

    @pytest.mark.parametrize(
        "silence",
        [
            "drop",
            "drop_midway",
            "answer_308",
            "answer_500",
            "answer_502_html",
            "answer_504",
            "answer_truncated",
            "answer_empty_object",
            "answer_empty_list",
            "answer_null",
        ],
    )
    def test_no_clear_answer_is_unknown_and_never_paid_twice(
        self, sandbox: Bench, silence: str
    ) -> None:
        """M-3: accepted there, and the answer says nothing usable."""
        withdrawal = approved()
        sandbox.fault(silence, method="POST", times=1)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert status_of(withdrawal) == Status.UNKNOWN

        assert deliver(withdrawal) == CommandState.DONE
        assert status_of(withdrawal) == Status.SENT
        assert len(posts(sandbox)) == 1
        assert not Alarm.objects.exists()

    @pytest.mark.parametrize("echo", ["echo_amount", "echo_currency", "echo_recipient"])
    def test_an_echo_of_something_else_stops_the_provider(self, sandbox: Bench, echo: str) -> None:
        """M-8, I4."""
        withdrawal = approved()
        sandbox.fault(echo, method="POST", times=1)

        assert deliver(withdrawal) == CommandState.UNKNOWN

        assert status_of(withdrawal) == Status.UNKNOWN
        assert not outbox.sending_is_on("luxcore")

    def test_rejecting_one_that_lies_there_cancels_it(self, sandbox: Bench) -> None:
        withdrawal = self.seen_there(sandbox)

        reject(withdrawal, approver(), at=timezone.now())

        assert deliver(withdrawal, CANCEL) == CommandState.DONE
        assert status_of(withdrawal) == Status.REJECTED
        assert Payment.objects.get().status == PaymentStatus.CANCELLED
        assert not Alarm.objects.exists()

    def test_rejecting_one_that_went_on_there_calls_somebody(self, sandbox: Bench) -> None:
        withdrawal = self.seen_there(sandbox)
        reject(withdrawal, approver(), at=timezone.now())
        sandbox.act({"transaction_id": withdrawal.payment.upstream_id}, "release")

        assert deliver(withdrawal, CANCEL) == CommandState.DONE

        assert Payment.objects.get().status == PaymentStatus.IN_PROGRESS
        assert Alarm.objects.get().code == "rejected-but-moving"

    def seen_there(self, sandbox: Bench) -> Withdrawal:
        payout = {
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
        }
        there = sandbox.withdraw(currency="AUD", method="payid", payout=payout)
        client = senders.get_client()
        mirror.store_payments(
            [client.get_payment(there["transaction_id"])], seen_by=SeenBy.POLL, at=NOW
        )
        return Withdrawal.objects.select_related("payment").get()


class TestAnswers:
    """One answer each, by a LuxCore that says what the test wants."""

    def answer(self, withdrawal: Withdrawal, **members: Any) -> dict[str, Any]:
        told = {
            "transaction_id": "pay_1",
            "amount": int(withdrawal.amount * 100),
            "merchant_reference": withdrawal.merchant_reference,
        }
        return payment_json(**(told | members))

    @pytest.mark.usefixtures("line")
    @pytest.mark.parametrize(
        "other",
        [
            {"amount": 25000000},
            {"amount": 2500},
            {"currency": "MXN"},
            {"type": "deposit"},
            {"method": "bank_transfer"},
            {"payout": {"recipient_name": "Eve Smith"}},
            {"payout": {"payid": "eve@example.com", "payid_type": "email"}},
            {"merchant_reference": "somebody-elses"},
        ],
    )
    @pytest.mark.parametrize("status", [200, 201])
    def test_an_answer_that_differs_stops_the_provider(
        self, answering: Callable[..., None], other: dict[str, Any], status: int
    ) -> None:
        """M-8, M-9."""
        withdrawal = approved()
        answering(lambda _: httpx.Response(status, json=self.answer(withdrawal, **other)))

        assert deliver(withdrawal) == CommandState.UNKNOWN

        assert status_of(withdrawal) == Status.UNKNOWN
        assert withdrawal.payment is None
        assert not outbox.sending_is_on("luxcore")
        command = command_of(withdrawal)
        assert command.next_at is None
        assert command.outcome["differences"]
        assert "answer-differs" in Alarm.objects.values_list("code", flat=True)
        assert "eve@example.com" not in json.dumps(command.outcome)

    @pytest.mark.usefixtures("line")
    def test_the_same_payment_once_more_is_the_payment(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = approved()
        answering(lambda _: httpx.Response(200, json=self.answer(withdrawal)))

        assert deliver(withdrawal) == CommandState.DONE
        assert command_of(withdrawal).outcome["data"]["is_new"] is False

    @pytest.mark.usefixtures("line")
    def test_not_now_is_tried_again_with_the_same_bytes(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = approved()
        bodies: list[bytes] = []

        def busy_once(request: httpx.Request) -> httpx.Response:
            bodies.append(request.content)
            if len(bodies) == 1:
                told = {"message": "locked", "error_code": "LOCK_TIMEOUT"}
                return httpx.Response(400, json=PENDING | told)
            return httpx.Response(201, json=self.answer(withdrawal))

        answering(busy_once)

        assert deliver(withdrawal) == CommandState.QUEUED
        assert status_of(withdrawal) == Status.APPROVED
        assert deliver(withdrawal) == CommandState.DONE
        assert status_of(withdrawal) == Status.SENT
        assert bodies[0] == bodies[1]

    @pytest.mark.usefixtures("line")
    def test_nothing_sent_leaves_it_approved(self) -> None:
        withdrawal = approved()

        assert deliver(withdrawal) == CommandState.QUEUED

        assert status_of(withdrawal) == Status.APPROVED
        assert not outbox.sending_is_on("luxcore")  # not configured: a person is called

    @pytest.mark.usefixtures("line")
    @pytest.mark.parametrize("code", ["DUPLICATE_REFERENCE", "PAYMENT_ALREADY_EXISTS"])
    def test_an_error_that_says_it_exists_is_looked_up(
        self, answering: Callable[..., None], code: str
    ) -> None:
        """LC-C10."""
        withdrawal = approved()

        def exists(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                told = {"message": "exists", "error_code": code}
                return httpx.Response(400, json=PENDING | told)
            return listing(self.answer(withdrawal))

        answering(exists)

        assert deliver(withdrawal) == CommandState.DONE
        assert status_of(withdrawal) == Status.SENT

    @pytest.mark.usefixtures("line")
    def test_what_exists_and_cannot_be_looked_up_is_in_doubt(
        self, answering: Callable[..., None]
    ) -> None:
        """Counted as never sent it could be taken back, and go out again under another name."""
        withdrawal = approved()

        def exists(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                told = {"message": "exists", "error_code": "DUPLICATE_REFERENCE"}
                return httpx.Response(400, json=PENDING | told)
            return httpx.Response(503)

        answering(exists)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert status_of(withdrawal) == Status.UNKNOWN

    @pytest.mark.usefixtures("line")
    def test_a_look_reads_every_page_of_that_time(self, answering: Callable[..., None]) -> None:
        withdrawal = approved()
        asked: list[httpx.Request] = []
        others = [payment_json(transaction_id=f"pay_o{n}") for n in range(130)]
        rows = [*others, self.answer(withdrawal)]

        def lost_then_listed(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                raise httpx.ReadTimeout("lost", request=request)
            asked.append(request)
            offset = int(request.url.params["offset"])
            return listing(*rows[offset : offset + 100], total=len(rows))

        answering(lost_then_listed)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert deliver(withdrawal) == CommandState.DONE

        assert withdrawal.pk == Withdrawal.objects.get(status=Status.SENT).pk
        assert [request.url.params["offset"] for request in asked] == ["0", "100"]
        assert asked[0].url.params["method"] == "payid"
        first_sent_at = command_of(withdrawal).first_sent_at
        assert first_sent_at is not None
        since = asked[0].url.params["created_at_from"]
        assert since < (first_sent_at - timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%S")

    def test_a_look_ends_long_before_its_claim_does(
        self, line: Line, answering: Callable[..., None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        withdrawal = approved()
        now, posted, listed = 0.0, 0, 0
        monkeypatch.setattr(senders, "monotonic", lambda: now)

        def lost_then_slow(request: httpx.Request) -> httpx.Response:
            nonlocal now, posted, listed
            if request.method == "POST":
                posted += 1
                raise httpx.ReadTimeout("lost", request=request)
            now += LOOK_SECONDS / 3
            listed += 1
            return listing(payment_json(transaction_id=f"pay_o{listed}"), total=4000)

        answering(lost_then_slow)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert deliver(withdrawal) == CommandState.UNKNOWN

        assert (posted, listed) == (1, 3)
        assert line.deadlines[-3:] == [PAGE_SECONDS, PAGE_SECONDS, pytest.approx(LOOK_SECONDS / 3)]
        assert command_of(withdrawal).doubts == 2  # a person is called when it stays like that

    def test_two_looks_and_a_sending_fit_into_a_claim(self) -> None:
        look = LOOK_SECONDS + OPERATOR_WAIT
        send = OPERATOR_WAIT + TOTAL_SECONDS

        assert timedelta(seconds=look + send + look + 10) <= LEASE

    @pytest.mark.usefixtures("line")
    def test_an_unreadable_row_with_our_reference_is_no_proof_of_absence(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = approved()
        sent: list[httpx.Request] = []

        def lost_then_garbled(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                sent.append(request)
                raise httpx.ReadTimeout("lost", request=request)
            return listing(self.answer(withdrawal, amount="much"))

        answering(lost_then_garbled)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert deliver(withdrawal) == CommandState.UNKNOWN

        assert len(sent) == 1
        assert status_of(withdrawal) == Status.UNKNOWN

    @pytest.mark.usefixtures("line")
    def test_two_payments_under_our_reference_are_for_a_person(
        self, answering: Callable[..., None]
    ) -> None:
        withdrawal = approved()

        def lost_then_two(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                raise httpx.ReadTimeout("lost", request=request)
            return listing(
                self.answer(withdrawal, status="failed"),
                self.answer(withdrawal, transaction_id="pay_2"),
            )

        answering(lost_then_two)
        deliver(withdrawal)

        assert deliver(withdrawal) == CommandState.UNKNOWN
        assert "Several payments" in command_of(withdrawal).error


def listing(*rows: dict[str, Any], total: int | None = None) -> httpx.Response:
    return httpx.Response(
        200,
        json={
            "success": True,
            "data": list(rows),
            "total": len(rows) if total is None else total,
            "pagination": {"limit": 100, "offset": 0, "total_pages": 1},
        },
    )


@pytest.mark.usefixtures("line")
class TestStarting:
    def start(self, withdrawal: Withdrawal) -> None:
        with transaction.atomic():
            senders.start_payout(command_of(withdrawal), NOW)

    def test_moves_to_sending(self) -> None:
        withdrawal = approved()

        self.start(withdrawal)

        assert status_of(withdrawal) == Status.SENDING

    @pytest.mark.parametrize(
        ("spoilt", "says"),
        [
            ({"status": Status.AWAITING_APPROVAL}, "awaiting approval, not approved"),
            ({"status": Status.REJECTED}, "not approved"),
            ({"signatures_required": 2}, "does not carry the signatures"),
            ({"merchant_reference": "other"}, "another reference"),
            ({"revision": 2}, "does not carry the signatures"),
        ],
    )
    def test_leaves_what_may_not_leave(self, spoilt: dict[str, Any], says: str) -> None:
        withdrawal = approved()
        Withdrawal.objects.filter(pk=withdrawal.pk).update(**spoilt)

        with pytest.raises(MustNotSend, match=says):
            self.start(withdrawal)

    @pytest.mark.parametrize(("must", "starts"), [(True, False), (False, True)])
    def test_leaves_whose_kyc_fell_where_payouts_need_it(
        self, settings: Any, must: bool, starts: bool
    ) -> None:
        profile = ProfileFactory(kyc_status="approved", customer__email="kyc@example.com")
        withdrawal = approved(customer_email="kyc@example.com")
        settings.PAYOUTS_NEED_KYC = must
        profile.kyc_status = "manual_review"
        profile.save()

        with nullcontext() if starts else pytest.raises(MustNotSend, match="KYC of this customer"):
            self.start(withdrawal)

        assert status_of(withdrawal) == (Status.SENDING if starts else Status.APPROVED)

    def test_calls_nobody_for_what_may_not_leave(self, line: Line) -> None:
        withdrawal = approved()
        withdrawal.signatures.update(voided_at=NOW)
        asked = line.asked

        assert deliver(withdrawal) is None

        assert line.asked == asked
        assert status_of(withdrawal) == Status.APPROVED
        assert "signatures" in command_of(withdrawal).error


@pytest.mark.usefixtures("line")
class TestMirrorWasFaster:
    def test_settling_is_dull(self, answering: Callable[..., None]) -> None:
        withdrawal = approved()
        answer = payment_json(
            transaction_id=f"pay_of_{withdrawal.code}",
            merchant_reference=withdrawal.merchant_reference,
        )

        def webhook_overtakes(_: httpx.Request) -> httpx.Response:
            shown = record_for(withdrawal, status="completed")
            mirror.store_payments([shown], seen_by=SeenBy.WEBHOOK, at=NOW)
            return httpx.Response(201, json=answer)

        answering(webhook_overtakes)

        assert deliver(withdrawal) == CommandState.DONE

        assert status_of(withdrawal) == Status.COMPLETED
        assert Payment.objects.count() == 1

    def test_a_payment_that_is_known_already_is_not_sent_for(self, line: Line) -> None:
        """M-12: the desk was restored; the payment was mirrored before the queue was worked."""
        withdrawal = approved()
        mirror.store_payments([record_for(withdrawal)], seen_by=SeenBy.POLL, at=NOW)
        SendingSwitch.objects.update(is_on=True)
        asked = line.asked

        assert deliver(withdrawal) == CommandState.DONE

        assert line.asked == asked
        assert status_of(withdrawal) == Status.SENT

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [
            (Refused("NO", "no"), Status.SENT),
            (Uncertain("lost"), Status.SENT),
            (Done("pay_of_it"), Status.SENT),
        ],
    )
    def test_late_outcomes_do_not_move_it_back(self, outcome: Any, status: Status) -> None:
        withdrawal = approved()
        mirror.store_payments(
            [record_for(withdrawal, transaction_id="pay_of_it")], seen_by=SeenBy.POLL, at=NOW
        )

        with transaction.atomic():
            senders.settle_payout(command_of(withdrawal), outcome, NOW)

        assert status_of(withdrawal) == status
