"""Beginning a run: at night for every provider that can be read, or because somebody asks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from payments.models import NotPossible, Reconciliation
from payments.reconciliation import readers
from staff.models import User
from staff.texts import Text
from upstreams import doorbell
from upstreams.enums import Upstream

NIGHT_HOUR: Final = 2  # UTC: the feeds have caught up with the day that ended
NIGHTLY_DAYS: Final = 31  # refunds come that late
MOST_DAYS: Final = 366
TASK: Final = "payments.tasks.run_reconciliation"


class ReconciliationNotPossible(NotPossible):
    """This provider or these days cannot be compared now."""


def start(
    *,
    upstream: str,
    first_day: date,
    last_day: date,
    by: User | None,
    at: datetime,
    night_of: date | None = None,
) -> Reconciliation:
    """Open a run and ask a worker for it; raises ReconciliationNotPossible.

    The last minutes are left out: what is of them may still be on its way here.
    """
    _refuse(upstream, first_day, last_day, today=at.astimezone(UTC).date())
    since = _midnight(first_day)
    settled_until = (at - readers.get(upstream).lag).replace(microsecond=0)
    until = min(_midnight(last_day + timedelta(days=1)), settled_until)
    try:
        with transaction.atomic():
            run = Reconciliation.objects.create(
                upstream=upstream,
                first_day=first_day,
                last_day=last_day,
                since_at=since,
                until_at=max(since, until),
                read_until=since,
                night_of=night_of,
                started_by=by,
                started_at=at,
                next_at=at,
            )
    except IntegrityError:
        label = Upstream(upstream).label
        raise ReconciliationNotPossible(
            Text(_("%(provider)s is being compared already."), provider=label)
        ) from None
    doorbell.ring(TASK, run_id=run.pk)
    return run


def start_nightly(*, at: datetime) -> list[Reconciliation]:
    """Begin tonight's runs that have not been begun yet."""
    at = at.astimezone(UTC)
    if at.hour < NIGHT_HOUR:
        return []
    done = set(Reconciliation.objects.filter(night_of=at.date()).values_list("upstream", flat=True))
    started = []
    for upstream in Upstream:
        if upstream in done or not readers.is_readable(upstream):
            continue
        try:
            started.append(
                start(
                    upstream=upstream,
                    first_day=at.date() - timedelta(days=NIGHTLY_DAYS),
                    last_day=at.date() - timedelta(days=1),
                    by=None,
                    at=at,
                    night_of=at.date(),
                )
            )
        except ReconciliationNotPossible:
            continue  # somebody's run is under way: the next minute tries again
    return started


def _refuse(upstream: str, first_day: date, last_day: date, *, today: date) -> None:
    if not readers.is_readable(upstream):
        raise ReconciliationNotPossible(
            Text(_("%(provider)s is not configured."), provider=Upstream(upstream).label)
        )
    if first_day > last_day:
        raise ReconciliationNotPossible(Text(_("The first day is after the last.")))
    if last_day > today:
        raise ReconciliationNotPossible(Text(_("The last day has not come yet.")))
    if (last_day - first_day).days >= MOST_DAYS:
        raise ReconciliationNotPossible(Text(_("A year at once is the most.")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
