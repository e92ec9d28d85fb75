"""Documents that we handed in at the provider, and those that were read there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from customers.enums import DocumentKind, SubmissionStatus
from customers.models.cases import CODE_ALPHABET
from customers.models.customers import Customer
from customers.models.documents import Document

SUBMISSION_OVER: Final = (SubmissionStatus.ACCEPTED, SubmissionStatus.REFUSED)
SUBMISSION_MOVES: Final[Mapping[SubmissionStatus, frozenset[SubmissionStatus]]] = {
    SubmissionStatus.QUEUED: frozenset(
        {SubmissionStatus.SENDING, SubmissionStatus.ACCEPTED, SubmissionStatus.REFUSED}
    ),
    SubmissionStatus.SENDING: frozenset(
        {
            SubmissionStatus.QUEUED,
            SubmissionStatus.UNKNOWN,
            SubmissionStatus.ACCEPTED,
            SubmissionStatus.REFUSED,
        }
    ),
    SubmissionStatus.UNKNOWN: frozenset({SubmissionStatus.ACCEPTED, SubmissionStatus.REFUSED}),
    SubmissionStatus.ACCEPTED: frozenset(),
    SubmissionStatus.REFUSED: frozenset(),
}


def new_submission_code() -> str:
    """A short id that people can read to each other: `sub-7F3MK2`."""
    return "sub-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def locked(self) -> SubmissionQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_for_update(of=("self",), no_key=True)

    def newest_first(self) -> SubmissionQuerySet:
        return self.order_by("-created_at", "-pk")


class Submission(models.Model):
    """A customer's documents, handed in at Lux Financial on their behalf (upstreams.md §1.5).

    The pictures are put together when it is sent: what waits to be sent names documents only.
    """

    MOVES: Mapping[SubmissionStatus, frozenset[SubmissionStatus]] = SUBMISSION_MOVES

    code = models.CharField(max_length=12, unique=True, default=new_submission_code)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="submissions")
    kind = models.CharField(max_length=20, choices=DocumentKind)
    front = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="+")
    back = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    selfie = models.ForeignKey(Document, on_delete=models.PROTECT, null=True, related_name="+")
    status = models.CharField(
        max_length=12, choices=SubmissionStatus, default=SubmissionStatus.QUEUED
    )
    status_reason = models.TextField(blank=True)
    upstream_id = models.CharField(max_length=120, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=~Q(status__in=["accepted", "refused"]),
                name="one_submission_under_way",
            ),
            models.CheckConstraint(
                condition=Q(status__in=SubmissionStatus.values), name="submission_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-created_at"], name="submission_of_customer"),
            models.Index(
                fields=["upstream_id"], condition=~Q(upstream_id=""), name="submission_there"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("customers:documents", args=[self.customer_id])

    @property
    def documents(self) -> Iterator[Document]:
        """Its pictures, as they are handed in."""
        return (one for one in (self.front, self.back, self.selfie) if one is not None)

    def can_become(self, wanted: SubmissionStatus) -> bool:
        return wanted in self.MOVES[SubmissionStatus(self.status)]


class DocumentReading(models.Model):
    """How far the documents of a customer were read at the provider.

    `read_for` is the digest of the profile they were read for: when it changes, they are read anew.
    """

    customer = models.OneToOneField(
        Customer, on_delete=models.CASCADE, related_name="document_reading"
    )
    read_for = models.CharField(max_length=64)
    read_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"documents of customer {self.customer_id}, read at the provider"
