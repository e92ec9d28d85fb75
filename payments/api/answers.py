"""What other systems are told: the same facts as on the pages, masked the same way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from payments import facts, rules
from payments.api.fields import Amount, Texts
from payments.api.requests import PLACES, TRANSFER_PLACES, TYPES
from payments.enums import Kind, Origin, PaymentStatus, Status
from payments.models import Payment, Withdrawal
from payments.sight import Sight
from upstreams.enums import Upstream


def _text(help_text: str = "") -> serializers.CharField:
    return serializers.CharField(help_text=help_text)


def _moment(help_text: str = "") -> serializers.DateTimeField:
    return serializers.DateTimeField(allow_null=True, help_text=help_text)


class PaymentBrief(serializers.Serializer[Any]):
    upstream = serializers.ChoiceField(choices=Upstream.choices)
    upstream_id = _text()
    status = serializers.ChoiceField(choices=PaymentStatus.choices)
    upstream_status = _text("The provider's own word")


class PayoutAnswer(serializers.Serializer[Any]):
    """Account numbers, PayIDs and tax ids are masked for every caller."""

    recipient_name = _text()
    bank_account = _text()
    bank_code = _text()
    account_type = _text()
    beneficiary_tax_id = _text()
    payid = _text()
    payid_type = _text()
    description = _text()
    reference = _text()


class CustomerAnswer(serializers.Serializer[Any]):
    name = _text()
    email = _text("Masked")
    phone = _text("Masked")
    external_id = _text()


class SourceAnswer(serializers.Serializer[Any]):
    payment_rail = _text()
    currency = _text()
    from_address = _text("Masked")


class DestinationAnswer(serializers.Serializer[Any]):
    payment_rail = _text()
    currency = _text()
    external_account_id = _text()
    to_address = _text("Masked")
    swift_charges = _text()
    wire_message = _text()
    sepa_reference = _text()
    swift_reference = _text()


class TransferAnswer(serializers.Serializer[Any]):
    on_behalf_of = _text("The customer's id at Lux Financial")
    source = SourceAnswer()  # type: ignore[assignment]  # DRF takes it out of the class
    destination = DestinationAnswer()
    developer_fee = _text()
    developer_fee_percent = _text()


class SignaturesAnswer(serializers.Serializer[Any]):
    given = serializers.IntegerField(help_text="Valid approvals of its present revision")
    needed = serializers.IntegerField(
        allow_null=True, help_text="How many it was approved with; null before"
    )


@extend_schema_serializer(component_name="Withdrawal")
class WithdrawalAnswer(serializers.Serializer[Any]):
    """A withdrawal as it stands."""

    code = _text("Its name on the desk, like wd-7F3MK2")
    status = serializers.ChoiceField(choices=Status.choices)
    status_reason = _text()
    error_code = _text("The provider's, where it refused or failed")
    origin = serializers.ChoiceField(choices=Origin.choices)
    upstream = serializers.ChoiceField(choices=Upstream.choices)
    amount = Amount()
    currency = _text()
    method = _text()
    type = serializers.ChoiceField(choices=TYPES)
    payout = PayoutAnswer()
    customer_id = serializers.IntegerField(
        allow_null=True, help_text="LuxCore's own number of the customer, where one was given"
    )
    customer = CustomerAnswer()
    payee_id = _text("Lumetrade's beneficiary; empty at LuxCore")
    transfer = TransferAnswer(allow_null=True, help_text="Of a payout through Lux Financial")
    description = _text()
    metadata = serializers.DictField(
        child=serializers.JSONField(), help_text="As it was given, as far as you may read it"
    )
    webhook_url = _text("Its host; the rest may hold a secret")
    webhook_events = Texts(help_text="Empty: LuxCore's default, without payment.cancelled")
    merchant_reference = _text("The reference under which the provider knows it")
    revision = serializers.IntegerField()
    signatures = SignaturesAnswer()
    payment = PaymentBrief(allow_null=True, help_text="What the provider made of it, once it has")
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    approved_at = _moment()
    sent_at = _moment()
    settled_at = _moment()


@extend_schema_serializer(component_name="Payment")
class PaymentAnswer(serializers.Serializer[Any]):
    """A money movement at a provider, as last seen."""

    upstream = serializers.ChoiceField(choices=Upstream.choices)
    upstream_id = _text()
    kind = serializers.ChoiceField(choices=Kind.choices)
    hosted = serializers.BooleanField()
    status = serializers.ChoiceField(choices=PaymentStatus.choices)
    upstream_status = _text("The provider's own word")
    amount = Amount()
    fee = Amount(allow_null=True)
    net = Amount(allow_null=True)
    refunded = Amount(allow_null=True)
    currency = _text()
    method = _text()
    merchant_reference = _text()
    counterparty_name = _text()
    counterparty = serializers.DictField(
        child=serializers.CharField(), help_text="Their account, masked"
    )
    withdrawal = serializers.CharField(
        allow_null=True, help_text="The code of the withdrawal that it pays out"
    )
    error_code = _text()
    error_message = _text()
    created_at = serializers.DateTimeField()
    expires_at = _moment()
    completed_at = _moment()
    seen_at = serializers.DateTimeField(help_text="When we last heard of it")


def of_withdrawal(withdrawal: Withdrawal, sight: Sight) -> dict[str, Any]:
    """One withdrawal of `with_queue_facts()` as this caller may read it."""
    row = withdrawal
    shown = facts.shown(row, names_in_clear=sight.names_in_clear)
    for fact in facts.FACTS:
        if fact.is_free_text:
            shown[fact.name] = sight.text(shown[fact.name], about=row)
    members: dict[str, Any] = {
        "code": row.code,
        "status": row.status,
        "status_reason": sight.text(row.status_reason, about=row),
        "error_code": row.error_code,
        "origin": row.origin,
        "upstream": row.upstream,
        "amount": shown["amount"],
        "currency": row.currency,
        "method": row.method,
        "type": rules.vendor_type(hosted=row.hosted),
        "customer_id": int(row.customer_number) if row.customer_number else None,
        "metadata": sight.metadata(row),
        "webhook_events": row.webhook_events,
        "payee_id": row.payee_id,
        "merchant_reference": row.merchant_reference,
        "revision": row.revision,
        "signatures": {
            "given": row.signed,  # type: ignore[attr-defined]  # annotated
            "needed": row.signatures_required,
        },
        "payment": row.payment,
        "created_at": row.created_at,
        "due_at": row.due_at,
        "approved_at": row.approved_at,
        "sent_at": row.sent_at,
        "settled_at": row.settled_at,
    }
    for name, (*groups, member) in PLACES.items():
        inner = members
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[member] = shown[name]
    members["transfer"] = _transfer(row, shown) if row.upstream == Upstream.LUX else None
    answer: dict[str, Any] = WithdrawalAnswer(members).data
    return answer


def _transfer(row: Withdrawal, shown: Mapping[str, str]) -> dict[str, Any]:
    """The terms of a transfer, as far as this caller may read them."""
    told = dict(shown) | {
        "source_currency": row.currency,
        "destination_rail": row.method,
        "external_account_id": row.payee_id,
        "to_address": "" if row.payee_id else shown["bank_account"],
    }
    members: dict[str, Any] = {}
    for name, (_top, *groups, member) in TRANSFER_PLACES.items():
        inner = members
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[member] = told[name]
    return members


def of_payment(payment: Payment, sight: Sight) -> dict[str, Any]:
    """One payment as this caller may read it."""
    withdrawal = getattr(payment, "withdrawal", None)
    told = {
        name: None if (value := getattr(payment, name)) is None else facts.plain(value, currency)
        for currency in [payment.currency]
        for name in ("amount", "fee", "net", "refunded")
    }
    members = {
        **{name: getattr(payment, name) for name in _AS_IT_IS},
        **told,
        "counterparty_name": sight.name(payment.counterparty_name),
        "counterparty": sight.counterparty(payment),
        "withdrawal": withdrawal.code if withdrawal else None,
        "error_message": sight.text(payment.error_message, about=payment),
    }
    answer: dict[str, Any] = PaymentAnswer(members).data
    return answer


_AS_IT_IS = (
    *("upstream", "upstream_id", "kind", "hosted", "status", "upstream_status", "currency"),
    *("method", "merchant_reference", "error_code"),
    *("created_at", "expires_at", "completed_at", "seen_at"),
)
