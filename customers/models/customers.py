"""Customers and who they are at each upstream."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.urls import reverse

from customers.emails import same_email
from customers.enums import CustomerKind
from customers.phones import same_phone
from upstreams.enums import Upstream

ROOT = Coalesce("merged_into", "pk")  # the row that stands for the person
FEW = 1_000


class PhoneKey(models.CharField[str, str]):
    """The phone number beside it in one spelling: written with every row, never by hand."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = same_phone(getattr(model_instance, "phone", ""))
        setattr(model_instance, self.attname, key)
        return key


class EmailKey(models.CharField[str, str]):
    """The e-mail address beside it in one spelling: written with every row, never by hand."""

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = same_email(getattr(model_instance, "email", ""))
        setattr(model_instance, self.attname, key)
        return key


class CustomerQuerySet(models.QuerySet["Customer"]):
    def whole(self) -> CustomerQuerySet:
        """Each person once: what was found to be somebody else's is told with them."""
        return self.filter(merged_into=None)

    def same_as(self, customer: Customer) -> CustomerQuerySet:
        """Everything that is known to be this one person: the customer, and those linked to it."""
        root = customer.root_id
        return self.filter(Q(pk=root) | Q(merged_into=root))

    def people_with(self, match: Q) -> CustomerQuerySet:
        """Those whole ones of whom at least one row matches.

        A few are looked up first: the list is found by their keys. Of those of thousands some are
        met soon enough on the way through the list.
        """
        rows = Customer.objects.filter(match).order_by()
        few = list(rows.values_list(ROOT, flat=True)[: FEW + 1])
        if len(few) <= FEW:
            return self.whole().filter(pk__in=few)
        is_one = Exists(rows.filter(pk=OuterRef("pk")))
        return self.whole().filter(is_one | Exists(rows.filter(merged_into=OuterRef("pk"))))

    def people_without(self, match: Q) -> CustomerQuerySet:
        """Those whole ones of whom no row matches."""
        return self.whole().exclude(pk__in=_roots(match))


def _roots(match: Q) -> models.QuerySet[Customer, Any]:
    return Customer.objects.filter(match).order_by().values(root=ROOT)


class Customer(models.Model):
    """One person or business, as one system knows them.

    Where several systems know one person, one of these rows stands for them, and `merged_into` of
    the others leads there, one step and no further. Nothing of a row moves when it is linked, so
    that a link can be taken apart again. Written by `customers.linking` alone.
    """

    kind = models.CharField(max_length=12, choices=CustomerKind, blank=True)
    name = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    email_key = EmailKey(max_length=600, blank=True, editable=False, db_index=True)
    phone = models.CharField(max_length=50, blank=True)
    phone_key = PhoneKey(max_length=50, blank=True, editable=False, db_index=True)
    created_at = models.DateTimeField()
    is_matched = models.BooleanField(default=False)  # whom else they may be has been looked into
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
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="customer_newest"),
            # For `linking.match_new`.
            models.Index(fields=["id"], condition=Q(is_matched=False), name="customer_to_match"),
        ]

    def __str__(self) -> str:
        return self.name or f"customer {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("customers:customer", args=[self.root_id])

    @property
    def root_id(self) -> int:
        """The row that stands for this person."""
        return self.merged_into_id or self.pk


class Identity(models.Model):
    """One customer as one upstream knows them."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="identities")
    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120, db_index=True)  # found by their beginnings
    external_id = models.CharField(max_length=255, blank=True, db_index=True)
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
