"""The signing rules: how many signatures, whose, how much at most, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from payments.enums import LimitPer, Origin, PolicyState, Window
from staff.permissions import ROLES, Permission, Role
from upstreams.enums import Upstream

SIGNING_ROLES: Final = tuple(role for role in Role if Permission.SIGN_WITHDRAWALS in ROLES[role])
LAPSE_HOURS: Final = 168  # past due, where no tier says otherwise
NO_ROLES: Final = models.Value([], models.JSONField())


class PolicyVersion(models.Model):
    """One set of rules: drafted and proposed by one person, published by another."""

    number = models.PositiveIntegerField(unique=True)
    state = models.CharField(max_length=12, choices=PolicyState, default=PolicyState.DRAFT)
    # What was in force when the draft was begun: its copy is what the draft changes.
    base = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    # Nobody: the sample of a demonstration, and what was there before versions were proposed.
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    proposed_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=PolicyState.values), name="policy_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state=PolicyState.PUBLISHED)
                | Q(decided_by=None)
                | ~Q(decided_by=F("written_by")),
                name="published_by_two",
            ),
            # One draft and one proposal at a time: versions follow each other by their numbers.
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state__in=[PolicyState.DRAFT, PolicyState.PROPOSED]),
                name="one_open_policy_per_state",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"

    def get_absolute_url(self) -> str:
        return reverse("payments:policy", args=[self.number])


@dataclass(frozen=True)
class Limit:
    """At most so much in one currency, summed per customer, beneficiary or approver."""

    per: LimitPer
    amount: Decimal
    window: Window

    @property
    def span(self) -> timedelta:
        return timedelta(hours=self.window)


class Policy(models.Model):
    """One tier of the rules. Blank fields match everything; published ones are never edited."""

    version = models.ForeignKey(
        PolicyVersion,
        on_delete=models.PROTECT,
        to_field="number",
        db_column="version",
        related_name="tiers",
    )
    upstream = models.CharField(max_length=16, choices=Upstream, blank=True)
    currency = models.CharField(max_length=12, blank=True)
    method = models.CharField(max_length=40, blank=True)
    origin = models.CharField(max_length=12, choices=Origin, blank=True)
    from_amount = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    signatures = models.PositiveSmallIntegerField()
    # Names of roles. Empty: every role that signs.
    roles = models.JSONField(default=list, blank=True, db_default=NO_ROLES)
    reauthenticate = models.BooleanField(default=False, db_default=False)
    typed_amount = models.BooleanField(default=False, db_default=False)
    customer_limit = models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True)
    customer_window = models.PositiveSmallIntegerField(
        choices=Window, default=Window.DAY, db_default=Window.DAY
    )
    beneficiary_limit = models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True)
    beneficiary_window = models.PositiveSmallIntegerField(
        choices=Window, default=Window.DAY, db_default=Window.DAY
    )
    approver_limit = models.DecimalField(max_digits=38, decimal_places=18, null=True, blank=True)
    approver_window = models.PositiveSmallIntegerField(
        choices=Window, default=Window.DAY, db_default=Window.DAY
    )
    lapse_hours = models.PositiveSmallIntegerField(default=LAPSE_HOURS, db_default=LAPSE_HOURS)
    published_at = models.DateTimeField(null=True)  # of the whole version at once; null: a draft

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(condition=Q(signatures__gte=1), name="policy_needs_someone"),
            models.UniqueConstraint(
                fields=["version", "upstream", "currency", "method", "origin", "from_amount"],
                name="one_tier_per_bound",
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.version_id} {self.currency or 'any currency'} from {self.from_amount:f}"

    @property
    def signing_roles(self) -> Sequence[Role]:
        """The roles whose signatures count for this tier."""
        return [role for role in SIGNING_ROLES if not self.roles or role in self.roles]

    @property
    def limits(self) -> Sequence[Limit]:
        """The limits that this tier sets."""
        told = (
            (LimitPer.CUSTOMER, self.customer_limit, self.customer_window),
            (LimitPer.BENEFICIARY, self.beneficiary_limit, self.beneficiary_window),
            (LimitPer.APPROVER, self.approver_limit, self.approver_window),
        )
        return [Limit(per, most, Window(window)) for per, most, window in told if most is not None]

    @property
    def lapses_after(self) -> timedelta:
        """How long after it was due a request waits before it ends by itself."""
        return timedelta(hours=self.lapse_hours)
