"""Everything that people do at the payments desk. Each action checks, locks, moves and records."""

from payments.actions.bulk import (
    confirm_bulk_run,
    drop_bulk_run,
    retry_bulk_run,
    start_bulk_run,
)
from payments.actions.common import Receipt
from payments.actions.decisions import reject_withdrawal, sign_withdrawal, undo_approval
from payments.actions.deposits import (
    cancel_payment,
    read_cancellation,
    request_deposit,
    settle_request,
)
from payments.actions.duplicates import mark_not_duplicate
from payments.actions.errors import (
    AlreadyDecided,
    AmountNotTyped,
    Blocked,
    BulkNotPossible,
    CancelNotPossible,
    FactsChanged,
    InvalidDraft,
    KeyReused,
    MakerCannotSign,
    NotYours,
    OpeningNotPossible,
    PolicyNotPossible,
    ProofTooOld,
    ProviderUnread,
    QuoteExpired,
    QuoteNotPossible,
    ReasonMissing,
    RoleCannotSign,
    RoleTooYoung,
    SettlementNotPossible,
    SignedAlready,
    SignedTooMuch,
    TooLateToUndo,
    TooManyAtOnce,
)
from payments.actions.holds import hold_customer, lift_hold
from payments.actions.imports import (
    ImportNotPossible,
    confirm_import,
    drop_import,
    upload_import,
)
from payments.actions.keyed import Key, made_before, request_withdrawal_once
from payments.actions.openings import look_for_account, open_account
from payments.actions.policies import (
    begin_policy,
    confirm_policy,
    drop_policy,
    propose_policy,
    remove_tier,
    save_tier,
)
from payments.actions.reads import refresh_payment
from payments.actions.reconciliation import (
    DriftNotResolvable,
    accept_theirs,
    confirm_resolution,
    drop_resolution,
    link_payment,
    propose_write_off,
    read_again,
    send_again,
    start_reconciliation,
)
from payments.actions.requests import (
    amend_withdrawal,
    attend_withdrawal,
    request_withdrawal,
    retract_withdrawal,
)
from payments.actions.settlements import confirm_settlement, drop_settlement, propose_settlement
from payments.actions.trade_settlements import (
    confirm_order_settlement,
    drop_order_settlement,
    propose_order_settlement,
)
from payments.actions.trades import Wish, confirm_quote, request_quote
from payments.decision import Difference
from payments.deposits import DepositDraft
from payments.models import NotPossible, WithdrawalNotMovable
from payments.rules import WithdrawalDraft

__all__ = [
    "PolicyNotPossible",
    "ProofTooOld",
    "QuoteExpired",
    "QuoteNotPossible",
    "begin_policy",
    "confirm_policy",
    "drop_policy",
    "made_before",
    "propose_policy",
    "remove_tier",
    "save_tier",
    "AlreadyDecided",
    "AmountNotTyped",
    "Blocked",
    "BulkNotPossible",
    "CancelNotPossible",
    "DepositDraft",
    "Difference",
    "DriftNotResolvable",
    "FactsChanged",
    "ImportNotPossible",
    "InvalidDraft",
    "Key",
    "KeyReused",
    "MakerCannotSign",
    "NotPossible",
    "NotYours",
    "OpeningNotPossible",
    "ProviderUnread",
    "ReasonMissing",
    "Receipt",
    "RoleCannotSign",
    "RoleTooYoung",
    "SettlementNotPossible",
    "SignedAlready",
    "SignedTooMuch",
    "TooLateToUndo",
    "TooManyAtOnce",
    "Wish",
    "WithdrawalDraft",
    "WithdrawalNotMovable",
    "accept_theirs",
    "amend_withdrawal",
    "attend_withdrawal",
    "cancel_payment",
    "confirm_order_settlement",
    "confirm_quote",
    "confirm_bulk_run",
    "confirm_import",
    "confirm_resolution",
    "confirm_settlement",
    "drop_bulk_run",
    "drop_import",
    "drop_order_settlement",
    "drop_resolution",
    "drop_settlement",
    "hold_customer",
    "lift_hold",
    "link_payment",
    "look_for_account",
    "mark_not_duplicate",
    "open_account",
    "propose_order_settlement",
    "propose_settlement",
    "propose_write_off",
    "read_again",
    "read_cancellation",
    "refresh_payment",
    "reject_withdrawal",
    "request_deposit",
    "request_quote",
    "request_withdrawal",
    "request_withdrawal_once",
    "retract_withdrawal",
    "retry_bulk_run",
    "send_again",
    "settle_request",
    "sign_withdrawal",
    "start_bulk_run",
    "start_reconciliation",
    "undo_approval",
    "upload_import",
]
