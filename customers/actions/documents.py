"""Taking in a customer's documents, judging them, and who looked at them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_noop as _

from customers.documents import checking, storing, submitting
from customers.documents.checking import Checked
from customers.documents.decoding import NoRoom
from customers.documents.reasons import NotTaken
from customers.documents.storing import Origin, TooMany
from customers.enums import DocumentKind, DocumentOrigin, DocumentVerdict, Side
from customers.kyc import following
from customers.models import Customer, Document
from staff import audit
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Sayable, Text
from upstreams.lux import words


class DocumentNotPossible(Exception):
    """This cannot be done with the document: `says` tells why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


class FilesRefused(Exception):
    """Nothing was kept; `says` tells for each side what is wrong with its file."""

    def __init__(self, says: Mapping[Side, Sayable]) -> None:
        self.says = dict(says)
        super().__init__(", ".join(says))


@dataclass(frozen=True)
class Upload:
    """One file somebody sent. `size` is how long it was; what was too long is not all here."""

    side: Side
    name: str = field(repr=False)
    content: bytes = field(repr=False)
    size: int


def add_documents(
    *, customer: Customer, kind: DocumentKind, uploads: Sequence[Upload], by: User, at: datetime
) -> list[Document]:
    """Check, remake, encrypt and keep these files: all of them, or none.

    Decoding takes its time, so it is done before the transaction. Raises NotPermitted,
    FilesRefused, and DocumentNotPossible when no key is set or the customer has too many.
    """
    require(by, Permission.PROPOSE_KYC)
    if not storing.can_keep():
        raise DocumentNotPossible(
            Text(_("No key for documents is set (DOCUMENT_KEYS), so none can be kept."))
        )
    if missing := _missing(kind, [upload.side for upload in uploads]):
        raise FilesRefused(missing)
    checked = _check(uploads)
    with transaction.atomic():
        storing.lock_evidence(customer)
        if known := _known(customer, checked):
            raise FilesRefused(known)
        documents = _keep(customer, kind, checked, by=by, at=at)
        journal = Journal(by=by, at=at)
        following.sent_more(customer, journal=journal)
        audit.record_all([storing.added(document) for document in documents], at=at)
        journal.write()
    return documents


def judge_document(
    *, document_key: UUID, verdict: DocumentVerdict, note: str, by: User, at: datetime
) -> Document:
    """Say of one document whether it will do. Who uploaded it never judges it, nor a copy of it.

    The note is kept with the document and not in the audit trail: it may name people. Raises
    NotPermitted, Document.DoesNotExist, DocumentNotPossible.
    """
    require(by, Permission.PROPOSE_KYC)
    note = note.strip()
    if verdict != DocumentVerdict.ACCEPTED and not note:
        raise DocumentNotPossible(Text(_("Say in a few words what is wrong with it.")))
    with transaction.atomic():
        storing.lock_evidence(Document.objects.get(key=document_key).customer)
        document = (
            Document.objects.select_for_update(of=("self",), no_key=True)
            .select_related("customer")
            .get(key=document_key)
        )
        if document.erased_at is not None:
            raise DocumentNotPossible(Text(_("It is erased: nobody can look at it any more.")))
        handed_in = submitting.handed_in_by(by, document.customer)
        if submitting.brought(document, person=by, handed_in=handed_in):
            raise DocumentNotPossible(Text(_("You uploaded it: somebody else judges it.")))
        before = document.verdict
        if (before, document.verdict_note, document.verdict_by_id) == (verdict, note, by.pk):
            return document  # the same click again
        document.verdict, document.verdict_note = verdict, note
        document.verdict_by, document.verdict_at = by, at
        document.save(update_fields=["verdict", "verdict_note", "verdict_by", "verdict_at"])
        audit.record(
            "customers.document.judged",
            document.customer,
            by=by,
            at=at,
            before={"document": document.key, "verdict": before},
            after={"document": document.key, "verdict": verdict},
        )
    return document


def note_looking(
    *, customer: Customer, documents: Iterable[Document], by: User, at: datetime
) -> None:
    """Record that somebody has these documents of one customer shown to them now.

    Once per showing; the pictures themselves are then fetched without writing. Raises NotPermitted.
    """
    require(by, Permission.SEE_KYC_DOCUMENTS)
    shown = [str(document.key) for document in documents]
    with transaction.atomic():
        audit.record(
            "customers.document.viewed", customer, by=by, at=at, after={"documents": shown}
        )


def take_original(*, document_key: UUID, by: User, at: datetime) -> tuple[Document, bytes]:
    """The PDF of a document as it was handed in, to be kept elsewhere; recorded every time.

    Raises NotPermitted, Document.DoesNotExist, DocumentNotPossible, storing.Unreadable.
    """
    require(by, Permission.SEE_KYC_DOCUMENTS)
    document = Document.objects.select_related("customer").get(key=document_key)
    if document.media_type != checking.PDF:
        raise DocumentNotPossible(Text(_("Pictures are shown, with your name on them, alone.")))
    content = storing.read(document)
    with transaction.atomic():
        audit.record(
            "customers.document.downloaded",
            document.customer,
            by=by,
            at=at,
            after={"document": document.key},
        )
    return document, content


def _missing(kind: DocumentKind, sides: Sequence[Side]) -> dict[Side, Sayable]:
    """What this kind of document lacks, or has too much of."""
    if Side.FRONT not in sides:
        return {Side.FRONT: Text(_("Choose a file."))}
    if words.DOCUMENTS.get(kind) and Side.BACK not in sides:
        return {Side.BACK: Text(_("This document has a back, and it is needed too."))}
    if kind in words.DOCUMENTS:
        return {}
    too_many = Text(_("This kind of document is one file."))
    return {side: too_many for side in sides if side != Side.FRONT}


def _check(uploads: Iterable[Upload]) -> dict[Side, Checked]:
    checked: dict[Side, Checked] = {}
    refused: dict[Side, Sayable] = {}
    for upload in uploads:
        try:
            checked[upload.side] = checking.check(
                upload.content, name=upload.name, size=upload.size
            )
        except NotTaken as refusal:
            refused[upload.side] = checking.said(refusal.reason)
        except NoRoom:
            raise DocumentNotPossible(
                Text(_("Many documents are being read at this moment. Try again in a minute."))
            ) from None
    if refused:
        raise FilesRefused(refused)
    return checked


def _known(customer: Customer, checked: Mapping[Side, Checked]) -> dict[Side, Sayable]:
    """The files that this customer's documents hold already, or that were chosen twice."""
    kept = Document.objects.kept().filter(customer__in=Customer.objects.same_as(customer))
    by_hash = {
        document.sha256: document
        for document in kept.filter(sha256__in={one.sha256 for one in checked.values()})
    }
    again: dict[Side, Sayable] = {}
    seen: set[str] = set()
    for side, one in checked.items():
        if found := by_hash.get(one.sha256):
            again[side] = Text(_("This very file is here already, as %(name)s."), name=found.name)
        elif one.sha256 in seen:
            again[side] = Text(_("You chose the same file twice."))
        seen.add(one.sha256)
    return again


def _keep(
    customer: Customer,
    kind: DocumentKind,
    checked: Mapping[Side, Checked],
    *,
    by: User,
    at: datetime,
) -> list[Document]:
    origin = Origin(DocumentOrigin.DESK, by=by)
    try:
        return [
            storing.keep(one, customer=customer, kind=kind, side=side, origin=origin, at=at)
            for side, one in checked.items()
        ]
    except TooMany:
        raise DocumentNotPossible(
            Text(_("This customer has as many documents as one customer may have."))
        ) from None
