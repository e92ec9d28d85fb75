"""Screenings against sanctions lists, and what people say of the hits."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from customers.enums import HitState, ScreeningReason, WhyOpen
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
    asked_at = models.DateTimeField()  # by our clock
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


class ScreeningRequestQuerySet(models.QuerySet["ScreeningRequest"]):
    def under_way(self) -> ScreeningRequestQuerySet:
        return self.filter(ended_at=None)


class ScreeningRequest(models.Model):
    """Somebody asked to screen a customer now: queued, and sent by a worker.

    `refused_with`: why Lux Financial would not say anything; "" where they did.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="screening_requests"
    )
    reason = models.CharField(max_length=12, choices=ScreeningReason)
    asked = models.JSONField(default=dict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    refused_with = models.TextField(blank=True)

    objects = ScreeningRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(ended_at=None), name="one_screening_under_way"
            )
        ]

    def __str__(self) -> str:
        return f"screening request {self.pk} for customer {self.customer_id}"


class HitQuerySet(models.QuerySet["Hit"]):
    def open(self) -> HitQuerySet:
        """Those that somebody has to look at: nothing is approved while there is one."""
        return self.filter(is_listed=True, state__in=[HitState.OPEN, HitState.UNSURE])

    def of(self, customer: Customer) -> HitQuerySet:
        """Those on this person, under whichever of their rows they were found."""
        return self.filter(customer__in=Customer.objects.same_as(customer))

    def likeliest_first(self) -> HitQuerySet:
        return self.order_by("-rank", "pk")


class Hit(models.Model):
    """A listed entity that looks like a customer, and what people say of it.

    One row per customer and listed entity: the verdict is remembered with what was known on both
    sides, and holds until one of them changes (design §6). `is_listed`: the newest screening still
    finds it. Written by `customers.screening` and the actions of people alone.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="hits")
    screening = models.ForeignKey(Screening, on_delete=models.PROTECT, related_name="hits")
    entity = models.CharField(max_length=64)  # which listed entity: a digest of what names it
    version = models.CharField(max_length=64)  # a digest of all that the list tells of it
    asked_digest = models.CharField(max_length=64)
    facts = models.JSONField(default=dict)
    agreeing = models.JSONField(default=list)  # distinct facts that agree: "name", "born", …
    score = models.DecimalField(max_digits=5, decimal_places=4)
    rank = models.DecimalField(max_digits=7, decimal_places=4)  # agreeing facts, then the score
    is_listed = models.BooleanField(default=True)
    state = models.CharField(max_length=8, choices=HitState, default=HitState.OPEN)
    why_open = models.CharField(max_length=20, choices=WhyOpen, blank=True)
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    # The newest verdict, and what it was said of. It is kept when the hit opens again, and counts
    # again when both sides are as they were.
    verdict = models.CharField(max_length=8, choices=HitState, blank=True)
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True)
    judged_reason = models.TextField(blank=True)
    judged_version = models.CharField(max_length=64, blank=True)
    judged_digest = models.CharField(max_length=64, blank=True)
    judged_facts = models.JSONField(default=dict)
    judged_asked = models.JSONField(default=dict)

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

    @property
    def is_open(self) -> bool:
        return self.is_listed and self.state in (HitState.OPEN, HitState.UNSURE)


class StandingQuerySet(models.QuerySet["ScreeningStanding"]):
    def to_review(self) -> StandingQuerySet:
        return self.filter(open_hits__gt=0)

    def unsure(self) -> StandingQuerySet:
        return self.filter(unsure_hits__gt=0)

    def found(self) -> StandingQuerySet:
        return self.filter(true_hits__gt=0)


class ScreeningStanding(models.Model):
    """Where one customer stands with the lists: counted anew whenever a hit of theirs changes.

    `asked_at` is our clock's, when they were last asked about. `rank` is the highest of what is to
    be looked at, or of all where nothing is. Written by `customers.screening.standings` alone.
    """

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="standing")
    screening = models.ForeignKey(Screening, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    screened_at = models.DateTimeField()
    open_hits = models.PositiveIntegerField(default=0)
    unsure_hits = models.PositiveIntegerField(default=0)
    true_hits = models.PositiveIntegerField(default=0)
    false_hits = models.PositiveIntegerField(default=0)
    rank = models.DecimalField(max_digits=7, decimal_places=4, default=0)

    objects = StandingQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["-rank", "-id"],
                condition=Q(open_hits__gt=0),
                name="standings_to_review",
            ),
            models.Index(
                fields=["-rank", "-id"],
                condition=Q(unsure_hits__gt=0),
                name="standings_unsure",
            ),
            models.Index(
                fields=["-rank", "-id"],
                condition=Q(true_hits__gt=0),
                name="standings_found",
            ),
            models.Index(fields=["-screened_at", "-id"], name="standings_newest"),
            models.Index(fields=["asked_at"], name="standings_oldest"),
        ]

    def __str__(self) -> str:
        return f"customer {self.customer_id} before the lists"

    def get_absolute_url(self) -> str:
        return reverse("customers:screening", args=[self.customer_id])

    @property
    def hits(self) -> int:
        return self.open_hits + self.unsure_hits + self.true_hits + self.false_hits

    @property
    def reviewed(self) -> int:
        """How many of them somebody is sure about."""
        return self.true_hits + self.false_hits


class SanctionsList(models.Model):
    """A list that Lux Financial screens against, and how fresh it is there (§1.9)."""

    code = models.CharField(max_length=120, unique=True)
    name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=40, blank=True)
    records = models.PositiveBigIntegerField(null=True)
    published_at = models.DateTimeField(null=True)
    downloaded_at = models.DateTimeField(null=True)
    is_listed = models.BooleanField(default=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.code
