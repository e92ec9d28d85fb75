"""Everything that people do at the payments desk. Each action checks, locks, moves and records."""

from payments.actions.common import Receipt
from payments.actions.decisions import reject_withdrawal, sign_withdrawal, undo_approval
from payments.actions.errors import (
    AlreadyDecided,
    Blocked,
    FactsChanged,
    InvalidDraft,
    MakerCannotSign,
    NotYours,
    ReasonMissing,
    RoleTooYoung,
    SettlementNotPossible,
    SignedAlready,
    TooLateToUndo,
)
from payments.actions.reads import refresh_payment
from payments.actions.requests import (
    amend_withdrawal,
    attend_withdrawal,
    request_withdrawal,
    retract_withdrawal,
)
from payments.actions.settlements import confirm_settlement, drop_settlement, propose_settlement
from payments.decision import Difference
from payments.models import NotPossible, WithdrawalNotMovable
from payments.rules import WithdrawalDraft

__all__ = [
    "AlreadyDecided",
    "Blocked",
    "Difference",
    "FactsChanged",
    "InvalidDraft",
    "MakerCannotSign",
    "NotPossible",
    "NotYours",
    "ReasonMissing",
    "Receipt",
    "RoleTooYoung",
    "SettlementNotPossible",
    "SignedAlready",
    "TooLateToUndo",
    "WithdrawalDraft",
    "WithdrawalNotMovable",
    "amend_withdrawal",
    "attend_withdrawal",
    "confirm_settlement",
    "drop_settlement",
    "propose_settlement",
    "refresh_payment",
    "reject_withdrawal",
    "request_withdrawal",
    "retract_withdrawal",
    "sign_withdrawal",
    "undo_approval",
]
