"""What Lux Financial tells of a transfer beside what every payment has, for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext, gettext_noop

from customers.models import ExternalAccount
from payments import words
from payments.models import Payment
from staff import masking
from upstreams.enums import Upstream

# Amounts of a receipt, in the order in which they follow from each other. The first ones are in the
# currency that was sent, `final_amount` in the one that arrives; they name neither.
_RECEIPT: Final[Mapping[str, str]] = {
    "initial_amount": gettext_noop("Sent"),
    "developer_fee": gettext_noop("Our fee"),
    "exchange_fee": gettext_noop("Exchange fee"),
    "subtotal_amount": gettext_noop("After fees"),
    "gas_fee": gettext_noop("Network fee"),
    "exchange_rate": gettext_noop("Exchange rate"),
    "final_amount": gettext_noop("Arrives"),
    "remaining_prefunded_balance": gettext_noop("Prefunded balance left"),
    "source_tx_hash": gettext_noop("Transaction it came by"),
    "destination_tx_hash": gettext_noop("Transaction it went by"),
}
_INSTRUCTIONS: Final[Mapping[str, str]] = {
    "payment_rail": gettext_noop("Rail"),
    "amount": gettext_noop("Amount"),
    "currency": gettext_noop("Currency"),
    "deposit_message": gettext_noop("Message"),
    "bank_name": gettext_noop("Bank"),
    "bank_address": gettext_noop("Address of the bank"),
    "bank_routing_number": gettext_noop("Routing number"),
    "bank_account_number": gettext_noop("Account number"),
    "bank_beneficiary_name": gettext_noop("Beneficiary"),
    "bank_beneficiary_address": gettext_noop("Address of the beneficiary"),
    "iban": gettext_noop("IBAN"),
    "bic": gettext_noop("BIC"),
    "account_holder_name": gettext_noop("Account holder"),
    "from_address": gettext_noop("From the address"),
    "to_address": gettext_noop("To the address"),
}
# What says where to pay, and is not shared by everybody: masked for those who hand nothing on.
_SECRET: Final = frozenset(
    {"bank_account_number", "iban", "from_address", "to_address", "deposit_message"}
)
AWAITS: Final = "awaiting_funds"


@dataclass(frozen=True)
class Line:
    """Label and value; `is_masked` of one that is not shown whole, `may_copy` of one to hand on."""

    label: str
    value: str
    is_masked: bool = False
    may_copy: bool = False


@dataclass(frozen=True)
class TransferFacts:
    """What a transfer's page shows beside the rest."""

    receipt: list[Line]
    instructions: list[Line]
    account: ExternalAccount | None
    account_number: str
    awaits_funds: bool
    will_come_back: bool


def facts_of(payment: Payment, *, hands_on: bool) -> TransferFacts | None:
    """What to show of a transfer; None of any other payment. One query."""
    if payment.upstream != Upstream.LUX:
        return None
    awaits = payment.upstream_status == AWAITS
    account_id = payment.counterparty.get("to_external_account", "")
    rows = ExternalAccount.objects.filter(upstream_id=account_id)
    account = rows.first() if account_id else None
    return TransferFacts(
        receipt=_receipt(payment.raw.get("receipt")),
        instructions=_instructions(
            payment.raw.get("source_deposit_instructions"), in_clear=hands_on and awaits
        ),
        account=account,
        account_number=_number(account),
        awaits_funds=awaits,
        will_come_back=payment.will_come_back,
    )


def _receipt(told: Any) -> list[Line]:
    """Amounts as they are told, to the last digit. Their address for the customer is left out."""
    given = told if isinstance(told, Mapping) else {}
    return [
        Line(gettext(label), str(given[name]), may_copy=name.endswith("_hash"))
        for name, label in _RECEIPT.items()
        if given.get(name) not in (None, "")
    ]


def _instructions(told: Any, *, in_clear: bool) -> list[Line]:
    given = told if isinstance(told, Mapping) else {}
    lines = []
    for name, label in _INSTRUCTIONS.items():
        if given.get(name) in (None, ""):
            continue
        value, is_secret = _written(name, str(given[name])), name in _SECRET and not in_clear
        shown = masking.mask_account(value) if is_secret else value
        lines.append(
            Line(gettext(label), shown, is_masked=is_secret, may_copy=in_clear and name in _SECRET)
        )
    return lines


def _written(name: str, value: str) -> str:
    match name:
        case "payment_rail":
            return words.method(value.lower())
        case "currency":
            return value.upper()
    return value


def _number(account: ExternalAccount | None) -> str:
    if account is None:
        return ""
    if account.last_4:
        return f"{masking.DOTS}{account.last_4}"
    return masking.mask_account(account.address)
