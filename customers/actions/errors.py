"""Why a decision about a case did not happen. Every `str()` is ready to be shown."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_noop as _

from customers.enums import CaseStatus
from customers.kyc.evidence import Difference
from customers.kyc.moves import CaseNotMovable, CaseNotPossible
from customers.kyc.standing import Check
from customers.models import KycCase
from staff.texts import Lowered, Sayable, Text, joined, listed

__all__ = [
    "AlreadyMoved",
    "Blocked",
    "CaseNotMovable",
    "CaseNotPossible",
    "EvidenceChanged",
    "EvidenceIsYours",
    "Incomplete",
    "ProposerCannotConfirm",
]

PROPOSED_IT = _("You proposed it, so somebody else confirms it.")
BROUGHT_IT = _("You put a document of theirs into the desk, so somebody else judges it.")


class Incomplete(CaseNotPossible):
    """The decision lacks something; `errors` names field and reason."""

    def __init__(self, errors: dict[str, Sayable]) -> None:
        self.errors = errors
        super().__init__(joined(errors.values()))


class AlreadyMoved(CaseNotPossible):
    """The case does not stand where this can be done."""

    def __init__(self, case: KycCase) -> None:
        self.status = CaseStatus(case.status)
        super().__init__(
            Text(
                _("%(code)s is “%(status)s” by now: nothing was decided."),
                code=case.code,
                status=Lowered(self.status.label),
            )
        )


class Blocked(CaseNotPossible):
    """Something stands against an approval."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = list(checks)
        super().__init__(joined(check.says for check in self.checks))


class EvidenceChanged(CaseNotPossible):
    """What was proposed rests on something else than what is there now: the proposal is void."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        self.differences = list(differences)
        labels = listed(dict.fromkeys(difference.label for difference in self.differences))
        super().__init__(
            Text(
                _("Nothing was decided: it has changed since it was proposed (%(labels)s)."),
                labels=labels,
            )
        )


class ProposerCannotConfirm(CaseNotPossible):
    """Who proposed a decision never confirms it, whatever rights they hold."""

    def __init__(self) -> None:
        super().__init__(Text(PROPOSED_IT))


class EvidenceIsYours(CaseNotPossible):
    """Who brought evidence never judges what it proves."""

    def __init__(self) -> None:
        super().__init__(Text(BROUGHT_IT))
