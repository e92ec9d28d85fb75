"""Decisions about many withdrawals at once: the dry run, and a receipt for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from payments.enums import BulkState, Cause, Outcome, Plan, RejectCode, Verdict
from payments.models.withdrawals import NotPossible, Withdrawal
from staff.models import User
from staff.texts import Lowered, Sayable, Text, unpacked
from upstreams.enums import Upstream

# Signed in about a minute, paid out within the 500 calls that LuxCore takes in ten seconds, and no
# more than a person can look over before they confirm it.
MOST_AT_ONCE: Final = 500

# What a run may become.
BULK_MOVES: Mapping[BulkState, frozenset[BulkState]] = {
    BulkState.LOOKING: frozenset({BulkState.READY, BulkState.DROPPED}),
    BulkState.READY: frozenset({BulkState.DECIDING, BulkState.DROPPED}),
    BulkState.DECIDING: frozenset({BulkState.DONE, BulkState.STOPPING}),
    # A worker may have one in its hands: it notes what became of that one before the run has ended.
    BulkState.STOPPING: frozenset({BulkState.STOPPED}),
    BulkState.DONE: frozenset(),
    BulkState.STOPPED: frozenset(),
    BulkState.DROPPED: frozenset(),
}

# What may become of an item, by what the dry run said of it.
OUTCOMES: Mapping[Plan, frozenset[Outcome]] = {
    Plan.SEND: frozenset({Outcome.APPROVED, Outcome.SIGNED, Outcome.NOT_DONE}),
    Plan.RELEASE: frozenset({Outcome.APPROVED, Outcome.SIGNED, Outcome.NOT_DONE}),
    # Approved after all where somebody else signed meanwhile.
    Plan.SIGN: frozenset({Outcome.APPROVED, Outcome.SIGNED, Outcome.NOT_DONE}),
    Plan.REJECT: frozenset({Outcome.REJECTED, Outcome.NOT_DONE}),
    Plan.LEAVE: frozenset({Outcome.LEFT_OUT}),
}

# A worker has something to do about these.
WORKED_ON = (BulkState.LOOKING, BulkState.DECIDING, BulkState.STOPPING)
ENDED = (BulkState.DONE, BulkState.STOPPED)

# Another dry run may show it otherwise, without anybody doing something about it first.
RETRYABLE = (
    Cause.CHANGED,
    Cause.BUSY,
    Cause.UNREAD,
    Cause.PROOF,
    Cause.STOPPED,
    Cause.FAULT,
)


def _outcomes_hold() -> Q:
    """An item that was looked at has no outcome yet, or one that its plan may come to."""
    return reduce(
        or_,
        (Q(plan=plan, outcome__in=["", *sorted(OUTCOMES[plan])]) for plan in Plan),
        Q(plan="", outcome=""),
    )


class BulkRunNotMovable(NotPossible):
    """The run may not go from where it stands to where it was asked to go."""

    def __init__(self, *, current: BulkState, wanted: BulkState) -> None:
        super().__init__(
            Text(
                _("This run is %(current)s; it cannot become %(wanted)s."),
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


class BulkRunQuerySet(models.QuerySet["BulkRun"]):
    def to_be_worked_on(self, *, now: datetime) -> BulkRunQuerySet:
        """Runs that nobody works on at this moment, and whose pause is over."""
        is_free = Q(lease_until=None) | Q(lease_until__lte=now)
        return self.filter(is_free, state__in=WORKED_ON, next_at__lte=now).order_by("pk")

    def locked(self) -> BulkRunQuerySet:
        return self.select_related("by").select_for_update(of=("self",), no_key=True)


class BulkRun(models.Model):
    """One person's decision about many withdrawals.

    It can be killed at any point: a worker goes on with the first item that has no receipt. The
    decision itself is made by the same action as a single one, which answers the same person with
    their first receipt, so nothing is decided twice.
    """

    verdict = models.CharField(max_length=8, choices=Verdict)
    state = models.CharField(max_length=12, choices=BulkState, default=BulkState.LOOKING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    is_cut = models.BooleanField(default=False)  # there were more than go at once
    retry_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="retries"
    )
    looked_at = models.DateTimeField(null=True, blank=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    proved_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reject_code = models.CharField(max_length=20, choices=RejectCode, blank=True)
    reason = models.TextField(blank=True)
    next_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0)

    objects = BulkRunQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=BulkState.values), name="bulk_state_known"
            ),
        ]
        indexes = [models.Index(fields=["-started_at", "-id"], name="bulk_newest")]

    def __str__(self) -> str:
        return f"bulk run {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("payments:bulk-run", args=[self.pk])

    @property
    def is_moving(self) -> bool:
        return self.state in WORKED_ON

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    def can_become(self, wanted: BulkState) -> bool:
        return wanted in BULK_MOVES[BulkState(self.state)]

    def is_of(self, person: User) -> bool:
        return self.by_id == person.pk


class BulkItemQuerySet(models.QuerySet["BulkItem"]):
    def to_look_at(self) -> BulkItemQuerySet:
        return self.filter(plan="").order_by("position")

    def to_decide(self) -> BulkItemQuerySet:
        """What was confirmed and has no receipt yet."""
        return self.planned().filter(outcome="").order_by("position")

    def planned(self) -> BulkItemQuerySet:
        return self.exclude(plan__in=["", Plan.LEAVE])

    def retryable(self) -> BulkItemQuerySet:
        return self.filter(cause__in=RETRYABLE).order_by("position")


class BulkItem(models.Model):
    """One withdrawal in a run: what was shown of it in the dry run, and its receipt."""

    run = models.ForeignKey(BulkRun, on_delete=models.PROTECT, related_name="items")
    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="bulk_items")
    position = models.PositiveIntegerField()

    # What the dry run showed. `seen` is what the form of a single decision would bring back.
    plan = models.CharField(max_length=8, choices=Plan, blank=True)
    upstream = models.CharField(max_length=16, choices=Upstream)
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    currency = models.CharField(max_length=12)
    method = models.CharField(max_length=40)
    recipient_name = models.CharField(max_length=255, blank=True)
    account = models.CharField(max_length=255, blank=True)  # masked
    digest = models.CharField(max_length=64, blank=True)
    seen = models.TextField(blank=True)
    warned = models.JSONField(default=list, blank=True)  # the codes of the checks that warn
    warnings = models.JSONField(default=list, blank=True)  # packed Texts
    asks_proof = models.BooleanField(default=False)

    # What became of it.
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)
    cause = models.CharField(max_length=8, choices=Cause, blank=True)
    said = models.JSONField(default=dict, blank=True)  # a packed Text: why not
    differences = models.JSONField(default=list, blank=True)  # packed: label, before, after
    audit_number = models.PositiveBigIntegerField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = BulkItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "withdrawal"], name="once_in_a_bulk_run"),
            models.UniqueConstraint(fields=["run", "position"], name="one_bulk_item_per_position"),
            models.CheckConstraint(condition=_outcomes_hold(), name="bulk_outcome_of_its_plan"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} item {self.position}"

    @property
    def words(self) -> Sayable:
        """Why it was not decided; "" when it was."""
        return unpacked(self.said) if self.said else ""

    @property
    def remarks(self) -> list[Sayable]:
        """What looks wrong in it and is let pass."""
        return [unpacked(text) for text in self.warnings]

    @property
    def changes(self) -> list[dict[str, Sayable]]:
        """What is not as it was shown in the dry run."""
        return [
            {name: unpacked(text) for name, text in difference.items()}
            for difference in self.differences
        ]
