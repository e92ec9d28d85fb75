"""Documents of customers who left are destroyed in time, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from customers.documents import storing
from customers.models import Content, Customer, Document, Profile
from staff import audit
from staff.models import AuditEvent
from tests.customers import files
from tests.customers.documents import add, file
from tests.customers.factories import (
    CustomerFactory,
    HoldFactory,
    ProfileFactory,
    SubmissionFactory,
)

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=1826)
LATELY = timedelta(days=1824)


@pytest.fixture(autouse=True)
def _own_list(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path


def erase(*options: str) -> str:
    out = StringIO()
    call_command("erase_documents", *options, stdout=out)
    return out.getvalue()


def customer(*, ago: timedelta = LONG_AGO, **told: Any) -> Customer:
    number = Profile.objects.count()
    profile: Profile = ProfileFactory(
        updated_at=timezone.now() - ago,
        customer__email=f"person{number}@example.com",
        customer__phone=f"+614123400{number:02}",
        **told,
    )
    add(customer=profile.customer)
    return profile.customer


def deleted_long_ago(**told: Any) -> Customer:
    return customer(status="deleted", **told)


def held() -> Customer:
    found = deleted_long_ago()
    HoldFactory(customer=found)
    return found


def held_by_another_row() -> Customer:
    found = deleted_long_ago()
    HoldFactory(customer=CustomerFactory(email=found.email, phone=""))
    return found


def linked_to_somebody_who_stays() -> Customer:
    found = deleted_long_ago()
    Profile.objects.filter(pk=customer(status="active").profile.pk)
    other = Profile.objects.exclude(customer=found).get().customer
    other.merged_into = found
    other.save()
    return found


def with_something_on_its_way() -> Customer:
    found = deleted_long_ago()
    SubmissionFactory(customer=found, front=found.documents.get())
    return found


WHO: dict[str, tuple[Callable[[], Customer], bool]] = {
    "deleted long ago": (deleted_long_ago, True),
    "rejected long ago": (lambda: customer(kyc_status="rejected", status="pending"), True),
    "deleted lately": (lambda: deleted_long_ago(ago=LATELY), False),
    "rejected lately": (lambda: customer(kyc_status="rejected", ago=LATELY), False),
    "active": (lambda: customer(status="active"), False),
    "suspended": (lambda: customer(status="suspended"), False),
    "a status nobody documented": (lambda: customer(status="frozen"), False),
    "held": (held, False),
    "held under another row": (held_by_another_row, False),
    "known by another identity": (linked_to_somebody_who_stays, False),
    "something on its way": (with_something_on_its_way, False),
}


@pytest.mark.parametrize("who", WHO)
def test_the_right_rows_only(who: str) -> None:
    make, goes = WHO[who]
    found = make()
    number = found.documents.count()

    said = erase()
    assert f"{number if goes else 0} documents of {int(goes)} customers would be" in said
    assert Content.objects.filter(document__customer=found).count() == number
    erase("--erase")

    left = Content.objects.filter(document__customer=found).count()
    assert left == (0 if goes else number)
    assert Document.objects.filter(customer=found).count() == number
    assert all((one.erased_at is not None) == goes for one in found.documents.all())


def test_that_it_was_here_and_who_went_stays_on_the_trail() -> None:
    found = deleted_long_ago()
    document = found.documents.get()

    erase("--erase")

    event = AuditEvent.objects.get(verb="customers.document.erased")
    assert (event.by_label, event.subject_id) == ("manage.py erase_documents", str(found.pk))
    assert event.after == {"documents": [str(document.key)]}
    assert audit.verify().ok
    with pytest.raises(storing.Unreadable):
        storing.read(document)
    assert "0 documents of 0 customers destroyed" in erase("--erase")


def test_one_customer_with_a_reason() -> None:
    one, other = deleted_long_ago(ago=LATELY), deleted_long_ago(ago=LATELY)

    with pytest.raises(CommandError, match="Say why"):
        erase("--erase", "--customer", str(one.pk))
    erase("--erase", "--customer", str(one.pk), "--reason", "They asked for it.")

    assert not Content.objects.filter(document__customer=one).exists()
    assert Content.objects.filter(document__customer=other).exists()
    assert AuditEvent.objects.get(verb="customers.document.erased").reason == "They asked for it."


def test_one_customer_who_is_still_there_keeps_them() -> None:
    found = customer(status="active")

    erase("--erase", "--customer", str(found.pk), "--reason", "They asked for it.")

    assert Content.objects.filter(document__customer=found).exists()


def test_the_same_file_may_come_again_after_it() -> None:
    found = deleted_long_ago()
    erase("--erase")

    assert add(file(content=files.picture()), customer=found)


def test_a_restored_backup_brings_nothing_back() -> None:
    found = deleted_long_ago()
    document = found.documents.get()
    backup = Content.objects.values().get()
    erase("--erase")
    Document.objects.update(erased_at=None)
    Content.objects.create(**backup)

    with pytest.raises(storing.Unreadable):
        storing.read(document)
    said = erase("--erase")

    assert "1 documents that a restored backup brought back" in said
    assert not Content.objects.exists()
    assert Document.objects.get().erased_at is not None
