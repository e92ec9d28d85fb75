"""Uploading, looking at and judging documents, by every role."""

from __future__ import annotations

import io
import tracemalloc
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from customers.actions import documents as actions
from customers.actions.documents import DocumentNotPossible, FilesRefused
from customers.documents import viewing
from customers.enums import DocumentKind, DocumentVerdict, Side
from customers.models import Content, Customer, Document
from staff import audit
from staff.models import AuditEvent, User
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers import files
from tests.customers.documents import add, file, reviewer, several
from tests.customers.factories import CustomerFactory, DocumentFactory
from tests.customers.files import CANARY
from tests.staff.factories import UserFactory

pytestmark = pytest.mark.django_db

BACK = files.picture(width=200, height=120)
SELFIE = files.picture("JPEG", width=220, height=260)


def signed_in(person: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(person)
    return client


def upload(
    client: Client, customer: Customer, kind: DocumentKind = DocumentKind.PASSPORT, **sent: Any
) -> HttpResponse:
    address = reverse("customers:documents-add", args=[customer.pk])
    named = {
        side: content
        if isinstance(content, SimpleUploadedFile)
        else SimpleUploadedFile(f"{side}.png", content, "image/png")
        for side, content in sent.items()
    }
    return client.post(address, {"kind": kind, **named})


def look(client: Client, customer: Customer, **told: str) -> str:
    """The address one is led to after asking to look."""
    answer = client.post(reverse("customers:documents-look", args=[customer.pk]), told)
    assert answer.status_code == 302
    return str(answer["Location"])


def page_of(document: Document, address: str, number: int = 1) -> str:
    (word,) = parse_qs(urlsplit(address).query)[viewing.PARAMETER]
    return reverse("customers:document-page", args=[document.key, number]) + f"?look={word}"


class TestAdding:
    def test_a_document_with_its_sides(self) -> None:
        customer, person = CustomerFactory(), reviewer()

        answer = upload(
            signed_in(person),
            customer,
            DocumentKind.NATIONAL_ID,
            front=files.picture(),
            back=BACK,
            selfie=SimpleUploadedFile("me.jpg", SELFIE),
        )

        assert answer["Location"] == reverse("customers:documents", args=[customer.pk])
        kept = {document.side: document for document in customer.documents.all()}
        assert set(kept) == set(Side.values)
        assert {document.added_by for document in kept.values()} == {person}
        assert kept["selfie"].name.startswith("national_id-selfie-")
        events = AuditEvent.objects.filter(verb="customers.document.added")
        assert events.count() == 3
        assert audit.verify().ok

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        person = UserFactory(roles=[role])
        if Permission.PROPOSE_KYC in ROLES[role]:
            assert add(by=person)
            return
        with pytest.raises(NotPermitted):
            add(by=person)

    @pytest.mark.parametrize(
        ("kind", "sides", "wrong"),
        [
            (DocumentKind.PASSPORT, [Side.FRONT], None),
            (DocumentKind.PASSPORT, [Side.SELFIE], Side.FRONT),
            (DocumentKind.DRIVERS_LICENSE, [Side.FRONT], Side.BACK),
            (DocumentKind.DRIVERS_LICENSE, [Side.FRONT, Side.BACK], None),
            (DocumentKind.NATIONAL_ID, [Side.FRONT, Side.SELFIE], Side.BACK),
            (DocumentKind.PROOF_OF_ADDRESS, [Side.FRONT], None),
            (DocumentKind.OTHER, [Side.FRONT, Side.BACK], Side.BACK),
            (DocumentKind.OWNERSHIP, [], Side.FRONT),
        ],
    )
    def test_knows_which_sides_belong_to_a_document(
        self, kind: DocumentKind, sides: list[Side], wrong: Side | None
    ) -> None:
        uploads = [
            file(side, files.picture(width=100 + number)) for number, side in enumerate(sides)
        ]
        if wrong is None:
            assert len(add(*uploads, kind=kind)) == len(sides)
            return
        with pytest.raises(FilesRefused) as refusal:
            actions.add_documents(
                customer=CustomerFactory(),
                kind=kind,
                uploads=uploads,
                by=reviewer(),
                at=timezone.now(),
            )
        assert set(refusal.value.says) == {wrong}

    def test_all_or_none(self) -> None:
        customer = CustomerFactory()

        answer = upload(
            signed_in(reviewer()),
            customer,
            DocumentKind.NATIONAL_ID,
            front=files.picture(),
            back=SimpleUploadedFile("back.svg", b"<svg></svg>"),
        )

        assert answer.status_code == 422
        assert "which can run scripts" in answer.content.decode()
        assert "Nothing was kept" in answer.content.decode()
        assert not Document.objects.exists() and not Content.objects.exists()

    def test_the_same_file_twice_is_known(self) -> None:
        customer = CustomerFactory()
        (first,) = add(customer=customer)

        with pytest.raises(FilesRefused, match="front") as refusal:
            add(customer=customer)
        with pytest.raises(FilesRefused) as twice:
            add(file(), file(Side.SELFIE), customer=CustomerFactory())

        assert first.name in str(refusal.value.says[Side.FRONT])
        assert "the same file twice" in str(twice.value.says[Side.SELFIE])
        assert add(customer=CustomerFactory(email="else@example.com"))

    def test_says_when_no_key_is_set(self, settings: Settings) -> None:
        settings.DOCUMENT_KEYS = []
        customer = CustomerFactory()

        answer = upload(signed_in(reviewer()), customer, front=files.picture())

        assert answer.status_code == 422
        assert "No key for documents is set" in answer.content.decode()

    def test_there_is_an_end_to_it(self, settings: Settings) -> None:
        settings.DOCUMENTS_PER_CUSTOMER = 2
        customer = CustomerFactory()
        several(2, customer)

        with pytest.raises(DocumentNotPossible, match="as many documents"):
            add(customer=customer)

    def test_no_name_of_theirs_is_kept(self) -> None:
        customer = CustomerFactory()
        name = f"../../{CANARY.decode()}\u202e.png"

        upload(signed_in(reviewer()), customer, front=SimpleUploadedFile(name, files.picture()))

        document = customer.documents.get()
        assert document.name == f"passport-front-{str(document.key)[:8]}.png"
        events = str(list(AuditEvent.objects.values_list("after", flat=True)))
        assert CANARY.decode() not in events


class TestTooMuch:
    def test_one_byte_more_is_413(self, settings: Settings) -> None:
        content = files.picture()
        settings.DOCUMENT_MAX_BYTES = len(content) - 1
        customer = CustomerFactory()

        answer = upload(signed_in(reviewer()), customer, front=content)

        assert answer.status_code == 413
        assert "larger than" in answer.content.decode()
        assert not Document.objects.exists()

    def test_fifty_megabytes_are_refused_unread(self) -> None:
        customer, client = CustomerFactory(), signed_in(reviewer())
        address = reverse("customers:documents-add", args=[customer.pk])

        answer = client.post(
            address,
            data=b"",
            content_type="multipart/form-data; boundary=x",
            CONTENT_LENGTH=str(50_000_000),
            **{"wsgi.input": Unreadable()},
        )

        assert answer.status_code == 413

    def test_a_body_without_a_length_is_refused_unread(self) -> None:
        customer, client = CustomerFactory(), signed_in(reviewer())
        address = reverse("customers:documents-add", args=[customer.pk])

        answer = client.post(
            address,
            data=b"",
            content_type="multipart/form-data; boundary=x",
            CONTENT_LENGTH="",
            HTTP_TRANSFER_ENCODING="chunked",
            **{"wsgi.input": Unreadable()},
        )

        assert answer.status_code == 413

    def test_of_a_long_file_nothing_is_kept_in_memory(self) -> None:
        customer, client = CustomerFactory(), signed_in(reviewer())
        long = SimpleUploadedFile("a.png", files.picture() + b"\x00" * 25_000_000)
        body = encode_multipart(BOUNDARY, {"kind": "passport", "front": long})
        address = reverse("customers:documents-add", args=[customer.pk])
        tracemalloc.start()
        try:
            answer = client.generic("POST", address, body, content_type=MULTIPART_CONTENT)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert answer.status_code == 413
        # What was kept of it until it was too long; the body itself is the test's own.
        assert peak - len(body) < 16_000_000

    def test_a_hundred_files_are_too_many(self) -> None:
        customer, client = CustomerFactory(), signed_in(reviewer())
        address = reverse("customers:documents-add", args=[customer.pk])
        many = {f"f{number}": SimpleUploadedFile("a.png", b"1") for number in range(99)}

        answer = client.post(address, {"kind": "passport", **many})

        assert answer.status_code in (400, 403, 413, 422)
        assert not Document.objects.exists()

    def test_a_form_from_elsewhere_is_refused(self) -> None:
        customer = CustomerFactory()
        client = signed_in(reviewer(), enforce_csrf_checks=True)

        assert upload(client, customer, front=files.picture()).status_code == 403
        assert not Document.objects.exists()


class TestLooking:
    def test_is_recorded_once_and_good_for_ten_minutes(self) -> None:
        customer, person = CustomerFactory(), reviewer()
        add(
            file(),
            file(Side.BACK, BACK),
            file(Side.SELFIE, SELFIE, "s.jpg"),
            customer=customer,
            kind=DocumentKind.NATIONAL_ID,
        )
        client = signed_in(person)
        with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False) as clock:
            address = look(client, customer)
            shown = client.get(address.partition("#")[0]).content.decode()
            document = customer.documents.first()
            assert document is not None
            first = client.get(page_of(document, address))
            clock.shift(timedelta(minutes=9, seconds=58))
            last = client.get(page_of(document, address))
            clock.shift(timedelta(seconds=4))
            late = client.get(page_of(document, address))

        assert shown.count('<figure class="plate"') == 3
        assert [first.status_code, last.status_code, late.status_code] == [200, 200, 404]
        event = AuditEvent.objects.get(verb="customers.document.viewed")
        assert (event.by, event.subject_id) == (person, str(customer.pk))
        assert len(event.after["documents"]) == 3

    def test_asked_for_at_a_linked_row_shows_the_whole_person(self) -> None:
        """A case stays with the row that it was opened for."""
        root = CustomerFactory()
        customer = CustomerFactory(merged_into=root)
        (theirs,) = add(customer=customer)
        (of_root,) = add(file(Side.FRONT, BACK), customer=root)
        client = signed_in(reviewer())

        address = look(client, customer)

        for document in (theirs, of_root):
            assert client.get(page_of(document, address)).status_code == 200

    def test_a_picture_is_ours_and_stays_nowhere(self) -> None:
        customer, person = CustomerFactory(), reviewer()
        (document,) = add(customer=customer)
        client = signed_in(person)

        answer = client.get(page_of(document, look(client, customer)))

        assert answer["Content-Type"] == "image/jpeg"
        assert answer["Cache-Control"] == "no-store"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "default-src 'none'" in answer["Content-Security-Policy"]
        name = f"passport-front-{str(document.key)[:8]}-1.jpg"
        assert answer["Content-Disposition"] == f'inline; filename="{name}"'
        assert Image.open(io.BytesIO(answer.content)).format == "JPEG"
        assert client.get(reverse("customers:document", args=[document.key])).status_code == 404

    def test_fetching_pictures_writes_nothing(self) -> None:
        customer = CustomerFactory()
        (document,) = add(customer=customer)
        client = signed_in(reviewer())
        address = page_of(document, look(client, customer))
        client.get(address)

        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(address)

        assert not [q for q in asked if q["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]

    @pytest.mark.parametrize("role", Role)
    def test_is_for_those_who_may(self, role: Role) -> None:
        customer = CustomerFactory()
        (document,) = add(customer=customer)
        colleague = signed_in(reviewer())
        theirs = page_of(document, look(colleague, customer))
        client = signed_in(UserFactory(roles=[role]))
        may = Permission.SEE_KYC_DOCUMENTS in ROLES[role]

        asked = client.post(reverse("customers:documents-look", args=[customer.pk]))
        borrowed = client.get(theirs)
        download = client.post(reverse("customers:document-download", args=[document.key]))

        assert asked.status_code == (302 if may else 403)
        assert borrowed.status_code == (404 if may else 403)
        assert download.status_code == (302 if may else 403)

    def test_a_word_for_one_customer_opens_no_other(self) -> None:
        customer, other = CustomerFactory(), CustomerFactory(email="else@example.com")
        add(customer=customer)
        (theirs,) = add(customer=other)
        client = signed_in(reviewer())

        address = look(client, customer)

        assert client.get(page_of(theirs, address)).status_code == 404
        assert client.get(page_of(theirs, address).replace("look=", "look=x")).status_code == 404

    def test_what_came_later_was_not_recorded_and_is_not_shown(self) -> None:
        customer = CustomerFactory()
        add(customer=customer)
        client = signed_in(reviewer())
        address = look(client, customer)

        (later,) = add(file(content=BACK), customer=customer)

        assert client.get(page_of(later, address)).status_code == 404

    def test_a_role_that_is_gone_shows_nothing(self) -> None:
        customer, person = CustomerFactory(), reviewer()
        (document,) = add(customer=customer)
        client = signed_in(person)
        address = page_of(document, look(client, customer))

        person.grants.all().delete()

        assert client.get(address).status_code == 403

    @pytest.mark.parametrize(
        ("wanted", "led_to"),
        [
            ("/kyc/kyc-ABC234/?tab=facts", "/kyc/kyc-ABC234/"),
            ("https://evil.example.com/", "/customers/"),
            ("//evil.example.com/", "/customers/"),
            ("javascript:alert(1)", "/customers/"),
        ],
    )
    def test_leads_back_to_our_own_pages_only(self, wanted: str, led_to: str) -> None:
        customer = CustomerFactory()
        add(customer=customer)

        address = look(signed_in(reviewer()), customer, next=wanted)

        assert address.startswith(led_to)
        assert "look=" in address

    def test_pages_of_a_pdf_and_no_more(self) -> None:
        customer = CustomerFactory()
        (document,) = add(file(content=files.pdf(pages=2), name="a.pdf"), customer=customer)
        client = signed_in(reviewer())
        address = look(client, customer)

        found = [client.get(page_of(document, address, page)).status_code for page in range(4)]

        assert found == [404, 200, 200, 404]

    def test_a_pdf_is_handed_out_as_an_attachment_and_noted(self) -> None:
        customer, person = CustomerFactory(), reviewer()
        content = files.pdf(pages=2)
        (document,) = add(file(content=content, name="a.pdf"), customer=customer)

        answer = signed_in(person).post(reverse("customers:document-download", args=[document.key]))

        assert answer.content == content
        assert answer["Content-Disposition"] == f'attachment; filename="{document.name}"'
        assert "sandbox" in answer["Content-Security-Policy"]
        assert AuditEvent.objects.get(verb="customers.document.downloaded").by == person

    def test_a_picture_is_never_handed_out_without_a_name_on_it(self) -> None:
        (document,) = add()

        with pytest.raises(DocumentNotPossible, match="alone"):
            actions.take_original(document_key=document.key, by=reviewer(), at=timezone.now())

    def test_an_auditor_reads_the_list_and_sees_no_picture(self) -> None:
        customer = CustomerFactory()
        add(customer=customer)
        client = signed_in(UserFactory(roles=["auditor"]))

        page = client.get(reverse("customers:documents", args=[customer.pk])).content.decode()

        assert "1 document is kept here" in page
        assert "Look at the documents" not in page

    def test_fifty_documents_cost_what_one_does(self) -> None:
        one, many = CustomerFactory(), CustomerFactory(email="else@example.com")
        DocumentFactory(customer=one)
        DocumentFactory.create_batch(50, customer=many)
        client = signed_in(reviewer())
        counts = []
        for customer in (one, many):
            address = reverse("customers:documents", args=[customer.pk])
            client.get(address)
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            counts.append(len(asked))

        assert counts[0] == counts[1]


class TestJudging:
    def judge(self, document: Document, **told: Any) -> Document:
        wanted = {"verdict": DocumentVerdict.ACCEPTED, "note": ""} | told
        by = wanted.pop("by", None) or reviewer()
        return actions.judge_document(document_key=document.key, by=by, at=timezone.now(), **wanted)

    def test_is_kept_and_on_the_trail_without_its_note(self) -> None:
        (document,) = add()

        self.judge(document, verdict=DocumentVerdict.ASK_AGAIN, note="Lucía's name is cut off.")

        document.refresh_from_db()
        event = AuditEvent.objects.get(verb="customers.document.judged")
        assert (document.verdict, document.verdict_note) == (
            "ask_again",
            "Lucía's name is cut off.",
        )
        assert event.after["verdict"] == "ask_again"
        assert "Lucía" not in str((event.before, event.after, event.reason))

    def test_never_by_who_uploaded_it(self) -> None:
        person = reviewer()
        (document,) = add(by=person)

        with pytest.raises(DocumentNotPossible, match="somebody else judges it"):
            self.judge(document, by=person)

    @pytest.mark.parametrize("verdict", [DocumentVerdict.ASK_AGAIN, DocumentVerdict.REJECTED])
    def test_a_no_needs_words(self, verdict: DocumentVerdict) -> None:
        (document,) = add()

        with pytest.raises(DocumentNotPossible, match="what is wrong"):
            self.judge(document, verdict=verdict, note="  ")

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, role: Role) -> None:
        document, person = DocumentFactory(), UserFactory(roles=[role])
        if Permission.PROPOSE_KYC in ROLES[role]:
            assert self.judge(document, by=person).verdict_by == person
            return
        with pytest.raises(NotPermitted):
            self.judge(document, by=person)

    def test_by_the_page(self) -> None:
        document = DocumentFactory()
        client = signed_in(reviewer())
        address = reverse("customers:document-judge", args=[document.key])

        client.post(address, {"verdict": "rejected", "note": ""})
        document.refresh_from_db()
        assert document.verdict == ""
        client.post(address, {"verdict": "rejected", "note": "A photo of a screen."})

        document.refresh_from_db()
        assert document.verdict == "rejected"


class Unreadable(io.BytesIO):
    """A body that fails the test when anybody reads it."""

    def read(self, size: int | None = -1) -> bytes:
        raise AssertionError("the body was read")
