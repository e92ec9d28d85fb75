"""Who may ask Lux Financial for what, and what is not even asked for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.utils import timezone

from customers import actions
from customers.enums import RequestKind, RequestStatus
from customers.models import CustomerRequest
from customers.requests import seen
from staff.models import User
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers.factories import (
    CustomerRequestFactory,
    ExternalAccountFactory,
    ProfileFactory,
)
from tests.customers.lux import Place
from tests.customers.requests.asking import (
    KINDS,
    MARIA,
    US_ACCOUNT,
    ask_create,
    ask_verify,
    ask_wallet,
    command_of,
    deliver,
    reviewer,
)
from tests.staff.factories import UserFactory
from upstreams.enums import CommandState
from upstreams.models import Command

pytestmark = pytest.mark.django_db

Deed = Callable[[User], Any]
IBAN_ACCOUNT = {
    "account_name": "Seán Byrne",
    "iban": "IE29 AIBK 9311 5212 3456 78",
    "bic": "AIBKIE2D",
    "bank_name": "AIB",
    "bank_country": "IE",
}
CLABE_ACCOUNT = {"account_name": "Ana", "clabe": "032180000118359719", "bank_name": "Banorte"}
ADDRESS = {"chain": "polygon", "address": "0x" + "5a" * 20, "label": "Cold"}
WALLET = {"type": "mpc", "label": "Main", "chains": ["base"], "threshold": 2, "parties": 3}


def deeds() -> Mapping[str, Deed]:
    """Every door, with a subject for each."""
    now = timezone.now()
    profile = ProfileFactory()
    account = ExternalAccountFactory(customer=profile.customer)
    request = CustomerRequestFactory(status=RequestStatus.UNKNOWN)
    about = {"customer_id": profile.customer_id}
    return {
        "create": lambda by: actions.create_customer(
            kind="individual", given=MARIA, token=uuid.uuid4(), by=by, at=now
        ),
        "change": lambda by: actions.change_customer(
            **about, wanted={"phone": "+61411111111"}, shown="", shown_now={}, by=by, at=now
        ),
        "delete": lambda by: actions.delete_customer(**about, reason="Gone.", by=by, at=now),
        "wallet": lambda by: actions.add_wallet(
            **about, given=WALLET, token=uuid.uuid4(), by=by, at=now
        ),
        "account": lambda by: add_account("us_bank_account", US_ACCOUNT, by=by),
        "verify": lambda by: actions.verify_external_account(
            account_id=account.pk, amounts=["0.12", "0.34"], by=by, at=now
        ),
        "remove": lambda by: actions.remove_external_account(
            account_id=account.pk, reason="Closed.", by=by, at=now
        ),
        "look again": lambda by: actions.look_again(request_id=request.pk, by=by, at=now),
        "settle": lambda by: actions.settle_request(
            request_id=request.pk, was_made=False, reason="None there.", by=by, at=now
        ),
    }


def add_account(
    kind: str, given: Mapping[str, str], *, is_sure: bool = False, by: User | None = None
) -> CustomerRequest:
    return actions.add_external_account(
        customer_id=ProfileFactory().customer_id,
        kind=kind,
        given=given,
        is_sure=is_sure,
        token=uuid.uuid4(),
        by=by or reviewer(),
        at=timezone.now(),
    )


@pytest.mark.parametrize("role", Role)
def test_every_door_is_for_those_who_edit_customers(role: Role) -> None:
    person = UserFactory(roles=[role])
    may = Permission.EDIT_CUSTOMERS in ROLES[role]

    for name, deed in deeds().items():
        try:
            deed(person)
        except NotPermitted:
            assert not may, name
        except actions.NotPossible:
            assert may, name  # permitted, and not possible just now
        else:
            assert may, name


def test_the_same_form_sent_twice_asks_once() -> None:
    person, token = reviewer(), uuid.uuid4()

    made = [
        actions.create_customer(
            kind="individual", given=MARIA, token=token, by=person, at=timezone.now()
        )
        for _ in range(2)
    ]

    assert made[0] == made[1]
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("robot", {}, "type"),
        ("individual", {"first_name": " "}, "first_name"),
        ("individual", {"last_name": ""}, "last_name"),
        ("individual", {"email": ""}, "email"),
        ("individual", {"email": "maria"}, "email"),
        ("individual", {"phone": "0411 222 333"}, "phone"),
        ("individual", {"date_of_birth": "31.01.1990"}, "date_of_birth"),
        ("individual", {"date_of_birth": "2990-01-01"}, "date_of_birth"),
        ("individual", {"ssn_last_4": "12345"}, "ssn_last_4"),
        ("individual", {"address.country": "Brazil"}, "address.country"),
        ("individual", {"last_name": "Sil\u202eva"}, "last_name"),
        ("individual", {"last_name": "S" * 256}, "last_name"),
        ("individual", {"business_name": "Silva Ltda"}, "business_name"),
        ("business", {"business_name": ""}, "business_name"),
        ("business", {"business_name": "Silva", "business_type": "club"}, "business_type"),
        ("business", {"business_name": "Silva", "website": "silva"}, "website"),
        (
            "business",
            {"business_name": "Silva", "incorporation_date": "2020"},
            "incorporation_date",
        ),
        (
            "business",
            {"business_name": "Silva", "incorporation_country": "XX"},
            "incorporation_country",
        ),
    ],
)
def test_a_customer_of_the_wrong_form_is_not_asked_for(
    kind: str, changes: dict[str, str], field: str
) -> None:
    given = MARIA if kind == "individual" else {"email": "office@example.com"}

    with pytest.raises(actions.InvalidRequest) as refused:
        actions.create_customer(
            kind=kind,
            given={**given, **changes},
            token=uuid.uuid4(),
            by=reviewer(),
            at=timezone.now(),
        )

    assert list(refused.value.errors) == [field]
    assert not CustomerRequest.objects.exists()


def test_a_business_tells_what_it_is() -> None:
    given = {
        "business_name": "Harbour Pty",
        "business_type": "llc",
        "email": "office@example.com",
        "website": "https://harbour.example.com",
        "incorporation_date": "2015-03-01",
        "incorporation_country": "AU",
        "address.city": "Sydney",
    }

    request = actions.create_customer(
        kind="business", given=given, token=uuid.uuid4(), by=reviewer(), at=timezone.now()
    )

    body = json.loads(command_of(request).request_bytes)
    assert body == {
        "type": "business",
        **{name: value for name, value in given.items() if name != "address.city"},
        "address": {"city": "Sydney"},
    }
    assert request.told["fields"] == [
        *("type", "business_name", "business_type", "email", "website"),
        *("incorporation_date", "incorporation_country", "address.city"),
    ]


class TestAChange:
    def change(self, shown: str | None = None, **wanted: str) -> CustomerRequest:
        profile = self.profile = ProfileFactory()
        return actions.change_customer(
            customer_id=profile.customer_id,
            wanted={name.replace("__", "."): value for name, value in wanted.items()},
            shown=shown if shown is not None else seen.seal(profile, {}),
            shown_now={},
            by=reviewer(),
            at=timezone.now(),
        )

    def test_sends_only_what_is_different(self) -> None:
        request = self.change(
            first_name="James", last_name="Smythe", phone="", address__city="Hobart"
        )

        body = json.loads(command_of(request).request_bytes)
        assert body == {"last_name": "Smythe", "address": {"city": "Hobart"}}
        assert request.told == {"fields": ["last_name", "address.city"]}

    def test_of_nothing_is_not_sent(self) -> None:
        with pytest.raises(actions.NotPossible, match="Nothing is different"):
            self.change(first_name="James", phone="")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("email", "x"), ("phone", "12"), ("ssn_last_4", "1234"), ("website", "https://a.example")],
    )
    def test_of_the_wrong_form_is_not_sent(self, field: str, value: str) -> None:
        with pytest.raises(actions.InvalidRequest) as refused:
            self.change(**{field: value})

        assert list(refused.value.errors) == [field]

    def test_of_what_changed_meanwhile_names_it(self) -> None:
        profile = ProfileFactory()
        shown = seen.seal(profile, {"address.city": "Sydney"})
        profile.address["city"] = "Perth"
        profile.save()

        with pytest.raises(actions.ProfileChanged) as refused:
            actions.change_customer(
                customer_id=profile.customer_id,
                wanted={"phone": "+61411111111"},
                shown=shown,
                shown_now={"address.city": "Perth"},
                by=reviewer(),
                at=timezone.now(),
            )

        (difference,) = refused.value.differences
        assert [str(part) for part in (difference.label, difference.before, difference.after)] == [
            "City",
            "Sydney",
            "Perth",
        ]
        assert not CustomerRequest.objects.exists()

    @pytest.mark.parametrize("shown", ["", "made-up"])
    def test_with_a_seal_that_is_not_ours_is_not_sent(self, shown: str) -> None:
        with pytest.raises(actions.ProfileChanged):
            self.change(shown=shown, phone="+61411111111")

    def test_with_the_seal_of_another_customer_is_not_sent(self) -> None:
        other = seen.seal(ProfileFactory(), {})

        with pytest.raises(actions.ProfileChanged):
            self.change(shown=other, phone="+61411111111")

    def test_waits_for_the_one_before(self) -> None:
        request = self.change(phone="+61411111111")

        with pytest.raises(actions.UnderWay):
            actions.delete_customer(
                customer_id=self.profile.customer_id,
                reason="Gone.",
                by=reviewer(),
                at=timezone.now(),
            )

        assert CustomerRequest.objects.get() == request

    def test_of_somebody_deleted_there_is_not_asked_for(self) -> None:
        profile = ProfileFactory(status="deleted")

        with pytest.raises(actions.NotPossible, match="was deleted"):
            actions.delete_customer(
                customer_id=profile.customer_id, reason="Gone.", by=reviewer(), at=timezone.now()
            )


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("", US_ACCOUNT, "type"),
        ("us_bank_account", US_ACCOUNT | {"routing_number": "12345678"}, "routing_number"),
        ("us_bank_account", US_ACCOUNT | {"account_number": "12a4"}, "account_number"),
        ("us_bank_account", US_ACCOUNT | {"account_type": "gold"}, "account_type"),
        ("us_bank_account", US_ACCOUNT | {"account_name": ""}, "account_name"),
        ("us_bank_account", US_ACCOUNT | {"routing_number": "101019645"}, "is_sure"),
        ("international_bank_account", IBAN_ACCOUNT | {"iban": "IE29"}, "iban"),
        (
            "international_bank_account",
            IBAN_ACCOUNT | {"iban": "IE30AIBK93115212345678"},
            "iban",
        ),
        ("international_bank_account", IBAN_ACCOUNT | {"bic": "AIB"}, "bic"),
        ("international_bank_account", IBAN_ACCOUNT | {"bank_name": ""}, "bank_name"),
        ("international_bank_account", IBAN_ACCOUNT | {"bank_country": "EU"}, "bank_country"),
        ("international_bank_account", IBAN_ACCOUNT | {"bank_country": "GB"}, "is_sure"),
        ("mx_bank_account", CLABE_ACCOUNT | {"clabe": "0321"}, "clabe"),
        ("mx_bank_account", CLABE_ACCOUNT | {"clabe": "032180000118359718"}, "is_sure"),
        ("crypto_address", ADDRESS | {"chain": "dogecoin"}, "chain"),
        ("crypto_address", ADDRESS | {"address": "0x5a"}, "address"),
        ("crypto_address", ADDRESS | {"chain": "tron"}, "address"),
        ("crypto_address", ADDRESS | {"chain": "solana"}, "address"),
        ("crypto_address", ADDRESS | {"chain": "stellar"}, "address"),
        ("crypto_address", ADDRESS | {"label": "a\u200bb"}, "label"),
    ],
)
def test_an_account_of_the_wrong_form_is_not_asked_for(
    kind: str, given: dict[str, str], field: str
) -> None:
    with pytest.raises(actions.InvalidRequest) as refused:
        add_account(kind, given)

    assert list(refused.value.errors) == [field]
    assert not CustomerRequest.objects.exists()


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("us_bank_account", US_ACCOUNT),
        ("international_bank_account", IBAN_ACCOUNT),
        ("mx_bank_account", CLABE_ACCOUNT),
        ("crypto_address", ADDRESS),
        ("crypto_address", ADDRESS | {"chain": "tron", "address": "T" + "9" * 33}),
        ("crypto_address", ADDRESS | {"chain": "stellar", "address": "G" + "A" * 55}),
        ("crypto_address", ADDRESS | {"chain": "solana", "address": "4" * 44}),
    ],
)
def test_every_type_of_account_is_taken_by_lux(
    place: Place, kind: str, given: dict[str, str]
) -> None:
    profile = ProfileFactory(upstream_id=place.customer().id)
    request = actions.add_external_account(
        customer_id=profile.customer_id,
        kind=kind,
        given=given,
        is_sure=False,
        token=uuid.uuid4(),
        by=reviewer(),
        at=timezone.now(),
    )
    numbers = ("account_number", "iban", "clabe", "address")
    last = next(given[name] for name in numbers if name in given).replace(" ", "")[-4:]

    assert deliver(request) == CommandState.DONE

    assert request.told == {"type": kind, "account": f"••••{last}"}


def test_what_only_looks_wrong_is_asked_for_when_somebody_is_sure() -> None:
    request = add_account(
        "us_bank_account", US_ACCOUNT | {"routing_number": "101019645"}, is_sure=True
    )

    assert request.body["routing_number"] == "101019645"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "paper"}, "type"),
        ({"label": ""}, "label"),
        ({"label": "a\u200bb"}, "label"),
        ({"chains": []}, "chains"),
        ({"chains": ["dogecoin"]}, "chains"),
        ({"parties": None}, "parties"),
        ({"parties": 1}, "parties"),
        ({"threshold": 1}, "threshold"),
        ({"threshold": 4}, "threshold"),
    ],
)
def test_a_wallet_of_the_wrong_form_is_not_asked_for(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(actions.InvalidRequest) as refused:
        actions.add_wallet(
            customer_id=ProfileFactory().customer_id,
            given={**WALLET, **changes},
            token=uuid.uuid4(),
            by=reviewer(),
            at=timezone.now(),
        )

    assert list(refused.value.errors) == [field]


def test_two_wallets_of_one_customer_have_two_labels(place: Place) -> None:
    request = ask_wallet(place)

    with pytest.raises(actions.InvalidRequest, match="has this label"):
        actions.add_wallet(
            customer_id=request.customer_id or 0,
            given=WALLET,
            token=uuid.uuid4(),
            by=reviewer(),
            at=timezone.now(),
        )


@pytest.mark.parametrize(
    ("amounts", "field"),
    [(("12", "0.34"), "first"), (("0.12", "0.00"), "second"), (("0,12", "0.34"), "first")],
)
def test_amounts_of_the_wrong_form_are_not_tried(amounts: tuple[str, str], field: str) -> None:
    with pytest.raises(actions.InvalidRequest) as refused:
        actions.verify_external_account(
            account_id=ExternalAccountFactory().pk,
            amounts=amounts,
            by=reviewer(),
            at=timezone.now(),
        )

    assert list(refused.value.errors) == [field]


@pytest.mark.parametrize(
    "changes", [{"status": "verified"}, {"status": "failed"}, {"is_listed": False}]
)
def test_only_an_account_that_waits_for_it_is_verified(changes: dict[str, Any]) -> None:
    with pytest.raises(actions.NotPossible):
        actions.verify_external_account(
            account_id=ExternalAccountFactory(**changes).pk,
            amounts=("0.12", "0.34"),
            by=reviewer(),
            at=timezone.now(),
        )


@pytest.mark.parametrize("kind", [RequestKind.DELETE, RequestKind.REMOVE_ACCOUNT])
def test_what_takes_something_away_needs_a_reason(kind: RequestKind) -> None:
    account = ExternalAccountFactory()
    take_away: Mapping[str, Callable[[], Any]] = {
        RequestKind.DELETE: lambda: actions.delete_customer(
            customer_id=account.customer_id, reason=" ", by=reviewer(), at=timezone.now()
        ),
        RequestKind.REMOVE_ACCOUNT: lambda: actions.remove_external_account(
            account_id=account.pk, reason=" ", by=reviewer(), at=timezone.now()
        ),
    }

    with pytest.raises(actions.ReasonMissing):
        take_away[kind]()


class TestAnUnknownOutcome:
    def given_up(self, place: Place, kind: RequestKind) -> CustomerRequest:
        asking = KINDS[kind]
        request = asking.ask(place)
        place.fault("drop_before", method=asking.method, path=asking.path)
        deliver(request)
        Command.objects.filter(pk=command_of(request).pk).update(next_at=None)
        return request

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_looked_at_again_by_a_person_s_word(self, place: Place, kind: RequestKind) -> None:
        request = self.given_up(place, kind)

        actions.look_again(request_id=request.pk, by=reviewer(), at=timezone.now())

        assert deliver(request) == CommandState.DONE

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_closed_as_not_made(self, place: Place, kind: RequestKind) -> None:
        request = self.given_up(place, kind)

        settled = actions.settle_request(
            request_id=request.pk,
            was_made=False,
            reason="Not there.",
            by=reviewer(),
            at=timezone.now(),
        )

        assert (settled.status, settled.body) == (RequestStatus.REFUSED, {})
        assert command_of(request).request_bytes == b""

    def test_is_settled_by_what_is_known_here(self, place: Place) -> None:
        request = self.given_up(place, RequestKind.CREATE)
        settle: Callable[[str], Any] = lambda made: actions.settle_request(  # noqa: E731
            request_id=request.pk,
            was_made=True,
            made=made,
            reason="Seen.",
            by=reviewer(),
            at=timezone.now(),
        )
        for made, why in (("", "Write the id"), ("cus_nobody", "not read this yet")):
            with pytest.raises(actions.InvalidRequest, match=why):
                settle(made)
        profile = ProfileFactory(upstream_id="cus_maria")

        settled = settle("cus_maria")

        assert (settled.status, settled.customer) == (RequestStatus.MADE, profile.customer)

    def test_is_not_settled_while_the_desk_still_looks(self, place: Place) -> None:
        request = ask_create(place)
        place.fault("drop_before", method="POST", path="/customers")
        deliver(request)

        with pytest.raises(actions.NotPossible, match="still looking"):
            actions.settle_request(
                request_id=request.pk,
                was_made=False,
                reason="No.",
                by=reviewer(),
                at=timezone.now(),
            )

    def test_is_none_of_what_is_settled(self, place: Place) -> None:
        request = ask_verify(place)
        deliver(request)

        with pytest.raises(actions.NotPossible, match="is not unknown"):
            actions.look_again(request_id=request.pk, by=reviewer(), at=timezone.now())
