"""What Lux Financial's KYC statuses mean to the cases here (upstreams.md §1.5, LF-A5).

A word that nobody documented is in none of these sets: it is shown, and nothing follows from it.
"""

from __future__ import annotations

from typing import Final

from customers.enums import Outcome
from customers.models import Profile
from upstreams.lux import words

# Somebody here works on a customer in one of these.
WORKED: Final = frozenset({"under_review", "manual_review", "awaiting_ubo"})
# The customer has to do something first.
WITH_CUSTOMER: Final = frozenset({"not_started", "pending", "incomplete"})
FINAL: Final = frozenset({words.APPROVED, words.REJECTED})

DELETED: Final = "deleted"  # a status of the customer: nobody is reviewed any more

# What a decision makes of the customer there.
TARGETS: Final = {
    Outcome.APPROVE: words.APPROVED,
    Outcome.ASK_AGAIN: "incomplete",
    Outcome.REJECT: words.REJECTED,
}


def leads_to(profile: Profile, outcome: Outcome) -> bool:
    """Whether Lux Financial takes this decision from where the customer stands there."""
    following = words.next_kyc(profile.kyc_status, customer_type=profile.kind)
    return TARGETS[outcome] in following


def needs_telling(profile: Profile, outcome: Outcome) -> bool:
    """Whether they have to hear of it: not where they wait for the customer themselves."""
    if outcome != Outcome.ASK_AGAIN:
        return True
    return profile.kyc_status not in WITH_CUSTOMER | {"awaiting_ubo"}
