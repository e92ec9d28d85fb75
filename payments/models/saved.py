"""Whom a provider pays: beneficiaries that somebody made and confirmed there."""

from __future__ import annotations

from typing import Any

from django.db import models

from upstreams.enums import Upstream


class SavedBeneficiaryQuerySet(models.QuerySet["SavedBeneficiary"]):
    def listed(self) -> SavedBeneficiaryQuerySet:
        """Those that may be paid, as far as the provider told."""
        return self.filter(is_listed=True)

    def by_name(self) -> SavedBeneficiaryQuerySet:
        return self.order_by("currency", "nickname", "pk")


class SavedBeneficiary(models.Model):
    """One beneficiary at one provider, as last listed. Written by `mirror` alone.

    One that is no longer listed stays: payouts that were asked for name it.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120)
    currency = models.CharField(max_length=12)
    nickname = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict)  # in clear: pages mask it
    created_at = models.DateTimeField(null=True)
    is_listed = models.BooleanField(default=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = SavedBeneficiaryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "upstream_id"], name="one_saved_beneficiary_per_upstream_id"
            )
        ]
        indexes = [
            models.Index(fields=["currency", "nickname", "id"], name="saved_beneficiary_by_name")
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.upstream_id}"

    @property
    def account(self) -> Any:
        """The account number among the details, under whichever name it stands there."""
        names = ("accountNumber", "iban", "address")
        return next((self.details[name] for name in names if self.details.get(name)), "")
