"""What Lux Financial tells about a customer. Written by `customers.mirror` alone."""

from __future__ import annotations

from django.db import models

from customers.enums import CustomerKind
from customers.models.customers import Customer
from upstreams.lux import words


class Profile(models.Model):
    """A customer as Lux Financial holds them (upstreams.md §1.5); their words are kept as they are.

    Their links to KYC and terms are not kept: they lead the customer in, and are for nobody else.
    """

    customer = models.OneToOneField(Customer, on_delete=models.PROTECT, related_name="profile")
    kind = models.CharField(max_length=32)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    business = models.JSONField(default=dict)  # what is told of a business alone
    email = models.CharField(max_length=255, blank=True)
    phone = models.CharField(max_length=50, blank=True)
    date_of_birth = models.CharField(max_length=32, blank=True)  # theirs, unchecked
    tax_id_provided = models.BooleanField(default=False)
    address = models.JSONField(default=dict)
    country = models.CharField(max_length=8, blank=True)
    status = models.CharField(max_length=40)
    kyc_status = models.CharField(max_length=40)
    tos_status = models.CharField(max_length=40, blank=True)
    risk_rating = models.CharField(max_length=40, blank=True)
    endorsements = models.JSONField(default=list)
    rejection_reasons = models.JSONField(default=list)
    requirements_due = models.JSONField(default=list)
    metadata = models.JSONField(default=dict)
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kyc_status", "-created_at"], name="profile_kyc")]

    def __str__(self) -> str:
        return f"what Lux Financial tells of customer {self.customer_id}"

    @property
    def is_business(self) -> bool:
        return self.kind == CustomerKind.BUSINESS

    @property
    def name(self) -> str:
        """What they are called: a person by their own name, even beside one of a business."""
        business = str(self.business.get("name", ""))
        person = f"{self.first_name} {self.last_name}".strip()
        return business or person if self.is_business else person or business

    @property
    def is_approved(self) -> bool:
        """Whether they may move money (§1.5)."""
        return words.may_transact(self.kyc_status)


class Wallet(models.Model):
    """A wallet of a customer's at Lux Financial (upstreams.md §1.8)."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="wallets")
    upstream_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=32)
    label = models.CharField(max_length=255, blank=True)
    chains = models.JSONField(default=list)
    addresses = models.JSONField(default=dict)
    balances = models.JSONField(default=list)  # amounts as decimal strings, as they were told
    total_usd = models.CharField(max_length=60, blank=True)
    balances_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.upstream_id


class ExternalAccount(models.Model):
    """A customer's bank account or address elsewhere (upstreams.md §1.7)."""

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="external_accounts"
    )
    upstream_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    account_name = models.CharField(max_length=255, blank=True)
    bank_name = models.CharField(max_length=255, blank=True)
    last_4 = models.CharField(max_length=8, blank=True)
    chain = models.CharField(max_length=40, blank=True)
    address = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=8, blank=True)
    status = models.CharField(max_length=40)
    verification_method = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(null=True)
    is_listed = models.BooleanField(default=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.upstream_id
