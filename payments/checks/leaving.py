"""What keeps a signed payout here: what has become of its customer since the signature."""

from __future__ import annotations

from datetime import datetime

from payments.checks.holds import no_hold
from payments.checks.kyc import kyc_is_approved
from payments.enums import Level
from payments.models import Withdrawal
from payments.rules import WithdrawalDraft, lux
from staff.texts import in_english
from upstreams.enums import Upstream


def stopped_by(withdrawal: Withdrawal, now: datetime) -> str:
    """Why it may not be sent now, in English; "" where nothing stops it.

    A hold, KYC that blocks, and at Lux Financial an account that is not what was signed.
    """
    for check in (no_hold, kyc_is_approved):
        found = check(withdrawal, now)
        if found.level == Level.BLOCK:
            return in_english(found.says)
    if withdrawal.upstream != Upstream.LUX:
        return ""
    problem = lux.problems(WithdrawalDraft.of(withdrawal)).get("external_account_id", "")
    return in_english(problem)
