"""Whether what we look at is recent enough to decide about money."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_noop as _

from payments import feeds, feeds_lumetrade, feeds_lux
from payments.checks.funds import main_balance
from payments.checks.results import Check
from payments.enums import Level
from payments.models import Withdrawal
from staff.texts import Text
from upstreams.enums import Upstream
from upstreams.models import FeedState

CODE: Final = "data_age"
LATE: Final = timedelta(minutes=2)
TOO_OLD: Final = timedelta(minutes=15)

# What tells of new payments, and of those that are still open. Lumetrade's whole lists are read
# too rarely to say how fresh the rest is.
_FEEDS: Final = {
    Upstream.LUXCORE: (feeds.PAYMENTS, feeds.OPEN_PAYMENTS),
    Upstream.LUMETRADE: (feeds_lumetrade.OPEN, feeds_lumetrade.OPEN),
    Upstream.LUX: (feeds_lux.TRANSFERS, feeds_lux.OPEN),
}


def data_is_fresh(withdrawal: Withdrawal, now: datetime) -> Check:
    """Warn above 2 minutes, block above 15: the balance, and the payments that we know of."""
    provider = Upstream(withdrawal.upstream).label
    oldest = _oldest(withdrawal)
    if oldest is None:
        text = Text(_("%(provider)s was never read completely."), provider=provider)
        return Check(Level.BLOCK, CODE, text)
    age = max(now - oldest, timedelta(0))
    told = {"provider": provider, "age": _words(age)}
    text = Text(_("What we know of %(provider)s is %(age)s old."), **told)
    if age > TOO_OLD:
        return Check(Level.BLOCK, CODE, text, oldest)
    if age > LATE:
        return Check(Level.WARN, CODE, text, oldest)
    return Check(Level.PASS, CODE, Text(_("%(provider)s was read %(age)s ago."), **told), oldest)


def _oldest(withdrawal: Withdrawal) -> datetime | None:
    """When the stalest thing that this decision rests on was read; None when it never was."""
    new, still_open = _FEEDS[Upstream(withdrawal.upstream)]
    read_at = dict(
        FeedState.objects.filter(name__in=[new, still_open]).values_list("name", "last_success_at")
    )
    if withdrawal.upstream == Upstream.LUX:
        return read_at.get(new)  # no balance of ours pays it
    if withdrawal.is_ours:
        balance = main_balance(withdrawal).first()
        moments = [read_at.get(new), balance.as_of if balance else None]
    else:
        payment = withdrawal.payment
        looked = [read_at.get(still_open), payment.seen_at if payment else None]
        moments = [max(filter(None, looked), default=None)]
    return None if None in moments else min(filter(None, moments), default=None)


def _words(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
