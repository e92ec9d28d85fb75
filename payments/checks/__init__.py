"""Looking before signing: small functions, each `(withdrawal, now) -> Check`.

A block stops the signature. A warning is shown, and one that was not on the page when somebody
pressed Approve sends them back to look again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from payments.checks.flow import payment_still_waits, reference_is_free, sending_is_on
from payments.checks.freshness import data_is_fresh
from payments.checks.funds import NOTHING, Committed, balance_suffices
from payments.checks.history import (
    Flag,
    beneficiary_is_known,
    beneficiary_is_unchanged,
    flags_for,
    no_similar_payout,
)
from payments.checks.holds import no_hold
from payments.checks.kyc import kyc_is_approved
from payments.checks.limits import limits_hold
from payments.checks.outliers import amount_is_usual
from payments.checks.rails import payout_rules_hold
from payments.checks.results import Check
from payments.models import Withdrawal

CHECKS: tuple[Callable[[Withdrawal, datetime], Check], ...] = (
    no_hold,
    kyc_is_approved,
    payout_rules_hold,
    balance_suffices,
    limits_hold,
    no_similar_payout,
    beneficiary_is_known,
    beneficiary_is_unchanged,
    amount_is_usual,
    reference_is_free,
    payment_still_waits,
    data_is_fresh,
    sending_is_on,
)

__all__ = ["CHECKS", "Check", "Flag", "count_again", "flags_for", "no_hold", "run"]


def run(withdrawal: Withdrawal, *, now: datetime) -> list[Check]:
    """Every check of this withdrawal, in the order they are shown. A fixed number of queries."""
    return [check(withdrawal, now) for check in CHECKS]


def count_again(
    found: list[Check], withdrawal: Withdrawal, *, now: datetime, planned: Committed = NOTHING
) -> list[Check]:
    """The same findings, with those that count other payouts looked at once more.

    They are true only while nobody else decides about those. `planned`: what a dry run promised.
    """
    counted = (
        balance_suffices(withdrawal, now, planned=planned),
        limits_hold(withdrawal, now),
    )
    anew = {check.code: check for check in counted}
    return [anew.get(check.code, check) for check in found]
