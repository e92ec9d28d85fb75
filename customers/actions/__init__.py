"""Every write that a person makes to customers."""

from customers.actions.holds import HoldNotPossible, lift_hold, place_hold
from customers.actions.requests import (
    InvalidRequest,
    ProfileChanged,
    ReasonMissing,
    UnderWay,
    add_external_account,
    add_wallet,
    change_customer,
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
    "NotPossible",
    "ProfileChanged",
    "ReasonMissing",
    "ScreeningNotPossible",
    "UnderWay",
    "add_external_account",
    "add_wallet",
    "change_customer",
    "create_customer",
    "delete_customer",
    "hit_as_seen",
    "judge_hit",
    "lift_hold",
    "look_again",
    "place_hold",
    "remove_external_account",
    "reopen_hit",
    "screen_now",
    "settle_request",
    "verify_external_account",
]
