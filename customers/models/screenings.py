"""Screenings against sanctions lists, and what people say of the hits."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers.enums import HitState, ScreeningReason
from customers.models.customers import Customer


class Screening(models.Model):
    """One question about one customer, and its answer (upstreams.md §1.9).

    `asked` is what was told of them; `asked_digest` tells whether they have changed since.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="screenings")
    upstream_id = models.CharField(max_length=120, unique=True)
    reason = models.CharField(max_length=12, choices=ScreeningReason)
    asked = models.JSONField(default=dict)
    asked_digest = models.CharField(max_length=64)
    status = models.CharField(max_length=40)
    match_count = models.PositiveIntegerField()
    sources = models.JSONField(default=list)
    screened_at = models.DateTimeField()
    raw = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        indexes = [
            models.Index(fields=["customer", "-screened_at"], name="screening_of_customer"),
            models.Index(fields=["-screened_at", "-id"], name="screening_newest"),
        ]

    def __str__(self) -> str:
        return self.upstream_id


class HitQuerySet(models.QuerySet["Hit"]):
    def open(self) -> HitQuerySet:
        """Those that somebody has to look at: nothing is approved while there is one."""
        return self.filter(is_listed=True, state__in=[HitState.OPEN, HitState.UNSURE])


class Hit(models.Model):
    """A listed entity that looks like a customer, and what people say of it.

    One row per customer and listed entity: the verdict is remembered with what was known on both
    sides, and holds until one of them changes (design §6). `is_listed`: the newest screening still
    finds it.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="hits")
    screening = models.ForeignKey(Screening, on_delete=models.PROTECT, related_name="hits")
    entity = models.CharField(max_length=64)  # which listed entity: a digest of what names it
    version = models.CharField(max_length=64)  # a digest of all that the list tells of it
    asked_digest = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    agreeing = models.JSONField(default=list)  # distinct facts that agree: "name", "born", …
    score = models.DecimalField(max_digits=5, decimal_places=4)
    is_listed = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=HitState, default=HitState.OPEN)
    why_open = models.CharField(max_length=20, blank=True)  # "new", "they changed", "list changed"
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True)
    judged_reason = models.TextField(blank=True)

    objects = HitQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["customer", "entity"], name="one_hit_per_entity"),
            models.CheckConstraint(
                condition=Q(state="open")
                | Q(judged_by__isnull=False, judged_at__isnull=False) & ~Q(judged_reason=""),
                name="hit_judged_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["customer"],
                condition=Q(is_listed=True, state__in=["open", "unsure"]),
                name="hits_to_review",
            )
        ]

    def __str__(self) -> str:
        return f"hit {self.pk} on customer {self.customer_id}"
