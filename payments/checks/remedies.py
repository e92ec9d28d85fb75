"""Who lifts a block, and how: what a blocked payout tells its reader to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.checks import flow, freshness, funds, history, holds, kyc, limits, rails
from payments.checks.results import Check
from staff.texts import Text

_REMEDIES: Final[Mapping[str, str]] = {
    holds.HELD: _("Compliance lifts the hold, or leaves it."),
    kyc.CODE: _("Compliance decides the customer's KYC case."),
    rails.CODE: _("The maker changes the details, or somebody rejects it."),
    funds.CODE: _("An ops lead brings money into the account, or the maker lowers the amount."),
    limits.CODE: _("It fits when the limit has room again, or an ops lead changes the policy."),
    history.DUPLICATE: _("Somebody who signs says that it is no duplicate, or rejects it."),
    flow.REFERENCE: _("The maker retracts it and makes a new one."),
    flow.WAITS: _("The provider has moved it already: it leaves the queue by itself."),
    freshness.CODE: _("Signing opens again by itself once the provider answers."),
}


def remedy(check: Check) -> Text | None:
    """Who can do what about this block; None where nothing is known to help."""
    english = _REMEDIES.get(check.code)
    return Text(english) if english else None
