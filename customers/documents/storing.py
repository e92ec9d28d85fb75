"""Keeping documents and reading them back: the only place where their content is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from customers.documents import destroyed, keys
from customers.documents.checking import PDF, Checked
from customers.documents.keys import NoKeys, Sealed, Tampered, UnknownKey
from customers.enums import DocumentKind, DocumentOrigin, Side
from customers.models import Content, Customer, Document, Profile
from staff import audit
from staff.models import User
from staff.texts import Text
from upstreams import alarms
from upstreams.enums import Upstream

UNREADABLE: Final = "document-unreadable"
KEY_MISSING: Final = "document-key-missing"
_ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", PDF: "pdf"}


class Unreadable(Exception):
    """The document cannot be shown: it is erased, or does not open. People were called."""


class TooMany(Exception):
    """The customer has as many documents as one customer may have."""


@dataclass(frozen=True)
class Origin:
    """Where a document came from. `by` is None, and `upstream_id` told, for a provider's."""

    kind: DocumentOrigin
    by: User | None = None
    upstream_id: str = ""


def lock_evidence(customer: Customer) -> None:
    """Let nobody decide about this customer, or bring documents, until the transaction ends.

    The first lock of a transaction that writes a document or what is said of it: whoever decides a
    KYC case has it from before the evidence is read (`actions.common`).
    """
    them = list(Customer.objects.same_as(customer).order_by("pk").values_list("pk", flat=True))
    profiles = Profile.objects.filter(customer__in=them).order_by("pk")
    if not list(profiles.select_for_update(of=("self",), no_key=True).values_list("pk")):
        list(
            Customer.objects.filter(pk__in=them)
            .order_by("pk")
            .select_for_update(of=("self",), no_key=True)
            .values_list("pk")
        )


def keep(
    checked: Checked,
    *,
    customer: Customer,
    kind: DocumentKind,
    side: Side,
    origin: Origin,
    at: datetime,
) -> Document:
    """Encrypt a checked file and keep it. Call under `lock_evidence`.

    Raises NoKeys, TooMany.
    """
    if customer.documents.kept().count() >= settings.DOCUMENTS_PER_CUSTOMER:
        raise TooMany
    made = checked.made
    document = Document(
        customer=customer,
        kind=kind,
        side=side,
        origin=origin.kind,
        upstream_id=origin.upstream_id,
        media_type=made.media_type,
        size=len(made.content),
        width=made.width,
        height=made.height,
        pages=made.pages,
        sha256=checked.sha256,
        added_by=origin.by,
        added_at=at,
    )
    document.name = f"{kind}-{side}-{str(document.key)[:8]}.{_ENDINGS[made.media_type]}"
    sealed = keys.ring().seal(made.content, document=document.key)
    document.save(force_insert=True)
    Content.objects.create(
        document=document,
        key_id=sealed.key_id,
        wrapped_key=sealed.wrapped_key,
        sealed=sealed.sealed,
    )
    return document


def added(document: Document) -> audit.Entry:
    """What the audit trail is told of a document that was kept: nothing about a person."""
    return audit.Entry(
        "customers.document.added",
        audit.subject_of(document.customer),
        by=document.added_by,
        by_label="" if document.added_by else Upstream.LUX.label,
        before={},
        after={
            "document": document.key,
            "kind": document.kind,
            "side": document.side,
            "media_type": document.media_type,
            "bytes": document.size,
        },
        reason="",
    )


def read(document: Document) -> bytes:
    """The whole content of a document, unchanged since it was kept.

    Raises Unreadable; where it does not open, people are called first. Nothing comes out in part.
    """
    content = Content.objects.filter(document=document).first()
    if content is None or document.erased_at is not None or document.key in destroyed.listed():
        raise Unreadable
    try:
        return keys.ring().open(sealed_of(content), document=document.key)
    except UnknownKey as missing:
        _alarm_about_key(missing.key_id)
    except Tampered:
        alarm_about(document)
    raise Unreadable


def sealed_of(content: Content) -> Sealed:
    return Sealed(content.key_id, bytes(content.wrapped_key), bytes(content.sealed))


def destroy(documents: Sequence[Document], *, at: datetime) -> None:
    """Make these unreadable for good; that they were here stays. Inside a transaction.

    They are listed as destroyed first: a list that says too much hides one document, one that says
    too little brings a person's passport back with the next restore.
    """
    destroyed.note(document.key for document in documents)
    Content.objects.filter(document__in=documents).delete()
    for document in documents:
        document.erased_at = document.erased_at or at
        document.save(update_fields=["erased_at"])


def can_keep() -> bool:
    """Whether a key is set for new documents."""
    try:
        return bool(keys.ring().newest)
    except NoKeys:
        return False


def alarm_about(document: Document) -> None:
    """Call people about a document that does not open though its key is set."""
    alarms.raise_alarm(
        upstream=Upstream.LUX,
        code=UNREADABLE,
        text=Text(
            _(
                "Document %(document)s does not open: its bytes were changed or exchanged, or the "
                "key %(key)s is another one than it was. Nothing of it was shown."
            ),
            document=str(document.key),
            key=document.content.key_id,
        ),
        at=timezone.now(),
        subject=("customers.document", str(document.pk)),
    )


def _alarm_about_key(key_id: str) -> None:
    alarms.raise_alarm(
        upstream=Upstream.LUX,
        code=KEY_MISSING,
        text=Text(
            _(
                "Documents are encrypted under the key %(key)s, which DOCUMENT_KEYS does not name. "
                "They cannot be read until it is back."
            ),
            key=key_id,
        ),
        at=timezone.now(),
        subject=("customers.documentkey", key_id),
    )
