"""Our books against theirs: runs, their totals, what does not agree, and what was done about it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from payments.enums import DriftKind, DriftState, Kind, Remedy, RemedyState
from payments.models.payments import Payment
from payments.models.withdrawals import Settlement, Withdrawal
from upstreams.enums import RunState, Upstream
from upstreams.models import WebhookEvent


class ReconciliationQuerySet(models.QuerySet["Reconciliation"]):
    def to_be_worked_on(self, *, now: datetime) -> ReconciliationQuerySet:
        """Runs that nobody works on at this moment, and whose pause is over."""
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        return self.filter(is_free, state=RunState.RUNNING, next_at__lte=now).order_by("pk")


class Reconciliation(models.Model):
    """One comparison with one provider, over whole days (UTC).

    It can be killed at any point: all that was created before `read_until` has been compared and
    kept, and the next worker goes on from there. `gaps` are spans of which the provider did not
    show everything: nothing is said about them.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    first_day = models.DateField()
    last_day = models.DateField()
    since_at = models.DateTimeField()
    until_at = models.DateTimeField()
    read_until = models.DateTimeField()
    state = models.CharField(max_length=12, choices=RunState, default=RunState.RUNNING)
    # The nightly run of this day; empty for one that a person asked for.
    night_of = models.DateField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    gaps = models.JSONField(default=list)
    read = models.PositiveIntegerField(default=0)
    found = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    # When people were called about what a nightly run found, or nothing was to be said.
    told_at = models.DateTimeField(null=True, blank=True)

    objects = ReconciliationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream"],
                condition=Q(state=RunState.RUNNING),
                name="one_reconciliation_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["upstream", "night_of"], name="one_reconciliation_per_night"
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")), name="reconciliation_ends_after_start"
            ),
        ]
        indexes = [models.Index(fields=["upstream", "-started_at"], name="reconciliation_newest")]

    def __str__(self) -> str:
        return f"{self.upstream} {self.first_day} to {self.last_day}"

    @property
    def is_running(self) -> bool:
        return self.state == RunState.RUNNING

    @property
    def progress(self) -> int:
        """How much of its time has been compared, in percent."""
        if self.state == RunState.DONE or self.until_at <= self.since_at:
            return 100
        return int(100 * (self.read_until - self.since_at) / (self.until_at - self.since_at))


class DayTotal(models.Model):
    """One day, currency and kind in one run: what is with us, what is with them, what agrees.

    `pending` agrees and has not ended yet, or is moving at this moment. `settled` differs, and two
    people wrote the difference off.
    """

    run = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="totals")
    day = models.DateField()
    currency = models.CharField(max_length=12)
    kind = models.CharField(max_length=12, choices=Kind)
    ours_number = models.PositiveIntegerField(default=0)
    ours_sum = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    theirs_number = models.PositiveIntegerField(default=0)
    theirs_sum = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    matched = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    different = models.PositiveIntegerField(default=0)
    settled = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "day", "currency", "kind"], name="one_total_per_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.day} {self.currency} {self.kind}"

    @property
    def difference(self) -> Decimal:
        """What is more with them than with us."""
        return self.theirs_sum - self.ours_sum


AGES = ("today", "days", "week", "older")


# How many days ago each of them begins and ends; None: it has no end.
_AGE_DAYS = {"today": (None, 0), "days": (1, 2), "week": (3, 7), "older": (8, None)}


class DriftQuerySet(models.QuerySet["Drift"]):
    def open(self) -> DriftQuerySet:
        return self.filter(state=DriftState.OPEN)

    def of_age(self, age: str, *, today: date) -> DriftQuerySet:
        """What stands since today, 1–2 days (`days`), 3–7 days (`week`) or longer (`older`)."""
        youngest, oldest = _AGE_DAYS[age]
        found = self
        if youngest is not None:
            found = found.filter(since_day__lte=today - timedelta(days=youngest))
        if oldest is not None:
            found = found.filter(since_day__gte=today - timedelta(days=oldest))
        return found


class Drift(models.Model):
    """One thing that does not agree, known by provider, kind and subject.

    `ours` and `theirs` are the facts as they were compared, `fields` those that differ, `raw` their
    record as it came. The `fingerprint` changes with any of it: what was written off stays so until
    then. `subject_at` says which days it belongs to, `since_day` how old it is.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    kind = models.CharField(max_length=16, choices=DriftKind)
    subject = models.CharField(max_length=140)
    state = models.CharField(max_length=12, choices=DriftState, default=DriftState.OPEN)
    currency = models.CharField(max_length=12, blank=True)
    amount = models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True)
    ours = models.JSONField(default=dict)
    theirs = models.JSONField(default=dict)
    fields = models.JSONField(default=list)
    raw = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)
    payment = models.ForeignKey(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="drifts"
    )
    withdrawal = models.ForeignKey(
        Withdrawal, on_delete=models.PROTECT, null=True, blank=True, related_name="drifts"
    )
    event = models.ForeignKey(
        WebhookEvent, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    subject_at = models.DateTimeField()
    since_day = models.DateField()
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    # When a machine last asked whether a move of ours had settled it.
    looked_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    last_run = models.ForeignKey(
        Reconciliation, on_delete=models.PROTECT, null=True, related_name="drifts"
    )

    objects = DriftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upstream", "kind", "subject"], name="one_drift_each"),
            models.CheckConstraint(
                condition=Q(state=DriftState.OPEN, closed_at=None)
                | ~Q(state=DriftState.OPEN) & Q(closed_at__isnull=False),
                name="drift_open_or_closed",
            ),
        ]
        indexes = [
            # The work list, oldest first; ended ones are kept for ever.
            models.Index(
                fields=["since_day", "id"], condition=Q(state="open"), name="drift_open_oldest"
            ),
            models.Index(fields=["-closed_at", "-id"], name="drift_closed_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.kind} {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("payments:drift", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == DriftState.OPEN


class Resolution(models.Model):
    """What one person, or two, did about a drift, with what came of it."""

    drift = models.ForeignKey(Drift, on_delete=models.PROTECT, related_name="resolutions")
    remedy = models.CharField(max_length=16, choices=Remedy)
    state = models.CharField(max_length=8, choices=RemedyState, default=RemedyState.WAITING)
    reason = models.TextField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField()
    # A write-off and a link need a second person.
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    settlement = models.ForeignKey(
        Settlement, on_delete=models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["drift"], condition=Q(state="waiting"), name="one_open_resolution"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("asked_by")),
                name="resolved_by_two",
            ),
            models.CheckConstraint(
                condition=~Q(remedy="write_off", state="done") | Q(confirmed_by__isnull=False),
                name="written_off_by_two",
            ),
        ]
        indexes = [
            # What a worker has to do or to look at again.
            models.Index(
                fields=["asked_at"], condition=Q(state="waiting"), name="resolution_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.drift_id}: {self.remedy} ({self.state})"
