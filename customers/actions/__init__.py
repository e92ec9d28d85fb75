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
from customers.requests.life import NotPossible

__all__ = [
    "HitChanged",
    "HoldNotPossible",
    "InvalidRequest",
    "LinkNotPossible",
    "NotPossible",
    "ProfileChanged",
    "ReasonMissing",
    "ScreeningNotPossible",
    "UnderWay",
    "accept_link",
    "add_external_account",
    "add_wallet",
    "change_customer",
    "changes_of",
    "create_customer",
    "delete_customer",
    "dismiss_link",
    "hit_as_seen",
    "judge_hit",
    "lift_hold",
    "look_again",
    "place_hold",
    "remove_external_account",
    "reopen_hit",
    "screen_now",
    "settle_request",
    "undo_link",
    "verify_external_account",
    "Receipt",
    "confirm_decision",
    "escalate_case",
    "keep_draft",
    "lift_hold",
    "look_for_decision",
    "place_hold",
    "propose_decision",
    "recall_decision",
    "reopen_case",
    "return_proposal",
    "save_checklist",
    "withdraw_proposal",
]
