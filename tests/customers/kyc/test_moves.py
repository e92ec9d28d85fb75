"""Where a case may go: every from × every to."""

from __future__ import annotations

import pytest
from django.db import transaction

from customers.enums import CaseStatus
from customers.kyc.moves import CaseNotMovable, move
from staff.journal import Journal
from staff.models import AuditEvent
from tests.customers.factories import NOW, KycCaseFactory

pytestmark = pytest.mark.django_db

S = CaseStatus
ALLOWED = {
    S.OPEN: {S.WAITING, S.ESCALATED, S.PROPOSED, S.QUEUED, S.DECIDED, S.CLOSED},
    S.WAITING: {S.OPEN, S.CLOSED},
    S.ESCALATED: {S.OPEN, S.WAITING, S.PROPOSED, S.QUEUED, S.CLOSED},
    S.PROPOSED: {S.OPEN, S.ESCALATED, S.QUEUED, S.DECIDED, S.CLOSED},
    S.QUEUED: {S.SENDING, S.OPEN, S.ESCALATED},
    S.SENDING: {S.QUEUED, S.UNKNOWN, S.OPEN, S.ESCALATED, S.WAITING, S.DECIDED, S.CLOSED},
    S.UNKNOWN: {S.OPEN, S.ESCALATED, S.WAITING, S.DECIDED, S.CLOSED},
    S.DECIDED: set(),
    S.CLOSED: set(),
}


@pytest.mark.parametrize("wanted", CaseStatus)
@pytest.mark.parametrize("current", CaseStatus)
def test_moves_only_where_the_table_says(current: CaseStatus, wanted: CaseStatus) -> None:
    case = KycCaseFactory(status=current)
    journal = Journal(by=None, at=NOW, by_label="test")

    if wanted in ALLOWED[current]:
        with transaction.atomic():
            move(case, wanted, journal=journal, reason="Because.")
            journal.write()
        event = AuditEvent.objects.get()
        assert (event.verb, event.before["status"]) == (f"customers.case.{wanted}", current)
    else:
        with pytest.raises(CaseNotMovable):
            move(case, wanted, journal=journal)
        assert not AuditEvent.objects.exists()

    case.refresh_from_db()
    assert case.status == (wanted if wanted in ALLOWED[current] else current)
    assert (case.closed_at is not None) == (
        case.status in (S.DECIDED, S.CLOSED) and current != wanted and wanted in ALLOWED[current]
    )
