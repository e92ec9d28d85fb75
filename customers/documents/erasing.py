"""Destroying documents of customers who left long ago: their content, not that they were here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from customers import holds
from customers.contacts import Contact
from customers.documents import destroyed, storing
from customers.enums import SubmissionStatus
from customers.models import Customer, CustomerQuerySet, Document, DocumentQuerySet, Submission
from staff import audit
from upstreams.lux.words import REJECTED

DELETED: Final = "deleted"
ON_ITS_WAY: Final = (SubmissionStatus.QUEUED, SubmissionStatus.SENDING, SubmissionStatus.UNKNOWN)


@dataclass(frozen=True)
class Plan:
    """The documents of one person that may go; `kept_because` says why they may not, if so."""

    customer: Customer
    documents: int
    kept_because: str = ""


def plans(*, at: datetime, customer_id: int | None = None) -> Iterator[Plan]:
    """Everybody whose time is over and of whom something is kept.

    With `customer_id` that one alone, however long ago they left. A hold is a reason to keep.
    """
    for customer in _left(at=at, customer_id=customer_id).order_by("pk").iterator():
        number = _documents(customer).count()
        if number:
            yield Plan(customer, number, _why_not(customer))


def erase(customer: Customer, *, at: datetime, reason: str, by_label: str) -> int:
    """Destroy what is kept of one person and say how many documents; 0 when they may not go.

    Whether they may is looked at again, under the lock that a hold is placed under.
    """
    with transaction.atomic():
        storing.lock_evidence(customer)
        audit.take_chain_lock()
        documents = list(_documents(customer).select_related("customer"))
        if not documents or _why_not(customer):
            return 0
        storing.destroy(documents, at=at)
        audit.record(
            "customers.document.erased",
            customer,
            by=None,
            by_label=by_label,
            at=at,
            after={"documents": [str(document.key) for document in documents]},
            reason=reason,
        )
    return len(documents)


def brought_back() -> DocumentQuerySet:
    """Documents that were destroyed and whose content is here again: a backup was restored."""
    return Document.objects.filter(key__in=destroyed.listed(), content__isnull=False)


def erase_again(*, at: datetime, by_label: str) -> int:
    """Destroy what a restored backup brought back; holds do not matter, it was gone before."""
    with transaction.atomic():
        documents = list(brought_back().select_related("customer").order_by("pk"))
        storing.destroy(documents, at=at)
        audit.record_all(
            [
                audit.Entry(
                    "customers.document.erased",
                    audit.subject_of(document.customer),
                    by=None,
                    by_label=by_label,
                    before={},
                    after={"documents": [str(document.key)]},
                    reason="A restored backup had brought it back.",
                )
                for document in documents
            ],
            at=at,
        )
    return len(documents)


def _left(*, at: datetime, customer_id: int | None) -> CustomerQuerySet:
    """Whole customers who were deleted or rejected at Lux Financial, long enough ago.

    Of whom Lux Financial tells nothing, documents go by name alone.
    """
    has_left = Q(profile__status=DELETED) | Q(profile__kyc_status=REJECTED)
    rows = Customer.objects.whole()
    if customer_id is not None:
        return rows.filter(has_left | Q(profile=None), pk=customer_id)
    before = at - timedelta(days=settings.DOCUMENT_RETENTION_DAYS)
    since = Coalesce("profile__updated_at", "profile__seen_at")
    return rows.filter(has_left).alias(left_at=since).filter(left_at__lt=before)


def _documents(customer: Customer) -> DocumentQuerySet:
    them = Customer.objects.same_as(customer)
    return Document.objects.kept().filter(customer__in=them).order_by("pk")


def _why_not(customer: Customer) -> str:
    contact = Contact(customer.pk, email=customer.email, phone=customer.phone)
    them = Customer.objects.same_as(customer)
    if holds.on({customer.pk: contact})[customer.pk]:
        return "a hold is in force"
    if any(one.holds.in_force().exists() for one in them):
        return "a hold is in force"
    if Submission.objects.filter(customer__in=them, status__in=ON_ITS_WAY).exists():
        return "documents are on their way to Lux Financial"
    alive = them.exclude(pk=customer.pk).filter(profile__isnull=False)
    if alive.exclude(Q(profile__status=DELETED) | Q(profile__kyc_status=REJECTED)).exists():
        return "they are known by another identity that has not left"
    return ""
