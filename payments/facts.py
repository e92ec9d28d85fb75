"""What a signer sees of a withdrawal, field by field, and what exactly they sign."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext_noop as _

from payments.enums import Origin
from payments.models import Withdrawal
from payments.rules.extras import metadata_as_text
from payments.rules.lux import TERMS
from staff import masking
from staff.letters import spelled
from upstreams.enums import Upstream
from upstreams.money import BadMoney, exponent


def _account(withdrawal: Withdrawal) -> str:
    if is_ending(withdrawal):
        return f"{masking.DOTS}{withdrawal.bank_account}" if withdrawal.bank_account else ""
    return masking.mask_account(withdrawal.bank_account)


def is_ending(withdrawal: Withdrawal) -> bool:
    """Whether no more than the end of its account is known: Lux Financial tells no more."""
    return withdrawal.upstream == Upstream.LUX and withdrawal.payee_id != ""


def _of_payment(withdrawal: Withdrawal, name: str) -> str:
    return str(getattr(withdrawal.payment, name)) if withdrawal.payment else ""


def plain(amount: Decimal, currency: str) -> str:
    """The amount as one text per value, however many zeros the database brings along."""
    try:
        return f"{amount.quantize(Decimal(1).scaleb(-exponent(currency))):f}"
    except BadMoney:
        return f"{amount.normalize():f}"


@dataclass(frozen=True)
class Fact:
    """One field. `masked` says what people may read of a personal value.

    `with_names`: whoever reads names in clear reads this in clear too. The label is English until
    a page shows it.

    Free text is shown, and kept out of the audit trail: anything may stand in it, for ever.
    """

    name: str
    label: str
    value: Callable[[Withdrawal], str]
    masked: Callable[[Withdrawal], str] | None = None
    with_names: bool = False
    is_free_text: bool = False


def _text(name: str) -> Callable[[Withdrawal], str]:
    return lambda withdrawal: str(getattr(withdrawal, name))


def _term(name: str) -> Callable[[Withdrawal], str]:
    return lambda withdrawal: str(withdrawal.lux.get(name, ""))


HOSTED: Final = _("On LuxCore's own page, where the payee says where the money goes")

FACTS: Final[tuple[Fact, ...]] = (
    Fact("code", _("Withdrawal"), _text("code")),
    Fact("revision", _("Revision"), _text("revision")),
    Fact("upstream", _("Provider"), lambda w: Upstream(w.upstream).label),
    Fact("origin", _("Asked for at"), lambda w: Origin(w.origin).label),
    Fact("amount", _("Amount"), lambda w: plain(w.amount, w.currency)),
    Fact("currency", _("Currency"), _text("currency")),
    Fact("method", _("Method"), _text("method")),
    Fact("hosted", _("How it is paid out"), lambda w: HOSTED if w.hosted else ""),
    Fact(
        "recipient_name",
        _("Recipient"),
        _text("recipient_name"),
        lambda w: masking.mask_name(w.recipient_name),
        with_names=True,
    ),
    Fact("bank_account", _("Account"), _text("bank_account"), _account),
    Fact("bank_code", _("Bank code"), _text("bank_code")),
    Fact("account_type", _("Account type"), _text("account_type")),
    Fact("tax_id", _("Tax id"), _text("tax_id"), lambda w: masking.mask_account(w.tax_id)),
    Fact("payid", _("PayID"), _text("payid"), lambda w: masking.mask_payid(w.payid, w.payid_type)),
    Fact("payid_type", _("PayID type"), _text("payid_type")),
    Fact("payee_id", _("Beneficiary there"), _text("payee_id")),
    Fact("payout_description", _("Purpose"), _text("payout_description"), is_free_text=True),
    Fact(
        "payout_reference",
        _("Tracking reference"),
        _text("payout_reference"),
        lambda w: masking.mask_account(w.payout_reference),
        with_names=True,
        is_free_text=True,
    ),
    Fact(
        "customer_name",
        _("Customer name"),
        _text("customer_name"),
        lambda w: masking.mask_name(w.customer_name),
        with_names=True,
    ),
    Fact(
        "customer_email",
        _("Customer e-mail"),
        _text("customer_email"),
        lambda w: masking.mask_email(w.customer_email),
    ),
    Fact(
        "customer_phone",
        _("Customer phone"),
        _text("customer_phone"),
        lambda w: masking.mask_phone(w.customer_phone),
    ),
    Fact("customer_external_id", _("Our customer id"), _text("customer_external_id")),
    Fact("customer_number", _("LuxCore's customer number"), _text("customer_number")),
    Fact("description", _("Description"), _text("description"), is_free_text=True),
    Fact(
        "metadata",
        _("Metadata"),
        lambda w: metadata_as_text(w.metadata),
        lambda w: ", ".join(w.metadata),
        with_names=True,
        is_free_text=True,
    ),
    # Of an address only its host is shown: the rest may hold a secret.
    Fact(
        "webhook_url",
        _("Events go to"),
        _text("webhook_url"),
        lambda w: masking.mask_address(w.webhook_url),
    ),
    Fact("webhook_events", _("Events"), lambda w: ", ".join(w.webhook_events)),
    # Of a transfer through Lux Financial.
    Fact("on_behalf_of", _("Customer there"), _term("on_behalf_of")),
    Fact("source_rail", _("Funds come by"), _term("source_rail")),
    Fact(
        "from_address",
        _("Funds come from"),
        _term("from_address"),
        lambda w: masking.mask_account(w.lux.get("from_address", "")),
    ),
    Fact("destination_currency", _("Paid out in"), _term("destination_currency")),
    Fact("swift_charges", _("SWIFT charges"), _term("swift_charges")),
    Fact("wire_message", _("Message with the wire"), _term("wire_message"), is_free_text=True),
    Fact("sepa_reference", _("SEPA reference"), _term("sepa_reference"), is_free_text=True),
    Fact("swift_reference", _("SWIFT reference"), _term("swift_reference"), is_free_text=True),
    Fact("developer_fee", _("Our fee"), _term("developer_fee")),
    Fact("developer_fee_percent", _("Our fee in percent"), _term("developer_fee_percent")),
    # It changes with every new attempt, so a form from before an undo signs nothing any more.
    Fact("reference", _("Reference"), _text("merchant_reference")),
    Fact("payment", _("Payment there"), lambda w: _of_payment(w, "upstream_id")),
    Fact("payment_status", _("Status there"), lambda w: _of_payment(w, "upstream_status")),
)
# Said only where there is something to say: what was signed before there were any stays signed.
_LATER: Final = frozenset(
    {"hosted", "customer_number", "metadata", "webhook_url", "webhook_events", *TERMS}
)
LABELS: Final = {fact.name: fact.label for fact in FACTS}


def of(withdrawal: Withdrawal) -> dict[str, str]:
    """Every fact by its name, in clear: for comparing and hashing, never for showing."""
    return {fact.name: fact.value(withdrawal) for fact in FACTS}


def shown(withdrawal: Withdrawal, *, names_in_clear: bool) -> dict[str, str]:
    """Every fact as one person may read it, with what nobody would see spelled out."""
    return {fact.name: spelled(_shown(fact, withdrawal, names_in_clear)) for fact in FACTS}


def audited(withdrawal: Withdrawal) -> dict[str, str]:
    """Every fact as it may be kept for ever: masked, and of free text only its length."""
    kept = shown(withdrawal, names_in_clear=False)
    for fact in FACTS:
        if fact.is_free_text and (text := fact.value(withdrawal)):
            kept[fact.name] = f"{masking.DOTS} ({len(text)} characters)"
    return kept


def digest(facts: Mapping[str, str]) -> str:
    """The SHA-256 of the facts: what a signature is put under."""
    told = {name: value for name, value in facts.items() if value or name not in _LATER}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _shown(fact: Fact, withdrawal: Withdrawal, names_in_clear: bool) -> str:
    if fact.masked is None or (fact.with_names and names_in_clear):
        return fact.value(withdrawal)
    return fact.masked(withdrawal)
