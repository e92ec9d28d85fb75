"""Stops on customers."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers.enums import HoldKind
from customers.models.customers import Customer


class HoldQuerySet(models.QuerySet["Hold"]):
    def in_force(self) -> HoldQuerySet:
        return self.filter(lifted_at=None)


class Hold(models.Model):
    """A stop on one customer: nothing of theirs is signed or sent while it is in force.

    Written under the lock of the audit chain alone, so whoever has that lock knows them all.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=12, choices=HoldKind)
    reason = models.TextField()
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True)
    lifted_reason = models.TextField(blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(lifted_at=None), name="one_hold_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None, lifted_reason="")
                | Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_reason=""),
                name="hold_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} hold on customer {self.customer_id}"


class HoldContact(models.Model):
    """By what a row of a held person was known while the hold was in force.

    Whoever changes their e-mail or phone elsewhere stays held under the old one: what waits here
    tells that alone. It counts for as long as the row is one of that person. Written under the
    lock of the audit chain, like the hold, by `customers.holds` alone.
    """

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="contacts")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    email_key = models.CharField(max_length=600, blank=True, db_index=True)
    phone_key = models.CharField(max_length=50, blank=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hold", "customer", "email_key", "phone_key"], name="hold_contact_once"
            )
        ]

    def __str__(self) -> str:
        return f"what hold {self.hold_id} knows customer {self.customer_id} by"
