"""A reconciliation whose worker is killed goes on, and comes to the same."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from payments import actions
from payments.enums import DriftState
from payments.models import Drift, NotPossible, Payment, Reconciliation
from payments.reconciliation import running, starting
from tests.faults import dying
from tests.payments.factories import DriftFactory
from tests.staff.factories import UserFactory
from tests.support.rounds import rounds
from tests.support.sandbox import SandboxProcess
from upstreams import feeds
from upstreams.enums import RunState, Upstream
from upstreams.luxcore import windows

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

FIGURES = ("day", "currency", "kind", "ours_number", "ours_sum", "theirs_number", "theirs_sum")


def started() -> Reconciliation:
    today = timezone.now().date()
    return starting.start(
        upstream=Upstream.LUXCORE,
        first_day=today - timedelta(days=6),
        last_day=today,
        by=None,
        at=timezone.now(),
    )


def totals(run: Reconciliation) -> list[Any]:
    return sorted(run.totals.values_list(*FIGURES, "matched", "different"))


def test_a_killed_worker_loses_and_doubles_nothing(
    luxcore: SandboxProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MAX_ROWS", 150)
    luxcore.seed(payments=600, spread_seconds=5 * 86_400, status="completed")
    feeds.run("luxcore.payments", full=True)
    Payment.objects.filter(pk__in=Payment.objects.order_by("pk")[:5].values("pk")).delete()
    undisturbed = started()
    running.work(undisturbed.pk)
    expected = totals(undisturbed)
    missing = set(Drift.objects.values_list("subject", flat=True))
    assert len(missing) == 5

    for _ in range(rounds(2)):
        Drift.objects.all().delete()
        run = started()
        deaths = 0
        while run.is_running:
            Reconciliation.objects.filter(pk=run.pk).update(lease_until=None)
            kill = deaths < 3
            prepare = dying.at("reconciliation.window") if kill else lambda: None
            ended = dying.in_worker(partial(running.work, run.pk), prepare=prepare)
            assert ended == (-signal.SIGKILL if kill else 0)
            deaths += kill
            run.refresh_from_db()

        assert run.state == RunState.DONE
        assert totals(run) == expected
        assert set(Drift.objects.open().values_list("subject", flat=True)) == missing


def test_a_write_off_is_confirmed_once() -> None:
    for _ in range(rounds(20)):
        drift = DriftFactory()
        tried = actions.propose_write_off(
            drift_id=drift.pk,
            seen=drift.fingerprint,
            reason="Both looked.",
            by=UserFactory(roles=["ops_lead"]),
            at=timezone.now(),
        )

        outcomes = at_once(
            partial(
                actions.confirm_resolution,
                resolution_id=tried.pk,
                seen=drift.fingerprint,
                by=UserFactory(roles=[role]),
                at=timezone.now(),
            )
            for role in ("approver", "maker")
        )

        drift.refresh_from_db()
        assert sorted(outcomes) == ["done", "refused"]
        assert drift.state == DriftState.WRITTEN_OFF


def at_once(deeds: Iterable[Callable[[], object]]) -> list[str]:
    """Do all of them in threads that start together; whether each was done or refused."""
    deeds = list(deeds)
    start, outcomes = threading.Barrier(len(deeds)), []

    def attempt(deed: Callable[[], object]) -> None:
        try:
            start.wait()
            deed()
            outcomes.append("done")
        except NotPossible:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
