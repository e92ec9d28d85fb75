"""Payouts from a file: upload it, confirm it, discard it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_noop as _

from payments.enums import ImportState
from payments.imports import creating, discarding
from payments.imports.reading import MOST_BYTES
from payments.models import ImportPiece, NotPossible, PayoutImport
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams import doorbell

TASK = "payments.tasks.work_on_import"


class ImportNotPossible(NotPossible):
    """This cannot be done with the file now."""


def upload_import(
    *, file_name: str, pieces: Iterable[bytes], by: User, at: datetime
) -> PayoutImport:
    """Keep a file until a worker has read it; nothing is asked for by that.

    Raises NotPermitted, and ImportNotPossible for one that is too large.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    with transaction.atomic():
        run = PayoutImport.objects.create(
            file_name=file_name[-255:], size=0, lines=0, uploaded_by=by, uploaded_at=at, next_at=at
        )
        digest = hashlib.sha256()
        for number, piece in enumerate(pieces):
            digest.update(piece)
            run.size += len(piece)
            run.lines += piece.count(b"\n") or piece.count(b"\r")
            if run.size > MOST_BYTES:
                raise ImportNotPossible(Text(_("It is larger than 8 MB. Split it.")))
            ImportPiece.objects.create(payout_import=run, number=number, content=piece)
        run.file_hash = digest.hexdigest()
        run.save(update_fields=["size", "lines", "file_hash"])
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.import.uploaded", run, after={"file": run.file_hash, "bytes": run.size}
        )
        journal.write()
    doorbell.ring(TASK, import_id=run.pk)
    return run


def confirm_import(*, import_id: int, by: User, at: datetime) -> PayoutImport:
    """Let a worker ask for every good row in this person's name; they never sign any of them.

    It is whoever uploaded the file: they wrote what it asks for, and nobody beside them. Again, it
    changes nothing. Raises NotPermitted, and ImportNotPossible for a file that is somebody
    else's, is not ready, has no good row, or was confirmed before under another upload.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    try:
        with transaction.atomic():
            run = PayoutImport.objects.locked().get(pk=import_id)
            if run.state in (ImportState.CREATING, ImportState.DONE):
                return run  # the same click again
            _confirm(run, by=by, at=at)
    except IntegrityError:
        raise ImportNotPossible(
            Text(
                _(
                    "This very file was uploaded and confirmed before: nothing is created a "
                    "second time."
                )
            )
        ) from None
    doorbell.ring(TASK, import_id=run.pk)
    return run


def drop_import(*, import_id: int, by: User, at: datetime) -> PayoutImport:
    """Discard a file that is not confirmed, with all that was read of it.

    Raises NotPermitted, ImportNotPossible.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    with transaction.atomic():
        run = PayoutImport.objects.locked().get(pk=import_id)
        if run.state == ImportState.DROPPED:
            return run
        if run.state not in discarding.UNCONFIRMED:
            raise ImportNotPossible(
                Text(_("It is confirmed, or has ended: it cannot be discarded."))
            )
        journal = Journal(by=by, at=at)
        discarding.discard(run, journal=journal)
        journal.write()
    return run


def _confirm(run: PayoutImport, *, by: User, at: datetime) -> None:
    if run.state != ImportState.READY:
        raise ImportNotPossible(Text(_("It is not ready: it is still read, or has ended.")))
    if not run.good:
        raise ImportNotPossible(Text(_("No row of it can be asked for.")))
    if run.uploaded_by_id != by.pk:
        raise ImportNotPossible(
            Text(
                _(
                    "Only %(email)s, who uploaded it, confirms it. You may upload the "
                    "file yourself."
                ),
                email=run.uploaded_by.email,
            )
        )
    run.state, run.confirmed_by, run.confirmed_at = ImportState.CREATING, by, at
    run.next_at, run.failures, run.trouble = at, 0, {}
    run.save(
        update_fields=["state", "confirmed_by", "confirmed_at", "next_at", "failures", "trouble"]
    )
    journal = Journal(by=by, at=at)
    journal.add(
        "payments.import.confirmed",
        run,
        after={
            "file": run.file_hash,
            "good": run.good,
            "bad": run.bad,
            "totals": {
                str(total["currency"]): f"{total['number']} rows, {total['amount']:f}"
                for total in creating.totals(run)
            },
        },
    )
    journal.write()
