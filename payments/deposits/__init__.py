"""Deposits that are asked for here: what may be asked, how it is sent, what is handed on.

Money comes in, so nobody signs: a maker asks, the outbox asks LuxCore once, and the answer says
where the payer sends the money (upstreams.md §3.7, §3.9).
"""

from payments.deposits.drafts import DRAFT_FIELDS, SCHEMES, DepositDraft
from payments.deposits.judging import IPAY, Rails, open_rails, validate
from payments.deposits.request import payload, vendor_type

__all__ = [
    "DRAFT_FIELDS",
    "IPAY",
    "SCHEMES",
    "DepositDraft",
    "Rails",
    "open_rails",
    "payload",
    "validate",
    "vendor_type",
]
