"""Customers and who they are at each upstream."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers.enums import HoldKind
from customers.phones import same_phone
from upstreams.enums import Upstream


class PhoneKey(models.CharField[str, str]):
    """The phone number beside it in one spelling: written with every row, never by hand."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = same_phone(getattr(model_instance, "phone", ""))
        setattr(model_instance, self.attname, key)
        return key


class Customer(models.Model):
    """One person or business, as far as we know them."""

    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    phone_key = PhoneKey(max_length=50, blank=True, editable=False)
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
