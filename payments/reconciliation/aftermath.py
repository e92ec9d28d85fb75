"""After a run: what has moved on meanwhile is closed, and people are called about the rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_noop as _

from payments.enums import DriftKind, DriftState
from payments.mirror.merging import ends_otherwise
from payments.models import Drift, Payment, Reconciliation
from payments.reconciliation import drifts, judging, readers
from staff.texts import Text
from upstreams import alarms
from upstreams.enums import RunState, Upstream
from upstreams.models import Alarm

SETTLES_WITHIN: Final = timedelta(minutes=30)  # every list has been polled again by then
FORGOTTEN_AFTER: Final = timedelta(days=1)
AT_ONCE: Final = 200
DIFFERS: Final = "reconciliation-differs"
BROKE_OFF: Final = "reconciliation-broke-off"
BY_LABEL: Final = "Lightdesk"


def close_what_moved_on(*, at: datetime) -> int:
    """Close what a run saw of payments that were only on their way here; return how many.

    Many at once are gone round: those that still hold come last the next time.
    """
    ours = Payment.objects.filter(upstream=OuterRef("upstream"), upstream_id=OuterRef("subject"))
    moved = Q(kind=DriftKind.DIFFERS, payment__changed_at__gt=F("seen_at"))
    came = Q(Exists(ours), kind=DriftKind.MISSING_HERE)
    rows = Drift.objects.open().filter(moved | came).select_related("payment")
    longest_ago = rows.order_by(F("looked_at").asc(nulls_first=True), "pk")
    closed = 0
    for drift in longest_ago[:AT_ONCE]:
        Drift.objects.filter(pk=drift.pk).update(looked_at=at)
        closed += _close_if_gone(drift, at=at)
    return closed


def call_people(*, at: datetime) -> None:
    """Raise an alarm about what a nightly run found and still stands, once for each run.

    It closes by itself once nothing of that provider is open any more; one about a night that broke
    off, after a night that did not.
    """
    ended = Reconciliation.objects.filter(
        night_of__isnull=False,
        told_at=None,
        state__in=[RunState.DONE, RunState.FAILED],
        finished_at__lte=at - SETTLES_WITHIN,
        finished_at__gte=at - FORGOTTEN_AFTER,
    )
    for run in ended.order_by("pk"):
        with transaction.atomic():
            if Reconciliation.objects.filter(pk=run.pk, told_at=None).update(told_at=at):
                _tell(run, at=at)
    for alarm in Alarm.objects.open().filter(code=DIFFERS):
        if not Drift.objects.open().filter(upstream=alarm.upstream).exists():
            _close(alarm, at=at, reason="Nothing differs any more.")
    for alarm in Alarm.objects.open().filter(code=BROKE_OFF):
        if _newest_night_is_good(alarm.upstream):
            _close(alarm, at=at, reason="A later night was compared to its end.")


def _close_if_gone(drift: Drift, *, at: datetime) -> bool:
    payment = drift.payment or Payment.objects.get(
        upstream=drift.upstream, upstream_id=drift.subject
    )
    finding = judging.of_ours(readers.get(drift.upstream), drift, now=at)
    still_so = finding is not None and finding.kind == drift.kind
    if still_so or ends_otherwise(payment.status, drift.theirs["status"]):
        return False
    with transaction.atomic():
        locked = Drift.objects.select_for_update(of=("self",)).get(pk=drift.pk)
        if locked.state != DriftState.OPEN or locked.fingerprint != drift.fingerprint:
            return False
        if finding is not None:
            drifts.store([finding], at=at)
        drifts.close(locked, at=at)
    return True


def _close(alarm: Alarm, *, at: datetime, reason: str) -> None:
    alarms.close(upstream=alarm.upstream, code=alarm.code, at=at, by_label=BY_LABEL, reason=reason)


def _newest_night_is_good(upstream: str) -> bool:
    nights = Reconciliation.objects.filter(upstream=upstream, night_of__isnull=False)
    ended = nights.exclude(state=RunState.RUNNING).order_by("-night_of")
    return ended.values_list("state", flat=True).first() == RunState.DONE


def _still_stand(run: Reconciliation) -> bool:
    """Whether anything that it saw is open: a later run may have seen the same since."""
    seen = Q(last_run=run) | Q(upstream=run.upstream, seen_at__gte=run.started_at)
    return Drift.objects.open().filter(seen).exists()


def _tell(run: Reconciliation, *, at: datetime) -> None:
    provider = Upstream(run.upstream).label
    if run.state == RunState.FAILED:
        text = Text(
            _("The nightly comparison with %(provider)s broke off: %(why)s"),
            provider=provider,
            why=run.error,
        )
        alarms.raise_alarm(upstream=run.upstream, code=BROKE_OFF, text=text, at=at)
    elif _still_stand(run):
        text = Text(
            _(
                "The nightly comparison with %(provider)s found differences that still stand. "
                "They are listed under Reconciliation."
            ),
            provider=provider,
        )
        alarms.raise_alarm(upstream=run.upstream, code=DIFFERS, text=text, at=at)
