"""What people said about payouts that look alike."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from payments.models.withdrawals import Withdrawal


class NotDuplicate(models.Model):
    """Somebody's word that a withdrawal is not another payout over again. Insert-only."""

    withdrawal = models.ForeignKey(
        Withdrawal, on_delete=models.PROTECT, related_name="not_duplicates"
    )
    # The other's label: the code of a withdrawal, or a payment's id at the provider.
    other = models.CharField(max_length=120, db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["withdrawal", "other"], name="one_word_per_pair")
        ]

    def __str__(self) -> str:
        return f"{self.withdrawal_id} is not {self.other}"
