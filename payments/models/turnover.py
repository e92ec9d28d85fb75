"""What was paid, summed up while it is mirrored: sums of a million rows are nothing for a page."""

from __future__ import annotations

from django.db import models

from payments.enums import Kind


class Turnover(models.Model):
    """What was paid of what began in one quarter of an hour. Written by `mirror` alone.

    Quarters, because a day begins at another one in Sydney, Colombo or Kathmandu.
    """

    start_at = models.DateTimeField()
    currency = models.CharField(max_length=12)
    kind = models.CharField(max_length=12, choices=Kind)
    total = models.DecimalField(max_digits=38, decimal_places=18, default=0)
    number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["start_at", "currency", "kind"], name="one_turnover_per_quarter"
            )
        ]

    def __str__(self) -> str:
        return f"{self.start_at:%Y-%m-%d %H:%M} {self.kind} {self.currency}"
