"""What approvers say about payouts that look alike."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from payments.actions.common import refuse_askers, refuse_decided, stated
from payments.checks.history import look_alikes
from payments.models import NotDuplicate, NotPossible, Withdrawal
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text


def mark_not_duplicate(
    *, withdrawal_id: int, other: str, reason: str, by: User, at: datetime
) -> NotDuplicate:
    """Say that it is not `other` (a code, or an id at the provider) over again, for everybody.

    Raises NotPermitted, ReasonMissing, MakerCannotSign, IntroducerCannotSign, AlreadyDecided, and
    NotPossible when the two do not look alike.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    reason = stated(reason)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        if said := withdrawal.not_duplicates.filter(other=other).first():
            return said
        refuse_decided(withdrawal)
        refuse_askers(withdrawal, by)
        if other not in {one.label for one in look_alikes(withdrawal)}:
            raise NotPossible(
                Text(
                    _("%(code)s and %(other)s do not look alike now."),
                    code=withdrawal.code,
                    other=other,
                )
            )
        said = NotDuplicate.objects.create(
            withdrawal=withdrawal, other=other, by=by, at=at, reason=reason
        )
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.withdrawal.not_duplicate",
            withdrawal,
            after={"other": other, "status": withdrawal.status},
            reason=reason,
        )
        journal.write()
    return said
