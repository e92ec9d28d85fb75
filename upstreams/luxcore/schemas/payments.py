"""Payments and payment methods (upstreams.md §3.6–§3.10, webhook naming §3.13)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from upstreams import strict_json
from upstreams.luxcore.schemas.reading import Fields
from upstreams.money import Money

_HOSTED = "_pp"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """The customer as the payment shows it. `id` is LuxCore's number as text."""

    id: str
    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    external_id: str


@dataclass(frozen=True, slots=True)
class PayoutRecord:
    """Where a withdrawal goes. The echoes `clabe` and `bsb` are back under their request names."""

    recipient_name: str = field(repr=False)
    bank_account: str = field(repr=False)
    bank_code: str = field(repr=False)
    account_type: str
    tax_id: str = field(repr=False)
    description: str = field(repr=False)
    reference: str
    payid: str = field(repr=False)
    payid_type: str
    status: str


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """One payment, from REST or from a webhook.

    `type` is LuxCore's word; `kind` is it without the hosted-page ending. An unknown `status`,
    `type` or `method` is kept as it came. What a source leaves out is empty or None.
    """

    id: str
    type: str
    hosted: bool
    kind: str
    status: str
    amount: Money
    fee: Money | None
    net: Money | None
    refunded: Money | None
    currency: str
    method: str
    merchant_reference: str
    description: str = field(repr=False)
    customer: CustomerRecord | None
    payout: PayoutRecord | None
    details: dict[str, Any] = field(repr=False)
    page_url: str = field(repr=False)
    error_code: str
    error_message: str = field(repr=False)
    status_version: int | None
    created_at: datetime
    expires_at: datetime | None
    completed_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CreatedPayment:
    """The answer to a creation. Not new: the reference was used before, `record` is that one."""

    record: PaymentRecord
    is_new: bool


@dataclass(frozen=True, slots=True)
class MethodRecord:
    """A payment method (LC-A13). Limits count minor units, of whichever currency it is used in."""

    code: str
    name: str
    currencies: list[str]
    deposit: bool
    withdrawal: bool
    least_minor: int | None
    most_minor: int | None
    processing_time_minutes: int | None
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class MethodCheck:
    """Whether a payment of this kind would be taken, and why not (LC-A13)."""

    valid: bool
    errors: list[str]


def parse_payment(raw: Any) -> PaymentRecord:
    """A payment in REST (§3.9) or webhook (§3.13) naming; raises BadRecord."""
    fields = Fields(raw)
    currency = fields.required_text("currency")
    amount = fields.required_money("amount", currency=currency)
    if amount.amount < 0:
        raise fields.bad("amount", "is negative")
    vendor_type = fields.required_text("type")
    version = fields.integer("status_version")
    if version is not None and version < 0:
        raise fields.bad("status_version", "is negative")
    return PaymentRecord(
        id=fields.required_text("transaction_id", "id"),
        type=vendor_type,
        hosted=vendor_type.endswith(_HOSTED),
        kind=vendor_type.removesuffix(_HOSTED),
        status=fields.required_text("status"),
        amount=amount,
        fee=fields.money("fee_amount", "fee", currency=currency),
        net=fields.money("net_amount", currency=currency),
        refunded=fields.money("refunded_amount", currency=currency),
        currency=currency,
        method=fields.text("method"),
        merchant_reference=fields.text("merchant_reference"),
        description=fields.text("description"),
        customer=_customer(fields),
        payout=_payout(fields),
        details=_details(fields),
        page_url=_page_url(fields),
        error_code=fields.text("error_code"),
        error_message=fields.text("error_message"),
        status_version=version,
        created_at=fields.required_moment("created_at"),
        expires_at=fields.moment("expires_at"),
        completed_at=fields.moment("completed_at", "confirmed_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_method(raw: Any) -> MethodRecord:
    """One payment method (LC-A13); raises BadRecord."""
    fields = Fields(raw)
    return MethodRecord(
        code=fields.required_text("code", "method"),
        name=fields.text("name"),
        currencies=fields.texts("currencies"),
        deposit=fields.flag("deposit"),
        withdrawal=fields.flag("withdrawal"),
        least_minor=fields.integer("min_amount"),
        most_minor=fields.integer("max_amount"),
        processing_time_minutes=fields.integer("processing_time_minutes"),
        raw=fields.raw,
    )


def _customer(fields: Fields) -> CustomerRecord | None:
    customer = fields.child("customer")
    if customer is None:
        number = fields.text("customer_id")
        return CustomerRecord(number, "", "", "", "") if number else None
    return CustomerRecord(
        id=customer.text("id") or fields.text("customer_id"),
        name=customer.text("name"),
        email=customer.text("email"),
        phone=customer.text("phone"),
        external_id=customer.text("external_id"),
    )


def _payout(fields: Fields) -> PayoutRecord | None:
    payout = fields.child("payout")
    if payout is None:
        return None
    return PayoutRecord(
        recipient_name=payout.text("recipient_name"),
        bank_account=payout.text("bank_account", "clabe"),
        bank_code=payout.text("bank_code", "bsb"),
        account_type=payout.text("account_type"),
        tax_id=payout.text("beneficiary_tax_id"),
        description=payout.text("description"),
        reference=payout.text("reference"),
        payid=payout.text("payid"),
        payid_type=payout.text("payid_type"),
        status=payout.text("status"),
    )


def _details(fields: Fields) -> dict[str, Any]:
    """Where the payer sends the money; `instructions` is the obsolete name (§3.9)."""
    section = fields.section("bank_details", "payid_details", "instructions")
    return dict(strict_json.storable(section)) if section else {}


def _page_url(fields: Fields) -> str:
    """The payer's page exactly as given, "" unless a browser may safely be sent there."""
    page = fields.child("payment_page")
    url = page.text("url") if page else fields.text("redirect_url")
    try:
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    except ValueError:
        return ""
    return url if parts.hostname and (parts.scheme == "https" or local) else ""
