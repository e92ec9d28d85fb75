"""Documents handed in at Lux Financial: once, on a customer's behalf, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.actions import documents as document_actions
from customers.actions import submissions as actions
from customers.actions.documents import DocumentNotPossible
from customers.documents import storing, submitting
from customers.enums import DocumentKind, DocumentVerdict, Side, SubmissionStatus
from customers.models import SUBMISSION_MOVES, Content, Customer, Document, Submission
from staff.models import AuditEvent
from staff.permissions import ROLES, NotPermitted, Permission, Role
from tests.customers import files
from tests.customers.documents import add, file, reviewer
from tests.customers.factories import ProfileFactory
from tests.customers.lux import Place
from tests.staff.factories import UserFactory
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.errors import Conflict, NotFound, Rejected, Unknown
from upstreams.lux import words
from upstreams.models import Command

pytestmark = pytest.mark.django_db

NAMING = "James Smith (james@example.com), born 1990-01-31, sends others' papers."
BACK = files.picture(width=200, height=120)
PATH = "/customers/{id}/kyc"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place()
    monkeypatch.setattr(submitting, "get_client", made.get_client)
    monkeypatch.setattr("upstreams.credentials.fingerprint", lambda upstream: "key")
    monkeypatch.setattr("upstreams.credentials.in_use", lambda: {"key"})
    yield made
    made.close()


@pytest.fixture
def customer(place: Place) -> Customer:
    """Somebody who has begun nothing at Lux Financial."""
    record = place.customer()
    profile = ProfileFactory(kyc_status=record.kyc_status, upstream_id=record.id)
    return profile.customer


def passport(customer: Customer) -> Document:
    return add(file(), customer=customer)[0]


def submit(document: Document, **told: Any) -> Submission:
    by = told.pop("by", None) or reviewer()
    return actions.submit_documents(
        customer=document.customer, front_key=document.key, by=by, at=timezone.now()
    )[0]


def deliver() -> CommandState | None:
    Command.objects.update(next_at=timezone.now(), lease_until=None)
    return outbox.deliver(Command.objects.get().pk)


def theirs(place: Place) -> str:
    (customer,) = place.customers()
    return str(customer["kyc_status"])


class TestHandingIn:
    def test_brings_the_pictures_and_puts_them_under_review(
        self, place: Place, customer: Customer
    ) -> None:
        front, _ = add(
            file(), file(Side.BACK, BACK), customer=customer, kind=DocumentKind.NATIONAL_ID
        )
        submission = submit(front)

        assert deliver() == CommandState.DONE

        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.ACCEPTED
        assert submission.upstream_id.startswith("kyc_")
        assert theirs(place) == "under_review"
        verbs = AuditEvent.objects.filter(verb__startswith="customers.submission")
        assert [event.verb.rpartition(".")[2] for event in verbs.order_by("sequence")] == [
            "asked",
            "sending",
            "accepted",
        ]

    def test_what_waits_to_be_sent_holds_no_picture(self, place: Place, customer: Customer) -> None:
        document = passport(customer)
        submit(document)

        body = json.loads(Command.objects.get().request_bytes)

        assert body["documents"] == [str(document.key)]
        assert len(Command.objects.get().request_bytes) < 300

    def test_once(self, place: Place, customer: Customer) -> None:
        document = passport(customer)
        submit(document)

        with pytest.raises(DocumentNotPossible, match="on their way"):
            submit(document)

        assert Submission.objects.count() == Command.objects.count() == 1

    @pytest.mark.parametrize("role", Role)
    def test_asks_for_the_right(self, place: Place, customer: Customer, role: Role) -> None:
        document, person = passport(customer), UserFactory(roles=[role])
        if Permission.PROPOSE_KYC in ROLES[role]:
            assert submit(document, by=person).created_by == person
            return
        with pytest.raises(NotPermitted):
            submit(document, by=person)

    @pytest.mark.parametrize("status", [*words.KYC_STATUSES, "a_new_word"])
    def test_only_while_they_take_documents(
        self, place: Place, customer: Customer, status: str
    ) -> None:
        customer.profile.kyc_status = status
        customer.profile.save()
        document = passport(customer)
        if status in ("not_started", "pending", "incomplete"):
            assert submit(document)
            return
        with pytest.raises(DocumentNotPossible, match="takes no documents while"):
            submit(document)

    def test_not_what_was_found_wanting_or_is_half(self, place: Place, customer: Customer) -> None:
        bad = passport(customer)
        document_actions.judge_document(
            document_key=bad.key,
            verdict=DocumentVerdict.REJECTED,
            note="A photo of a screen.",
            by=reviewer(),
            at=timezone.now(),
        )
        (bill,) = add(file(content=BACK), customer=customer, kind=DocumentKind.PROOF_OF_ADDRESS)

        for document in (bad, bill):
            with pytest.raises(DocumentNotPossible, match="cannot be handed in"):
                submit(document)

    def test_not_without_lux(self) -> None:
        (document,) = add()

        with pytest.raises(DocumentNotPossible, match="does not know this customer"):
            submit(document)


class TestWhatBecameOfIt:
    def test_a_lost_reply_is_sent_again_under_the_same_key(
        self, place: Place, customer: Customer
    ) -> None:
        place.fault("drop", method="POST", path="/customers/*/kyc")
        submission = submit(passport(customer))

        assert deliver() == CommandState.UNKNOWN
        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.UNKNOWN
        assert deliver() == CommandState.DONE

        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.ACCEPTED
        with place.sandbox.store.transaction() as db:
            assert db.execute("SELECT count(*) FROM lf_submission").fetchone()[0] == 1

    def test_after_a_day_their_word_on_the_customer_is_read_first(
        self, place: Place, customer: Customer
    ) -> None:
        place.fault("drop", method="POST", path="/customers/*/kyc")
        submission = submit(passport(customer))
        deliver()
        Command.objects.update(first_sent_at=timezone.now() - timedelta(days=2))
        place.calls.clear()

        assert deliver() == CommandState.DONE

        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.ACCEPTED
        assert [method for method, _ in place.calls] == ["GET"]

    def test_a_customer_who_moved_on_meanwhile_is_a_clear_no(
        self, place: Place, customer: Customer
    ) -> None:
        submission = submit(passport(customer))
        (there,) = place.customers()
        place.control(f"/lux/customers/{there['id']}/kyc/under_review", {"force": True})

        assert deliver() == CommandState.REFUSED

        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.REFUSED
        assert "No documents are taken" in submitting.tell(submission, None).known
        event = AuditEvent.objects.get(verb="customers.submission.refused")
        assert event.reason == submitting.NOT_NOW

    @pytest.mark.parametrize(
        "error",
        [
            Rejected(NAMING, code="invalid_request"),
            NotFound(NAMING),
            Conflict(NAMING, code="conflict"),
            Unknown(NAMING),
        ],
    )
    def test_their_words_are_kept_in_no_audit_event_and_shown_nowhere(
        self, monkeypatch: Any, place: Place, customer: Customer, error: Exception
    ) -> None:
        submission = submit(passport(customer))

        def no(*_: Any, **__: Any) -> Any:
            raise error

        monkeypatch.setattr(place.client, "submit_kyc", no)

        assert deliver() in (CommandState.REFUSED, CommandState.UNKNOWN)

        submission.refresh_from_db()
        kept = [*AuditEvent.objects.values_list("reason", "before", "after")]
        shown = [submission.status_reason, submitting.tell(submission, Command.objects.get())]
        for told in ("Smith", "james@example.com", "1990-01-31"):
            assert told not in str([*kept, *shown])

    def test_what_people_say_of_it_is_masked_on_the_page(
        self, place: Place, customer: Customer
    ) -> None:
        submission = submit(passport(customer))
        why = "James@example.com, born 1990-01-31, sent others."
        Submission.objects.update(status=SubmissionStatus.REFUSED, status_reason=why)
        client = Client()
        client.force_login(reviewer())

        page = client.get(reverse("customers:documents", args=[submission.customer_id]))

        text = page.content.decode()
        assert "Lux Financial did not take them." in text
        assert "sent others." in text
        assert "James@example.com" not in text
        assert "1990-01-31" not in text

    def test_a_document_that_cannot_be_read_is_not_sent(
        self, place: Place, customer: Customer
    ) -> None:
        submission = submit(passport(customer))
        Content.objects.update(sealed=b"x" * 100)

        assert deliver() == CommandState.REFUSED

        submission.refresh_from_db()
        assert submission.status == SubmissionStatus.REFUSED
        assert not [path for method, path in place.calls if path.endswith("/kyc")]

    def test_people_settle_what_no_machine_can(self, place: Place, customer: Customer) -> None:
        submission = submit(passport(customer))
        for _ in range(9):
            place.fault("drop_before", method="POST", path="/customers/*/kyc")
            place.fault("drop_before", method="GET", path="/customers/*")
        Command.objects.update(state=CommandState.UNKNOWN, next_at=None, credential="key")
        Submission.objects.update(status=SubmissionStatus.UNKNOWN)

        with pytest.raises(DocumentNotPossible, match="Say how you know"):
            self.settle(submission, reason=" ")
        settled = self.settle(submission)

        assert settled.status == SubmissionStatus.REFUSED
        event = AuditEvent.objects.get(verb="customers.submission.settled")
        assert event.reason == "I looked there."

    def settle(self, submission: Submission, reason: str = "I looked there.") -> Submission:
        return actions.settle_submission(
            code=submission.code, is_there=False, reason=reason, by=reviewer(), at=timezone.now()
        )


def test_every_move_is_in_the_table() -> None:
    assert set(SUBMISSION_MOVES) == set(SubmissionStatus)
    for current in SubmissionStatus:
        for wanted in SubmissionStatus:
            submission = Submission(status=current)
            assert submission.can_become(wanted) == (wanted in SUBMISSION_MOVES[current])


class TestThePages:
    def test_confirm_restates_and_the_receipt_names_the_audit(
        self, place: Place, customer: Customer
    ) -> None:
        document = passport(customer)
        client = Client()
        client.force_login(reviewer())
        address = reverse("customers:documents-submit", args=[customer.pk])

        asked = client.get(address).content.decode()
        answer = client.post(address, {"front": str(document.key)}, follow=True)

        assert "Passport: front" in asked
        number = AuditEvent.objects.get(verb="customers.submission.asked").sequence
        assert f"(audit #{number})" in answer.content.decode()
        assert "on their way to Lux Financial" in answer.content.decode()

    def test_says_why_not_now(self, place: Place, customer: Customer) -> None:
        customer.profile.kyc_status = "under_review"
        customer.profile.save()
        passport(customer)
        client = Client()
        client.force_login(reviewer())

        page = client.get(reverse("customers:documents", args=[customer.pk])).content.decode()
        asked = client.post(reverse("customers:documents-submit", args=[customer.pk]))

        assert "takes no documents while their KYC is “Under review”" in page
        assert asked.status_code == 409

    def test_storing_is_unchanged_by_it(self, place: Place, customer: Customer) -> None:
        document = passport(customer)
        before = storing.read(document)
        submit(document)

        deliver()

        assert storing.read(document) == before
