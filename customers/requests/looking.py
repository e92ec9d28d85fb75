"""Looking for what a request was to make, where it cannot simply be asked again.

Lux Financial lists newest first and finds nothing by e-mail, so a list is read back to the moment
of the first attempt. What is not certain is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, Protocol

from customers.requests.bodies import asked, last_digits
from upstreams.errors import NotFound
from upstreams.lux.calls.base import every_page
from upstreams.lux.client import LuxClient
from upstreams.lux.schemas import (
    CursorPage,
    CustomerRecord,
    ExternalAccountRecord,
    WalletRecord,
)
from upstreams.models import Command
from upstreams.outbox import Done, Outcome, Refused, Uncertain

CLOCKS: Final = timedelta(minutes=5)  # by which theirs may differ from ours
MOST_PAGES: Final = 20  # within the minute that an attempt has
DELETED: Final = "deleted"


class Listed(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> datetime | None: ...


def find_new_customer(client: LuxClient, command: Command) -> Outcome | None:
    """Somebody with this e-mail and name who came since. None when certainly nobody did."""
    body = asked(command.request_bytes)

    def is_it(one: CustomerRecord) -> bool:
        names = [one.business.name] if one.business else [one.first_name, one.last_name]
        wanted = [body.get(name) for name in ("first_name", "last_name", "business_name")]
        is_named = (one.type, names) == (body["type"], [name for name in wanted if name])
        return is_named and one.email.casefold() == str(body["email"]).casefold()

    return _only(lambda cursor: client.list_customers(cursor=cursor), is_it, command)


def find_new_wallet(client: LuxClient, command: Command) -> Outcome | None:
    """A wallet of this label and type that came since."""
    body = asked(command.request_bytes)
    customer_id = body["customer_id"]
    return _only(
        lambda cursor: client.list_wallets(
            customer_id=customer_id, type=body["type"], cursor=cursor
        ),
        lambda one: one.label == body["label"],
        command,
    )


def find_new_account(client: LuxClient, command: Command) -> Outcome | None:
    """An account of this type with these last digits, or this address, that came since."""
    body = asked(command.request_bytes)
    customer_id = body["customer_id"]

    def is_it(one: ExternalAccountRecord) -> bool:
        if "address" in body:
            is_there = one.address.casefold() == str(body["address"]).casefold()
            return is_there and one.chain == str(body["chain"])
        return one.last_4 == last_digits(body)

    return _only(
        lambda cursor: client.list_external_accounts(
            customer_id=customer_id, type=body["type"], cursor=cursor
        ),
        is_it,
        command,
    )


def find_change(client: LuxClient, customer_id: str, command: Command) -> Outcome | None:
    """The customer, if everything asked for is so by now."""
    try:
        record = client.get_customer(customer_id)
    except NotFound as gone:
        return Refused(code="NOT_FOUND", message=gone.message)
    if record.status == DELETED:
        return Refused(code=DELETED, message="The customer was deleted there.")
    return Done(record.id, record=record) if _is_so(asked(command.request_bytes), record) else None


def find_deleted(client: LuxClient, customer_id: str) -> Outcome | None:
    """The customer, if they are deleted by now: they are still shown (LF-A7)."""
    try:
        record = client.get_customer(customer_id)
    except NotFound:
        return Done(customer_id)
    return Done(record.id, record=record) if record.status == DELETED else None


def find_removed(client: LuxClient, account_id: str) -> Outcome | None:
    """Done where the account is not there any more."""
    try:
        client.get_external_account(account_id)
    except NotFound:
        return Done(account_id)
    return None


def _only(
    fetch: Callable[[str], CursorPage[Any]], is_it: Callable[[Any], bool], command: Command
) -> Outcome | None:
    """The only one of a list that fits and is new enough; Uncertain unless all of it was read."""
    since = (command.first_sent_at or command.created_at) - CLOCKS
    found: list[CustomerRecord | WalletRecord | ExternalAccountRecord] = []
    is_whole = False
    for page in islice(every_page(fetch), MOST_PAGES):
        if page.refused:
            return Uncertain("Some of what is listed cannot be read.")
        found += [one for one in page.items if not _is_older(one, since) and is_it(one)]
        is_whole = not page.has_more or _reaches(page.items, since)
        if is_whole:
            break
    if len(found) > 1:
        return Uncertain("There are several that it could be.")
    if found:
        return Done(found[0].id, record=found[0])
    return None if is_whole else Uncertain("The list is too long to be read back to then.")


def _is_older(one: Listed, since: datetime) -> bool:
    return one.created_at is not None and one.created_at < since


def _reaches(items: Iterable[Listed], since: datetime) -> bool:
    return any(_is_older(one, since) for one in items)


def _is_so(wanted: Mapping[str, Any], record: CustomerRecord) -> bool:
    """Whether the customer is as the change wants: what they are not shown to be is not so."""
    shown = record.raw
    for name, value in wanted.items():
        if isinstance(value, Mapping):
            section = shown.get(name)
            inner = section if isinstance(section, Mapping) else {}
            if any(inner.get(key) != one for key, one in value.items()):
                return False
        elif shown.get(name) != value:
            return False
    return True
