"""Balances as the upstreams last told them."""

from __future__ import annotations

from django.db import models

from upstreams.enums import Upstream


class Balance(models.Model):
    """The latest balance of one kind in one currency, in major units."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    currency = models.CharField(max_length=12)
    balance_type = models.CharField(max_length=24)
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    available = models.DecimalField(max_digits=38, decimal_places=18)
    frozen = models.DecimalField(max_digits=38, decimal_places=18)
    raw = models.JSONField(default=dict)
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "currency", "balance_type"], name="one_balance_per_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.currency} {self.balance_type}"


class DailyBalance(models.Model):
    """The last balance of one kind that was told on one day (UTC): history for reconciliation."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    currency = models.CharField(max_length=12)
    balance_type = models.CharField(max_length=24)
    day = models.DateField()
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    available = models.DecimalField(max_digits=38, decimal_places=18)
    frozen = models.DecimalField(max_digits=38, decimal_places=18)
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "currency", "balance_type", "day"],
                name="one_balance_per_kind_and_day",
            )
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.currency} {self.balance_type} {self.day}"
