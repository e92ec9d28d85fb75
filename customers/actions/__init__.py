"""What people do at the customers' desk. Every write that a person makes passes through here."""

from customers.actions.cases import (
    escalate_case,
    keep_draft,
    look_for_decision,
    recall_decision,
    reopen_case,
    save_checklist,
)
from customers.actions.common import Receipt
from customers.actions.decisions import (
    confirm_decision,
    propose_decision,
    return_proposal,
    withdraw_proposal,
)
from customers.actions.documents import (
    DocumentNotPossible,
    FilesRefused,
    Upload,
    add_documents,
    judge_document,
    note_looking,
    take_original,
)
from customers.actions.holds import HoldNotPossible, lift_hold, place_hold
from customers.actions.links import LinkNotPossible, accept_link, dismiss_link, undo_link
from customers.actions.requests import (
    InvalidRequest,
    ProfileChanged,
    ReasonMissing,
    UnderWay,
    add_external_account,
    add_wallet,
    change_customer,
    changes_of,
    create_customer,
    delete_customer,
    remove_external_account,
    verify_external_account,
)
from customers.actions.screening import (
    HitChanged,
    ScreeningNotPossible,
    hit_as_seen,
    judge_hit,
    reopen_hit,
    screen_now,
)
from customers.actions.settling import look_again, settle_request
from customers.actions.submissions import (
    look_for_submission,
    settle_submission,
    submit_documents,
)
from customers.requests.life import NotPossible

__all__ = [
    "DocumentNotPossible",
    "FilesRefused",
    "HitChanged",
    "HoldNotPossible",
    "InvalidRequest",
    "LinkNotPossible",
    "NotPossible",
    "ProfileChanged",
    "ReasonMissing",
    "Receipt",
    "ScreeningNotPossible",
    "UnderWay",
    "Upload",
    "accept_link",
    "add_documents",
    "add_external_account",
    "add_wallet",
    "change_customer",
    "changes_of",
    "confirm_decision",
    "create_customer",
    "delete_customer",
    "dismiss_link",
    "escalate_case",
    "hit_as_seen",
    "judge_document",
    "judge_hit",
    "keep_draft",
    "lift_hold",
    "look_again",
    "look_for_decision",
    "look_for_submission",
    "note_looking",
    "place_hold",
    "propose_decision",
    "recall_decision",
    "remove_external_account",
    "reopen_case",
    "reopen_hit",
    "return_proposal",
    "save_checklist",
    "screen_now",
    "settle_request",
    "settle_submission",
    "submit_documents",
    "take_original",
    "undo_link",
    "verify_external_account",
    "withdraw_proposal",
]
