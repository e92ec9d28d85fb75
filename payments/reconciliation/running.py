"""Working on a run: a lease, window by window, and from where the last worker stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.dateparse import parse_datetime

from payments.enums import DriftKind
from payments.models import Reconciliation
from payments.reconciliation import comparing, drifts, money, readers, standing
from payments.reconciliation.readers import Reader
from staff import audit
from upstreams import clock
from upstreams.crashpoints import reach
from upstreams.enums import RunState
from upstreams.errors import UpstreamError
from upstreams.feeds.running import in_words

logger = structlog.get_logger(__name__)

SLICE: Final = 45.0  # seconds after the first window; then other tasks have their turn
PAUSE: Final = timedelta(minutes=1)  # after the provider did not answer
MOST_FAILURES: Final = 60

_PAYMENTS: Final = (DriftKind.MISSING_HERE, DriftKind.MISSING_THERE, DriftKind.DIFFERS)


class LeaseLost(Exception):
    """Another worker took the run over: this one has kept nothing since."""


@dataclass(frozen=True)
class Work:
    """A run held by this worker."""

    run: Reconciliation
    fence: int
    reader: Reader

    def hold(self) -> None:
        """Go on holding it; raises LeaseLost."""
        if not self.rows().update(lease_until=clock.database_now() + self.reader.lease):
            raise LeaseLost

    def rows(self) -> QuerySet[Reconciliation]:
        return Reconciliation.objects.filter(
            pk=self.run.pk, fence=self.fence, state=RunState.RUNNING
        )


def work(run_id: int, *, seconds: float = SLICE) -> Reconciliation | None:
    """Work on a run for a window and about so long; None when it is ended, or another worker's.

    Once all is read and judged the run is done. A provider that does not answer puts it off, and
    what was compared stays. Raises whatever the database raises.
    """
    held = _take(run_id)
    if held is None:
        return None
    log = logger.bind(run=run_id, upstream=held.run.upstream)
    try:
        if _read(held, seconds=seconds):
            _finish(held, *_judge_the_rest(held))
        else:
            held.rows().update(lease_until=None)
    except LeaseLost:
        log.warning("payments.reconciliation.overtaken")
    except UpstreamError as problem:
        log.warning("payments.reconciliation.put_off", problem=type(problem).__name__)
        _put_off(held, in_words(problem, held.run.upstream))
    except (OperationalError, InterfaceError):
        raise  # nothing can be written down; the lease runs out and the next worker goes on
    except Exception as problem:
        log.exception("payments.reconciliation.broken")
        _put_off(held, f"A fault of ours: {type(problem).__name__}. See the log.", is_end=True)
    held.run.refresh_from_db()
    return held.run


def _take(run_id: int) -> Work | None:
    run = Reconciliation.objects.get(pk=run_id)
    reader = readers.get(run.upstream)
    with transaction.atomic(durable=True):
        now = clock.database_now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        won = Reconciliation.objects.filter(free, pk=run_id, state=RunState.RUNNING).update(
            lease_until=now + reader.lease, fence=F("fence") + 1
        )
        if not won:
            return None
        run.refresh_from_db()
    return Work(run=run, fence=run.fence, reader=reader)


def _read(held: Work, *, seconds: float) -> bool:
    """Compare window after window; whether all has been compared."""
    run = held.run
    if run.read_until >= run.until_at:
        return True
    started = None
    window = comparing.Window(held.reader, run.read_until)
    for page in held.reader.pages(run.read_until, run.until_at):
        held.hold()
        window.take(page, now=clock.database_now())
        if page.complete_until is None:
            continue
        _keep(held, window, until=page.complete_until)
        reach("reconciliation.window")
        started = started or monotonic()
        if page.complete_until < run.until_at and monotonic() - started >= seconds:
            return False
        window = comparing.Window(held.reader, page.complete_until)
    return True


def _keep(held: Work, window: comparing.Window, *, until: datetime) -> None:
    """Keep what a window came to, and that it is done with: both or neither."""
    run, now = held.run, clock.database_now()
    with transaction.atomic(durable=True):
        held.hold()
        found, settled = drifts.store(window.findings(until), at=now, run=run)
        comparing.keep(run, window.sums(until, settled=settled))
        gap = [] if window.is_complete else [[window.since.isoformat(), until.isoformat()]]
        run.gaps = run.gaps + gap
        held.rows().update(
            read_until=until,
            gaps=run.gaps,
            read=F("read") + window.read(until),
            found=F("found") + found,
            failures=0,
            error="",
        )


def _judge_the_rest(held: Work) -> tuple[int, int]:
    """Look at what needs no reading of theirs, then close what this run did not see any more.

    Returns how many stand open and how many were closed. Done again, it does the same.
    """
    run, now = held.run, clock.database_now()
    stands = 0
    for findings in (
        standing.stuck(run.upstream, now=now),
        standing.unmatched_events(run.upstream, run.since_at, run.until_at, now=now),
    ):
        stands += drifts.store(findings, at=now, run=run)[0]
        held.hold()
    verdicts = list(money.judge(held.reader, run.first_day, run.last_day))
    differing = [verdict.finding for verdict in verdicts if verdict.finding is not None]
    stands += drifts.store(differing, at=now, run=run)[0]
    held.hold()
    gone = drifts.close_gone(run, _scope(run, [verdict.subject for verdict in verdicts]), at=now)
    return stands, gone


def _scope(run: Reconciliation, judged: list[str]) -> Q:
    """What this run would have seen, were it still so."""
    of_these_days = Q(subject_at__gte=run.since_at, subject_at__lt=run.until_at)
    payments = Q(kind__in=_PAYMENTS) & of_these_days
    for start, end in run.gaps:
        payments &= ~Q(subject_at__gte=parse_datetime(start), subject_at__lt=parse_datetime(end))
    events = Q(kind=DriftKind.UNMATCHED_EVENT) & of_these_days
    balances = Q(kind=DriftKind.BALANCE, subject__in=judged)
    return payments | Q(kind=DriftKind.STUCK) | events | balances


def _finish(held: Work, stands: int, gone: int) -> None:
    now = clock.database_now()
    with transaction.atomic(durable=True):
        if not held.rows().update(
            state=RunState.DONE,
            finished_at=now,
            lease_until=None,
            found=F("found") + stands,
            gone=gone,
            failures=0,
            error="",
        ):
            raise LeaseLost
        run = Reconciliation.objects.get(pk=held.run.pk)
        audit.record(
            "payments.reconciliation.done",
            run,
            by=None,
            by_label="Lightdesk",
            at=now,
            after={"read": run.read, "found": run.found, "gone": run.gone, "gaps": len(run.gaps)},
        )


def _put_off(held: Work, why: str, *, is_end: bool = False) -> None:
    now = clock.database_now()
    held.rows().update(lease_until=None, error=why, failures=F("failures") + 1, next_at=now + PAUSE)
    too_often = Q() if is_end else Q(failures__gte=MOST_FAILURES)
    held.rows().filter(too_often).update(state=RunState.FAILED, finished_at=now)
