"""Every method of the LuxCore client against the sandbox, which stands in for the documents."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.app import Sandbox, create_app
from sandbox.config import Config, LuxCoreConfig
from sandbox.delivery import Outcome
from sandbox.faults import Fault
from sandbox.luxcore.routes import ROUTES, V1, V2
from sandbox.server import serve
from tests.upstreams.wire import HMAC_SECRET, luxcore
from upstreams.budget import Priority
from upstreams.errors import (
    BadPayload,
    Forbidden,
    NotConfigured,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.luxcore.calls.base import all_pages
from upstreams.luxcore.client import LuxCoreClient
from upstreams.luxcore.schemas import TicketRecord
from upstreams.money import Money

KEY = "qp_test_sk_sandbox"
MERCHANT = "77"


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Sandbox, str]]:
    """A served sandbox with roomy limits, and its address."""
    settings = LuxCoreConfig(
        merchant_id=int(MERCHANT), hmac_secret=HMAC_SECRET, rate_standard=100_000
    )
    sandbox = create_app(Config(luxcore=settings), sender=lambda *_: Outcome(200))
    with sandbox, serve(sandbox) as server:
        yield sandbox, server.url


@pytest.fixture
def sandbox(place: tuple[Sandbox, str]) -> Sandbox:
    place[0].reset()
    return place[0]


@pytest.fixture
def client(sandbox: Sandbox, place: tuple[Sandbox, str]) -> Iterator[LuxCoreClient]:
    made = luxcore(base_url=place[1] + V1, api_key=KEY)
    yield made
    made.close()


@pytest.fixture
def v2(sandbox: Sandbox, place: tuple[Sandbox, str]) -> Iterator[LuxCoreClient]:
    """A merchant who was moved to v2: no key is left."""
    made = luxcore(
        base_url=place[1] + V1, api_key="", merchant_id=MERCHANT, hmac_secret=HMAC_SECRET
    )
    yield made
    made.close()


def withdrawal(**changes: Any) -> bytes:
    body = {
        "amount": 250_000,
        "currency": "ARS",
        "method": "bank_transfer",
        "type": "withdrawal",
        "merchant_reference": "payout_vendor_001",
        "customer": {"name": "Juan Perez Martinez", "email": "juan@example.com"},
        "payout": {
            "recipient_name": "Juan Perez Martinez",
            "bank_account": "0110012345678901234567",
        },
        **changes,
    }
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def fault(sandbox: Sandbox, kind: str, **params: Any) -> None:
    """Let this go wrong with every call from now on."""
    sandbox.faults.add(Fault(kind=kind, times=None, params=params))


class TestPayments:
    def test_creates_one_and_answers_the_same_for_the_same_reference(
        self, client: LuxCoreClient
    ) -> None:
        first = client.create_payment(withdrawal())
        again = client.create_payment(withdrawal())

        assert (first.is_new, again.is_new) == (True, False)
        assert first.record.id == again.record.id
        assert again.record.error_code == ""
        assert first.record.amount == Money.from_minor(250_000, "ARS")
        assert first.record.payout is not None
        assert first.record.payout.bank_account == "0110012345678901234567"

    @pytest.mark.parametrize(
        ("changes", "account", "code"),
        [
            (
                {
                    "currency": "MXN",
                    "method": "spei",
                    "payout": {
                        "recipient_name": "J",
                        "bank_account": "012345678901234567",
                        "bank_code": "002",
                    },
                },
                "012345678901234567",
                "002",
            ),
            (
                {
                    "currency": "AUD",
                    "payout": {
                        "recipient_name": "J",
                        "bank_account": "12345678",
                        "bank_code": "062-000",
                    },
                },
                "12345678",
                "062-000",
            ),
        ],
    )
    def test_reads_the_payout_back_under_the_names_it_was_sent_with(
        self, client: LuxCoreClient, changes: dict[str, Any], account: str, code: str
    ) -> None:
        payout = client.create_payment(withdrawal(**changes)).record.payout

        assert payout is not None
        assert (payout.bank_account, payout.bank_code) == (account, code)

    def test_creates_a_hosted_one_whose_answer_tells_little(self, client: LuxCoreClient) -> None:
        created = client.create_payment(withdrawal(type="deposit_pp", payout=...))

        assert created.is_new
        assert created.record.hosted
        assert created.record.page_url.startswith("http")

    def test_reads_one(self, client: LuxCoreClient) -> None:
        made = client.create_payment(withdrawal()).record

        read = client.get_payment(made.id)

        assert (read.id, read.amount, read.merchant_reference) == (
            made.id,
            made.amount,
            "payout_vendor_001",
        )
        assert read.customer is not None and read.customer.email == "juan@example.com"

    def test_does_not_find_a_strange_one(self, client: LuxCoreClient) -> None:
        with pytest.raises(NotFound):
            client.get_payment("pay_nobody")

    def test_lists_all_pages(self, client: LuxCoreClient) -> None:
        made = {
            client.create_payment(withdrawal(merchant_reference=f"r{n}", amount=100)).record.id
            for n in range(7)
        }

        pages = list(
            all_pages(
                lambda limit, offset: client.list_payments(limit=limit, offset=offset), limit=3
            )
        )

        assert [len(page.items) for page in pages] == [3, 3, 1]
        assert {record.id for page in pages for record in page.items} == made
        assert {page.total for page in pages} == {7}

    def test_lists_by_status_method_and_time(self, client: LuxCoreClient) -> None:
        client.create_payment(withdrawal())
        now = datetime.now(UTC)
        around = {"created_from": now - timedelta(hours=1), "created_to": now + timedelta(hours=1)}

        assert client.list_payments(status="pending", method="bank_transfer", **around).total == 1
        assert client.list_payments(status="completed").total == 0
        assert client.list_payments(method="spei").total == 0
        assert client.list_payments(created_to=now - timedelta(hours=1)).total == 0

    def test_cancels_one_and_hears_when_it_is_too_late(self, client: LuxCoreClient) -> None:
        payment_id = client.create_payment(withdrawal()).record.id

        assert client.cancel_payment(payment_id).status == "cancelled"
        with pytest.raises(Rejected) as caught:
            client.cancel_payment(payment_id)
        assert caught.value.code == "PAYMENT_ALREADY_PROCESSED"

    def test_knows_the_methods(self, client: LuxCoreClient) -> None:
        methods = client.payment_methods()

        assert not methods.refused
        spei = next(method for method in methods.items if method.code == "spei")
        assert spei.withdrawal and spei.currencies == ["MXN"]

    def test_validates_a_method(self, client: LuxCoreClient) -> None:
        good = client.validate_method(
            method="spei", payment_type="deposit", amount=Money.from_minor(5000, "MXN")
        )
        bad = client.validate_method(
            method="spei", payment_type="deposit", amount=Money.from_minor(5000, "ARS")
        )

        assert good.valid and not bad.valid and bad.errors

    def test_hears_what_is_wrong(self, client: LuxCoreClient) -> None:
        with pytest.raises(Rejected) as caught:
            client.create_payment(withdrawal(amount=0))
        assert caught.value.code == "VALIDATION_ERROR"
        assert "amount" in caught.value.field_errors

        with pytest.raises(Rejected) as caught:
            client.create_payment(withdrawal(amount=10**10))
        assert caught.value.code == "INSUFFICIENT_BALANCE"


class TestBalances:
    def test_reads_one_and_all(self, client: LuxCoreClient) -> None:
        one = client.balance("ARS")
        page = client.balances_page()

        assert not page.refused
        assert client.balances() == page.items
        assert [
            balance.amount
            for balance in page.items
            if (balance.currency, balance.balance_type) == ("ARS", "main")
        ] == [one.amount]
        assert one.available.currency == "ARS" and one.available.amount > 0

    def test_reads_a_merchants(self, client: LuxCoreClient) -> None:
        assert client.merchant_balance(MERCHANT, "ARS").amount == client.balance("ARS").amount
        assert len(client.merchant_balances(MERCHANT).items) == len(client.balances())
        with pytest.raises(Forbidden):
            client.merchant_balance("78")


class TestWebhooks:
    def test_lives_its_whole_life(self, client: LuxCoreClient) -> None:
        made = client.create_webhook(
            url="https://desk.example/webhooks/luxcore/", events=["payment.created"]
        )
        assert made.secret

        assert client.get_webhook(made.id).url == made.url
        assert [hook.id for hook in client.list_webhooks().items] == [made.id]
        changed = client.update_webhook(made.id, events=["payment.completed", "payment.failed"])
        assert set(changed.events) == {"payment.completed", "payment.failed"}
        assert changed.url == made.url

        client.disable_webhook(made.id)
        assert client.get_webhook(made.id).status == "disabled"
        client.enable_webhook(made.id)
        assert client.get_webhook(made.id).status == "active"

        client.delete_webhook(made.id)
        with pytest.raises(NotFound):
            client.get_webhook(made.id)

    def test_shows_its_deliveries(self, client: LuxCoreClient, sandbox: Sandbox) -> None:
        made = client.create_webhook(
            url="http://127.0.0.1:9/webhooks/luxcore/", events=["payment.created"]
        )
        client.test_webhook(made.id)
        client.create_payment(withdrawal())
        assert sandbox.settle()

        log = client.webhook_events(made.id)

        assert {delivery.event for delivery in log.items} == {"webhook.test", "payment.created"}
        assert not log.refused
        assert client.retry_webhook(made.id) == 0


class TestTickets:
    @pytest.fixture
    def ticket(self, client: LuxCoreClient) -> TicketRecord:
        return client.create_ticket(
            title="Payment is missing",
            description="It was sent yesterday",
            category="payment_issue",
            reference="our-7",
            requires_refund=True,
        )

    def test_is_created_read_and_listed(self, client: LuxCoreClient, ticket: TicketRecord) -> None:
        read = client.get_ticket(ticket.id)

        assert (read.title, read.status, read.reference) == ("Payment is missing", "open", "our-7")
        assert read.requires_refund
        matching: list[dict[str, Any]] = [
            {},
            {"statuses": ["open", "closed"]},
            {"categories": ["payment_issue"]},
            {"search": "missing"},
            {"sort_by": "updated_at", "sort_order": "asc"},
        ]
        for filters in matching:
            assert [found.id for found in client.list_tickets(**filters).items] == [ticket.id]
        assert not client.list_tickets(statuses=["closed"]).items
        assert not client.list_tickets(created_after=datetime.now(UTC) + timedelta(1)).items

    def test_is_closed_and_opened_again(self, client: LuxCoreClient, ticket: TicketRecord) -> None:
        assert client.close_ticket(ticket.id).status == "closed"
        assert client.reopen_ticket(ticket.id).status == "open"

    def test_is_commented(self, client: LuxCoreClient, ticket: TicketRecord) -> None:
        comment = client.add_comment(ticket.id, content="Any news?")

        (read,) = client.list_comments(ticket.id).items
        assert read.id == comment.id
        assert (read.content, read.author_type) == ("Any news?", "merchant")

    def test_carries_files(self, client: LuxCoreClient, ticket: TicketRecord) -> None:
        content = b"date,amount\n2026-01-01,5\n"
        ids = []
        for _ in range(2):
            slot = client.request_upload(
                ticket.id, file_name="año.csv", content_type="text/csv", file_size=len(content)
            )
            client.upload(slot, content, content_type="text/csv")
            ids.append(slot.attachment_id)
        comment = client.add_comment(ticket.id, content="See file", attachment_ids=ids[1:])

        on_ticket = client.download_attachment(ticket.id, ids[0])
        on_comment = client.download_comment_attachment(ticket.id, comment.id, ids[1])

        assert on_ticket == on_comment
        assert on_ticket.content == content
        assert (on_ticket.content_type, on_ticket.file_name) == ("text/csv", "año.csv")
        assert client.get_ticket(ticket.id).attachments[0].file_name == "año.csv"
        with pytest.raises(NotFound):
            client.download_attachment(ticket.id, "nothing")

    def test_refuses_a_file_of_another_size(
        self, client: LuxCoreClient, ticket: TicketRecord
    ) -> None:
        slot = client.request_upload(
            ticket.id, file_name="a.txt", content_type="text/plain", file_size=5
        )

        with pytest.raises(Rejected):
            client.upload(slot, b"too long", content_type="text/plain")


class TestVersionTwo:
    def test_creates_and_reads_balances_with_signatures(
        self, v2: LuxCoreClient, sandbox: Sandbox
    ) -> None:
        created = v2.create_payment(withdrawal())
        again = v2.create_payment(withdrawal())

        assert created.is_new and not again.is_new
        assert v2.balance("ARS").frozen.amount > 0
        assert v2.balances()
        assert {call["path"] for call in sandbox.requests} == {
            f"{V2}/payments",
            f"{V2}/balance",
            f"{V2}/balance/all",
        }
        assert {call["key"] for call in sandbox.requests} == {""}

    def test_has_nothing_else_to_offer(self, v2: LuxCoreClient, sandbox: Sandbox) -> None:
        with pytest.raises(NotConfigured):
            v2.list_payments()

        assert not sandbox.requests

    @pytest.mark.usefixtures("sandbox")
    def test_is_refused_with_a_wrong_secret(self, place: tuple[Sandbox, str]) -> None:
        client = luxcore(
            base_url=place[1] + V1, api_key="", merchant_id=MERCHANT, hmac_secret="wrong"
        )
        with pytest.raises(Unauthorized):
            client.create_payment(withdrawal())
        client.close()


TROUBLES: dict[str, tuple[str, dict[str, Any], type[Exception], type[Exception]]] = {
    "server error": ("answer_500", {}, Unavailable, Unknown),
    "not accepted": ("error", {"status": 503}, Unavailable, Unknown),
    "gateway's page": ("answer_502_html", {}, Unavailable, Unknown),
    "gateway's timeout": ("answer_504", {}, Unavailable, Unknown),
    "redirect": ("answer_308", {"location": "https://evil.example/"}, BadPayload, Unknown),
    "no answer": ("drop", {}, Unavailable, Unknown),
    "half an answer": ("drop_midway", {}, Unavailable, Unknown),
    "reset": ("drop", {"reset": True}, Unavailable, Unknown),
    "slow headers": ("slow_headers", {"seconds": 0.2}, Unavailable, Unknown),
    "slow body": ("slow_body", {"bytes_per_second": 5}, Unavailable, Unknown),
    "truncated": ("answer_truncated", {}, BadPayload, Unknown),
    "empty object": ("answer_empty_object", {}, BadPayload, Unknown),
    "empty list": ("answer_empty_list", {}, BadPayload, Unknown),
    "null": ("answer_null", {}, BadPayload, Unknown),
    "not JSON": ("malformed_json", {}, BadPayload, Unknown),
    "bomb": ("gzip_bomb", {"megabytes": 50}, BadPayload, Unknown),
    "huge": ("huge_body", {"megabytes": 8}, BadPayload, Unknown),
    "deep": ("deep_json", {"depth": 5000}, BadPayload, Unknown),
    "no id": ("missing_field", {"field": "transaction_id"}, BadPayload, Unknown),
    "busy": ("rate_limited", {"retry_after": "30"}, RateLimited, RateLimited),
    "refusal": ("refuse", {"error_code": "INVALID_METHOD"}, Rejected, Rejected),
}


class TestTrouble:
    @pytest.mark.parametrize("name", TROUBLES)
    def test_with_a_read(self, client: LuxCoreClient, sandbox: Sandbox, name: str) -> None:
        kind, params, expected, _ = TROUBLES[name]
        payment_id = client.create_payment(withdrawal()).record.id
        hurried = client.tuned(priority=Priority.OPERATOR, deadline=1.0 if "slow" in kind else 15)
        fault(sandbox, kind, **params)

        with pytest.raises(UpstreamError) as caught:
            hurried.get_payment(payment_id)

        assert type(caught.value) is expected

    @pytest.mark.parametrize("name", TROUBLES)
    def test_with_a_write(self, client: LuxCoreClient, sandbox: Sandbox, name: str) -> None:
        kind, params, _, expected = TROUBLES[name]
        hurried = client.tuned(priority=Priority.OPERATOR, deadline=1.0 if "slow" in kind else 15)
        fault(sandbox, kind, **params)

        with pytest.raises(UpstreamError) as caught:
            hurried.create_payment(withdrawal())

        assert type(caught.value) is expected

    def test_with_one_record_spares_the_rest_of_the_list(
        self, client: LuxCoreClient, sandbox: Sandbox
    ) -> None:
        for number in range(3):
            client.create_payment(withdrawal(merchant_reference=f"r{number}", amount=100))
        fault(sandbox, "alter", set={"amount": "12.50"}, index=1)

        page = client.list_payments()

        assert (len(page.items), page.total) == (2, 3)
        (item,) = page.refused
        assert item.payload["amount"] == "12.50"
        assert item.record_id == item.payload["transaction_id"]
        assert "amount" in item.reason

    def test_with_an_unknown_status_is_none(self, client: LuxCoreClient, sandbox: Sandbox) -> None:
        payment_id = client.create_payment(withdrawal()).record.id
        fault(sandbox, "unknown_status", status="on_the_moon")

        assert client.get_payment(payment_id).status == "on_the_moon"

    @pytest.mark.usefixtures("sandbox")
    def test_with_the_key_is_told_apart(self, place: tuple[Sandbox, str]) -> None:
        client = luxcore(base_url=place[1] + V1, api_key="qp_test_sk_wrong")

        with pytest.raises(Unauthorized):
            client.list_payments()
        client.close()


def test_every_endpoint_has_been_called(
    client: LuxCoreClient, v2: LuxCoreClient, sandbox: Sandbox
) -> None:
    """Walks through the whole API once and compares with the sandbox's table of routes."""
    payment_id = client.create_payment(withdrawal()).record.id
    client.list_payments()
    client.get_payment(payment_id)
    client.cancel_payment(payment_id)
    client.payment_methods()
    client.validate_method(
        method="spei", payment_type="deposit", amount=Money.from_minor(5000, "MXN")
    )
    hook = client.create_webhook(url="https://desk.example/w", events=["payment.created"])
    client.list_webhooks()
    client.get_webhook(hook.id)
    client.update_webhook(hook.id, url="https://desk.example/v")
    client.test_webhook(hook.id)
    client.webhook_events(hook.id)
    client.retry_webhook(hook.id)
    client.disable_webhook(hook.id)
    client.enable_webhook(hook.id)
    client.delete_webhook(hook.id)
    client.balance()
    client.balances()
    client.merchant_balance(MERCHANT)
    client.merchant_balances(MERCHANT)
    ticket = client.create_ticket(title="T")
    client.list_tickets()
    client.get_ticket(ticket.id)
    client.close_ticket(ticket.id)
    client.reopen_ticket(ticket.id)
    for comment_id in ["", client.add_comment(ticket.id, content="c").id]:
        slot = client.request_upload(
            ticket.id,
            file_name="a.txt",
            content_type="text/plain",
            file_size=1,
            comment_id=comment_id,
        )
        client.upload(slot, b"x", content_type="text/plain")
        if comment_id:
            client.download_comment_attachment(ticket.id, comment_id, slot.attachment_id)
        else:
            client.download_attachment(ticket.id, slot.attachment_id)
    client.list_comments(ticket.id)
    v2.create_payment(withdrawal())
    v2.balance()
    v2.balances()

    assert {call["status"] for call in sandbox.requests} <= {200, 201, 204}
    called = [f"{call['method']} {call['path']}" for call in sandbox.requests]
    missing = [
        f"{route.method} {base}{route.path}"
        for route in ROUTES
        for base in ([V1, V2] if route.v2 else [V1])
        if not any(
            re.fullmatch(f"{route.method} {base}" + re.sub("<.*?>", "[^/]+", route.path), line)
            for line in called
        )
    ]
    assert not missing
