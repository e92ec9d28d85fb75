"""Rows of the three flows: what was read, what arrived, what is sent. No domain in here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import models
from django.db.models import Q

from staff.texts import unpacked
from upstreams.enums import DESK, CommandState, EventState, RunState, Upstream


class SendingSwitch(models.Model):
    """One switch per provider: while it is off, no command leaves for that provider."""

    upstream = models.CharField(max_length=16, choices=Upstream, primary_key=True)
    is_on = models.BooleanField(default=True)
    reason = models.TextField(blank=True)  # in English, or a person's own words
    said = models.JSONField(default=dict, blank=True)  # the same, for every language
    changed_at = models.DateTimeField()
    changed_by_label = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return f"{self.upstream}: {'on' if self.is_on else 'off'}"

    @property
    def words(self) -> str:
        """Why it stands as it does, in the reader's language."""
        return str(unpacked(self.said)) if self.said else self.reason


class AlarmQuerySet(models.QuerySet["Alarm"]):
    def open(self) -> AlarmQuerySet:
        return self.filter(closed_at=None)


class Alarm(models.Model):
    """Something that a person must look at. Raised once per code and subject while open."""

    upstream = models.CharField(max_length=16, choices=[*Upstream.choices, (DESK, "Lightdesk")])
    code = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.CharField(max_length=80, blank=True)
    text = models.TextField()  # in English
    said = models.JSONField(default=dict, blank=True)  # the same, for every language
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by_label = models.CharField(max_length=120, blank=True)
    closed_reason = models.TextField(blank=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "code", "subject_type", "subject_id"],
                condition=Q(closed_at=None),
                name="one_open_alarm_per_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream}: {self.code}"

    @property
    def words(self) -> str:
        """What it calls for, in the reader's language."""
        return str(unpacked(self.said)) if self.said else self.text


class CommandQuerySet(models.QuerySet["Command"]):
    def due(self, *, now: datetime, keys: Collection[str]) -> CommandQuerySet:
        """Commands that may be claimed: waiting and due, left behind by a dead worker, or waiting
        for a key that is back among `keys`, the fingerprints of those in use."""
        waiting = Q(state__in=[CommandState.QUEUED, CommandState.UNKNOWN], next_at__lte=now)
        left_behind = Q(state=CommandState.SENDING, lease_until__lte=now)
        key_is_back = Q(state=CommandState.UNKNOWN, awaits_key=True, credential__in=keys)
        return self.filter(waiting | left_behind | key_is_back)

    def about(self, *, subject_type: str, subject_id: str) -> CommandQuerySet:
        return self.filter(subject_type=subject_type, subject_id=subject_id).order_by("pk")


class Command(models.Model):
    """One thing to be sent upstream, written before the first byte leaves. The outbox row.

    `next_at` empty on an unknown command means that no machine will try again: a person decides.
    Where it `awaits_key`, people may decide, and machines go on once that `credential` is back.
    `attempts` counts claims; `doubts` counts those that ended without a clear answer.
    `blocked_since` is when it was first kept from starting, of those times without a start between.
    """

    kind = models.CharField(max_length=60)
    upstream = models.CharField(max_length=16, choices=Upstream)
    subject_type = models.CharField(max_length=60)
    subject_id = models.CharField(max_length=80)
    attempt_no = models.PositiveIntegerField()
    request = models.BinaryField()
    request_hash = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=80)
    credential = models.CharField(max_length=16, blank=True)
    state = models.CharField(max_length=12, choices=CommandState, default=CommandState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    doubts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True, blank=True)
    first_sent_at = models.DateTimeField(null=True, blank=True)
    unknown_since = models.DateTimeField(null=True, blank=True)
    awaits_key = models.BooleanField(default=False)
    blocked_since = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id", "attempt_no"],
                name="one_command_per_attempt",
            ),
            models.UniqueConstraint(
                fields=["upstream", "kind", "idempotency_key"], name="one_command_per_key"
            ),
            models.UniqueConstraint(
                fields=["kind", "subject_type", "subject_id"],
                condition=Q(state__in=["queued", "sending", "unknown", "done"]),
                name="one_live_command_per_subject",
            ),
            models.CheckConstraint(
                condition=Q(state__in=CommandState.values), name="command_state_known"
            ),
        ]
        indexes = [
            # The sweep: what is waiting, oldest first.
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=["queued", "sending", "unknown"]),
                name="command_waiting",
            ),
            models.Index(fields=["subject_type", "subject_id"]),
            # The list of commands, all of them and by state.
            models.Index(fields=["-created_at", "-id"], name="command_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="command_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type}:{self.subject_id} ({self.state})"

    @property
    def request_bytes(self) -> bytes:
        """The bytes to send, the same at every attempt (PostgreSQL hands out a memoryview)."""
        return bytes(self.request)


class FeedState(models.Model):
    """Where one feed stands."""

    name = models.CharField(max_length=60, primary_key=True)
    upstream = models.CharField(max_length=16, choices=Upstream)
    cursor = models.JSONField(default=dict)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    complete_until = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class FeedRun(models.Model):
    """One run of one feed, with its counts."""

    feed = models.ForeignKey(FeedState, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=12, choices=RunState, default=RunState.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    pages = models.PositiveIntegerField(default=0)
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["feed", "-started_at"])]

    def __str__(self) -> str:
        return f"{self.feed_id} {self.started_at:%Y-%m-%d %H:%M}"


class RefusedRecord(models.Model):
    """A record from upstream that could not be stored, with its reason. The rest went on."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    source = models.CharField(max_length=60)
    record_id = models.CharField(max_length=120, blank=True)
    payload = models.TextField()
    payload_hash = models.CharField(max_length=64)
    reason = models.TextField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times_seen = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "source", "payload_hash"], name="one_row_per_refused_payload"
            )
        ]
        indexes = [
            # "Was one of these refused before?", asked at every stored page.
            models.Index(
                fields=["upstream", "source", "record_id"],
                condition=Q(resolved_at=None),
                name="refused_unresolved",
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.record_id}: {self.reason}"


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def waiting(self, *, now: datetime) -> WebhookEventQuerySet:
        """Events that may be processed now; while one is, its `next_at` is the lease."""
        return self.filter(
            state__in=[EventState.RECEIVED, EventState.RETRYING], next_at__lte=now
        ).order_by("pk")


class WebhookEvent(models.Model):
    """One verified event, kept for ever with its raw bytes: retries come days apart."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    event_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=80, blank=True)
    subject_id = models.CharField(max_length=120, blank=True)
    body = models.BinaryField()
    headers = models.JSONField(default=dict)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=EventState, default=EventState.RECEIVED)
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["upstream", "event_id"], name="one_row_per_event")
        ]
        indexes = [
            models.Index(
                fields=["next_at"],
                condition=Q(state__in=["received", "retrying"]),
                name="event_waiting",
            ),
            # The list of events, all of them and by state; they are kept for ever.
            models.Index(fields=["-received_at", "-id"], name="event_newest"),
            models.Index(fields=["state", "-received_at", "-id"], name="event_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.kind} {self.event_id}"

    @property
    def body_bytes(self) -> bytes:
        """The body exactly as it arrived (PostgreSQL hands out a memoryview)."""
        return bytes(self.body)
