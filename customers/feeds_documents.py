"""Reading the documents that customers handed in at Lux Financial. Nowhere documented (LF-A14).

Only where LUX_READ_KYC_DOCUMENTS is on. Their pictures go through the same checks as those that are
uploaded here: what is not taken is set aside with its reason, and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import F

from customers.documents import checking, storing
from customers.documents.checking import Checked
from customers.documents.decoding import NoRoom
from customers.documents.reasons import NotTaken
from customers.documents.storing import Origin, TooMany
from customers.enums import DocumentKind, DocumentOrigin, Side
from customers.kyc import following
from customers.models import Customer, Document, DocumentReading, Identity, Profile, Submission
from staff import audit
from staff.journal import Journal
from staff.texts import in_english
from upstreams.enums import Upstream
from upstreams.errors import BadPayload, NotFound, Rejected
from upstreams.feeds import Cursor, Feed, FeedPage, StoreCounts, register
from upstreams.lux.client import LuxClient, get_client
from upstreams.lux.schemas import HandedIn
from upstreams.models import RefusedRecord
from upstreams.records import RefusedItem

NAME: Final = "lux.kyc_documents"
EVERY: Final = timedelta(seconds=30)
LEASE: Final = timedelta(minutes=5)  # a customer's pictures are read and decoded one by one
MOST_CUSTOMERS: Final = 10  # per run
REVIEWED: Final = ("under_review", "manual_review")
SIDES: Final[Mapping[str, Side]] = {
    "document_front": Side.FRONT,
    "document_back": Side.BACK,
    "selfie": Side.SELFIE,
}


@dataclass(frozen=True)
class Read:
    """One picture that was read and checked; `id` is the submission's with the picture's name."""

    id: str
    kind: DocumentKind
    side: Side
    checked: Checked


@dataclass(frozen=True)
class ReadDocuments:
    """What is new of one customer's documents. `read_for` is the profile's digest at that time."""

    customer_id: int
    read_for: str
    pictures: Sequence[Read]


def register_feed() -> None:
    if settings.LUX_READ_KYC_DOCUMENTS:
        register(feed())


def feed() -> Feed:
    return Feed(
        name=NAME,
        upstream=Upstream.LUX,
        label="Documents handed in for KYC",
        every=EVERY,
        pages=read_documents,
        store=store_documents,
        lease=LEASE,
    )


def read_documents(cursor: Cursor, now: datetime, full: bool) -> Iterator[FeedPage]:
    """The documents of customers under review who changed since theirs were read, a few a run.

    With `full` those too that were set aside are looked at again.
    """
    if not storing.can_keep():
        yield FeedPage(records=[], remark="No key for documents is set (DOCUMENT_KEYS).")
        return
    client = get_client()
    for profile in due(full=full):
        upstream_id = _upstream_id(profile)
        if not upstream_id:
            continue
        try:
            yield _read_customer(client, profile, upstream_id, full=full)
        except NoRoom:
            yield FeedPage(records=[], remark=f"{upstream_id}: no room to decode it, next time.")
        except (NotFound, Rejected, BadPayload) as problem:  # the others are not kept waiting
            done = ReadDocuments(profile.customer_id, profile.digest, [])
            yield FeedPage(records=[done], remark=f"{upstream_id}: {problem}.")


def due(*, full: bool) -> list[Profile]:
    """The customers whose documents are to be read now, those that wait longest first."""
    rows = Profile.objects.filter(kyc_status__in=REVIEWED).select_related("customer")
    if not full:
        rows = rows.exclude(customer__document_reading__read_for=F("digest"))
    oldest = F("customer__document_reading__read_at").asc(nulls_first=True)
    return list(rows.order_by(oldest, "customer")[:MOST_CUSTOMERS])


def store_documents(records: Sequence[ReadDocuments], at: datetime) -> StoreCounts:
    """Keep what was read, encrypted; cases that waited for it are taken up again."""
    customers = Customer.objects.in_bulk([record.customer_id for record in records])
    for customer_id in sorted(customers):
        storing.lock_evidence(customers[customer_id])
    kept: list[Document] = []
    refused: list[RefusedItem] = []
    for record in records:
        customer = customers[record.customer_id]
        for picture in record.pictures:
            try:
                kept.append(_keep(customer, picture, at=at))
            except TooMany:
                refused.append(_set_aside(picture.id, "The customer has too many documents."))
        DocumentReading.objects.update_or_create(
            customer=customer, defaults={"read_for": record.read_for, "read_at": at}
        )
    if kept:
        journal = Journal(by=None, at=at, by_label=Upstream.LUX.label)
        following.take_up({document.customer_id for document in kept}, journal=journal)
        audit.record_all([storing.added(document) for document in kept], at=at)
        journal.write()
    return StoreCounts(created=len(kept), refused=refused)


def _read_customer(
    client: LuxClient, profile: Profile, upstream_id: str, *, full: bool
) -> FeedPage:
    """Everything of one customer that is not here yet. Raises UpstreamErrors, NoRoom."""
    listed = client.list_kyc_submissions(upstream_id)
    known = _known(profile.customer)
    ours = set(
        Submission.objects.filter(customer=profile.customer)
        .exclude(upstream_id="")
        .values_list("upstream_id", flat=True)
    )
    aside = set() if full else _set_aside_before(upstream_id)
    read: list[Read] = []
    refused = list(listed.refused)
    for submission in listed.items:
        if submission.id in ours:
            continue  # we have what we handed in
        for name in submission.pictures:
            picture_id = _picture_id(submission, name)
            if picture_id in known or picture_id in aside:
                continue
            try:
                read.append(_read_picture(client, upstream_id, submission, name))
            except NotTaken as refusal:
                why = in_english(checking.said(refusal.reason))
                refused.append(_set_aside(picture_id, why, upstream_id=upstream_id))
            except (NotFound, Rejected, BadPayload) as problem:
                refused.append(_set_aside(picture_id, str(problem), upstream_id=upstream_id))
    done = ReadDocuments(profile.customer_id, profile.digest, read)
    return FeedPage(records=[done], refused=refused)


def _read_picture(client: LuxClient, upstream_id: str, submission: HandedIn, name: str) -> Read:
    """One picture, checked and remade. Raises NotTaken, NoRoom, UpstreamErrors."""
    side = SIDES.get(name)
    if side is None:
        raise BadPayload(f"nobody documented a picture called {name}", upstream=Upstream.LUX)
    content = client.get_kyc_picture(upstream_id, submission.id, name)
    kinds = DocumentKind.values
    kind = submission.document_type if submission.document_type in kinds else DocumentKind.OTHER
    return Read(
        id=_picture_id(submission, name),
        kind=DocumentKind(kind),
        side=side,
        checked=checking.check(content),
    )


def _keep(customer: Customer, picture: Read, *, at: datetime) -> Document:
    origin = Origin(DocumentOrigin.UPSTREAM, upstream_id=picture.id)
    return storing.keep(
        picture.checked,
        customer=customer,
        kind=picture.kind,
        side=picture.side,
        origin=origin,
        at=at,
    )


def _picture_id(submission: HandedIn, name: str) -> str:
    return f"{submission.id}:{name}"[:120]


def _known(customer: Customer) -> set[str]:
    return set(customer.documents.exclude(upstream_id="").values_list("upstream_id", flat=True))


def _set_aside(picture_id: str, why: str, *, upstream_id: str = "") -> RefusedItem:
    """Without its bytes: what was not taken is nowhere kept."""
    return RefusedItem(picture_id, {"customer": upstream_id, "picture": picture_id}, why)


def _set_aside_before(upstream_id: str) -> set[str]:
    rows = RefusedRecord.objects.filter(
        upstream=Upstream.LUX, source=NAME, resolved_at=None, payload__contains=upstream_id
    )
    return set(rows.values_list("record_id", flat=True))


def _upstream_id(profile: Profile) -> str:
    found = Identity.objects.filter(customer=profile.customer_id, upstream=Upstream.LUX)
    return found.order_by("pk").values_list("upstream_id", flat=True).first() or ""
