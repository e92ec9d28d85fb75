"""What a request for a payout becomes, whether it comes from a form, a system or a file."""

from __future__ import annotations

from datetime import datetime

from payments import facts, rules
from payments.enums import Origin
from payments.models import Beneficiary, Revision, Withdrawal
from payments.moves import DUE_AFTER
from payments.references import reference_for
from payments.rules import WithdrawalDraft
from staff.journal import Journal
from staff.models import User


def build(
    draft: WithdrawalDraft,
    *,
    beneficiary: Beneficiary | None,
    by: User,
    at: datetime,
    origin: Origin,
) -> Withdrawal:
    """The withdrawal that a valid draft asks for, not saved yet. Whoever asks never signs it.

    `beneficiary` is what `beneficiaries.note` made of the draft.
    """
    withdrawal = Withdrawal(
        **draft.values(),
        origin=origin,
        created_by=by,
        last_edited_by=by,
        created_at=at,
        due_at=at + DUE_AFTER,
        account_key=draft.account_key,
        beneficiary=beneficiary,
        customer_id=rules.customer_id_of(draft),
    )
    withdrawal.merchant_reference = reference_for(withdrawal)
    return withdrawal


def first_revision(withdrawal: Withdrawal) -> Revision:
    """Who wrote it; of a saved withdrawal, not saved yet itself."""
    return Revision(
        withdrawal=withdrawal, number=1, by=withdrawal.created_by, at=withdrawal.created_at
    )


def tell(journal: Journal, withdrawal: Withdrawal) -> None:
    """Note the request for the audit trail."""
    journal.add(
        "payments.withdrawal.requested",
        withdrawal,
        after={
            "status": withdrawal.status,
            "facts": facts.audited(withdrawal),
            "copy_of": withdrawal.copy_of.code if withdrawal.copy_of else "",
        },
    )
