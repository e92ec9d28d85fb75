"""Documents that customers show, and what was handed on of them."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers.enums import DocumentKind, DocumentOrigin, DocumentVerdict, Side
from customers.models.customers import Customer


class DocumentQuerySet(models.QuerySet["Document"]):
    def kept(self) -> DocumentQuerySet:
        """Those whose content is still here."""
        return self.filter(erased_at=None)

    def oldest_first(self) -> DocumentQuerySet:
        return self.order_by("added_at", "pk")


class Document(models.Model):
    """One picture or PDF of a document: checked, made anew without what hides in files, encrypted.

    `sha256` is of what was handed in, so that the same file twice is known. The content is a row of
    its own, so that lists do not read it. Written by `customers.documents` alone.
    """

    key = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=20, choices=DocumentKind)
    side = models.CharField(max_length=8, choices=Side)
    origin = models.CharField(max_length=12, choices=DocumentOrigin)
    upstream_id = models.CharField(max_length=120, blank=True)
    name = models.CharField(max_length=120)  # a safe one of ours, never theirs
    media_type = models.CharField(max_length=40)
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    pages = models.PositiveIntegerField(default=1)
    sha256 = models.CharField(max_length=64)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField()
    verdict = models.CharField(max_length=12, choices=DocumentVerdict, blank=True)
    verdict_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    verdict_at = models.DateTimeField(null=True)
    verdict_note = models.TextField(blank=True)
    erased_at = models.DateTimeField(null=True)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "upstream_id"],
                condition=~Q(upstream_id=""),
                name="one_document_per_upstream_id",
            ),
            models.CheckConstraint(
                condition=Q(verdict="", verdict_by=None, verdict_at=None)
                | ~Q(verdict="") & Q(verdict_by__isnull=False, verdict_at__isnull=False),
                name="verdict_of_somebody",
            ),
        ]
        indexes = [models.Index(fields=["customer", "added_at"], name="document_of_customer")]

    def __str__(self) -> str:
        return self.name


class Content(models.Model):
    """The encrypted bytes of one document: with a key of its own, itself wrapped by `key_id`'s.

    Rotation wraps that key anew and leaves the bytes; destroying it makes them unreadable.
    """

    document = models.OneToOneField(Document, on_delete=models.CASCADE, related_name="content")
    key_id = models.CharField(max_length=40, db_index=True)
    wrapped_key = models.BinaryField()
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"content of document {self.document_id}"
