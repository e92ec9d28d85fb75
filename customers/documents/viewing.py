"""Looking at documents: asked for once, recorded once, and good for ten minutes.

Pictures are fetched by GET, which writes nothing. So whoever wants to see them presses a button
first; that is recorded, and what comes of it is a signed word, bound to this person, this customer
and the documents that were there, which the address of every picture carries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core import signing
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.timezone import localtime
from django.utils.translation import gettext

from customers.documents import decoding, storing
from customers.documents.checking import PDF
from customers.enums import DocumentKind, Side
from customers.models import Customer, Document
from staff.models import User
from staff.permissions import Permission, can

LOOKING_LASTS: Final = timedelta(minutes=10)
PARAMETER: Final = "look"
_SALT: Final = "customers.documents.looking"


@dataclass(frozen=True)
class Looking:
    """Who looks at whose documents, and since when."""

    customer_id: int
    person_id: int
    since: datetime


@dataclass(frozen=True)
class Sheet:
    """One picture of the viewer: a side of a document, or a page of a PDF."""

    document: Document
    label: str
    url: str
    is_front: bool
    is_selfie: bool


@dataclass(frozen=True)
class Viewer:
    """What `customers/_viewer.html` takes. `sheets` is empty until somebody asks to look."""

    documents: list[Document]
    sheets: list[Sheet]
    look_url: str
    back: str
    may_look: bool

    @property
    def is_open(self) -> bool:
        return bool(self.sheets)


def begin(customer: Customer, *, person: User, at: datetime) -> str:
    """The signed word for a showing that was recorded (`actions.documents.note_looking`).

    It is for the whole person, whichever of their rows was asked for.
    """
    told = {"customer": customer.root_id, "person": person.pk, "since": at.timestamp()}
    return signing.dumps(told, salt=_SALT, compress=True)


def looking(word: str) -> Looking | None:
    """What the word says; None when it is nobody's or too old."""
    try:
        told = signing.loads(word, salt=_SALT, max_age=LOOKING_LASTS)
    except signing.BadSignature:
        return None
    since = datetime.fromtimestamp(told["since"]).astimezone()
    return Looking(told["customer"], told["person"], since)


def may_fetch(document: Document, *, person: User, word: str) -> bool:
    """Whether this person asked to look at this document, a moment ago, and still may."""
    found = looking(word)
    return (
        found is not None
        and can(person, Permission.SEE_KYC_DOCUMENTS)
        and found.person_id == person.pk
        and found.customer_id == root_of(document)
        and document.added_at <= found.since
    )


def viewer(customer: Customer, *, person: User, word: str, back: str) -> Viewer:
    """The viewer of a whole customer's documents, for a page at the address `back`. One query.

    `word` is what the page's address carries under `PARAMETER`, "" for nothing.
    """
    documents = list(documents_of(customer))
    shown = [one for one in documents if may_fetch(one, person=person, word=word)]
    return Viewer(
        documents=documents,
        sheets=[sheet for one in shown for sheet in _sheets(one, word)],
        look_url=reverse("customers:documents-look", args=[customer.pk]),
        back=back,
        may_look=can(person, Permission.SEE_KYC_DOCUMENTS),
    )


def documents_of(customer: Customer) -> Iterable[Document]:
    """Every document of the person that this customer stands for, whose content is here."""
    rows = Document.objects.kept().filter(customer__in=Customer.objects.same_as(customer))
    return rows.select_related("customer", "added_by", "verdict_by").oldest_first()


def root_of(document: Document) -> int:
    """The customer whose page shows it: the one that its own was linked to."""
    return document.customer.merged_into_id or document.customer_id


def picture(document: Document, *, page: int, person: User, at: datetime) -> bytes:
    """One page as a JPEG with the person's name and the moment all over it.

    Raises storing.Unreadable, NotTaken, NoRoom.
    """
    return decoding.picture_of(
        storing.read(document),
        media_type=document.media_type,
        page=page,
        mark=_mark(person, at),
    )


def label(document: Document) -> str:
    """`Passport, front`."""
    kind, side = DocumentKind(document.kind).label, Side(document.side).label
    if document.media_type == PDF and document.side == Side.FRONT:
        return gettext(kind)
    return f"{gettext(kind)}, {gettext(side).lower()}"


def _sheets(document: Document, word: str) -> Iterable[Sheet]:
    for page in range(1, document.pages + 1):
        name = label(document)
        if document.pages > 1:
            told = {"name": name, "page": page, "pages": document.pages}
            name = gettext("%(name)s, page %(page)s of %(pages)s") % told
        address = reverse("customers:document-page", args=[document.key, page])
        yield Sheet(
            document=document,
            label=name,
            url=f"{address}?{urlencode({PARAMETER: word})}",
            is_front=document.side == Side.FRONT,
            is_selfie=document.side == Side.SELFIE,
        )


def _mark(person: User, at: datetime) -> str:
    """Who looks and when, in letters that the font of the child has."""
    name = unicodedata.normalize("NFKD", person.name).encode("ascii", "ignore").decode()
    moment = f"{localtime(at):%Y-%m-%d %H:%M %Z}"
    return "   ".join(part for part in (name, person.email, moment) if part)
