"""Rows of the payments desk."""

from payments.models.balances import Balance
from payments.models.payments import (
    OPEN_STATUSES,
    PAID_STATUSES,
    UNPAID_STATUSES,
    Payment,
)
from payments.models.policies import Policy
from payments.models.withdrawals import (
    MOVES,
    NotPossible,
    Revision,
    Settlement,
    Signature,
    Withdrawal,
    WithdrawalNotMovable,
)

__all__ = [
    "MOVES",
    "OPEN_STATUSES",
    "PAID_STATUSES",
    "UNPAID_STATUSES",
    "Balance",
    "NotPossible",
    "Payment",
    "Policy",
    "Revision",
    "Settlement",
    "Signature",
    "Withdrawal",
    "WithdrawalNotMovable",
]
