"""Documents that customers handed in at Lux Financial, read, checked and kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from customers import feeds_documents
from customers.actions import documents as document_actions
from customers.documents import storing
from customers.enums import CaseStatus, DocumentOrigin, DocumentVerdict, SubmissionStatus
from customers.models import Document, DocumentReading, KycCase, Profile
from staff.models import AuditEvent, User
from tests.customers import files
from tests.customers.factories import DocumentFactory, ProfileFactory, SubmissionFactory
from tests.customers.files import CANARY
from tests.customers.lux import Place
from tests.customers.test_documents import signed_in
from tests.staff.factories import UserFactory
from upstreams import feeds
from upstreams.enums import RunState
from upstreams.feeds import registry
from upstreams.lux.calls.customers import Picture, kyc_body
from upstreams.lux.schemas import CustomerRecord
from upstreams.models import FeedRun, RefusedRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place()
    monkeypatch.setattr(feeds_documents, "get_client", made.get_client)
    monkeypatch.setitem(registry._feeds, feeds_documents.NAME, feeds_documents.feed())
    yield made
    made.close()


def in_review(place: Place, *pictures: bytes, kind: str = "passport") -> Profile:
    """Somebody who handed in these pictures at Lux Financial by themselves."""
    record = place.newcomer()
    shown = [Picture("image/png", content) for content in pictures]
    hand_in(place, record, shown, kind)
    return ProfileFactory(in_review=True, upstream_id=record.id, digest=record.id[-8:])


def hand_in(place: Place, record: CustomerRecord, shown: list[Picture], kind: str) -> None:
    names = ("front", "back", "selfie") if kind != "passport" else ("front", "selfie")
    told: dict[str, Any] = dict(zip(names, shown, strict=False))
    place.client.submit_kyc(record.id, kyc_body(kind, **told), idempotency_key=record.id)


def read(**told: Any) -> FeedRun:
    run = feeds.run(feeds_documents.NAME, **told)
    assert run is not None
    return run


def test_reads_checks_and_keeps_what_they_handed_in(place: Place) -> None:
    profile = in_review(place, files.picture(), files.with_text())

    run = read()

    kept = {document.side: document for document in Document.objects.all()}
    assert (run.state, run.created, set(kept)) == (RunState.DONE, 2, {"front", "selfie"})
    assert {document.origin for document in kept.values()} == {DocumentOrigin.UPSTREAM}
    assert {document.kind for document in kept.values()} == {"passport"}
    assert {document.customer_id for document in kept.values()} == {profile.customer_id}
    assert CANARY not in storing.read(kept["selfie"])
    assert AuditEvent.objects.filter(verb="customers.document.added", by=None).count() == 2


def test_reads_once_until_something_changes(place: Place) -> None:
    profile = in_review(place, files.picture())
    read()
    place.calls.clear()

    read()
    assert place.calls == []
    Profile.objects.filter(pk=profile.pk).update(digest="another")
    run = read()

    assert (run.created, len(place.calls)) == (0, 1)  # the list alone: its picture is here
    assert DocumentReading.objects.get().read_for == "another"


def test_only_while_they_are_under_review(place: Place) -> None:
    profile = in_review(place, files.picture())
    Profile.objects.filter(pk=profile.pk).update(kyc_status="approved")

    place.calls.clear()

    read()

    assert place.calls == []


def test_what_is_not_taken_is_set_aside_with_its_reason_and_not_asked_for_again(
    place: Place,
) -> None:
    profile = in_review(place, b"<svg><script>alert(1)</script></svg>", files.picture())

    run = read()

    refused = RefusedRecord.objects.get()
    assert (run.created, run.refused) == (1, 1)
    assert refused.record_id.endswith(":document_front")
    assert "which can run scripts" in refused.reason
    assert "svg>" not in refused.payload
    place.calls.clear()
    Profile.objects.filter(pk=profile.pk).update(digest="another")
    read()
    assert len(place.calls) == 1
    read(full=True)
    assert RefusedRecord.objects.get().times_seen == 2


def test_not_what_we_handed_in_ourselves(place: Place) -> None:
    profile = in_review(place, files.picture())
    (there,) = place.client.list_kyc_submissions(
        profile.customer.identities.get().upstream_id
    ).items
    SubmissionFactory(customer=profile.customer, upstream_id=there.id, status="accepted")

    assert read().created == 0


@pytest.mark.parametrize(
    ("status", "upstream_id", "is_refused"),
    [
        (SubmissionStatus.UNKNOWN, "", True),
        (SubmissionStatus.ACCEPTED, "", True),
        (SubmissionStatus.REFUSED, "", False),
        (SubmissionStatus.ACCEPTED, "sub_another", False),
    ],
)
def test_what_may_be_a_copy_of_ours_is_not_judged_by_who_handed_it_in(
    place: Place, status: SubmissionStatus, upstream_id: str, is_refused: bool
) -> None:
    profile = in_review(place, files.picture())
    uploader, other = (UserFactory(roles=["reviewer"]) for _ in range(2))
    ours = DocumentFactory(
        customer=profile.customer, added_by=uploader, origin=DocumentOrigin.DESK, upstream_id=""
    )
    SubmissionFactory(
        customer=profile.customer,
        front=ours,
        created_by=other,
        status=status,
        upstream_id=upstream_id,
    )
    read()
    copy = Document.objects.exclude(pk=ours.pk).get()

    def judge(by: User) -> Document:
        return document_actions.judge_document(
            document_key=copy.key,
            verdict=DocumentVerdict.ACCEPTED,
            note="",
            by=by,
            at=timezone.now(),
        )

    client = signed_in(uploader)
    shown = client.get(reverse("customers:documents", args=[profile.customer_id])).text
    assert ("You uploaded it" in shown.partition(f"d-{copy.key}")[2]) == is_refused
    assert judge(UserFactory(roles=["reviewer"])).verdict == DocumentVerdict.ACCEPTED
    for person in (uploader, other):
        if is_refused:
            with pytest.raises(document_actions.DocumentNotPossible, match="somebody else"):
                judge(person)
        else:
            assert judge(person).verdict_by == person


def test_a_case_that_waited_for_them_is_taken_up_again(place: Place) -> None:
    profile = in_review(place, files.picture())
    case = KycCase.objects.create(
        customer=profile.customer,
        status=CaseStatus.WAITING,
        opened_at=timezone.now(),
        opened_for="under_review",
        due_at=timezone.now(),
    )

    read()

    case.refresh_from_db()
    assert case.status == CaseStatus.OPEN


def test_a_few_customers_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds_documents, "MOST_CUSTOMERS", 2)
    for _ in range(3):
        in_review(place, files.picture())

    assert [read().created for _ in range(3)] == [2, 1, 0]


def test_one_who_cannot_be_read_keeps_nobody_waiting(place: Place) -> None:
    ProfileFactory(in_review=True, upstream_id="cus_gone", customer__email="gone@example.com")
    in_review(place, files.picture())

    run = read()

    assert (run.state, run.created) == (RunState.DONE, 1)
    assert "cus_gone" in run.error


def test_without_a_key_nothing_is_asked_for(place: Place, settings: Settings) -> None:
    in_review(place, files.picture())
    place.calls.clear()
    settings.DOCUMENT_KEYS = []

    run = read()

    assert "DOCUMENT_KEYS" in run.error
    assert place.calls == []


def test_invented_customers_have_real_looking_documents(place: Place) -> None:
    person = {"type": "individual", "first_name": "Lucía", "last_name": "Núñez Sosa"}
    people = [
        place.control(
            "/lux/customers",
            {**person, "email": f"lucia{number}@example.com", "kyc_status": "under_review"},
        )["customers"][0]
        for number in range(3)
    ]
    for one in people:
        submissions = place.client.list_kyc_submissions(one["id"])
        again = place.client.list_kyc_submissions(one["id"])
        assert submissions == again
        (submission,) = submissions.items
        assert {"document_front", "selfie"} <= set(submission.pictures)
        for name in submission.pictures:
            picture = place.client.get_kyc_picture(one["id"], submission.id, name)
            assert Image.open(io.BytesIO(picture)).width >= 900
            assert picture == place.client.get_kyc_picture(one["id"], submission.id, name)
