"""What is not signed among many: who signs it has to see more than a line of a list shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.checks import Check, history
from payments.enums import Level
from payments.models import NotPossible, Withdrawal
from staff.texts import Sayable, Text, joined

_HOSTED: Final = _("LuxCore's own page asks the payee where the money goes.")
_WEBHOOK: Final = _("Its events go to an address of its own.")
# A warning that names another payout, or a change, which somebody has to look at first.
_TELLING: Final = (history.DUPLICATE, history.CHANGED)


class DecideAlone(NotPossible):
    """It can be signed, but not as one of many."""


def refuse_among_many(withdrawal: Withdrawal, found: Sequence[Check]) -> None:
    """Raise DecideAlone where a single decision restates what the list of many does not."""
    if reasons := list(_reasons(withdrawal, found)):
        raise DecideAlone(joined(reasons))


def _reasons(withdrawal: Withdrawal, found: Sequence[Check]) -> Iterable[Sayable]:
    for check in found:
        if check.code in _TELLING and check.level == Level.WARN:
            yield check.says
    if withdrawal.hosted:
        yield Text(_HOSTED)
    if withdrawal.webhook_url or withdrawal.webhook_events:
        yield Text(_WEBHOOK)
