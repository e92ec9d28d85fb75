"""Working on a file: a lease, batch by batch, and from where the last worker stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from time import monotonic
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext_noop as _

from payments.enums import ImportState
from payments.imports import creating, duplicates, reading
from payments.imports import rows as file_rows
from payments.models import ImportRow, NotPossible, PayoutImport
from payments.models.imports import WORKED_ON
from staff import audit
from staff.permissions import NotPermitted
from staff.texts import Sayable, Text, in_english, packed, written_number
from upstreams import clock
from upstreams.crashpoints import reach

logger = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=5)  # a large file is created in one go
SLICE: Final = 45.0  # seconds; then other tasks have their turn
PAUSE: Final = timedelta(minutes=1)  # after a fault
MOST_FAILURES: Final = 5
BATCH: Final = 250


class LeaseLost(Exception):
    """Another worker took the file over, or somebody discarded it: nothing was kept since."""


@dataclass(frozen=True)
class Work:
    """A file held by this worker."""

    run: PayoutImport
    fence: int

    def hold(self) -> None:
        """Go on holding it; raises LeaseLost."""
        if not self.rows().update(lease_until=clock.database_now() + LEASE):
            raise LeaseLost

    def rows(self) -> QuerySet[PayoutImport]:
        return PayoutImport.objects.filter(pk=self.run.pk, fence=self.fence, state=self.run.state)


def work(import_id: int, *, seconds: float = SLICE) -> PayoutImport | None:
    """Work on a file for about so long; None when there is nothing to do, or another does it.

    Raises whatever the database raises: then the lease runs out and the next worker goes on.
    """
    held = _take(import_id)
    if held is None:
        return None
    log = logger.bind(payout_import=import_id)
    try:
        if held.run.state == ImportState.CREATING:
            _create(held)
        else:
            _read(held, seconds=seconds)
    except LeaseLost:
        log.warning("payments.import.overtaken")
    except (reading.Unreadable, file_rows.HeaderProblem, NotPossible, NotPermitted) as problem:
        _fail(held, _words(problem))
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:
        # Its text may quote a row of the file.
        log.error("payments.import.broken", problem=type(problem).__name__)
        _put_off(
            held, Text(_("A fault of ours: %(fault)s. See the log."), fault=type(problem).__name__)
        )
    held.run.refresh_from_db()
    return held.run


def _take(import_id: int) -> Work | None:
    with transaction.atomic(durable=True):
        now = clock.database_now()
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        won = PayoutImport.objects.filter(free, pk=import_id, state__in=WORKED_ON).update(
            lease_until=now + LEASE, fence=F("fence") + 1
        )
        if not won:
            return None
        run = PayoutImport.objects.get(pk=import_id)
    return Work(run=run, fence=run.fence)


def _read(held: Work, *, seconds: float) -> None:
    """Keep batch after batch of rows, each with how far that is."""
    started = monotonic()
    found = reading.rows(reading.pieces_of(held.run))
    _, header = next(found)
    columns = file_rows.columns_of(header)
    fresh = ((number, cells) for number, cells in found if number > held.run.read)
    while batch := list(islice(fresh, BATCH)):
        _keep(held, batch, columns)
        reach("import.batch")
        if monotonic() - started >= seconds:
            held.rows().update(lease_until=None)
            return
    _finish_reading(held)


def _keep(held: Work, batch: Sequence[tuple[int, Sequence[str]]], columns: list[str]) -> None:
    """Keep a batch, and that it is done with: both or neither."""
    now = clock.database_now()
    payees = file_rows.payees_of((cells for _, cells in batch), columns)
    made = [
        file_rows.to_row(number, file_rows.parse(cells, columns, payees=payees))
        for number, cells in batch
    ]
    for row in made:
        row.payout_import = held.run
    with transaction.atomic(durable=True):
        held.hold()
        run = PayoutImport.objects.get(pk=held.run.pk)
        if run.good + run.bad + len(made) > reading.MOST_ROWS:
            raise reading.Unreadable(
                Text(
                    _("It has more than %(most)s rows."),
                    most=written_number(Decimal(reading.MOST_ROWS), 0),
                )
            )
        duplicates.mark(run, made, now=now)
        ImportRow.objects.bulk_create(made)
        good = sum(row.is_good for row in made)
        held.rows().update(
            read=batch[-1][0],
            good=F("good") + good,
            bad=F("bad") + len(made) - good,
            warned=F("warned") + sum(row.has_warnings for row in made),
            failures=0,
            trouble={},
        )


def _finish_reading(held: Work) -> None:
    with transaction.atomic(durable=True):
        held.hold()
        run = PayoutImport.objects.get(pk=held.run.pk)
        if not run.good + run.bad:
            raise reading.Unreadable(Text(_("It has no rows below the first one.")))
        run.pieces.all().delete()
        PayoutImport.objects.filter(pk=run.pk).update(state=ImportState.READY, lease_until=None)
        _record(run, "read", after={"good": run.good, "bad": run.bad, "file": run.file_hash})


def _create(held: Work) -> None:
    with transaction.atomic(durable=True):
        held.hold()
        creating.create(held.run, at=clock.database_now())
        reach("import.created")


def _put_off(held: Work, why: Sayable) -> None:
    now = clock.database_now()
    held.rows().update(
        lease_until=None, trouble=packed(why), failures=F("failures") + 1, next_at=now + PAUSE
    )
    if held.rows().filter(failures__gte=MOST_FAILURES).exists():
        _fail(held, why)


def _fail(held: Work, why: Sayable) -> None:
    """End it with nothing created; what was read of it goes."""
    now = clock.database_now()
    with transaction.atomic(durable=True):
        ended = held.rows().update(
            state=ImportState.FAILED, trouble=packed(why), lease_until=None, finished_at=now
        )
        if ended:
            held.run.pieces.all().delete()
            held.run.rows.all().delete()
            _record(held.run, "failed", after={"file": held.run.file_hash}, reason=in_english(why))


def _words(problem: Exception) -> Sayable:
    """What the one who raised it says, in any language it was written for."""
    said = problem.args[0] if problem.args else ""
    return said if isinstance(said, Text) else str(problem)


def _record(run: PayoutImport, what: str, *, after: dict[str, object], reason: str = "") -> None:
    audit.record(
        f"payments.import.{what}",
        run,
        by=None,
        by_label="Lightdesk",
        at=clock.database_now(),
        after=after,
        reason=reason,
    )
