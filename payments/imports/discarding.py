"""Files that are not confirmed: discarded by somebody, or by themselves after a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_noop as _

from payments.enums import ImportState
from payments.models import PayoutImport
from staff.journal import Journal
from staff.texts import Sayable, Text, in_english, packed

KEPT_FOR: Final = timedelta(days=7)  # what a file says is personal: nobody needs it longer
UNCONFIRMED: Final = (ImportState.READING, ImportState.READY)
_AT_ONCE: Final = 50


def discard(run: PayoutImport, *, journal: Journal, why: Sayable = "") -> None:
    """Delete all that was read of a locked file. The caller writes the journal."""
    run.pieces.all().delete()
    run.rows.all().delete()
    run.state, run.finished_at, run.lease_until = ImportState.DROPPED, journal.at, None
    run.trouble = packed(why) if why else {}
    run.save(update_fields=["state", "finished_at", "lease_until", "trouble"])
    reason = in_english(why) if why else ""
    journal.add("payments.import.dropped", run, after={"file": run.file_hash}, reason=reason)


def discard_forgotten(*, at: datetime) -> int:
    """Discard the files that nobody confirmed or discarded in time; return how many."""
    old = PayoutImport.objects.filter(state__in=UNCONFIRMED, uploaded_at__lte=at - KEPT_FOR)
    ids = list(islice(old.order_by("pk").values_list("pk", flat=True), _AT_ONCE))
    return sum(_discard_forgotten(pk, at=at) for pk in ids)


def _discard_forgotten(pk: int, *, at: datetime) -> bool:
    why = Text(_("Nobody confirmed it within %(days)s days."), days=KEPT_FOR.days)
    with transaction.atomic():
        run = PayoutImport.objects.locked().get(pk=pk)
        if run.state not in UNCONFIRMED:
            return False  # somebody decided meanwhile
        journal = Journal(by=None, at=at, by_label="Lightdesk")
        discard(run, journal=journal, why=why)
        journal.write()
    return True
