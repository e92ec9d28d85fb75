"""The mirror of money movements at the upstreams."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse

from customers.models import Customer
from payments.enums import Kind, PaymentStatus, SeenBy
from upstreams.enums import Upstream

OPEN_STATUSES = (
    PaymentStatus.CREATED,
    PaymentStatus.IN_PROGRESS,
    PaymentStatus.IN_REVIEW,
    PaymentStatus.UNKNOWN,
)
PAID_STATUSES = (
    PaymentStatus.COMPLETED,
    PaymentStatus.PARTLY_RETURNED,
    PaymentStatus.RETURNED,
)
# Nothing moved and nothing will. LuxCore frees the reference of such a payment (LC-A11).
UNPAID_STATUSES = (PaymentStatus.FAILED, PaymentStatus.CANCELLED, PaymentStatus.EXPIRED)
# A transfer that was undeliverable: its money was returned, and never arrived.
CAME_BACK_UNPAID = {
    "kind": Kind.TRANSFER,
    "status": PaymentStatus.RETURNED,
    "completed_at": None,
}
# Failed, and not over: the money is still on its way back (upstreams.md §1.6).
COMING_BACK = frozenset({(Upstream.LUX, "undeliverable")})


def will_come_back(upstream: str, upstream_status: str) -> bool:
    """Whether what failed there is followed by its return."""
    return (upstream, upstream_status) in COMING_BACK


class PaymentQuerySet(models.QuerySet["Payment"]):
    def open(self) -> PaymentQuerySet:
        """Payments whose status may still change by itself."""
        return self.filter(status__in=OPEN_STATUSES)

    def coming_back(self) -> PaymentQuerySet:
        """Payments that failed, and whose money is still to be returned."""
        found = Q()
        for upstream, word in COMING_BACK:
            found |= Q(upstream=upstream, upstream_status=word)
        return self.filter(found)

    def paid_out(self) -> PaymentQuerySet:
        """Payouts that reached the other side, returned later or not."""
        arrived = Q(kind=Kind.WITHDRAWAL) | Q(kind=Kind.TRANSFER, completed_at__isnull=False)
        return self.filter(arrived, status__in=PAID_STATUSES)

    def newest_first(self) -> PaymentQuerySet:
        return self.order_by("-created_at", "-pk")


class Payment(models.Model):
    """One money movement at one upstream, as last seen. Written by `mirror` alone."""

    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind)
    hosted = models.BooleanField(default=False)
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    fee = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    net = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    refunded = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    currency = models.CharField(max_length=12)
    method = models.CharField(max_length=40, blank=True)
    status = models.CharField(max_length=16, choices=PaymentStatus)
    upstream_status = models.CharField(max_length=40)
    status_version = models.PositiveBigIntegerField(null=True)
    merchant_reference = models.CharField(max_length=255, blank=True)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="payments"
    )
    counterparty_name = models.CharField(max_length=255, blank=True)
    counterparty = models.JSONField(default=dict)
    account_key = models.CharField(max_length=64, blank=True)
    page_url = models.TextField(blank=True)  # where the payer's browser goes, exactly as given
    description = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    # Which observation told each field, so that the order of arrival does not matter: `merging`.
    stamps = models.JSONField(default=dict)
    is_counted = models.BooleanField(default=False)  # in the sums of what was paid: `turnover`
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    seen_by = models.CharField(max_length=8, choices=SeenBy)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "upstream_id"], name="one_payment_per_upstream_id"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="payment_newest"),
            models.Index(fields=["upstream", "merchant_reference"], name="payment_reference"),
            # The list under each of its filters and tabs, newest first.
            models.Index(fields=["status", "-created_at", "-id"], name="payment_by_status"),
            models.Index(fields=["upstream", "-created_at", "-id"], name="payment_by_upstream"),
            models.Index(fields=["kind", "-created_at", "-id"], name="payment_by_kind"),
            models.Index(fields=["method", "-created_at", "-id"], name="payment_by_method"),
            models.Index(fields=["currency", "-created_at", "-id"], name="payment_by_currency"),
            models.Index(fields=["customer", "-created_at", "-id"], name="payment_by_customer"),
            models.Index(fields=["amount"], name="payment_by_amount"),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["created", "in_progress", "in_review", "unknown"]),
                name="payment_open_newest",
            ),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["returned", "partly_returned"]),
                name="payment_returned_newest",
            ),
            models.Index(
                fields=["-created_at", "-id"],
                condition=Q(status__in=["failed", "cancelled", "expired"]),
                name="payment_unpaid_newest",
            ),
            # The rolling re-read: what is not terminal, oldest first.
            models.Index(
                fields=["upstream", "created_at"],
                condition=Q(status__in=["created", "in_progress", "in_review", "unknown"]),
                name="payment_open",
            ),
            # Checks: who else was paid on this account.
            models.Index(
                fields=["account_key", "-created_at"],
                condition=~Q(account_key=""),
                name="payment_account",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.upstream_id}"

    def get_absolute_url(self) -> str:
        return reverse("payments:payment", args=[self.upstream, self.upstream_id])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def came_back_unpaid(self) -> bool:
        """Whether its money was returned and never arrived: a transfer that was undeliverable."""
        return all(getattr(self, name) == value for name, value in CAME_BACK_UNPAID.items())

    @property
    def will_come_back(self) -> bool:
        return will_come_back(self.upstream, self.upstream_status)
