"""Customers and who they are at each upstream."""

from __future__ import annotations

from django.db import models

from upstreams.enums import Upstream


class Customer(models.Model):
    """One person or business, as far as we know them."""

    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"


class Identity(models.Model):
    """One customer as one upstream knows them."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="identities")
    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120)
    external_id = models.CharField(max_length=255, blank=True)
    raw = models.JSONField(default=dict)
    seen_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "upstream_id"], name="one_identity_per_upstream_id"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.upstream_id}"
