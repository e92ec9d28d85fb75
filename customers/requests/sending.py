"""Sending what people ask for about customers (upstreams.md §1.3, §4.3).

A POST may go again with its key for a day; after that what it was to make is looked for first, and
where that is not certain a person decides. A PATCH or DELETE is only repeated when the change is
not there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from customers.enums import RequestKind, RequestStatus
from customers.models import CustomerRequest
from customers.requests import life, looking, storing
from customers.requests.bodies import COMMANDS, asked, hiding, last_digits
from staff.journal import Journal
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import AlreadyExists, Conflict, NotFound, Rejected, UpstreamError
from upstreams.http import Priority
from upstreams.lux import keys
from upstreams.lux.client import LuxClient, get_client
from upstreams.lux.schemas import ExternalAccountRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    Mismatch,
    MustNotSend,
    Outcome,
    Postponed,
    Refused,
    Repeat,
    Sender,
    Uncertain,
)

BY_LABEL: Final = "Lightdesk"
PENDING: Final = "pending"
VERIFIED: Final = "verified"
OTHER_AMOUNTS: Final = "OTHER_AMOUNTS"
NOT_VERIFIED: Final = "NOT_VERIFIED"

Find = Callable[[LuxClient, Command], Outcome | None]


def register_senders() -> None:
    """One sender for each kind of request."""
    for kind, send, find in (
        (RequestKind.CREATE, _create_customer, None),
        (RequestKind.CHANGE, _change_customer, _find_change),
        (RequestKind.DELETE, _delete_customer, _find_deleted),
        (RequestKind.ADD_WALLET, _add_wallet, None),
        (RequestKind.ADD_ACCOUNT, _add_account, None),
        (RequestKind.VERIFY_ACCOUNT, _verify_account, None),
        (RequestKind.REMOVE_ACCOUNT, _remove_account, _find_removed),
    ):
        outbox.register(
            Sender(
                kind=COMMANDS[kind],
                upstream=Upstream.LUX,
                send=_discreet(send),
                find=find,
                starting=start,
                settle=settle,
                repeat=Repeat.LOOK_FIRST if find else Repeat.SAME_KEY,
            )
        )


def _discreet(send: Callable[[Command], Outcome]) -> Callable[[Command], Outcome]:
    """The same, with nothing of what was asked for in what Lux Financial says about it.

    Its words are kept with the command, with the request, and in the audit trail for ever.
    """

    def sent(command: Command) -> Outcome:
        body = asked(command.request_bytes)
        try:
            return send(command)
        except Rejected as no:
            fields = {name: hiding(text, body) for name, text in no.field_errors.items()}
            return Refused(no.code, hiding(no.message, body), fields)
        except Conflict as unclear:
            return Uncertain(hiding(unclear.message, body))

    return sent


def start(command: Command, at: datetime) -> None:
    """Move the request to `sending`; raises MustNotSend when it may not leave."""
    request = _locked(command)
    if request.status != RequestStatus.QUEUED:
        raise MustNotSend(f"{request.code} is {request.status}, not queued.")
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    life.move(request, RequestStatus.SENDING, journal=journal)
    journal.write()


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the request, and our copy, follow the outcome; what is settled is forgotten."""
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    request = _locked(command)
    match outcome:
        case Done(reference, data, record):
            storing.store(request, reference, record, at=at)
            if why := data.get("refused"):
                _end(request, command, RequestStatus.REFUSED, journal, error_code=why)
            else:
                _end(request, command, RequestStatus.MADE, journal, made=reference[:120])
        case Refused(code, message, fields):
            told = {"error_code": code[:80], "field_errors": dict(fields)}
            _end(request, command, RequestStatus.REFUSED, journal, reason=message, **told)
        case Postponed(_, why) if request.status == RequestStatus.SENDING:
            life.move(request, RequestStatus.QUEUED, journal=journal, reason=why)
        case Uncertain(why) if request.status == RequestStatus.SENDING:
            life.move(request, RequestStatus.UNKNOWN, journal=journal, reason=why)
        case Mismatch() if request.status == RequestStatus.SENDING:
            life.move(request, RequestStatus.UNKNOWN, journal=journal)
    journal.write()


def _create_customer(command: Command) -> Outcome:
    client = _client()
    if keys.may_be_forgotten(command) and (found := looking.find_new_customer(client, command)):
        return found
    try:
        record = client.create_customer(
            command.request_bytes, idempotency_key=command.idempotency_key
        )
    except AlreadyExists as taken:
        # After a doubt, the one that is there may be the one we made.
        found = looking.find_new_customer(client, command) if command.doubts else None
        return found or _taken(command, taken)
    wanted = asked(command.request_bytes)["email"]
    if record.email.casefold() != wanted.casefold():
        return Mismatch([("email", "", "")], record=record)
    return Done(record.id, record=record)


def _taken(command: Command, conflict: AlreadyExists) -> Refused:
    said = hiding(conflict.message, asked(command.request_bytes))
    return Refused(conflict.code, said, {"email": said})


def _change_customer(command: Command) -> Outcome:
    record = _client().update_customer(_target(command), command.request_bytes)
    return Done(record.id, record=record)


def _find_change(command: Command) -> Outcome | None:
    return looking.find_change(_client(), _target(command), command)


def _delete_customer(command: Command) -> Outcome:
    client, customer_id = _client(), _target(command)
    try:
        client.delete_customer(customer_id)
    except NotFound as gone:
        return looking.find_deleted(client, customer_id) or Refused("NOT_FOUND", gone.message)
    try:
        return Done(customer_id, record=client.get_customer(customer_id))
    except UpstreamError:
        return Done(customer_id)  # the feed or a webhook tells the rest


def _find_deleted(command: Command) -> Outcome | None:
    return looking.find_deleted(_client(), _target(command))


def _add_wallet(command: Command) -> Outcome:
    client = _client()
    if keys.may_be_forgotten(command) and (found := looking.find_new_wallet(client, command)):
        return found
    record = client.create_wallet(command.request_bytes, idempotency_key=command.idempotency_key)
    return Done(record.id, record=record)


def _add_account(command: Command) -> Outcome:
    client = _client()
    if keys.may_be_forgotten(command) and (found := looking.find_new_account(client, command)):
        return found
    record = client.create_external_account(
        command.request_bytes, idempotency_key=command.idempotency_key
    )
    body = asked(command.request_bytes)
    if differences := _other_account(body, record):
        return Mismatch(differences, record=record)
    return Done(record.id, record=record)


def _other_account(
    body: dict[str, str], record: ExternalAccountRecord
) -> list[tuple[str, str, str]]:
    """Where money would go elsewhere than was asked."""
    shown = record.address if "address" in body else record.last_4
    wanted = body["address"] if "address" in body else last_digits(body)
    found = [("type", body["type"], record.type)] if record.type != body["type"] else []
    if shown and shown.casefold() != wanted.casefold():
        found.append(("account", wanted[-4:], shown[-4:]))
    return found


def _verify_account(command: Command) -> Outcome:
    client, account_id = _client(), _target(command)
    if keys.may_be_forgotten(command):
        record = client.get_external_account(account_id)
        if record.status == PENDING:
            return Uncertain("The account is pending: the amounts may have counted as a try.")
    else:
        record = client.verify_external_account(
            account_id, command.request_bytes, idempotency_key=command.idempotency_key
        )
    if record.status == VERIFIED:
        return Done(record.id, record=record)
    code = OTHER_AMOUNTS if record.status == PENDING else NOT_VERIFIED
    return Done(record.id, data={"refused": code}, record=record)


def _remove_account(command: Command) -> Outcome:
    account_id = _target(command)
    try:
        _client().delete_external_account(account_id)
    except NotFound:
        return Done(account_id)  # somebody was faster
    return Done(account_id)


def _find_removed(command: Command) -> Outcome | None:
    return looking.find_removed(_client(), _target(command))


def _client() -> LuxClient:
    return get_client(priority=Priority.OPERATOR)


def _target(command: Command) -> str:
    return CustomerRequest.objects.values_list("target", flat=True).get(pk=int(command.subject_id))


def _locked(command: Command) -> CustomerRequest:
    return CustomerRequest.objects.locked().get(pk=int(command.subject_id))


def _end(
    request: CustomerRequest,
    command: Command,
    wanted: RequestStatus,
    journal: Journal,
    **changes: Any,
) -> None:
    if request.can_become(wanted):
        outbox.forget(command)
        life.move(request, wanted, journal=journal, settled_at=journal.at, body={}, **changes)
