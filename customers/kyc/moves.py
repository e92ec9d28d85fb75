"""Moving a case, and noting the move for the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from customers.enums import CaseStatus
from customers.models import OVER, KycCase
from staff.journal import Journal
from staff.texts import Lowered, Sayable, Text

BY_LABEL = "Lightdesk"
THEIR_LABEL = "Lux Financial"


class CaseNotPossible(Exception):
    """Base of every "no" about a case: `str()` says why, in the reader's language."""

    def __init__(self, says: Sayable) -> None:
        self.says = says
        super().__init__(says)


class CaseNotMovable(CaseNotPossible):
    """The case may not go from where it stands to where it was asked to go."""

    def __init__(self, *, case: KycCase, wanted: CaseStatus) -> None:
        self.current, self.wanted = CaseStatus(case.status), wanted
        super().__init__(
            Text(
                _("%(code)s is “%(current)s”: it cannot become “%(wanted)s”."),
                code=case.code,
                current=Lowered(self.current.label),
                wanted=Lowered(wanted.label),
            )
        )


def note(
    journal: Journal,
    verb: str,
    case: KycCase,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
) -> None:
    """Note one event about a case. Nothing personal stands in it."""
    journal.add(
        f"customers.case.{verb}",
        case,
        before=before,
        after={"customer": case.customer_id, **(after or {})},
        reason=reason,
    )


def move(
    case: KycCase,
    wanted: CaseStatus,
    *,
    journal: Journal,
    verb: str = "",
    reason: str = "",
    after: Mapping[str, object] | None = None,
    **changes: Any,
) -> None:
    """Move a locked case, save it and note the move; raises CaseNotMovable.

    `verb` names the event where another word than the new status says better what happened.
    """
    before = CaseStatus(case.status)
    if not case.can_become(wanted):
        raise CaseNotMovable(case=case, wanted=wanted)
    if wanted in OVER:
        changes.setdefault("closed_at", journal.at)
    case.status, case.status_reason = wanted, reason
    for name, value in changes.items():
        setattr(case, name, value)
    case.save(update_fields={"status", "status_reason", *changes})
    note(
        journal,
        verb or wanted.value,
        case,
        before={"status": before},
        after={"status": wanted, **(after or {})},
        reason=reason,
    )
