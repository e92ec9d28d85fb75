"""One request of each kind, asked for through the same doors as the pages use."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from customers import actions
from customers.enums import RequestKind
from customers.models import CustomerRequest, ExternalAccount, Profile
from customers.requests import seen
from staff.models import User
from tests.customers.factories import CustomerFactory, ExternalAccountFactory, ProfileFactory
from tests.customers.lux import Place
from tests.staff.factories import UserFactory
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.lux.calls.base import json_body
from upstreams.models import Command

MARIA = {
    "email": "maria@example.com",
    "first_name": "Maria",
    "last_name": "Silva",
    "phone": "+5511987654321",
    "date_of_birth": "1985-06-07",
    "address.line1": "Rua Augusta 100",
    "address.city": "São Paulo",
    "address.country": "BR",
}
US_ACCOUNT = {
    "account_name": "James Smith",
    "account_type": "checking",
    "routing_number": "101019644",
    "account_number": "000123456789",
}


def reviewer() -> User:
    return UserFactory(roles=["reviewer"])


def known(place: Place) -> Profile:
    """James at Lux Financial, and our copy of him."""
    record = place.customer()
    return ProfileFactory(
        customer=CustomerFactory(email=record.email), upstream_id=record.id, status=record.status
    )


def known_account(place: Place) -> ExternalAccount:
    """A bank account of his that waits for its two small deposits, there and here."""
    profile = known(place)
    customer_id = profile.customer.identities.get().upstream_id
    body = json_body({"customer_id": customer_id, "type": "us_bank_account", **US_ACCOUNT})
    made = place.client.create_external_account(body, idempotency_key=str(uuid.uuid4()))
    return ExternalAccountFactory(customer=profile.customer, upstream_id=made.id)


def ask_create(place: Place, **changes: Any) -> CustomerRequest:
    return actions.create_customer(
        kind="individual",
        given={**MARIA, **changes},
        token=uuid.uuid4(),
        by=reviewer(),
        at=timezone.now(),
    )


def ask_change(place: Place, wanted: Mapping[str, str] | None = None) -> CustomerRequest:
    profile = known(place)
    return actions.change_customer(
        customer_id=profile.customer_id,
        wanted=wanted or {"phone": "+61498765432", "address.city": "Hobart"},
        shown=seen.seal(profile, {}),
        shown_now={},
        by=reviewer(),
        at=timezone.now(),
    )


def ask_delete(place: Place) -> CustomerRequest:
    profile = known(place)
    return actions.delete_customer(
        customer_id=profile.customer_id, reason="Asked to go.", by=reviewer(), at=timezone.now()
    )


def ask_wallet(place: Place) -> CustomerRequest:
    given = {"type": "mpc", "label": "Main", "chains": ["base"], "threshold": 2, "parties": 3}
    return actions.add_wallet(
        customer_id=known(place).customer_id,
        given=given,
        token=uuid.uuid4(),
        by=reviewer(),
        at=timezone.now(),
    )


def ask_account(place: Place) -> CustomerRequest:
    return actions.add_external_account(
        customer_id=known(place).customer_id,
        kind="us_bank_account",
        given=US_ACCOUNT,
        is_sure=False,
        token=uuid.uuid4(),
        by=reviewer(),
        at=timezone.now(),
    )


def ask_verify(place: Place, *amounts: str) -> CustomerRequest:
    return actions.verify_external_account(
        account_id=known_account(place).pk,
        amounts=amounts or ("0.34", "0.12"),
        by=reviewer(),
        at=timezone.now(),
    )


def ask_remove(place: Place) -> CustomerRequest:
    return actions.remove_external_account(
        account_id=known_account(place).pk,
        reason="Closed by its bank.",
        by=reviewer(),
        at=timezone.now(),
    )


@dataclass(frozen=True)
class Asking:
    """How a kind is asked for, by which call it goes, and whether it is there: how many times."""

    ask: Callable[[Place], CustomerRequest]
    method: str
    path: str
    there: Callable[[Place, CustomerRequest], int]


def _with_email(place: Place, request: CustomerRequest) -> int:
    return sum(one["email"] == MARIA["email"] for one in place.customers())


def _changed(place: Place, request: CustomerRequest) -> int:
    record = place.client.get_customer(request.target)
    return int(record.phone == "+61498765432" and record.address is not None)


def _deleted(place: Place, request: CustomerRequest) -> int:
    return int(place.client.get_customer(request.target).status == "deleted")


def _accounts(place: Place, request: CustomerRequest) -> int:
    return len(place.client.list_external_accounts().items)


KINDS: Mapping[RequestKind, Asking] = {
    RequestKind.CREATE: Asking(ask_create, "POST", "/customers", _with_email),
    RequestKind.CHANGE: Asking(ask_change, "PATCH", "/customers/*", _changed),
    RequestKind.DELETE: Asking(ask_delete, "DELETE", "/customers/*", _deleted),
    RequestKind.ADD_WALLET: Asking(
        ask_wallet, "POST", "/wallets", lambda place, _: len(place.client.list_wallets().items)
    ),
    RequestKind.ADD_ACCOUNT: Asking(ask_account, "POST", "/external-accounts", _accounts),
    RequestKind.VERIFY_ACCOUNT: Asking(
        ask_verify,
        "POST",
        "/external-accounts/*/verify",
        lambda place, request: int(
            place.client.get_external_account(request.target).status == "verified"
        ),
    ),
    RequestKind.REMOVE_ACCOUNT: Asking(
        ask_remove, "DELETE", "/external-accounts/*", lambda place, _: 1 - _accounts(place, _)
    ),
}


def deliver(request: CustomerRequest) -> CommandState | None:
    """Try its command once, whatever it waits for; the request is read anew."""
    command = command_of(request)
    Command.objects.filter(pk=command.pk).update(next_at=timezone.now())
    state = outbox.deliver(command.pk)
    request.refresh_from_db()
    return state


def command_of(request: CustomerRequest) -> Command:
    return Command.objects.get(subject_id=str(request.pk))
