"""Several people and commands at the same moment, and one that is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from customers import actions
from customers.actions import documents as document_actions
from customers.actions import submissions
from customers.actions.documents import DocumentNotPossible, FilesRefused
from customers.documents import erasing, rotation, storing
from customers.enums import DocumentVerdict, HoldKind
from customers.models import Content, Customer, Document, Submission
from staff import audit
from staff.models import User
from tests.customers import files
from tests.customers.documents import KEY, OTHER_KEY, add, file, reviewer, several
from tests.customers.factories import CustomerFactory, ProfileFactory
from tests.payments.test_races import at_once, refusals
from tests.support.rounds import rounds
from upstreams.models import Command

pytestmark = pytest.mark.django_db(transaction=True)


class TestOnPostgreSQL:
    pytestmark = pytest.mark.services

    def test_the_same_file_by_many_is_kept_once(self) -> None:
        customer, people = CustomerFactory(), [reviewer() for _ in range(6)]

        results = at_once(*[self.adding(customer, person) for person in people])

        assert len(refusals(results, FilesRefused)) == 5
        assert Document.objects.count() == Content.objects.count() == 1

    def test_there_is_an_end_to_it_for_twenty_at_once(self, settings: Settings) -> None:
        settings.DOCUMENTS_PER_CUSTOMER = 5
        customer, person = CustomerFactory(), reviewer()

        results = at_once(
            *[self.adding(customer, person, width=100 + number) for number in range(20)]
        )

        assert len(refusals(results, DocumentNotPossible)) == 15
        assert Document.objects.count() == 5
        assert audit.verify().ok

    def test_two_hand_the_same_in(self) -> None:
        for _ in range(rounds(5)):
            customer = ProfileFactory(kyc_status="pending").customer
            (document,) = add(customer=customer)

            results = at_once(*[self.handing_in(document, reviewer()) for _ in range(3)])

            assert len(refusals(results, DocumentNotPossible)) == 2
            assert Submission.objects.filter(customer=customer).count() == 1
        assert Command.objects.count() == Submission.objects.count()

    def test_a_hold_that_comes_meanwhile_is_kept_or_too_late(self) -> None:
        lead = reviewer()
        for _ in range(rounds(10)):
            customer = ProfileFactory(status="deleted").customer
            add(customer=customer)

            at_once(
                lambda customer=customer: erasing.erase(  # type: ignore[misc]
                    customer, at=timezone.now(), reason="Time.", by_label="test"
                ),
                lambda customer=customer: actions.place_hold(  # type: ignore[misc]
                    customer=customer,
                    kind=HoldKind.MANUAL,
                    reason="The police asked.",
                    by=lead,
                    at=timezone.now(),
                ),
            )

            erased = not Content.objects.filter(document__customer=customer).exists()
            verbs = audit.AuditEvent.objects.filter(subject_id=str(customer.pk)).order_by(
                "sequence"
            )
            told = [event.verb for event in verbs if event.verb != "customers.document.added"]
            if erased:
                assert told[0] == "customers.document.erased"
            else:
                assert told == ["customers.hold.placed"]

    def test_rotation_and_reading_and_judging_do_not_disturb_each_other(
        self, settings: Settings
    ) -> None:
        documents = several(4)
        settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]

        results = at_once(
            lambda: list(rotation.rotate()),
            lambda: list(rotation.rotate()),
            lambda: [storing.read(document) for document in documents],
            lambda: [self.judging(document, reviewer()) for document in documents],
        )

        assert refusals(results) == []
        settings.DOCUMENT_KEYS = [OTHER_KEY]
        assert all(storing.read(document) for document in documents)

    @staticmethod
    def adding(customer: Customer, by: User, width: int = 100) -> Callable[[], Any]:
        content = files.picture(width=width, height=60)
        return lambda: add(file(content=content), customer=customer, by=by)

    @staticmethod
    def handing_in(document: Document, by: User) -> Callable[[], Any]:
        return lambda: submissions.submit_documents(
            customer=document.customer, front_key=document.key, by=by, at=timezone.now()
        )

    @staticmethod
    def judging(document: Document, by: User) -> Document:
        return document_actions.judge_document(
            document_key=document.key,
            verdict=DocumentVerdict.ACCEPTED,
            note="",
            by=by,
            at=timezone.now(),
        )


@pytest.mark.parametrize("place", ["documents.wrapped", "documents.batch_kept"])
def test_a_rotation_that_is_killed_is_gone_on_with(settings: Settings, place: str) -> None:
    documents = several(3)
    settings.DOCUMENT_KEYS = [OTHER_KEY, KEY]

    ended_by = in_a_child(lambda: list(rotation.rotate()), crash_at=place)

    assert ended_by == signal.SIGKILL
    left = sum(rotation.still_under().values())
    assert left == (3 if place == "documents.wrapped" else 0)
    assert all(storing.read(document) for document in documents)
    list(rotation.rotate())
    settings.DOCUMENT_KEYS = [OTHER_KEY]
    assert all(storing.read(document) for document in documents)


def in_a_child(work: Callable[[], object], *, crash_at: str) -> int:
    """Do the work in a process of its own; return the signal that ended it."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        django_settings.CRASH_AT = crash_at
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) * -1


@pytest.fixture(autouse=True)
def _own_list(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
