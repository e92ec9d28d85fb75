"""Every status of a request to every other: what may follow what."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.enums import RequestStatus
from customers.requests import life
from staff.journal import Journal
from staff.models import AuditEvent
from tests.customers.factories import CustomerRequestFactory

pytestmark = pytest.mark.django_db

ALLOWED = {
    ("queued", "sending"),
    ("sending", "queued"),
    ("sending", "made"),
    ("sending", "refused"),
    ("sending", "unknown"),
    ("unknown", "made"),
    ("unknown", "refused"),
}
EVERY_MOVE = list(itertools.product(RequestStatus.values, RequestStatus.values))


@pytest.mark.parametrize(("current", "wanted"), EVERY_MOVE)
def test_moves_as_the_table_says(current: str, wanted: str) -> None:
    is_over = current in ("made", "refused")
    request = CustomerRequestFactory(status=current, **({"body": {}} if is_over else {}))
    journal = Journal(by=None, at=timezone.now(), by_label="Lightdesk")
    changes = {"body": {}} if wanted in ("made", "refused") else {}

    if (current, wanted) not in ALLOWED:
        with pytest.raises(life.RequestNotMovable, match=f"{request.code} is"):
            life.move(request, RequestStatus(wanted), journal=journal, **changes)
        return
    life.move(request, RequestStatus(wanted), journal=journal, **changes)
    with transaction.atomic():
        journal.write()

    request.refresh_from_db()
    assert request.status == wanted
    event = AuditEvent.objects.get(verb=f"customers.request.{wanted}")
    assert event.before == {"status": current}


@pytest.mark.parametrize("status", ["made", "refused"])
def test_what_is_settled_keeps_no_personal_data(status: str) -> None:
    with pytest.raises(IntegrityError, match="settled_request_forgets"), transaction.atomic():
        CustomerRequestFactory(status=status, body={"email": "james@example.com"})
