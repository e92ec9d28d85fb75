"""Files of payouts for the tests."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from django.utils import timezone

from payments import actions
from payments.imports import reading, running
from payments.imports.rows import COLUMNS
from payments.models import PayoutImport
from staff.models import User
from tests.payments.factories import draft


def line(**changes: str) -> dict[str, str]:
    """One good row, with other cells where told."""
    told = {name: str(value or "") for name, value in draft().values().items() if name in COLUMNS}
    return dict.fromkeys(COLUMNS, "") | told | changes


def file_of(lines: Iterable[dict[str, str]], *, delimiter: str = ",", bom: bool = False) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().encode("utf-8-sig" if bom else "utf-8")


def upload(content: bytes, *, by: User) -> PayoutImport:
    pieces = (
        content[start : start + reading.PIECE] for start in range(0, len(content), reading.PIECE)
    )
    return actions.upload_import(file_name="payouts.csv", pieces=pieces, by=by, at=timezone.now())


def read(content: bytes, *, by: User) -> PayoutImport:
    """Upload a file and let a worker read it to its end."""
    done = running.work(upload(content, by=by).pk)
    assert done is not None
    return done


def confirm(run: PayoutImport, *, by: User | None = None) -> PayoutImport:
    """Confirm a file as who uploaded it and let a worker create it."""
    actions.confirm_import(import_id=run.pk, by=by or run.uploaded_by, at=timezone.now())
    done = running.work(run.pk)
    assert done is not None
    return done
