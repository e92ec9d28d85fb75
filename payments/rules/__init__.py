"""How LuxCore wants a payout described, country by country (upstreams.md §3.8, LC-A14 to A18).

One table drives the form, the refusals and the check before signing. Lengths and digits refuse;
wrong check digits only warn, because the samples of the provider's own guide fail them.
"""

from payments.rules.drafts import DRAFT_FIELDS, TEXT_FIELDS, WithdrawalDraft
from payments.rules.judging import (
    MOST_MINOR_UNITS,
    foreign_letters,
    inexact,
    parse_amount,
    validate,
    warnings,
)
from payments.rules.lumetrade import Payees, payees_of
from payments.rules.lux import customer_id_of
from payments.rules.payees import PAYEE_FIELDS, draft_for
from payments.rules.request import payload, vendor_type
from payments.rules.table import (
    CURRENCIES,
    CUSTOMER_FIELDS,
    FIELDS,
    METHOD_LABELS,
    PAYID_TYPES,
    WEBHOOK_FIELD,
    Field,
    methods_for,
    payout_fields,
)

__all__ = [
    "CURRENCIES",
    "CUSTOMER_FIELDS",
    "DRAFT_FIELDS",
    "FIELDS",
    "METHOD_LABELS",
    "MOST_MINOR_UNITS",
    "PAYEE_FIELDS",
    "PAYID_TYPES",
    "TEXT_FIELDS",
    "WEBHOOK_FIELD",
    "Field",
    "Payees",
    "WithdrawalDraft",
    "customer_id_of",
    "draft_for",
    "foreign_letters",
    "inexact",
    "methods_for",
    "parse_amount",
    "payees_of",
    "payload",
    "payout_fields",
    "validate",
    "vendor_type",
    "warnings",
]
