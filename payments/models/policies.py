"""How many signatures a withdrawal needs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class Policy(models.Model):
    """One tier of the signing rules. Blank fields match everything; versions are never edited."""

    version = models.PositiveIntegerField()
    upstream = models.CharField(max_length=16, blank=True)
    currency = models.CharField(max_length=12, blank=True)
    method = models.CharField(max_length=40, blank=True)
    origin = models.CharField(max_length=12, blank=True)
    from_amount = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    signatures = models.PositiveSmallIntegerField()
    published_at = models.DateTimeField()

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
        return f"v{self.version} {self.currency or 'any currency'} from {self.from_amount:f}"
