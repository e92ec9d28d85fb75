"""Opening an account at Lumetrade: asked for once, and looked for before it is asked for again.

There is one account per currency, so a repeat can only be told that it exists.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext

from payments import mirror
from payments.enums import RequestStatus
from payments.life import Life
from payments.models import AccountOpening, OpeningNotMovable
from payments.references import OPEN_ACCOUNT
from staff import audit
from staff.journal import Journal
from upstreams.enums import Upstream
from upstreams.errors import AlreadyExists, NotFound
from upstreams.http import Priority
from upstreams.lumetrade.client import get_client
from upstreams.lumetrade.schemas import AccountRecord
from upstreams.models import Command
from upstreams.outbox import (
    Done,
    MustNotSend,
    NotSettleable,
    Outcome,
    Postponed,
    Refused,
    Repeat,
    Sender,
    Uncertain,
    has_another_key,
    register,
    settle_seen,
    waits_for_people,
)

BY_LABEL: Final = "Lightdesk"
EXISTED: Final = "existed"
NOT_OFFERED: Final = "NOT_OFFERED"
CLOSED: Final = "CLOSED_BY_PEOPLE"


def register_sender() -> None:
    register(
        Sender(
            kind=OPEN_ACCOUNT,
            upstream=Upstream.LUMETRADE,
            send=send,
            find=find,
            starting=start,
            settle=settle,
            repeat=Repeat.LOOK_FIRST,
        )
    )


def payload(opening: AccountOpening) -> bytes:
    return json.dumps({"currency": opening.currency}).encode()


def start(command: Command, at: datetime) -> None:
    """Move the opening to `sending`; raises MustNotSend when it may not leave."""
    opening = _locked(command)
    if opening.status != RequestStatus.QUEUED:
        raise MustNotSend(f"{opening.code} is {opening.status}, not queued.")
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    move(opening, RequestStatus.SENDING, journal=journal)
    journal.write()


def send(command: Command) -> Outcome:
    """Ask for it. An account that is there already is as good as a new one."""
    currency = _currency(command)
    client = get_client(priority=Priority.OPERATOR)
    try:
        account = client.create_account(currency)
    except AlreadyExists:
        return _there(client.get_account_in(currency), existed=True)
    except NotFound as refusal:
        return Refused(code=NOT_OFFERED, message=refusal.message)
    return _there(account)


def find(command: Command) -> Outcome | None:
    """Look for the account. None when there is none."""
    try:
        return _there(get_client(priority=Priority.OPERATOR).get_account_in(_currency(command)))
    except NotFound:
        return None


def settle(command: Command, outcome: Outcome, at: datetime) -> None:
    """Let the opening follow the outcome."""
    journal = Journal(by=None, at=at, by_label=BY_LABEL)
    opening = _locked(command)
    match outcome:
        case Done(data=data, record=record):
            code = EXISTED if data.get(EXISTED) else ""
            _end(opening, RequestStatus.MADE, journal, error_code=code)
            if isinstance(record, AccountRecord):
                mirror.store_balances(
                    [mirror.balance_of(record)], at=at, upstream=Upstream.LUMETRADE
                )
        case Refused(code, message):
            _end(opening, RequestStatus.REFUSED, journal, reason=message, error_code=code[:80])
        case Postponed(_, why) if opening.status == RequestStatus.SENDING:
            move(opening, RequestStatus.QUEUED, journal=journal, reason=why)
        case Uncertain(why) if opening.status == RequestStatus.SENDING:
            move(opening, RequestStatus.UNKNOWN, journal=journal, reason=why)
    journal.write()


def settle_held(currencies: Collection[str], *, at: datetime) -> None:
    """End every doubt about an account that their list shows: there is never more than one.

    Also where no attempt would find it any more, as when the key was changed meanwhile.
    """
    doubtful = AccountOpening.objects.filter(
        upstream=Upstream.LUMETRADE, status=RequestStatus.UNKNOWN, currency__in=currencies
    )
    for opening in doubtful.order_by("pk"):
        command = newest_command(opening)
        if command is not None:
            with suppress(NotSettleable):  # a late answer was faster
                settle_seen(command=command, reference=opening.currency, at=at)


def move(
    opening: AccountOpening,
    wanted: RequestStatus,
    *,
    journal: Journal,
    reason: str = "",
    **changes: Any,
) -> None:
    """Move a locked opening, save it and note the move; raises OpeningNotMovable."""
    current = RequestStatus(opening.status)
    if not opening.can_become(wanted):
        raise OpeningNotMovable(code=opening.code, current=current, wanted=wanted)
    opening.status, opening.status_reason = wanted, reason
    for name, value in changes.items():
        setattr(opening, name, value)
    opening.save(update_fields={"status", "status_reason", *changes})
    journal.add(
        f"payments.accountopening.{wanted.value}",
        opening,
        before={"status": current},
        after={"status": wanted, "currency": opening.currency},
        reason=reason,
    )


def is_moving(opening: AccountOpening) -> bool:
    """Whether it can still change by itself, so that its page keeps looking."""
    return opening.status not in (RequestStatus.MADE, RequestStatus.REFUSED)


def newest_command(opening: AccountOpening) -> Command | None:
    subject_type, subject_id = audit.subject_of(opening)
    return Command.objects.about(subject_type=subject_type, subject_id=subject_id).last()


def tell(opening: AccountOpening, command: Command | None) -> Life:
    """Return where it stands; `command` is its newest, None where nothing is in doubt."""
    currency = {"currency": opening.currency}
    match RequestStatus(opening.status):
        case RequestStatus.MADE if opening.error_code == EXISTED:
            return Life(
                "good",
                gettext("An account in %(currency)s existed already.") % currency,
                gettext("No second one was opened."),
                next="",
            )
        case RequestStatus.MADE:
            return Life(
                "good",
                gettext("The account in %(currency)s is open.") % currency,
                gettext("How to pay in stands below as soon as Lumetrade lists it."),
                next="",
            )
        case RequestStatus.REFUSED if opening.error_code == NOT_OFFERED:
            return Life(
                "bad",
                gettext("Lumetrade keeps no accounts in %(currency)s.") % currency,
                gettext("Nothing was opened."),
                next="",
            )
        case RequestStatus.REFUSED if opening.error_code == CLOSED:
            said = {**currency, "reason": opening.status_reason}
            return Life(
                "warn",
                gettext("Somebody closed it: no account in %(currency)s was opened. %(reason)s")
                % said,
                gettext("If Lumetrade lists one after all, it appears below."),
                next="",
            )
        case RequestStatus.REFUSED:
            said = {**currency, "said": opening.status_reason}
            known = gettext("Lumetrade refused an account in %(currency)s: %(said)s") % said
            return Life("bad", known, gettext("Nothing was opened."), next="")
        case RequestStatus.UNKNOWN:
            return _unknown(opening, command)
    return Life(
        "flow",
        gettext("Lumetrade is asked for an account in %(currency)s.") % currency,
        gettext("It is not open yet."),
        gettext("The answer comes within a minute."),
    )


def _unknown(opening: AccountOpening, command: Command | None) -> Life:
    known = gettext("Lumetrade was asked for an account in %(currency)s and gave no clear answer.")
    money = gettext("It may be open. There is never more than one in a currency.")
    if command is not None and waits_for_people(command):
        following = gettext("No machine looks again: let the desk look once more.")
        if has_another_key(command):
            following = gettext(
                "It was asked for under another key than the one set now, so the desk does not "
                "look again. Look at Lumetrade: if there is none, close it."
            )
        return Life("bad", known % {"currency": opening.currency}, money, following)
    next_at = command.next_at if command else None
    following = gettext("There is nothing to do: the desk looks for it again")
    return Life("warn", known % {"currency": opening.currency}, money, following, next_at)


def _there(account: AccountRecord, *, existed: bool = False) -> Outcome:
    return Done(reference=account.id, data={EXISTED: existed}, record=account)


def _currency(command: Command) -> str:
    return str(json.loads(command.request_bytes)["currency"])


def _locked(command: Command) -> AccountOpening:
    return AccountOpening.objects.locked().get(pk=int(command.subject_id))


def _end(opening: AccountOpening, wanted: RequestStatus, journal: Journal, **changes: Any) -> None:
    if opening.can_become(wanted):
        move(opening, wanted, journal=journal, settled_at=journal.at, **changes)
