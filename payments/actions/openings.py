"""Asking for an account in another currency."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from payments import openings
from payments.actions.common import stated
from payments.actions.errors import OpeningNotPossible
from payments.enums import RequestStatus
from payments.models import AccountOpening
from payments.references import OPEN_ACCOUNT, key_for
from payments.trading import currencies
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.models import Command


def open_account(*, currency: str, by: User, at: datetime) -> AccountOpening:
    """Ask Lumetrade for an account in this currency: it is queued, and asked for once.

    Raises NotPermitted, OpeningNotPossible.
    """
    require(by, Permission.OPEN_ACCOUNTS)
    told = {"currency": currency}
    if currency in currencies.held():
        raise OpeningNotPossible(Text(_("There is an account in %(currency)s already."), **told))
    if currency not in {one.code for one in currencies.to_open()}:
        raise OpeningNotPossible(Text(_("Lumetrade keeps no accounts in %(currency)s."), **told))
    try:
        return _open(currency, by=by, at=at)
    except IntegrityError:
        raise OpeningNotPossible(
            Text(_("An account in %(currency)s is asked for already."), **told)
        ) from None


def look_for_account(*, opening_id: int, by: User, at: datetime) -> AccountOpening:
    """Let the desk look once more for an account whose opening got no clear answer.

    By the rules of its command: where there is none, it is asked for again, since there is never
    more than one. Raises NotPermitted, OpeningNotPossible.
    """
    require(by, Permission.OPEN_ACCOUNTS)
    opening = AccountOpening.objects.get(pk=opening_id)
    command = openings.newest_command(opening)
    if opening.status != RequestStatus.UNKNOWN or command is None:
        raise OpeningNotPossible(
            Text(_("The outcome of %(code)s is not unknown."), code=opening.code)
        )
    if why := outbox.why_not_again(command):
        raise OpeningNotPossible(why)
    with transaction.atomic():
        if not outbox.try_again(command, at=at):
            raise OpeningNotPossible(Text(_("It has moved meanwhile: look at it again.")))
        journal = Journal(by=by, at=at)
        journal.add("payments.accountopening.looked_for", opening)
        journal.write()
    return opening


def close_opening(*, opening_id: int, reason: str, by: User, at: datetime) -> AccountOpening:
    """Say that an account whose opening got no clear answer was not opened.

    One person may: no money of ours moves, and it may be asked for anew. Raises NotPermitted,
    ReasonMissing, OpeningNotPossible.
    """
    require(by, Permission.OPEN_ACCOUNTS)
    said = stated(reason)
    opening = AccountOpening.objects.get(pk=opening_id)
    command = _given_up(opening)
    if opening.currency in currencies.held():
        raise OpeningNotPossible(
            Text(_("There is an account in %(currency)s already."), currency=opening.currency)
        )
    with transaction.atomic():
        outcome = outbox.Refused(code=openings.CLOSED, message=said)
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise OpeningNotPossible(Text(_("It has moved meanwhile: look at it again."))) from late
        opening.refresh_from_db()
        journal = Journal(by=by, at=at)
        journal.add("payments.accountopening.closed", opening, reason=said)
        journal.write()
    return opening


def _given_up(opening: AccountOpening) -> Command:
    """The command that no machine will try again; raises OpeningNotPossible."""
    command = openings.newest_command(opening)
    if opening.status != RequestStatus.UNKNOWN or command is None:
        raise OpeningNotPossible(
            Text(_("The outcome of %(code)s is not unknown."), code=opening.code)
        )
    if not outbox.waits_for_people(command):
        raise OpeningNotPossible(
            Text(
                _("The desk is still looking for %(code)s at the provider by itself."),
                code=opening.code,
            )
        )
    return command


def _open(currency: str, *, by: User, at: datetime) -> AccountOpening:
    with transaction.atomic():
        opening = AccountOpening.objects.create(
            upstream=Upstream.LUMETRADE, currency=currency, created_by=by, created_at=at
        )
        outbox.put(
            kind=OPEN_ACCOUNT,
            upstream=opening.upstream,
            subject=audit.subject_of(opening),
            attempt_no=1,
            request=openings.payload(opening),
            idempotency_key=key_for(opening),
            at=at,
        )
        journal = Journal(by=by, at=at)
        journal.add("payments.accountopening.asked", opening, after={"currency": currency})
        journal.write()
    return opening
