"""Signing in tests, and seeing that nothing came of it."""

from typing import Any

from payments import actions
from payments.enums import Status
from payments.models import Withdrawal
from staff.models import User
from tests.payments.factories import NOW, seen_by
from upstreams.models import Command


def sign(withdrawal: Withdrawal, by: User, **told: Any) -> actions.Receipt:
    wanted = {"seen": told.pop("seen", None) or seen_by(by, withdrawal), "at": NOW} | told
    return actions.sign_withdrawal(withdrawal_id=withdrawal.pk, by=by, **wanted)


def status_of(withdrawal: Withdrawal) -> str:
    withdrawal.refresh_from_db()
    return withdrawal.status


def nothing_happened_to(withdrawal: Withdrawal) -> bool:
    return (
        status_of(withdrawal) == Status.AWAITING_APPROVAL
        and not withdrawal.signatures.exists()
        and not Command.objects.exists()
    )
