"""Every way that Lux Financial documents, and every wrong variation, by form and by API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.http import QueryDict

from customers.models import ExternalAccount, Profile
from payments import asking, mirror, rules
from payments.api.requests import TRANSFER_PLACES, WithdrawalRequest
from payments.enums import Origin, SeenBy
from payments.forms.lux import TransferForm
from payments.intent import differences
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft, lux
from tests.customers.factories import CustomerFactory, ExternalAccountFactory
from tests.customers.lux import Place
from tests.payments.factories import NOW, maker
from tests.payments.lux import PAYEE, PAYER, Books
from upstreams.lux import words

pytestmark = pytest.mark.django_db

TOKEN = "6f1d4b0e-5d0c-4a53-9b43-2d1f7f0f9a11"
ADDRESSES = {
    "solana": "4Nd1mYJ5vVqf8kqk5yQp1n1s4YQw8mZ9oTz3t1nVbQ2R",
    "stellar": "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
    "tron": "TQn9Y2khEsLJW1ChVWFMSMeRDow5KcbLSE",
}
Told = dict[str, str]
Way = Callable[[Told], tuple[WithdrawalDraft | None, dict[str, str]]]


@pytest.fixture(scope="module")
def somewhere() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


@pytest.fixture
def books(somewhere: Place) -> Books:
    return Books(somewhere)


def by_form(told: Told) -> tuple[WithdrawalDraft | None, dict[str, str]]:
    data = QueryDict(mutable=True)
    data.update({"token": TOKEN, **told})
    form = TransferForm(data)
    if form.is_valid():
        return form.draft(), {}
    return None, {name: str(texts[0]) for name, texts in form.errors.items()}


def by_api(told: Told) -> tuple[WithdrawalDraft | None, dict[str, str]]:
    body: dict[str, Any] = {"upstream": "lux", "amount": told["amount"]}
    for name, value in told.items():
        if name in TRANSFER_PLACES:
            *groups, member = TRANSFER_PLACES[name]
            inner = body
            for group in groups:
                inner = inner.setdefault(group, {})
            inner[member] = value
    request = WithdrawalRequest(data=body)
    if request.is_valid():
        return request.validated_data["draft"], {}
    return None, dict(_flat(request.errors))


def _flat(errors: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The errors of a body under the names that the form has for its members."""
    names = {found: name for name, found in TRANSFER_PLACES.items()}
    for name, found in errors.items():
        if isinstance(found, dict):
            yield from _flat(found, (*place, name))
        else:
            yield names.get((*place, name), name), str(found[0])


WAYS: list[Way] = [by_form, by_api]


def leg(end: str, rail: str, currency: str, books: Books) -> Told:
    told = {f"{end}_rail": rail, f"{end}_currency": currency}
    if end == "source":
        return told | ({"from_address": ADDRESSES.get(rail, PAYER)} if lux.is_crypto(rail) else {})
    if lux.is_crypto(rail):
        return told | {"to_address": ADDRESSES.get(rail, PAYEE)}
    return told | {"external_account_id": books.account.id}


LEGS = [(rail, currency) for rail, carried in words.CURRENCIES.items() for currency in carried]
EXTRAS = {
    "swift": {"swift_charges": "sha", "swift_reference": "Invoice 17"},
    "sepa": {"sepa_reference": "Invoice 17"},
    "wire": {"wire_message": "Invoice 17"},
}


class TestDocumented:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(("rail", "currency"), LEGS)
    def test_out_by_every_rail(self, books: Books, rail: str, currency: str, way: Way) -> None:
        told = leg("source", "ach", "USD", books) | leg("destination", rail, currency, books)

        self.is_sent_and_answered(books, {**told, **EXTRAS.get(rail, {})}, way)

    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize(("rail", "currency"), LEGS)
    def test_in_by_every_rail(self, books: Books, rail: str, currency: str, way: Way) -> None:
        told = leg("source", rail, currency, books) | leg("destination", "wire", "USD", books)

        self.is_sent_and_answered(books, {**told, "developer_fee_percent": "1.5"}, way)

    def is_sent_and_answered(self, books: Books, told: Told, way: Way) -> None:
        draft, errors = way({"on_behalf_of": books.customer.id, "amount": "250.00", **told})

        assert draft is not None, errors
        withdrawal = asking.build(draft, by=maker(), at=NOW, origin=Origin.DESK, beneficiary=None)
        assert withdrawal.customer_id == Profile.objects.get().customer_id
        sent = rules.payload(withdrawal)
        body = json.loads(sent)
        assert body["client_reference_id"] == withdrawal.merchant_reference
        assert Decimal(body["amount"]) == Decimal(250)
        for end in ("source", "destination"):
            assert body[end]["payment_rail"] == told[f"{end}_rail"]
            assert body[end]["currency"] == told[f"{end}_currency"].lower()
        record = books.place.client.create_transfer(
            sent, idempotency_key=withdrawal.merchant_reference
        )
        seen = mirror.LUX.observe(record, None).as_new(seen_by=SeenBy.SEND, at=NOW)
        assert differences(withdrawal, seen) == []
        assert draft == WithdrawalDraft.of(withdrawal)
        assert rules.payload(withdrawal) == sent


WRONG: dict[str, tuple[Told, str, str]] = {
    "nobody": ({"on_behalf_of": "cus_nobody"}, "on_behalf_of", "whom Lux Financial knows"),
    "a rail nobody has": ({"source_rail": "pigeon"}, "source_rail", "one of the rails"),
    "dollars by SEPA": ({"destination_rail": "sepa"}, "destination_currency", "EUR only"),
    "tether on Stellar": (
        {"source_rail": "stellar", "source_currency": "USDT"},
        "source_currency",
        "USDC only",
    ),
    "no address to come from": ({"from_address": ""}, "from_address", "needs the address"),
    "an address of another chain": (
        {"from_address": ADDRESSES["tron"]},
        "from_address",
        "0x and 40",
    ),
    "an address cut short": ({"from_address": PAYER[:-1]}, "from_address", "0x and 40"),
    "no account": ({"external_account_id": ""}, "external_account_id", "Choose an account"),
    "an account nobody has": ({"external_account_id": "ext_x"}, "external_account_id", "no such"),
    "a message too long": ({"wire_message": "x" * 141}, "wire_message", "140"),
    "letters no bank carries": ({"wire_message": "Grüße"}, "wire_message", "plain letters"),
    "too fine an amount": ({"amount": "1.0000001"}, "amount", "6 decimals"),
    "an amount in words": ({"amount": "a hundred"}, "amount", "plain digits"),
    "nothing": ({"amount": "0"}, "amount", "more than zero"),
    "two fees": ({"developer_fee_percent": "1"}, "developer_fee_percent", "not both"),
    "a fee in words": ({"developer_fee": "some"}, "developer_fee", "plain digits"),
    "a fee of everything": ({"developer_fee": "1000.00"}, "developer_fee", "less than"),
    "more than all of it": (
        {"developer_fee": "", "developer_fee_percent": "101"},
        "developer_fee_percent",
        "from 0 to 100",
    ),
}
# What the form does not even ask.
WRONG_BY_API: dict[str, tuple[Told, str, str]] = {
    "an address to a bank": (
        {"external_account_id": "", "to_address": PAYEE},
        "to_address",
        "pays to an account",
    ),
    "charges by wire": ({"swift_charges": "sha"}, "swift_charges", "only SWIFT"),
    "a SEPA reference by wire": ({"sepa_reference": "A"}, "sepa_reference", "only SEPA"),
    "an address of a bank": (
        {"source_rail": "ach", "source_currency": "USD"},
        "from_address",
        "only a chain",
    ),
}


class TestWrong:
    @pytest.mark.parametrize("way", WAYS)
    @pytest.mark.parametrize("title", WRONG)
    def test_is_said_at_its_field(self, books: Books, title: str, way: Way) -> None:
        changes, field, words_ = WRONG[title]

        draft, errors = way({"amount": "1000.00", **books.told(), **changes})

        assert draft is None
        assert words_ in errors.get(field, ""), errors

    @pytest.mark.parametrize("title", WRONG_BY_API)
    def test_is_said_of_what_no_form_asks(self, books: Books, title: str) -> None:
        changes, field, words_ = WRONG_BY_API[title]

        draft, errors = by_api({"amount": "1000.00", **books.told(), **changes})

        assert draft is None
        assert words_ in errors.get(field, ""), errors

    @pytest.mark.parametrize(
        ("facts", "said"),
        [
            ({"status": "pending"}, "has not verified"),
            ({"status": "failed"}, "has not verified"),
            ({"is_listed": False}, "no longer"),
            ({"kind": "crypto_address"}, "a bank rail pays to a bank account"),
        ],
    )
    @pytest.mark.parametrize("way", WAYS)
    def test_account_is_refused(
        self, books: Books, facts: dict[str, Any], said: str, way: Way
    ) -> None:
        ExternalAccount.objects.update(**facts)

        draft, errors = way({"amount": "1000.00", **books.told()})

        assert draft is None
        assert said in errors["external_account_id"]

    @pytest.mark.parametrize("way", WAYS)
    def test_account_of_somebody_else_is_refused(self, books: Books, way: Way) -> None:
        theirs = ExternalAccountFactory(customer=CustomerFactory(), status="verified")

        told = books.told(external_account_id=theirs.upstream_id)
        draft, errors = way({"amount": "1000.00", **told})

        assert draft is None
        assert "another customer" in errors["external_account_id"]

    @pytest.mark.parametrize("member", ["method", "payee_id", "metadata", "payout", "currency"])
    def test_what_others_use_is_refused(self, books: Books, member: str) -> None:
        given: Any = {"a": "b"} if member == "metadata" else "x"
        given = {"payid": "x"} if member == "payout" else given
        transfer = {
            "on_behalf_of": books.customer.id,
            "source": {"payment_rail": "ach", "currency": "USD"},
            "destination": {
                "payment_rail": "wire",
                "currency": "USD",
                "external_account_id": books.account.id,
            },
        }
        body = {"upstream": "lux", "amount": "1.00", "transfer": transfer, member: given}

        request = WithdrawalRequest(data=body)

        assert not request.is_valid()
        assert set(request.errors) == {member}

    def test_others_make_no_transfers(self, books: Books) -> None:
        draft = books.draft()

        wrong = WithdrawalDraft.from_values({**draft.values(), "upstream": "luxcore"})

        assert "lux" in rules.validate(wrong)
        assert not Withdrawal.objects.exists()
