"""The payment methods that a provider offers us."""

from __future__ import annotations

from django.db import models

from upstreams.enums import Upstream


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def for_deposits(self) -> PaymentMethodQuerySet:
        """What money can come in by now."""
        return self.filter(is_enabled=True, pays_in=True)


class PaymentMethod(models.Model):
    """One method in one currency, as the provider last listed it. Written by `mirror` alone.

    Limits are in major units; none where the provider told none. One that is no longer listed
    stays, disabled: older payments bear its name.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    code = models.CharField(max_length=40)
    currency = models.CharField(max_length=12)
    name = models.CharField(max_length=120, blank=True)
    pays_in = models.BooleanField()
    pays_out = models.BooleanField()
    least = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    most = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    minutes = models.PositiveIntegerField(null=True)
    is_enabled = models.BooleanField(default=True)
    raw = models.JSONField(default=dict)
    seen_at = models.DateTimeField()

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "code", "currency"], name="one_method_per_currency"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.code} {self.currency}"
