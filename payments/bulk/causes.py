"""Why one of many was not decided: every "no" of the action, as a group and in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.actions.errors import (
    AlreadyDecided,
    AmountNotTyped,
    Blocked,
    FactsChanged,
    IntroducerCannotSign,
    MakerCannotSign,
    ProofTooOld,
    ProviderUnread,
    RoleCannotSign,
    RoleTooYoung,
    SignedAlready,
    SignedTooMuch,
    TooManyAtOnce,
)
from payments.bulk.alone import DecideAlone
from payments.checks import funds, holds, limits
from payments.enums import Cause
from payments.models import NotPossible
from staff.permissions import NotPermitted
from staff.texts import Sayable, Text, joined

Refusal = NotPossible | NotPermitted

BY_KIND: Final[Mapping[type[Exception], Cause]] = {
    MakerCannotSign: Cause.OWN,
    IntroducerCannotSign: Cause.OWN,
    AlreadyDecided: Cause.DECIDED,
    SignedAlready: Cause.SIGNED,
    SignedTooMuch: Cause.LIMIT,
    AmountNotTyped: Cause.TYPED,
    DecideAlone: Cause.ALONE,
    RoleCannotSign: Cause.ROLE,
    RoleTooYoung: Cause.ROLE,
    NotPermitted: Cause.ROLE,
    FactsChanged: Cause.CHANGED,
    TooManyAtOnce: Cause.BUSY,
    ProviderUnread: Cause.UNREAD,
    ProofTooOld: Cause.PROOF,
}
# In the order in which they are told, where several block.
_BY_CHECK: Final[Mapping[str, Cause]] = {
    holds.HELD: Cause.HELD,
    limits.CODE: Cause.LIMIT,
    funds.CODE: Cause.BALANCE,
}


def cause_of(refusal: Refusal) -> Cause:
    """The group of items that were not decided for this reason."""
    if isinstance(refusal, Blocked):
        codes = {check.code for check in refusal.checks}
        return next((cause for code, cause in _BY_CHECK.items() if code in codes), Cause.CHECK)
    return BY_KIND.get(type(refusal), Cause.CHECK)


def words_of(refusal: Refusal) -> Sayable:
    """The reason alone: that nothing was signed, a list of many says once."""
    if isinstance(refusal, Blocked):
        return joined(check.says for check in refusal.checks)
    if isinstance(refusal, AmountNotTyped):
        return Text(_("It is signed alone: its tier asks for the typed amount."))
    return refusal.says
