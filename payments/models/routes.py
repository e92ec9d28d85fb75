"""What Lux Financial said about the way of a transfer before it was asked for."""

from __future__ import annotations

from django.db import models

from payments.enums import RouteState
from payments.models.withdrawals import Withdrawal


class RouteCheck(models.Model):
    """One dry run of one revision, asked in the background. Written by `payments.routes` alone."""

    withdrawal = models.ForeignKey(Withdrawal, on_delete=models.PROTECT, related_name="routes")
    revision = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=RouteState, default=RouteState.ASKED)
    words = models.TextField(blank=True)  # theirs
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["withdrawal", "revision"],
                condition=models.Q(state="asked"),
                name="one_open_question_per_route",
            )
        ]

    def __str__(self) -> str:
        return f"{self.withdrawal_id} r{self.revision}: {self.state}"
