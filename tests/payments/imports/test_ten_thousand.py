"""Must show 4: ten thousand rows, 37 of them bad, in memory that stays flat."""

from __future__ import annotations

import resource

import pytest

from payments.enums import ImportState
from payments.imports import running
from payments.models import ImportPiece, PayoutImport, Withdrawal
from staff import audit
from staff.models import AuditEvent
from tests.payments.factories import maker
from tests.payments.imports.helpers import confirm, file_of, line, upload

pytestmark = [pytest.mark.services, pytest.mark.django_db]

ROWS = 10_000
WRONG = (
    ({"amount": "2,500.00"}, "amount"),
    ({"currency": "EUR"}, "currency"),
    ({"method": "spei"}, "method"),
    ({"payid": "nobody"}, "payid"),
    ({"recipient_name": ""}, "recipient_name"),
)
BAD = {2 + 270 * number: WRONG[number % len(WRONG)] for number in range(37)}  # by row
GROWTH = 64  # MB: the file alone, as rows in memory, would take more


def a_file() -> bytes:
    """Every row pays another amount, so that none looks like another."""
    lines = (line(amount=f"{number}.00") for number in range(2, ROWS + 2))
    return file_of(
        good | BAD[number][0] if number in BAD else good
        for number, good in enumerate(lines, start=2)
    )


def peak() -> int:
    """What this process ever had in memory, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def read_to_its_end(run: PayoutImport) -> PayoutImport:
    while run.state == ImportState.READING:
        worked = running.work(run.pk)
        assert worked is not None
        run = worked
    return run


def test_names_37_bad_rows_and_creates_9963_or_nothing() -> None:
    mara = maker()
    run = upload(a_file(), by=mara)
    before = peak()

    run = read_to_its_end(run)

    assert (run.state, run.good, run.bad) == (ImportState.READY, ROWS - 37, 37)
    named = {row.number: [*row.errors] for row in run.rows.filter(is_good=False)}
    assert named == {number: [column] for number, (_, column) in BAD.items()}
    assert not ImportPiece.objects.exists()
    assert not Withdrawal.objects.exists()

    run = confirm(run, by=mara)

    assert (run.state, Withdrawal.objects.count()) == (ImportState.DONE, ROWS - 37)
    asked = AuditEvent.objects.filter(verb="payments.withdrawal.requested")
    assert asked.count() == ROWS - 37
    assert audit.verify().ok
    assert peak() - before < GROWTH
