"""What becomes of each kind of request, whatever Lux Financial answers, and nothing twice."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers.enums import RequestKind, RequestStatus
from customers.models import CustomerRequest, ExternalAccount, Identity, Profile, Wallet
from customers.requests import sending
from staff.models import AuditEvent
from tests.customers.lux import Place
from tests.customers.requests.asking import (
    KINDS,
    MARIA,
    ask_account,
    ask_create,
    ask_verify,
    ask_wallet,
    command_of,
    deliver,
)
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.models import Command, RefusedRecord

pytestmark = pytest.mark.django_db

EVERY_KIND = pytest.mark.parametrize("kind", KINDS)
POSTS = [kind for kind, asking in KINDS.items() if asking.method == "POST"]
MAKING = [RequestKind.CREATE, RequestKind.ADD_WALLET, RequestKind.ADD_ACCOUNT]


def refusal(place: Place, kind: RequestKind, status: int, code: str, **source: Any) -> None:
    error = {"code": code, "message": "It is not right.", **({"source": source} if source else {})}
    asking = KINDS[kind]
    place.fault(
        "error",
        method=asking.method,
        path=asking.path,
        params={"status": status, "body": {"error": error}},
    )


def a_day_later(request: CustomerRequest) -> None:
    long_ago = timezone.now() - timedelta(hours=25)
    Command.objects.filter(pk=command_of(request).pk).update(first_sent_at=long_ago)


@EVERY_KIND
def test_is_carried_out_once_and_forgotten(place: Place, kind: RequestKind) -> None:
    request = KINDS[kind].ask(place)
    assert (request.status, request.kind) == (RequestStatus.QUEUED, kind)

    assert deliver(request) == CommandState.DONE

    assert (request.status, request.body, request.settled_at is not None) == (
        RequestStatus.MADE,
        {},
        True,
    )
    assert request.made
    assert KINDS[kind].there(place, request) == 1
    assert command_of(request).request_bytes == b""
    assert deliver(request) is None


@EVERY_KIND
def test_a_refusal_names_its_fields(place: Place, kind: RequestKind) -> None:
    refusal(place, kind, 400, "invalid_parameter", location="body", key="email,address.city")
    request = KINDS[kind].ask(place)

    assert deliver(request) == CommandState.REFUSED

    assert (request.status, request.error_code, request.body) == (
        RequestStatus.REFUSED,
        "invalid_parameter",
        {},
    )
    assert set(request.field_errors) == {"email", "address.city"}
    assert KINDS[kind].there(place, request) == 0
    assert command_of(request).request_bytes == b""


@EVERY_KIND
def test_too_many_calls_are_no_answer_and_no_doubt(place: Place, kind: RequestKind) -> None:
    refusal(place, kind, 429, "rate_limit_exceeded")
    request = KINDS[kind].ask(place)

    assert deliver(request) == CommandState.QUEUED

    assert request.status == RequestStatus.QUEUED


@EVERY_KIND
def test_a_refused_key_closes_the_provider_and_all_waits(place: Place, kind: RequestKind) -> None:
    refusal(place, kind, 401, "invalid")
    request = KINDS[kind].ask(place)
    asked_for = command_of(request).request_bytes

    assert deliver(request) == CommandState.QUEUED

    assert (request.status, outbox.sending_is_on("lux")) == (RequestStatus.QUEUED, False)
    assert command_of(request).request_bytes == asked_for
    outbox.resume_sending("lux", reason="", by_label="test", at=timezone.now())
    assert deliver(request) == CommandState.DONE
    assert KINDS[kind].there(place, request) == 1


@EVERY_KIND
@pytest.mark.parametrize("how", ["drop", "drop_before", "answer_500", "malformed_json"])
def test_without_an_answer_it_is_found_or_asked_for_again(
    place: Place, kind: RequestKind, how: str
) -> None:
    if how == "malformed_json" and kind == RequestKind.REMOVE_ACCOUNT:
        return  # its answer has no body
    asking = KINDS[kind]
    request = asking.ask(place)
    place.fault(how, method=asking.method, path=asking.path)

    assert deliver(request) == CommandState.UNKNOWN
    assert request.status == RequestStatus.UNKNOWN
    assert deliver(request) == CommandState.DONE

    assert request.status == RequestStatus.MADE
    assert asking.there(place, request) == 1


@EVERY_KIND
def test_a_conflict_is_no_answer(place: Place, kind: RequestKind) -> None:
    refusal(place, kind, 409, "conflict")
    request = KINDS[kind].ask(place)

    assert deliver(request) == CommandState.UNKNOWN

    assert deliver(request) == CommandState.DONE
    assert KINDS[kind].there(place, request) == 1


@pytest.mark.parametrize(
    "kind", [RequestKind.CHANGE, RequestKind.DELETE, RequestKind.REMOVE_ACCOUNT]
)
def test_what_carries_no_key_is_looked_for_first(place: Place, kind: RequestKind) -> None:
    asking = KINDS[kind]
    request = asking.ask(place)
    place.fault("drop", method=asking.method, path=asking.path)
    deliver(request)
    place.calls.clear()

    assert deliver(request) == CommandState.DONE

    assert {method for method, _ in place.calls} == {"GET"}


@pytest.mark.parametrize("kind", POSTS)
def test_a_repeat_carries_the_same_key(place: Place, kind: RequestKind) -> None:
    asking = KINDS[kind]
    request = asking.ask(place)
    place.keys.clear()
    place.fault("drop", method="POST", path=asking.path)
    deliver(request)
    deliver(request)

    assert place.keys == [command_of(request).idempotency_key] * 2


@pytest.mark.parametrize("kind", MAKING)
def test_after_a_day_it_is_looked_for_instead(place: Place, kind: RequestKind) -> None:
    asking = KINDS[kind]
    request = asking.ask(place)
    place.fault("drop", method="POST", path=asking.path)
    deliver(request)
    a_day_later(request)
    place.calls.clear()

    assert deliver(request) == CommandState.DONE

    assert ("POST", asking.path) not in place.calls
    assert (request.status, asking.there(place, request)) == (RequestStatus.MADE, 1)


@pytest.mark.parametrize("kind", MAKING)
def test_after_a_day_what_is_not_there_is_asked_for_again(place: Place, kind: RequestKind) -> None:
    asking = KINDS[kind]
    request = asking.ask(place)
    place.fault("drop_before", method="POST", path=asking.path)
    deliver(request)
    a_day_later(request)

    assert deliver(request) == CommandState.DONE

    assert asking.there(place, request) == 1


def test_after_a_day_amounts_are_not_tried_again(place: Place) -> None:
    request = ask_verify(place)
    place.fault("drop_before", method="POST", path="/external-accounts/*/verify")
    deliver(request)
    a_day_later(request)
    place.calls.clear()

    assert deliver(request) == CommandState.UNKNOWN

    assert {method for method, _ in place.calls} == {"GET"}


def test_after_a_day_one_of_several_is_for_a_person(place: Place) -> None:
    request = ask_wallet(place)
    bytes_sent = command_of(request).request_bytes
    for key in ("one", "two"):
        place.client.create_wallet(bytes_sent, idempotency_key=key)
    place.fault("drop_before", method="POST", path="/wallets")
    deliver(request)
    a_day_later(request)

    assert deliver(request) == CommandState.UNKNOWN

    assert len(place.client.list_wallets().items) == 2


def test_a_list_that_cannot_be_read_proves_nothing(place: Place) -> None:
    request = ask_account(place)
    place.fault("drop_before", method="POST", path="/external-accounts")
    deliver(request)
    a_day_later(request)
    other = json.loads(command_of(request).request_bytes) | {"account_number": "000111122223"}
    place.client.create_external_account(json.dumps(other).encode(), idempotency_key="other")
    place.fault("malformed_record", method="GET", path="/external-accounts")

    assert deliver(request) == CommandState.UNKNOWN

    assert len(place.client.list_external_accounts().items) == 1


def test_an_email_that_is_taken_is_refused_at_its_field(place: Place) -> None:
    place.customer(email=MARIA["email"].upper())
    request = ask_create(place)

    assert deliver(request) == CommandState.REFUSED

    assert (request.error_code, list(request.field_errors)) == ("already_exists", ["email"])
    assert request.customer is None


def test_after_a_doubt_who_has_the_email_may_be_whom_we_made(place: Place) -> None:
    """Where they do not know the key again, and answer the repeat as if it was another request."""
    request = ask_create(place)
    place.fault("drop", method="POST", path="/customers")
    deliver(request)
    with place.sandbox.store.transaction() as db:
        db.execute("DELETE FROM lf_answer")

    assert deliver(request) == CommandState.DONE

    assert (request.status, len(place.customers())) == (RequestStatus.MADE, 1)


def test_after_a_doubt_who_has_the_email_may_be_somebody_else(place: Place) -> None:
    request = ask_create(place)
    place.fault("drop_before", method="POST", path="/customers")
    deliver(request)
    place.customer(email=MARIA["email"], first_name="Mario")

    assert deliver(request) == CommandState.REFUSED

    assert request.error_code == "already_exists"


def test_a_new_customer_is_known_here_at_once(place: Place) -> None:
    request = ask_create(place)

    deliver(request)

    identity = Identity.objects.get(upstream="lux")
    assert request.customer == identity.customer
    assert (request.made, identity.customer.name) == (identity.upstream_id, "Maria Silva")


def test_our_copy_follows_at_once(place: Place) -> None:
    """What was asked for is shown before any feed reads it."""
    made = {RequestKind.CREATE: ask_create(place)}
    made[RequestKind.ADD_WALLET] = ask_wallet(place)
    for request in made.values():
        deliver(request)

    assert Profile.objects.get(first_name="Maria").email == MARIA["email"]
    assert Wallet.objects.get().customer == made[RequestKind.ADD_WALLET].customer


@pytest.mark.parametrize(
    ("kind", "status", "is_listed"),
    [
        (RequestKind.ADD_ACCOUNT, "pending", True),
        (RequestKind.VERIFY_ACCOUNT, "verified", True),
        (RequestKind.REMOVE_ACCOUNT, "pending", False),
    ],
)
def test_an_account_is_shown_as_it_is_by_then(
    place: Place, kind: RequestKind, status: str, is_listed: bool
) -> None:
    request = KINDS[kind].ask(place)

    deliver(request)

    account = ExternalAccount.objects.get()
    assert (account.customer, account.last_4) == (request.customer, "6789")
    assert (account.status, account.is_listed) == (status, is_listed)


@pytest.mark.parametrize("kind", [RequestKind.CHANGE, RequestKind.DELETE])
def test_a_profile_is_shown_as_it_is_by_then(place: Place, kind: RequestKind) -> None:
    request = KINDS[kind].ask(place)

    deliver(request)

    profile = Profile.objects.get()
    told = {
        RequestKind.CHANGE: (profile.phone, profile.address.get("city")),
        RequestKind.DELETE: profile.status,
    }
    assert told[kind] in (("+61498765432", "Hobart"), "deleted")


def test_an_answer_that_does_not_fit_is_set_aside_and_it_is_made_all_the_same(
    place: Place,
) -> None:
    place.fault("alter", method="POST", path="/customers", params={"set": {"phone": "1" * 51}})
    request = ask_create(place)

    assert deliver(request) == CommandState.DONE

    assert (request.status, request.customer) == (RequestStatus.MADE, None)
    assert RefusedRecord.objects.get().reason == "phone is too long"


@pytest.mark.parametrize("tries", [1, 3])
def test_other_amounts_do_not_verify(place: Place, tries: int) -> None:
    request = ask_verify(place, "0.11", "0.22")
    for number in range(1, tries):
        place.client.verify_external_account(
            request.target, b'{"amounts": ["0.01", "0.02"]}', idempotency_key=f"try-{number}"
        )

    assert deliver(request) == CommandState.DONE

    code = sending.OTHER_AMOUNTS if tries == 1 else sending.NOT_VERIFIED
    assert (request.status, request.error_code) == (RequestStatus.REFUSED, code)


def test_another_account_than_asked_for_stops_the_provider(place: Place) -> None:
    request = ask_account(place)
    place.fault(
        "alter", method="POST", path="/external-accounts", params={"set": {"last_4": "9999"}}
    )

    assert deliver(request) == CommandState.UNKNOWN

    assert (request.status, outbox.sending_is_on("lux")) == (RequestStatus.UNKNOWN, False)
    assert request.body


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_parameter"), (409, "conflict"), (409, "already_exists")]
)
def test_what_they_say_repeats_nothing_of_what_was_asked(
    place: Place, status: int, code: str
) -> None:
    said = "Maria SILVA of Rua Augusta 100, maria@example.com: no individual"
    error = {"code": code, "message": said, "source": {"location": "body", "key": "last_name"}}
    place.fault(
        "error",
        method="POST",
        path="/customers",
        params={"status": status, "body": {"error": error}},
    )
    request = ask_create(place)

    deliver(request)

    command = command_of(request)
    events = AuditEvent.objects.filter(subject_id=str(request.pk))
    kept = [
        *(request.status_reason, str(request.field_errors), command.error, str(command.outcome)),
        *(event.reason for event in events),
    ]
    for secret in ("maria", "silva", "augusta"):
        assert secret not in " ".join(kept).lower()
    assert "no individual" in request.status_reason


@EVERY_KIND
def test_every_move_is_in_the_trail_and_nobody_s_data(place: Place, kind: RequestKind) -> None:
    request = KINDS[kind].ask(place)
    body = json.dumps(request.body)
    deliver(request)

    events = AuditEvent.objects.filter(
        subject_type="customers.customerrequest", subject_id=str(request.pk)
    ).order_by("sequence")

    assert [event.verb for event in events] == [
        "customers.request.asked",
        "customers.request.sending",
        "customers.request.made",
    ]
    written = json.dumps([[event.before, event.after] for event in events])
    secrets = ("maria@", "Silva", "+5511", "1985", "Augusta", "000123456789", "0.34", "+6149")
    assert [secret for secret in secrets if secret in written] == []
    assert body == "{}" or body not in written
