"""What somebody asked Lux Financial to do about a customer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from customers.enums import RequestKind, RequestStatus
from customers.models.cases import CODE_ALPHABET
from customers.models.customers import Customer
from upstreams.enums import Upstream

# What a request may become. `made` means that the provider has carried it out.
REQUEST_MOVES: Final[Mapping[RequestStatus, frozenset[RequestStatus]]] = {
    RequestStatus.QUEUED: frozenset({RequestStatus.SENDING}),
    # back to `queued`: definitely nothing was sent, the same bytes go again later.
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
SETTLED: Final = (RequestStatus.MADE, RequestStatus.REFUSED)


def new_request_code() -> str:
    """A short id that people can read to each other: `cr-7F3MK2`."""
    return "cr-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class CustomerRequestQuerySet(models.QuerySet["CustomerRequest"]):
    def locked(self) -> CustomerRequestQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def under_way(self) -> CustomerRequestQuerySet:
        return self.exclude(status__in=SETTLED)


class CustomerRequest(models.Model):
    """One thing that Lux Financial was asked to do about one customer; None: about a new one.

    `body` is what is asked for, personal data with it, and is emptied when the request is settled.
    `told` is what may be said of it for ever: the names of fields, the last digits of an account.
    `target` is how they call what it is about, `made` what came of it.
    """

    MOVES: Mapping[RequestStatus, frozenset[RequestStatus]] = REQUEST_MOVES

    code = models.CharField(max_length=12, unique=True, default=new_request_code)
    kind = models.CharField(max_length=20, choices=RequestKind)
    upstream = models.CharField(max_length=16, choices=Upstream, default=Upstream.LUX)
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, null=True, related_name="requests"
    )
    target = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=12, choices=RequestStatus, default=RequestStatus.QUEUED)
    body = models.JSONField(default=dict)
    told = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    # The form it was asked for with: the same form sent twice asks once.
    token = models.UUIDField(null=True, unique=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    status_reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)
    field_errors = models.JSONField(default=dict)
    made = models.CharField(max_length=120, blank=True)

    objects = CustomerRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            # What changes one thing of theirs goes one after the other.
            models.UniqueConstraint(
                fields=["upstream", "target"],
                condition=Q(kind__in=["change", "delete", "verify_account", "remove_account"])
                & ~Q(status__in=["made", "refused"]),
                name="one_request_under_way",
            ),
            models.CheckConstraint(
                condition=Q(status__in=RequestStatus.values), name="customer_request_status_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=RequestKind.values), name="customer_request_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["made", "refused"]) | Q(body={}),
                name="settled_request_forgets",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at", "-id"], name="request_of_customer"),
            models.Index(fields=["-created_at", "-id"], name="customer_request_newest"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("customers:request", args=[self.code])

    @property
    def is_settled(self) -> bool:
        return self.status in SETTLED

    def can_become(self, wanted: RequestStatus) -> bool:
        return wanted in self.MOVES[RequestStatus(self.status)]
