"""Customers and who they are at each upstream."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from customers.enums import CustomerKind
from customers.phones import same_phone
from upstreams.enums import Upstream


class PhoneKey(models.CharField[str, str]):
    """The phone number beside it in one spelling: written with every row, never by hand."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = same_phone(getattr(model_instance, "phone", ""))
        setattr(model_instance, self.attname, key)
        return key


class CustomerQuerySet(models.QuerySet["Customer"]):
    def whole(self) -> CustomerQuerySet:
        """Each person once: what was found to be somebody else's is told with them."""
        return self.filter(merged_into=None)

    def same_as(self, customer: Customer) -> CustomerQuerySet:
        """Everything that is known to be this one person: the customer, and those linked to it."""
        root = customer.merged_into_id or customer.pk
        return self.filter(Q(pk=root) | Q(merged_into=root))


class Customer(models.Model):
    """One person or business, as one system knows them.

    Where several systems know one person, one of these rows stands for them, and `merged_into` of
    the others leads there, one step and no further. Nothing of a row moves when it is linked, so
    that a link can be taken apart again. Written by `customers.linking` alone.
    """

    kind = models.CharField(max_length=12, choices=CustomerKind, blank=True)
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    phone_key = PhoneKey(max_length=50, blank=True, editable=False)
    created_at = models.DateTimeField()
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="members"
    )

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(merged_into=None) | ~Q(merged_into=F("pk")), name="not_into_itself"
            )
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="customer_newest")]

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("customers:customer", args=[self.merged_into_id or self.pk])


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
