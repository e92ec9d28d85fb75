"""What other systems asked for under a name of their own."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from payments.models.withdrawals import Withdrawal
from staff.models import ApiToken


class IdempotencyKey(models.Model):
    """One `Idempotency-Key`, and the withdrawal it made. Written with it, and kept for ever.

    Keys belong to a person, not to a token: a system that was given a new token and tries again
    must not pay twice.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    withdrawal = models.OneToOneField(
        Withdrawal, on_delete=models.PROTECT, related_name="idempotency_key"
    )
    token = models.ForeignKey(ApiToken, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="one_withdrawal_per_key")
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.withdrawal_id}"
