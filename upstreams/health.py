"""How each upstream is doing, for pages: a few cheap queries, no call to anybody outside.

Works while Redis is away: then the circuit and the budget are those of this process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import Count
from django.utils.translation import gettext_noop as _

from upstreams import credentials, feeds
from upstreams.budget import STANDARD, Budget
from upstreams.circuit import somebody_sees_it_open
from upstreams.enums import CommandState, EventState, Upstream
from upstreams.lumetrade import client as lumetrade
from upstreams.lux import client as lux
from upstreams.luxcore import client as luxcore
from upstreams.models import Command, FeedState, WebhookEvent

GRACE: Final = timedelta(seconds=30)
MISSED_RUNS: Final = 3
FREQUENT: Final = timedelta(minutes=5)
DOWN_AFTER: Final = timedelta(minutes=10)
_BUDGETS: Final[Mapping[str, Callable[[], Budget | None]]] = {
    Upstream.LUXCORE: luxcore.get_budget,
    Upstream.LUX: lux.get_budget,
    Upstream.LUMETRADE: lumetrade.get_budget,
}
USUAL_PACE: Final = timedelta(minutes=1)  # of a feed this process does not know


class State(models.TextChoices):
    FRESH = "fresh", _("Up to date")
    LATE = "late", _("Late")
    DOWN = "down", _("Down")
    NOT_CONFIGURED = "not_configured", _("Not configured")
    NEVER_SYNCED = "never_synced", _("Not read yet")


@dataclass(frozen=True, slots=True)
class Health:
    """One upstream now. `as_of`: what is shown of it was true then. `words` say it to people.

    `circuit` is "open" while calls are held back. `backlog` counts commands and events waiting.
    `budget_left` is what an operator could still call, None where nothing is counted.
    """

    upstream: str
    label: str
    state: State
    as_of: datetime | None
    words: str
    circuit: str
    budget_left: int | None
    backlog: int


def status(upstream: str, now: datetime) -> Health:
    """The health of one upstream."""
    rows = list(FeedState.objects.filter(upstream=upstream))
    return _health(Upstream(upstream), now, rows, _backlog(upstream)[upstream])


def all(now: datetime) -> list[Health]:
    """The health of every upstream, in the order of `Upstream`; three queries."""
    rows = list(FeedState.objects.all())
    backlog = _backlog()
    return [
        _health(upstream, now, [row for row in rows if row.upstream == upstream], backlog[upstream])
        for upstream in Upstream
    ]


def _health(upstream: Upstream, now: datetime, rows: list[FeedState], backlog: int) -> Health:
    if not credentials.is_configured(upstream):
        state, as_of, words, is_open = State.NOT_CONFIGURED, None, "No key is set", False
    else:
        is_open = somebody_sees_it_open(upstream)
        state, as_of, words = _freshness(rows, now, is_open)
    return Health(
        upstream=upstream.value,
        label=str(upstream.label),
        state=state,
        as_of=as_of,
        words=words,
        circuit="open" if is_open else "closed",
        budget_left=_budget_left(upstream),
        backlog=backlog,
    )


def _freshness(
    rows: list[FeedState], now: datetime, is_open: bool
) -> tuple[State, datetime | None, str]:
    known = {feed.name: feed for feed in feeds.registered()}
    paces = {row.name: known[row.name].every if row.name in known else USUAL_PACE for row in rows}
    read = {row.name: row.last_success_at for row in rows if row.last_success_at}
    if not read:
        state = State.DOWN if is_open else State.NEVER_SYNCED
        return state, None, "No answer yet" if is_open else "Nothing has been read yet"

    # What is read rarely (the sweep for refunds) does not make the rest of the picture old.
    frequent = [moment for name, moment in read.items() if paces[name] <= FREQUENT]
    as_of = min(frequent or read.values())
    late = [
        row
        for row in rows
        if now - (row.last_success_at or as_of) > paces[row.name] * MISSED_RUNS + GRACE
        or (row.last_error and not row.last_success_at)
    ]
    silent = now - max(read.values())
    if is_open or silent > DOWN_AFTER:
        return State.DOWN, as_of, f"Nothing read for {_span(silent)}"
    if late:
        oldest = min(late, key=lambda row: row.last_success_at or as_of)
        label = known[oldest.name].label if oldest.name in known else oldest.name
        return (
            State.LATE,
            as_of,
            f"{label}: not read for {_span(now - read.get(oldest.name, as_of))}",
        )
    return State.FRESH, as_of, "Up to date"


def _span(span: timedelta) -> str:
    minutes = max(1, round(span.total_seconds() / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _backlog(upstream: str = "") -> Counter[str]:
    """Commands not settled and events not processed, by upstream."""
    commands = Command.objects.filter(
        state__in=[CommandState.QUEUED, CommandState.SENDING, CommandState.UNKNOWN]
    )
    events = WebhookEvent.objects.filter(state__in=[EventState.RECEIVED, EventState.RETRYING])
    waiting: Counter[str] = Counter()
    for rows in (commands, events):
        if upstream:
            rows = rows.filter(upstream=upstream)
        for name, count in rows.order_by().values_list("upstream").annotate(Count("pk")):
            waiting[name] += count
    return waiting


def _budget_left(upstream: Upstream) -> int | None:
    get_budget = _BUDGETS.get(upstream)
    budget = get_budget() if get_budget else None
    return budget.left(STANDARD) if budget else None
