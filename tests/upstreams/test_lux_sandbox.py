"""Every method of the Lux Financial client against the sandbox, which stands for the documents."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina
from werkzeug.test import EnvironBuilder, run_wsgi_app

from sandbox.app import Sandbox, create_app
from sandbox.clock import Clock
from sandbox.config import Config, LuxConfig
from sandbox.delivery import Outcome
from sandbox.faults import Fault
from sandbox.lux.config import CUSTOMER_TRANSITIONS, KYC_TRANSITIONS, TRANSFER_TRANSITIONS
from sandbox.lux.routes import PREFIX, ROUTES, V0
from tests.sandbox.helpers import SandboxTransport, Wire
from tests.upstreams.lux import KEY, lux
from upstreams.errors import (
    AlreadyExists,
    BadPayload,
    Conflict,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
    Unknown,
    UpstreamError,
)
from upstreams.lux import words
from upstreams.lux.calls.accounts import verification_body
from upstreams.lux.calls.base import every_page, json_body
from upstreams.lux.calls.customers import Picture, changes_body, decision_body, kyc_body
from upstreams.lux.calls.sanctions import Entity
from upstreams.lux.calls.transfers import account_transfer_body, transfer_body
from upstreams.lux.client import LuxClient
from upstreams.lux.schemas import CustomerRecord, ExternalAccountRecord, TransferRecord
from upstreams.money import Money

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)
ROOMY: dict[str, Any] = {"api_keys": (KEY,), "rate_second": 10**6, "rate_day": 10**6}
PASSPORT = kyc_body("passport", front=Picture("image/png", b"\x89PNG"))
_keys = itertools.count(1)


def new_sandbox(**changes: Any) -> Sandbox:
    settings = LuxConfig(**{**ROOMY, **changes})
    clock = Clock(NOON, wire=Wire())
    return create_app(Config(lux=settings), clock=clock, sender=lambda *_: Outcome(200))


def client_of(sandbox: Sandbox, **rest: Any) -> LuxClient:
    return lux(base_url=f"http://sandbox{V0}", transport=SandboxTransport(sandbox), **rest)


@pytest.fixture(scope="module")
def place() -> Iterator[Sandbox]:
    """A sandbox with roomy limits, whose time passes when a test says so."""
    with new_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(place: Sandbox) -> Sandbox:
    place.clock.set(NOON)
    place.reset()
    return place


@pytest.fixture
def client(sandbox: Sandbox) -> LuxClient:
    return client_of(sandbox)


@pytest.fixture(autouse=True)
def _no_waiting_between_tries() -> Any:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def key() -> str:
    return f"key-{next(_keys)}"


def person(**changes: Any) -> bytes:
    body = {
        "type": "individual",
        "email": "amara@example.com",
        "first_name": "Amara",
        "last_name": "Okafor",
        **changes,
    }
    return json_body(body)


def newcomer(client: LuxClient, **changes: Any) -> CustomerRecord:
    return client.create_customer(person(**changes), idempotency_key=key())


def approved(client: LuxClient, sandbox: Sandbox, **changes: Any) -> CustomerRecord:
    made = newcomer(client, **changes)
    control(sandbox, f"/lux/customers/{made.id}/kyc/under_review", force=True)
    return client.update_customer(made.id, decision_body("approved"))


def bank_account(
    client: LuxClient, customer: CustomerRecord, **changes: Any
) -> ExternalAccountRecord:
    body = {
        "customer_id": customer.id,
        "type": "us_bank_account",
        "account_name": "Amara Okafor",
        "account_type": "checking",
        "routing_number": "021000021",
        "account_number": "12345678",
        **changes,
    }
    return client.create_external_account(json_body(body), idempotency_key=key())


def verified(client: LuxClient, customer: CustomerRecord) -> ExternalAccountRecord:
    account = bank_account(client, customer)
    right = verification_body(dollars("0.34"), dollars("0.12"))
    return client.verify_external_account(account.id, right, idempotency_key=key())


def dollars(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def payout(customer: CustomerRecord, account: str, **changes: Any) -> bytes:
    given: dict[str, Any] = {
        "amount": dollars("1000"),
        "on_behalf_of": customer.id,
        "source": {"payment_rail": "polygon", "currency": "usdc", "from_address": "0xabc"},
        "destination": {
            "payment_rail": "wire",
            "currency": "usd",
            "external_account_id": account,
        },
        "client_reference_id": "ours-1",
        **changes,
    }
    return transfer_body(**given)


def ready(client: LuxClient, sandbox: Sandbox) -> tuple[CustomerRecord, bytes]:
    """A customer who may transfer, and the body of a transfer for them."""
    customer = approved(client, sandbox)
    return customer, payout(customer, verified(client, customer).id)


def pass_time(sandbox: Sandbox, seconds: float) -> None:
    sandbox.clock.advance(seconds)
    sandbox.tick()


def fault(sandbox: Sandbox, kind: str, *, times: int | None = None, **params: Any) -> None:
    """Let this go wrong with every call from now on, or with so many."""
    sandbox.faults.add(Fault(kind=kind, path=f"{PREFIX}/*", times=times, params=params))


def control(sandbox: Sandbox, path: str, **body: Any) -> Any:
    """Ask the control door for something."""
    status, found = knock(sandbox, path, **body)
    assert status == 200, found
    return found


def knock(sandbox: Sandbox, path: str, **body: Any) -> tuple[int, Any]:
    environ = EnvironBuilder(path=f"/_control{path}", method="POST", json=body).get_environ()
    answer = run_wsgi_app(sandbox, environ)
    return int(answer[1][:3]), json.loads(b"".join(answer[0]))


class TestCustomers:
    def test_begin_with_everything_due(self, client: LuxClient) -> None:
        made = newcomer(client, phone="+2348012345678", metadata={"ours": "7"})

        assert (made.status, made.kyc_status, made.tos_status) == (
            "pending",
            "not_started",
            "pending",
        )
        assert made.requirements_due == ["kyc_verification", "tos_acceptance"]
        assert made.kyc_link.endswith(f"/lux/kyc/{made.id}")
        assert client.get_customer(made.id) == made

    def test_of_a_business_have_its_facts(self, client: LuxClient) -> None:
        made = newcomer(
            client,
            type="business",
            business_name="Acme",
            business_type="llc",
            business_ein="12-3456789",
            incorporation_country="US",
        )

        assert made.business is not None
        assert (made.name, made.business.type, made.tax_id_provided) == ("Acme", "llc", True)

    @pytest.mark.parametrize(
        ("changes", "code", "fields"),
        [
            ({"email": None, "first_name": None}, "bad_customer_request", {"email"}),
            (
                {"first_name": None, "last_name": None},
                "bad_customer_request",
                {"first_name", "last_name"},
            ),
            ({"type": "robot"}, "invalid_parameter", {"type"}),
            ({"type": "business"}, "bad_customer_request", {"business_name"}),
            ({"email": "nobody"}, "invalid_parameter", {"email"}),
            ({"phone": "080"}, "invalid_parameter", {"phone"}),
            ({"date_of_birth": "1990"}, "invalid_parameter", {"date_of_birth"}),
            ({"address": {"country": "Nigeria"}}, "invalid_parameter", {"address.country"}),
            ({"first_name": "x" * 256}, "parameter_too_long", {"first_name"}),
        ],
    )
    @pytest.mark.parametrize("flat", [False, True])
    def test_that_are_malformed_are_refused_by_field_in_either_envelope(
        self,
        client: LuxClient,
        sandbox: Sandbox,
        flat: bool,
        changes: dict[str, Any],
        code: str,
        fields: set[str],
    ) -> None:
        control(sandbox, "/lux/manners", flat_errors=flat)

        with pytest.raises(Rejected) as caught:
            newcomer(client, **changes)

        assert caught.value.code == code
        assert set(caught.value.field_errors) == fields

    def test_have_an_email_of_their_own(self, client: LuxClient) -> None:
        newcomer(client)

        with pytest.raises(AlreadyExists) as caught:
            newcomer(client, email="AMARA@example.com")

        assert caught.value.code == "already_exists"

    def test_change_in_part(self, client: LuxClient) -> None:
        made = newcomer(client, address={"line1": "1 Road", "city": "Lagos", "country": "NG"})

        changed = client.update_customer(
            made.id, changes_body({"address": {"city": "Abuja"}, "phone": "+2348099999999"})
        )

        assert changed.address is not None
        assert (changed.address.line1, changed.address.city) == ("1 Road", "Abuja")
        assert changed.phone == "+2348099999999"
        assert changed.first_name == "Amara"

    def test_that_are_deleted_stay_readable_and_change_no_more(self, client: LuxClient) -> None:
        made = newcomer(client)

        gone = client.delete_customer(made.id)

        assert (gone.id, gone.status) == (made.id, "deleted")
        assert client.get_customer(made.id).status == "deleted"
        assert client.list_customers().items == []
        assert [one.id for one in client.list_customers(status="deleted").items] == [made.id]
        for write in (
            lambda: client.update_customer(made.id, changes_body({"phone": "+2348099999999"})),
            lambda: client.delete_customer(made.id),
        ):
            with pytest.raises(NotFound):
                write()

    def test_are_listed_newest_first_and_by_kyc(self, client: LuxClient, sandbox: Sandbox) -> None:
        first, second = newcomer(client), newcomer(client, email="b@example.com")
        control(sandbox, f"/lux/customers/{first.id}/kyc/pending")

        assert [one.id for one in client.list_customers().items] == [second.id, first.id]
        found = client.list_customers(kyc_status="pending").items
        assert [one.id for one in found] == [first.id]

    def test_begin_kyc_when_they_open_the_link(self, client: LuxClient, sandbox: Sandbox) -> None:
        made = newcomer(client)
        for path in (f"/lux/kyc/{made.id}", f"/lux/kyc/{made.id}/terms"):
            answer = run_wsgi_app(sandbox, EnvironBuilder(path=path).get_environ())
            assert answer[1].startswith("200")

        shown = client.get_customer(made.id)

        assert (shown.kyc_status, shown.tos_status) == ("pending", "approved")
        assert shown.requirements_due == ["kyc_verification"]


class TestKyc:
    @pytest.mark.parametrize("to", words.KYC_STATUSES)
    @pytest.mark.parametrize("kind", ["individual", "business"])
    def test_moves_as_the_table_says(
        self, client: LuxClient, sandbox: Sandbox, kind: str, to: str
    ) -> None:
        """LF-A5, every pair; the desk's table and the sandbox's are one."""
        made = newcomer(client, type=kind, business_name="Acme")
        for status in words.KYC_STATUSES:
            control(sandbox, f"/lux/customers/{made.id}/kyc/{status}", force=True)
            allowed = to in words.next_kyc(status, customer_type=kind)

            found, _ = knock(sandbox, f"/lux/customers/{made.id}/kyc/{to}")

            assert (found == 200) is allowed, status
            assert client.get_customer(made.id).kyc_status == (to if allowed else status)

    def test_is_one_table(self) -> None:
        for status, following in KYC_TRANSITIONS.items():
            assert words.next_kyc(status, customer_type="business") == following
        assert set(KYC_TRANSITIONS) == set(words.KYC_STATUSES)

    @pytest.mark.parametrize("status", words.KYC_STATUSES)
    def test_takes_documents_where_it_says_so(
        self, client: LuxClient, sandbox: Sandbox, status: str
    ) -> None:
        made = newcomer(client)
        control(sandbox, f"/lux/customers/{made.id}/kyc/{status}", force=True)

        if words.takes_documents(status):
            submitted = client.submit_kyc(made.id, PASSPORT, idempotency_key=key())
            assert (submitted.customer_id, submitted.status) == (made.id, "in_review")
            assert client.get_customer(made.id).kyc_status == "under_review"
        else:
            with pytest.raises(Conflict):
                client.submit_kyc(made.id, PASSPORT, idempotency_key=key())
            assert client.get_customer(made.id).kyc_status == status

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"document_type": "passport"}, "document_front"),
            ({"document_type": "library_card", "document_front": "data:"}, "document_type"),
            (
                {"document_type": "national_id", "document_front": "data:image/png;base64,AA=="},
                "document_back",
            ),
            ({"document_type": "passport", "document_front": "AA=="}, "document_front"),
            (
                {"document_type": "passport", "document_front": "data:image/svg+xml;base64,AA=="},
                "document_front",
            ),
        ],
    )
    def test_takes_no_documents_that_are_none(
        self, client: LuxClient, body: dict[str, str], field: str
    ) -> None:
        with pytest.raises(Rejected) as caught:
            client.submit_kyc(newcomer(client).id, json_body(body), idempotency_key=key())

        assert set(caught.value.field_errors) == {field}

    def test_grants_endorsements_on_approval(self, client: LuxClient, sandbox: Sandbox) -> None:
        found = approved(client, sandbox)

        assert (found.status, found.kyc_status) == ("active", "approved")
        assert set(found.endorsements) == {
            "can_ach_transfer",
            "can_wire_transfer",
            "can_trade_stablecoins",
        }
        assert (found.kyc_link, found.requirements_due) == ("", [])

    def test_says_why_it_was_rejected(self, client: LuxClient, sandbox: Sandbox) -> None:
        made = newcomer(client)
        control(sandbox, f"/lux/customers/{made.id}/kyc/manual_review", force=True)

        found = client.update_customer(made.id, decision_body("rejected", ["Altered document"]))

        assert (found.kyc_status, found.rejection_reasons) == ("rejected", ["Altered document"])

    def test_that_is_unheard_of_is_kept_and_leads_nowhere(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        made = newcomer(client)
        fault(sandbox, "alter", set={"kyc_status": "on_the_moon"})

        found = client.get_customer(made.id)

        assert found.kyc_status == "on_the_moon"
        assert not words.is_final_kyc(found.kyc_status)

    def test_decisions_are_not_taken_where_they_do_not_take_them(self) -> None:
        with new_sandbox(takes_decisions=False) as sandbox:
            client = client_of(sandbox)

            with pytest.raises(Rejected) as caught:
                client.update_customer(newcomer(client).id, decision_body("approved"))

        assert set(caught.value.field_errors) == {"kyc_status"}


@pytest.mark.parametrize("to", CUSTOMER_TRANSITIONS)
@pytest.mark.parametrize("status", CUSTOMER_TRANSITIONS)
def test_customers_change_status_as_the_table_says(
    client: LuxClient, sandbox: Sandbox, status: str, to: str
) -> None:
    """LF-A7, every pair."""
    made = newcomer(client)
    control(sandbox, f"/lux/customers/{made.id}/status/{status}", force=True)

    found, _ = knock(sandbox, f"/lux/customers/{made.id}/status/{to}")

    assert (found == 200) is (to in CUSTOMER_TRANSITIONS[status])


class TestWallets:
    def test_are_made_listed_and_read(self, client: LuxClient) -> None:
        owner, other = newcomer(client), newcomer(client, email="b@example.com")
        body = {"customer_id": owner.id, "type": "custodial", "chains": ["polygon", "base"]}
        made = client.create_wallet(json_body(body), idempotency_key=key())

        assert set(made.addresses) == {"polygon", "base"}
        assert client.get_wallet(made.id) == made
        assert client.list_customer_wallets(owner.id).items == [made]
        assert client.list_customer_wallets(other.id).items == []
        assert client.list_wallets(customer_id=owner.id, type="custodial").items == [made]
        assert client.list_wallets(chain="base").items == [made]
        assert client.list_wallets(chain="lux").items == []
        assert client.wallet_balance(made.id).balances == []

    def test_of_several_parties_await_their_ceremony(self, client: LuxClient) -> None:
        body: dict[str, Any] = {
            "customer_id": newcomer(client).id,
            "type": "mpc",
            "chains": ["lux"],
            "mpc_config": {"threshold": 2, "parties": 3},
        }

        made = client.create_wallet(json_body(body), idempotency_key=key())

        assert made.mpc["status"] == "key_ceremony_pending"
        for wrong in ({}, {"threshold": 4, "parties": 3}):
            with pytest.raises(Rejected):
                client.create_wallet(json_body(body | {"mpc_config": wrong}), idempotency_key=key())

    def test_hold_coins(self) -> None:
        config = Config(seed=1, lux=LuxConfig(**ROOMY))
        with create_app(config, clock=Clock(NOON, wire=Wire())) as sandbox:
            client = client_of(sandbox)
            wallet = client.list_wallets(limit=1).items[0]

            held = client.wallet_balance(wallet.id, currency="USDC", chain="polygon")

            assert held.balances[0].balance.currency == "USDC"
            assert held.total_usd == held.balances[0].balance.amount
            assert client.wallet_balance(wallet.id, currency="usdt").balances == []


class TestExternalAccounts:
    def test_of_banks_are_verified_by_two_small_deposits(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        owner = newcomer(client)
        account = bank_account(client, owner)
        assert (account.status, account.verification_method) == ("pending", "micro_deposits")
        assert (account.last_4, account.country) == ("5678", "US")
        wrong = verification_body(dollars("0.01"), dollars("0.02"))

        tried = client.verify_external_account(account.id, wrong, idempotency_key=key())
        found = verified(client, owner)

        assert (tried.status, found.status) == ("pending", "verified")
        with pytest.raises(Conflict):
            client.verify_external_account(found.id, wrong, idempotency_key=key())

    def test_fail_after_three_wrong_tries(self, client: LuxClient) -> None:
        account = bank_account(client, newcomer(client))
        wrong = verification_body(dollars("0.01"), dollars("0.02"))

        tries = [
            client.verify_external_account(account.id, wrong, idempotency_key=key()).status
            for _ in range(3)
        ]

        assert tries == ["pending", "pending", "failed"]

    @pytest.mark.parametrize(
        ("changes", "status"),
        [
            (
                {
                    "type": "international_bank_account",
                    "iban": "DE89370400440532013000",
                    "bic": "DEUTDEFF",
                    "bank_name": "Deutsche Bank",
                    "bank_country": "DE",
                },
                "pending",
            ),
            (
                {"type": "mx_bank_account", "clabe": "012345678901234567", "bank_name": "BBVA"},
                "pending",
            ),
            ({"type": "crypto_address", "chain": "polygon", "address": "0x1"}, "verified"),
        ],
    )
    def test_of_other_kinds(self, client: LuxClient, changes: dict[str, str], status: str) -> None:
        made = bank_account(client, newcomer(client), **changes)

        assert made.status == status
        assert "iban" not in made.raw and "clabe" not in made.raw

    def test_that_do_not_exist_are_refused(self, client: LuxClient) -> None:
        """A sandbox test value (§1.12)."""
        with pytest.raises(Rejected) as caught:
            bank_account(client, newcomer(client), account_number="00000000")

        assert set(caught.value.field_errors) == {"account_number"}

    def test_are_listed_by_what_they_are_and_deleted(self, client: LuxClient) -> None:
        owner = newcomer(client)
        bank = bank_account(client, owner)
        coin = bank_account(client, owner, type="crypto_address", chain="base", address="0x1")

        assert client.list_external_accounts(status="verified").items == [coin]
        assert client.list_external_accounts(country="US").items == [bank]
        assert client.list_external_accounts(type="crypto_address").items == [coin]
        assert client.list_customer_external_accounts(owner.id).items == [coin, bank]
        client.delete_external_account(coin.id)
        with pytest.raises(NotFound):
            client.get_external_account(coin.id)


class TestTransfers:
    def test_go_their_way_with_their_papers(self, client: LuxClient, sandbox: Sandbox) -> None:
        _, body = ready(client, sandbox)
        made = client.create_transfer(body, idempotency_key=key())
        assert made.amount == Money(Decimal("1000.00"), "USDC")
        states = [made.state]

        for _ in range(12):
            pass_time(sandbox, 2)
            state = client.get_transfer(made.id).state
            states += [state] if state != states[-1] else []

        assert states == [
            "awaiting_funds",
            "funds_received",
            "in_review",
            "payment_submitted",
            "payment_processed",
        ]
        done = client.get_transfer(made.id)
        assert done.destination.trace_number
        assert done.receipt is not None
        # 0.25 % and 0.50 of gas (LF-A11)
        assert (done.receipt.exchange_fee, done.receipt.gas_fee) == (
            Decimal("2.50"),
            Decimal("0.50"),
        )
        assert done.receipt.final_amount == Decimal("997.00")

    def test_are_tried_dry_without_any_effect(self, client: LuxClient, sandbox: Sandbox) -> None:
        customer, body = ready(client, sandbox)

        assert client.check_transfer(body).is_valid
        assert client.list_transfers().items == []
        with pytest.raises(NotFound):
            client.check_transfer(payout(customer, "ext_x"))

    @pytest.mark.parametrize("to", TRANSFER_TRANSITIONS)
    def test_move_as_the_table_says(self, client: LuxClient, sandbox: Sandbox, to: str) -> None:
        """Every pair of the drawn graph."""
        _, body = ready(client, sandbox)
        made = client.create_transfer(body, idempotency_key=key())
        for state, following in TRANSFER_TRANSITIONS.items():
            control(sandbox, f"/lux/transfers/{made.id}/{state}", force=True)

            found, _ = knock(sandbox, f"/lux/transfers/{made.id}/{to}")

            assert (found == 200) is (to in following), state
        for state, following in TRANSFER_TRANSITIONS.items():
            assert words.is_final_transfer(state) is not following or not following

    def test_stay_in_review_when_they_are_dubious(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        """A sandbox test value (§1.12)."""
        customer, _ = ready(client, sandbox)
        account = client.list_external_accounts().items[0]
        body = payout(customer, account.id, amount=dollars("999999"))
        made = client.create_transfer(body, idempotency_key=key())

        pass_time(sandbox, 3600)

        assert client.get_transfer(made.id).state == "in_review"
        moved = control(sandbox, f"/lux/transfers/{made.id}/undeliverable")
        assert moved["return_details"]["reason"] == "R03"

    def test_are_listed_by_customer_state_and_time(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        customer, body = ready(client, sandbox)
        old = client.create_transfer(body, idempotency_key=key())
        pass_time(sandbox, 3600)
        new = client.create_transfer(body, idempotency_key=key())

        assert [one.id for one in client.list_transfers().items] == [new.id, old.id]
        since = NOON + timedelta(minutes=30)
        assert [one.id for one in client.list_transfers(since=since).items] == [new.id]
        assert [one.id for one in client.list_transfers(until=since).items] == [old.id]
        assert [one.id for one in client.list_transfers(state="awaiting_funds").items] == [new.id]
        assert client.list_transfers(on_behalf_of="cus_other").items == []
        assert len(client.list_transfers(on_behalf_of=customer.id).items) == 2

    def test_of_the_short_form_move_between_accounts(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        body = account_transfer_body(
            amount=dollars("100"), source="acc_operating", destination="acc_reserve"
        )
        made = client.create_transfer(body, idempotency_key=key())
        assert (made.state, made.source.account_id) == ("funds_received", "acc_operating")

        pass_time(sandbox, 60)

        assert client.get_transfer(made.id).state == "payment_processed"
        assert client.check_transfer(body).notes == []

    @pytest.mark.parametrize(
        ("amount", "source", "expected"),
        [
            ("9999999", "acc_operating", "insufficient_funds"),
            ("1", "acc_reserve", "invalid_parameter"),
            ("1", "acc_nobodys", "NotFound"),
        ],
    )
    def test_of_the_short_form_may_be_refused(
        self, client: LuxClient, amount: str, source: str, expected: str
    ) -> None:
        body = account_transfer_body(
            amount=dollars(amount), source=source, destination="acc_reserve"
        )

        with pytest.raises((Rejected, NotFound)) as caught:
            client.create_transfer(body, idempotency_key=key())

        assert expected in (getattr(caught.value, "code", ""), type(caught.value).__name__)

    def test_of_the_short_form_may_not_be_offered(self) -> None:
        body = account_transfer_body(
            amount=dollars("1"), source="acc_operating", destination="acc_reserve"
        )
        with new_sandbox(allow_account_transfers=False) as sandbox, pytest.raises(Rejected):
            client_of(sandbox).create_transfer(body, idempotency_key=key())

    def test_may_have_no_amount_where_they_are_flexible(
        self, client: LuxClient, sandbox: Sandbox
    ) -> None:
        customer, _ = ready(client, sandbox)
        account = client.list_external_accounts().items[0]
        flexible = {"amount": None, "features": {"flexible_amount": True}}

        made = client.create_transfer(
            payout(customer, account.id, **flexible), idempotency_key=key()
        )

        assert made.amount is None
        with pytest.raises(Rejected):
            client.create_transfer(payout(customer, account.id, amount=None), idempotency_key=key())


POLYGON = {"payment_rail": "polygon", "currency": "usdc"}
# what is asked, of a customer in which state, and the code it is refused with
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "KYC not done": ({}, {"kyc": "under_review"}, "kyc_required"),
    "KYC rejected": ({}, {"kyc": "rejected"}, "kyc_rejected"),
    "suspended": ({}, {"status": "suspended"}, "account_suspended"),
    "no endorsement for the rail": (
        {"source": {"payment_rail": "swift", "currency": "usd"}},
        {},
        "endorsement_required",
    ),
    "no endorsement for coins": (
        {},
        {"endorsements": ["can_wire_transfer"]},
        "endorsement_required",
    ),
    "another currency than the rail's": (
        {"source": {"payment_rail": "sepa", "currency": "usd"}},
        {},
        "bad_request",
    ),
    "a coin the chain does not carry": (
        {"source": {"payment_rail": "tron", "currency": "usdc"}},
        {},
        "bad_request",
    ),
    "a rail nobody knows": (
        {"source": {"payment_rail": "pigeon", "currency": "usd"}},
        {},
        "invalid_parameter",
    ),
    "too much": ({"amount": dollars("1000001")}, {}, "limit_exceeded"),
    "too long a reference": ({"client_reference_id": "x" * 257}, {}, "parameter_too_long"),
    "no address": ({"destination": POLYGON}, {}, "missing_parameter"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_transfer_is_refused(client: LuxClient, sandbox: Sandbox, name: str) -> None:
    changes, state, code = REFUSED[name]
    customer, _ = ready(client, sandbox)
    account = client.list_external_accounts().items[0]
    for deed in ("kyc", "status"):
        if deed in state:
            path = f"/lux/customers/{customer.id}/{deed}/{state[deed]}"
            control(sandbox, path, force=True)
    if "endorsements" in state:
        control(sandbox, f"/lux/customers/{customer.id}", endorsements=state["endorsements"])

    with pytest.raises(Rejected) as caught:
        client.create_transfer(payout(customer, account.id, **changes), idempotency_key=key())

    assert caught.value.code == code
    assert client.list_transfers().items == []


class TestSanctions:
    def test_finds_those_who_look_like_somebody_listed(self, client: LuxClient) -> None:
        found = client.screen(
            Entity("Víktor Draganov", "individual", "1968-04-02", "BG"), idempotency_key=key()
        )

        assert (found.status, found.is_clear, found.match_count) == ("potential_match", False, 1)
        hit = found.matches[0]
        assert (hit.matched_name, hit.source, hit.programs) == ("Viktor Draganov", "SDN", ["SDGT"])
        assert hit.score == 1
        assert client.get_screening(found.id) == found
        assert client.list_screenings().items == [found]

    def test_is_clear_for_others(self, client: LuxClient) -> None:
        assert client.screen(Entity("Amara Okafor"), idempotency_key=key()).is_clear

    def test_ranks_a_likeness_below_an_equal(self, client: LuxClient) -> None:
        alike = client.screen(
            Entity("Ana Pereira", date_of_birth="1991-02-08"), idempotency_key=key()
        )

        assert Decimal("0.6") <= alike.matches[0].score < 1
        assert alike.matches[0].match_type == "name_fuzzy"

    def test_of_many_is_in_their_order(self, client: LuxClient) -> None:
        entities = [Entity("Amara Okafor"), Entity("Yusuf Karimov"), Entity("Ben Low")]

        found = client.screen_batch(entities, idempotency_key=key())

        assert [one.is_clear for one in found] == [True, False, True]

    def test_changes_with_the_lists(self, client: LuxClient, sandbox: Sandbox) -> None:
        control(sandbox, "/lux/listed", name="Amara Okafor", source="UN")

        found = client.screen(Entity("Amara Okafor"), idempotency_key=key())

        assert found.matches[0].source == "UN"

    @pytest.mark.parametrize(
        ("entity", "code"),
        [({"name": " "}, "SANCTIONS_003"), ({"name": "A", "type": "vessel"}, "SANCTIONS_004")],
    )
    def test_refuses_with_codes_of_its_own(
        self, client: LuxClient, entity: dict[str, str], code: str
    ) -> None:
        with pytest.raises(Rejected) as caught:
            client.screen(Entity(**entity), idempotency_key=key())

        assert caught.value.code == code

    def test_tells_of_its_lists(self, client: LuxClient) -> None:
        assert {source.code for source in client.list_sources().items} >= {"SDN", "UN", "PEP"}
        assert client.refresh_sources(idempotency_key=key()) == NOON + timedelta(minutes=5)


class TestWebhookEndpoints:
    def test_are_made_listed_and_deleted(self, client: LuxClient) -> None:
        made = client.create_webhook(
            url="https://desk.example.com/webhooks/lux/",
            events=["customer.created"],
            secret="whsec_ours",
            idempotency_key=key(),
        )

        assert (made.status, made.events) == ("active", ["customer.created"])
        assert client.list_webhooks().items == [made]
        client.delete_webhook(made.id)
        assert client.list_webhooks().items == []

    @pytest.mark.parametrize(
        ("url", "events"),
        [("http://desk.example.com/", ["customer.created"]), ("https://d.e", ["x"])],
    )
    def test_are_refused_when_they_make_no_sense(
        self, client: LuxClient, url: str, events: list[str]
    ) -> None:
        with pytest.raises(Rejected):
            client.create_webhook(url=url, events=events, secret="s", idempotency_key=key())


class TestIdempotency:
    def test_gives_the_first_answer_again(self, client: LuxClient, sandbox: Sandbox) -> None:
        _, body = ready(client, sandbox)
        first = client.create_transfer(body, idempotency_key="k-1")
        pass_time(sandbox, 3600)

        again = client.create_transfer(body, idempotency_key="k-1")

        assert again == first
        assert len(client.list_transfers().items) == 1

    def test_makes_one_however_the_reply_is_lost(self, client: LuxClient, sandbox: Sandbox) -> None:
        """§4.3: the same key may be sent again; nothing is made twice."""
        _, body = ready(client, sandbox)
        fault(sandbox, "drop", times=1)
        with pytest.raises(Unknown):
            client.create_transfer(body, idempotency_key="k-1")

        made = client.create_transfer(body, idempotency_key="k-1")

        assert [one.id for one in client.list_transfers().items] == [made.id]

    def test_refuses_another_body_under_the_same_key(self, client: LuxClient) -> None:
        client.create_customer(person(), idempotency_key="k-1")

        with pytest.raises(Conflict) as caught:
            client.create_customer(person(email="b@example.com"), idempotency_key="k-1")

        assert caught.value.code == "conflict"
        assert client.create_customer(person(), idempotency_key="k-1").email == "amara@example.com"

    def test_remembers_a_refusal_too(self, client: LuxClient, sandbox: Sandbox) -> None:
        customer, body = ready(client, sandbox)
        control(sandbox, f"/lux/customers/{customer.id}/status/suspended")
        for _ in range(2):
            with pytest.raises(Rejected):
                client.create_transfer(body, idempotency_key="k-1")
            control(sandbox, f"/lux/customers/{customer.id}/status/active", force=True)

        assert client.list_transfers().items == []

    def test_forgets_after_a_day(self, client: LuxClient, sandbox: Sandbox) -> None:
        _, body = ready(client, sandbox)
        first = client.create_transfer(body, idempotency_key="k-1")
        pass_time(sandbox, 86_401)

        assert client.create_transfer(body, idempotency_key="k-1").id != first.id

    def test_is_by_path(self, client: LuxClient) -> None:
        owner = client.create_customer(person(), idempotency_key="k-1")

        client.submit_kyc(owner.id, PASSPORT, idempotency_key="k-1")

    def test_may_be_asked_for(self) -> None:
        with new_sandbox(idempotency_strict=True) as sandbox:
            environ = EnvironBuilder(
                path=f"{V0}/customers", method="POST", json={}, headers={"Api-Key": KEY}
            ).get_environ()
            answer = run_wsgi_app(sandbox, environ)

            assert json.loads(b"".join(answer[0]))["error"]["source"] == {
                "location": "header",
                "key": "Idempotency-Key",
            }


class TestLists:
    @pytest.fixture
    def five(self, client: LuxClient) -> list[str]:
        return [newcomer(client, email=f"{n}@example.com").id for n in range(5)]

    def read(self, client: LuxClient) -> tuple[list[str], str]:
        """The ids, and why reading stopped before the end."""
        read: list[str] = []
        try:
            for page in every_page(lambda cursor: client.list_customers(cursor=cursor, limit=2)):
                read += [item.id for item in page.items]
        except BadPayload as stopped:
            return read, str(stopped)
        return read, ""

    def test_are_read_to_their_end(self, client: LuxClient, five: list[str]) -> None:
        assert self.read(client) == (five[::-1], "")

    def test_do_not_repeat_when_somebody_arrives(self, client: LuxClient, five: list[str]) -> None:
        pages = every_page(lambda cursor: client.list_customers(cursor=cursor, limit=2))
        read = [item.id for item in next(pages).items]
        newcomer(client, email="new@example.com")

        read += [item.id for page in pages for item in page.items]

        assert read == five[::-1]

    @pytest.mark.parametrize(
        ("endless", "why"), [("cursor", "a "), ("page", "a page"), ("empty", "empty pages")]
    )
    def test_without_end_are_stopped(
        self, client: LuxClient, sandbox: Sandbox, five: list[str], endless: str, why: str
    ) -> None:
        control(sandbox, "/lux/manners", endless=endless)
        before = len(sandbox.requests)

        read, stopped = self.read(client)

        assert why in stopped
        assert len(sandbox.requests) - before <= 7
        assert read == [name for name in five[::-1] if name in read]

    def test_set_a_bad_record_aside(
        self, client: LuxClient, sandbox: Sandbox, five: list[str]
    ) -> None:
        fault(sandbox, "malformed_record", index=1)

        page = client.list_customers()

        assert len(page.items) == 4
        assert page.refused[0].reason.endswith("is missing")

    @pytest.mark.parametrize("query", [{"cursor": "cur_x"}, {"cursor": "nonsense"}])
    def test_know_their_cursors(self, client: LuxClient, query: dict[str, str]) -> None:
        with pytest.raises(Rejected) as caught:
            client.list_customers(**query)

        assert set(caught.value.field_errors) == {"cursor"}


TROUBLES: dict[str, tuple[str, dict[str, Any], type[Exception], type[Exception]]] = {
    "server error": ("answer_500", {}, Unavailable, Unknown),
    "not accepted": ("error", {"status": 503}, Unavailable, Unknown),
    "gateway's page": ("answer_502_html", {}, Unavailable, Unknown),
    "redirect": ("answer_308", {"location": "https://evil.example/"}, BadPayload, Unknown),
    "no answer": ("drop", {}, Unavailable, Unknown),
    "not even asked": ("drop_before", {}, Unavailable, Unknown),
    "truncated": ("answer_truncated", {}, BadPayload, Unknown),
    "empty object": ("answer_empty_object", {}, BadPayload, Unknown),
    "not JSON": ("malformed_json", {}, BadPayload, Unknown),
    "no id": ("missing_field", {"field": "id"}, BadPayload, Unknown),
    "busy": ("rate_limited", {"retry_after": "30"}, RateLimited, RateLimited),
    "refusal": ("refuse", {"error_code": "aml_violation", "status": 403}, Rejected, Rejected),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_means_the_same_as_ever(client: LuxClient, sandbox: Sandbox, name: str) -> None:
    kind, params, read, write = TROUBLES[name]
    made = newcomer(client)
    fault(sandbox, kind, **params)
    hurried = client_of(sandbox, deadline=4.0)

    with pytest.raises(UpstreamError) as caught:
        hurried.get_customer(made.id)
    assert type(caught.value) is read

    with pytest.raises(UpstreamError) as caught:
        client_of(sandbox).update_customer(made.id, changes_body({"phone": "+2348099999999"}))
    assert type(caught.value) is write


class TestTheDoor:
    @pytest.mark.parametrize("code", ["expired", "revoked"])
    def test_says_what_is_wrong_with_a_key(
        self, client: LuxClient, sandbox: Sandbox, code: str
    ) -> None:
        control(sandbox, "/lux/keys", key=KEY, code=code)

        with pytest.raises(Unauthorized, match=code):
            client.list_customers()

    def test_knows_its_keys(self, sandbox: Sandbox) -> None:
        with pytest.raises(Unauthorized, match="invalid"):
            client_of(sandbox, api_key="sk_test_other").list_customers()

    def test_lets_so_many_pass_a_second_and_a_day(self) -> None:
        wire = Wire()
        settings = LuxConfig(**{**ROOMY, "rate_second": 3, "rate_day": 5})
        with create_app(Config(lux=settings), clock=Clock(NOON, wire=wire)) as sandbox:
            statuses = []
            for moment in (0.0, 0.1, 0.2, 0.3, 1.5, 1.6, 1.7):
                wire.at = 1_800_000_000 + moment
                environ = EnvironBuilder(
                    path=f"{V0}/customers", headers={"Api-Key": KEY}
                ).get_environ()
                answer = run_wsgi_app(sandbox, environ)
                statuses.append((answer[1][:3], answer[2].get("Retry-After")))

        assert [status for status, _ in statuses] == ["200"] * 3 + ["429"] + ["200"] * 2 + ["429"]
        assert statuses[3][1] == "1"
        assert int(statuses[-1][1] or 0) > 80_000


def test_history_is_repeatable_and_believable() -> None:
    config = Config(seed=4, lux=LuxConfig(**ROOMY))

    def told() -> list[tuple[Any, ...]]:
        with create_app(config, clock=Clock(NOON, wire=Wire())) as sandbox:
            people = client_of(sandbox).list_customers(limit=100).items
            return [(one.id, one.kyc_status, one.name, one.risk_rating) for one in people]

    first = told()

    assert first == told()
    assert {kyc for _, kyc, _, _ in first} == set(words.KYC_STATUSES)
    assert len({name for _, _, name, _ in first}) > 20


def test_customers_arrive_and_begin_kyc_by_themselves() -> None:
    config = Config(seed=2, pace=60, lux=LuxConfig(**ROOMY))
    with create_app(config, clock=Clock(NOON, wire=Wire())) as sandbox:
        for _ in range(20):
            pass_time(sandbox, 30)

        arrived = control_get(sandbox, "/lux/customers?source=traffic")["customers"]
        moved = control_get(sandbox, "/lux/transfers")["transfers"]

        assert {"under_review"} <= {one["kyc_status"] for one in arrived}
        assert any(one["from"] == "traffic" for one in moved)


def control_get(sandbox: Sandbox, path: str) -> Any:
    path, _, query = f"/_control{path}".partition("?")
    environ = EnvironBuilder(path=path, query_string=query).get_environ()
    return json.loads(b"".join(run_wsgi_app(sandbox, environ)[0]))


class TestDocumentsThatWereHandedIn:
    def test_are_read_as_they_came(self, client: LuxClient) -> None:
        customer = newcomer(client, email="handed-in@example.com")
        body = kyc_body(
            "national_id",
            front=Picture("image/png", b"\x89PNG front"),
            back=Picture("application/pdf", b"%PDF back"),
        )
        made = client.submit_kyc(customer.id, body, idempotency_key=key())

        (shown,) = client.list_kyc_submissions(customer.id).items

        assert (shown.id, shown.document_type, shown.status) == (
            made.id,
            "national_id",
            "in_review",
        )
        assert shown.pictures == ["document_back", "document_front"]
        read = [client.get_kyc_picture(customer.id, shown.id, name) for name in shown.pictures]
        assert read == [b"%PDF back", b"\x89PNG front"]

    def test_are_nobody_elses(self, client: LuxClient) -> None:
        customer = newcomer(client, email="theirs@example.com")
        client.submit_kyc(customer.id, PASSPORT, idempotency_key=key())
        (shown,) = client.list_kyc_submissions(customer.id).items
        other = newcomer(client, email="not-theirs@example.com")

        assert client.list_kyc_submissions(other.id).items == []
        for customer_id, name in ((other.id, "document_front"), (customer.id, "selfie")):
            with pytest.raises(NotFound):
                client.get_kyc_picture(customer_id, shown.id, name)

    def test_of_which_only_the_newest_are_kept(
        self, client: LuxClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sandbox.lux.documents.KEPT", 1)
        people = [newcomer(client, email=f"kept{number}@example.com") for number in range(2)]
        for person_ in people:
            client.submit_kyc(person_.id, PASSPORT, idempotency_key=key())

        kept = [client.list_kyc_submissions(one.id).items[0].pictures for one in people]

        assert kept == [[], ["document_front"]]


def test_calls_every_operation_there_is(client: LuxClient, sandbox: Sandbox) -> None:
    customer, body = ready(client, sandbox)
    sandbox.requests.clear()
    newcomer(client, email="b@example.com")
    client.list_customers()
    client.get_customer(customer.id)
    client.update_customer(customer.id, changes_body({}))
    other = newcomer(client, email="c@example.com")
    client.submit_kyc(other.id, PASSPORT, idempotency_key=key())
    (handed_in,) = client.list_kyc_submissions(other.id).items
    client.get_kyc_picture(other.id, handed_in.id, "document_front")
    wallet = client.create_wallet(
        json_body({"customer_id": customer.id, "type": "custodial", "chains": ["lux"]}),
        idempotency_key=key(),
    )
    client.list_wallets()
    client.get_wallet(wallet.id)
    client.wallet_balance(wallet.id)
    client.list_customer_wallets(customer.id)
    client.list_customer_external_accounts(customer.id)
    account = verified(client, customer)
    client.list_external_accounts()
    client.get_external_account(account.id)
    made: TransferRecord = client.create_transfer(body, idempotency_key=key())
    client.list_transfers()
    client.get_transfer(made.id)
    client.delete_external_account(account.id)
    screening = client.screen(Entity("A"), idempotency_key=key())
    client.screen_batch([Entity("A")], idempotency_key=key())
    client.list_screenings()
    client.get_screening(screening.id)
    client.list_sources()
    client.refresh_sources(idempotency_key=key())
    hook = client.create_webhook(
        url="https://d.example/", events=["customer.created"], secret="s", idempotency_key=key()
    )
    client.list_webhooks()
    client.delete_webhook(hook.id)
    client.delete_customer(customer.id)

    called = {(call["method"], call["path"]) for call in sandbox.requests}
    missed = [
        route
        for route in ROUTES
        if not any(
            method == route.method
            and re.fullmatch(V0 + re.sub("<[^>]+>", "[^/]+", route.path), path)
            for method, path in called
        )
    ]
    assert missed == []
