"""Asking for an account in another currency."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from payments import openings
from payments.actions.errors import OpeningNotPossible
from payments.enums import RequestStatus
from payments.journal import Journal
from payments.models import AccountOpening
from payments.references import OPEN_ACCOUNT, key_for
from payments.trading import currencies
from staff import audit
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream


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
        outbox.try_again(command, at=at)
        journal = Journal(by=by, at=at)
        journal.add("payments.accountopening.looked_for", opening)
        journal.write()
    return opening


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
