"""Our intent to be paid: a deposit that somebody asked a provider to open."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from payments.enums import RequestStatus
from payments.models.beneficiaries import CODE_ALPHABET
from payments.models.payments import Payment
from payments.models.withdrawals import NotPossible
from staff.texts import Lowered, Text
from upstreams.enums import Upstream

# What a request may become. `made` means that the provider has the deposit; how that one fares
# stands on its payment.
REQUEST_MOVES: Mapping[RequestStatus, frozenset[RequestStatus]] = {
    RequestStatus.QUEUED: frozenset({RequestStatus.SENDING, RequestStatus.MADE}),
    # back to `queued`: definitely nothing was sent, the same key goes again later.
    RequestStatus.SENDING: frozenset(
        {
            RequestStatus.MADE,
            RequestStatus.REFUSED,
            RequestStatus.UNKNOWN,
            RequestStatus.QUEUED,
        }
    ),
    RequestStatus.UNKNOWN: frozenset({RequestStatus.MADE, RequestStatus.REFUSED}),
    RequestStatus.MADE: frozenset(),
    RequestStatus.REFUSED: frozenset(),
}


def new_request_code() -> str:
    """A short id that people can read to each other: `pr-7F3MK2`."""
    return "pr-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class RequestNotMovable(NotPossible):
    """The request may not go from where it stands to where it was asked to go."""

    def __init__(self, *, code: str, current: RequestStatus, wanted: RequestStatus) -> None:
        super().__init__(
            Text(
                _("%(code)s is %(current)s; it cannot become %(wanted)s."),
                code=code,
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


class PaymentRequestQuerySet(models.QuerySet["PaymentRequest"]):
    def locked(self) -> PaymentRequestQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_related("payment").select_for_update(of=("self",), no_key=True)


class PaymentRequest(models.Model):
    """One deposit that somebody asked for here. It takes money in, so nobody signs it."""

    code = models.CharField(max_length=12, unique=True, default=new_request_code)
    upstream = models.CharField(max_length=16, choices=Upstream)
    status = models.CharField(max_length=12, choices=RequestStatus, default=RequestStatus.QUEUED)
    hosted = models.BooleanField(default=False)
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    currency = models.CharField(max_length=12)
    method = models.CharField(max_length=40)
    scheme = models.CharField(max_length=8, blank=True)
    description = models.CharField(max_length=255, blank=True)

    # Who pays (upstreams.md §3.7, §3.10).
    customer_number = models.CharField(max_length=18, blank=True)
    customer_name = models.CharField(max_length=255, blank=True)
    customer_email = models.CharField(max_length=255, blank=True)
    customer_phone = models.CharField(max_length=50, blank=True)
    customer_external_id = models.CharField(max_length=255, blank=True)

    metadata = models.JSONField(default=dict, blank=True)
    webhook_url = models.CharField(max_length=2048, blank=True)
    webhook_events = models.JSONField(default=list, blank=True)

    merchant_reference = models.CharField(max_length=255)
    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, null=True, blank=True, related_name="request"
    )
    # The form it was asked for with: the same form sent twice asks once.
    request_token = models.UUIDField(null=True, blank=True, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    status_reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)

    objects = PaymentRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "merchant_reference"], name="one_request_per_reference"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="request_amount_positive"),
            models.CheckConstraint(
                condition=Q(status__in=RequestStatus.values), name="request_status_known"
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="request_newest")]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("payments:request", args=[self.code])

    @property
    def webhook_host(self) -> str:
        """Where its own webhooks go; the rest of the address may hold a secret."""
        return urlsplit(self.webhook_url).hostname or ""

    def can_become(self, wanted: RequestStatus) -> bool:
        return wanted in REQUEST_MOVES[RequestStatus(self.status)]
