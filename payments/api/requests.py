"""What other systems send: a payout as JSON becomes the same draft that the form makes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from payments import rules
from payments.api.fields import ClosedSerializer, FreeObject, Number, Text, Texts
from payments.rules import WithdrawalDraft, lux
from payments.rules.extras import EVENTS, LONGEST_URL
from staff.texts import Sayable
from upstreams.enums import Upstream
from upstreams.lux import words
from upstreams.money import BadMoney

TYPES: Final = tuple(rules.vendor_type(hosted=hosted) for hosted in (False, True))

# Where each text of a draft stands in the body.
PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "recipient_name": ("payout", "recipient_name"),
    "bank_account": ("payout", "bank_account"),
    "bank_code": ("payout", "bank_code"),
    "account_type": ("payout", "account_type"),
    "tax_id": ("payout", "beneficiary_tax_id"),
    "payid": ("payout", "payid"),
    "payid_type": ("payout", "payid_type"),
    "payout_description": ("payout", "description"),
    "payout_reference": ("payout", "reference"),
    "customer_name": ("customer", "name"),
    "customer_email": ("customer", "email"),
    "customer_phone": ("customer", "phone"),
    "customer_external_id": ("customer", "external_id"),
    "description": ("description",),
    "webhook_url": ("webhook_url",),
}
# Where the rest of it stands that has another name there.
_OTHER_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "hosted": ("type",),
    "customer_number": ("customer_id",),
}


# Where what is said of a transfer (`rules.lux.FIELDS`) stands.
TRANSFER_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "on_behalf_of": ("transfer", "on_behalf_of"),
    "source_rail": ("transfer", "source", "payment_rail"),
    "source_currency": ("transfer", "source", "currency"),
    "from_address": ("transfer", "source", "from_address"),
    "destination_rail": ("transfer", "destination", "payment_rail"),
    "destination_currency": ("transfer", "destination", "currency"),
    "external_account_id": ("transfer", "destination", "external_account_id"),
    "to_address": ("transfer", "destination", "to_address"),
    "swift_charges": ("transfer", "destination", "swift_charges"),
    "wire_message": ("transfer", "destination", "wire_message"),
    "sepa_reference": ("transfer", "destination", "sepa_reference"),
    "swift_reference": ("transfer", "destination", "swift_reference"),
    "developer_fee": ("transfer", "developer_fee"),
    "developer_fee_percent": ("transfer", "developer_fee_percent"),
}
_ALL_PLACES: Final = {**PLACES, **_OTHER_PLACES, **TRANSFER_PLACES}


def _optional(help_text: str = "") -> Text:
    return Text(required=False, allow_blank=True, help_text=help_text)


@extend_schema_field({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["2500.00"]})
class _Amount(Text):
    pass


# Not choice fields: the rules say in better words why a rail does not exist.


@extend_schema_field({"type": "string", "enum": [*Upstream.values]})
class _Upstream(Text):
    pass


@extend_schema_field({"type": "string", "examples": [*rules.CURRENCIES]})
class _Currency(Text):
    pass


@extend_schema_field({"type": "string", "enum": [*words.CURRENCIES]})
class _Rail(Text):
    pass


@extend_schema_field(
    {"type": "string", "enum": sorted({code for of in words.CURRENCIES.values() for code in of})}
)
class _Coin(Text):
    pass


@extend_schema_field({"type": "string", "enum": [*rules.METHOD_LABELS]})
class _Method(Text):
    pass


@extend_schema_field({"type": "string", "enum": [*TYPES]})
class _Type(Text):
    default_error_messages = {"unknown": "A payout is a withdrawal or a withdrawal_pp."}

    def to_internal_value(self, data: Any) -> str:
        if (text := super().to_internal_value(data)) not in TYPES:
            self.fail("unknown")
        return text


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 10**18 - 1})
class _CustomerNumber(Number):
    pass


@extend_schema_field({"type": "object", "additionalProperties": True})
class _Metadata(FreeObject):
    pass


@extend_schema_field({"type": "string", "maxLength": LONGEST_URL})
class _Url(Text):
    pass


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "enum": [*EVENTS]}, "maxItems": len(EVENTS)}
)
class _Events(Texts):
    pass


@extend_schema_field({"type": "string", "maxLength": 1000, "pattern": r"\S"})
class _Reason(Text):
    pass


class PayoutRequest(ClosedSerializer):
    """Where the money goes. Which members a payout needs depends on its currency and method."""

    recipient_name = _optional("Always needed: exactly as the account holder's name is written.")
    bank_account = _optional(
        "ARS: CBU or CVU, 22 digits. MXN: CLABE, 18 digits. UYU: 4 to 20 digits. "
        "AUD bank transfer: 6 to 10 digits. Not for PayID."
    )
    bank_code = _optional("MXN: 3 digits. AUD bank transfer: the BSB, like 062-000.")
    account_type = _optional("checking or savings")
    beneficiary_tax_id = _optional("CUIT, RFC, RUC or ABN")
    payid = _optional("AUD PayID: an e-mail address, a phone number like +61412345678, or an ABN.")
    payid_type = _optional("With payid: email, phone or abn.")
    description = _optional("Purpose, for the recipient's statement")
    reference = _optional("Tracking reference; LuxCore makes one when there is none")


class CustomerRequest(ClosedSerializer):
    """The person of the payout, as LuxCore matches customers: by e-mail, then by phone."""

    name = _optional()
    email = _optional()
    phone = _optional()
    external_id = _optional("Your own id of this customer")


class SourceRequest(ClosedSerializer):
    """Where the funds of a transfer come from."""

    payment_rail = _Rail(help_text="The rail by which the funds are paid in.")
    currency = _Coin(help_text="The amount is in it. Which rail carries which: see the guide.")
    from_address = _optional("On a chain: the address they come from.")


class DestinationRequest(ClosedSerializer):
    """Where a transfer goes: to an account at a bank, or to an address on a chain."""

    payment_rail = _Rail(help_text="The rail by which it is paid out.")
    currency = _Coin(help_text="What it is paid out in.")
    external_account_id = _optional(
        "On a bank rail: one of the customer's accounts that Lux Financial has verified."
    )
    to_address = _optional("On a chain: the address it goes to.")
    swift_charges = _optional("SWIFT: sha, our or ben.")
    wire_message = _optional("Wire: at most 140 characters.")
    sepa_reference = _optional("SEPA: at most 140 characters.")
    swift_reference = _optional("SWIFT: at most 140 characters.")


class TransferRequest(ClosedSerializer):
    """A transfer through Lux Financial, for one of the customers there."""

    on_behalf_of = Text(help_text="The customer's id at Lux Financial.")
    source = SourceRequest()  # type: ignore[assignment]  # DRF takes it out of the class
    destination = DestinationRequest()
    developer_fee = _optional("Our fee as decimal text, in the currency of the source.")
    developer_fee_percent = _optional("Our fee in percent, from 0 to 100. Instead of the amount.")


class WithdrawalRequest(ClosedSerializer):
    """A payout to ask for. People of the desk sign it before anything is sent."""

    upstream = _Upstream(default=Upstream.LUXCORE.value)
    amount = _Amount(help_text="Major units as decimal text: 2500.00. Never a JSON number.")
    currency = _Currency(
        required=False,
        help_text=f"LuxCore: {', '.join(rules.CURRENCIES)}. Lumetrade: the beneficiary's; where "
        "it is given, it has to be that.",
    )
    method = _Method(required=False, help_text="LuxCore: always needed. Lumetrade: not given.")
    type = _Type(
        default=TYPES[0],
        help_text="withdrawal_pp: on LuxCore's own page, where the payee says where the money "
        "goes. Send no payout then; the answer tells the page's address to nobody but people.",
    )
    payout = PayoutRequest(
        required=False, help_text="LuxCore: needed but for a withdrawal_pp. Lumetrade: not given."
    )
    customer_id = _CustomerNumber(
        required=False,
        help_text="LuxCore's own number of a customer it knows; `customer` then changes nothing.",
    )
    customer = CustomerRequest(required=False)
    payee_id = _optional("Lumetrade: the id of the beneficiary that is paid. LuxCore: not given.")
    transfer = TransferRequest(
        required=False, help_text="Lux Financial: always needed. Others: not given."
    )
    description = _optional("For ourselves and for LuxCore")
    metadata = _Metadata(
        required=False,
        help_text="A free object, at most 4,096 characters of JSON, no fractions. It comes back "
        "with the payment.",
    )
    webhook_url = _Url(
        required=False,
        allow_blank=True,
        help_text="Where LuxCore tells of this payment: HTTPS to a public host, no port.",
    )
    webhook_events = _Events(
        required=False,
        help_text="Left out or empty, LuxCore tells of created, completed, failed and refunded: "
        "not of payment.cancelled.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Make the draft, or say at every field what the rules say about it."""
        make = _MAKERS.get(attrs["upstream"], _draft)
        draft, errors = make(attrs)
        if errors:
            raise serializers.ValidationError(placed(errors))
        return {"draft": draft}


class RetractRequest(ClosedSerializer):
    reason = _Reason(max_length=1000, help_text="Why it is taken back; kept with the withdrawal.")


def placed(errors: Mapping[str, Sayable]) -> dict[str, Any]:
    """The messages about a draft, each at its field of the body."""
    found: dict[str, Any] = {}
    for name, message in errors.items():
        *groups, member = _ALL_PLACES.get(name, (name,))
        inner = found
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[member] = [str(message)]
    return found


def _draft_to_payee(attrs: Mapping[str, Any]) -> tuple[WithdrawalDraft | None, dict[str, Sayable]]:
    """A payout through Lumetrade, which knows everything else about its beneficiary."""
    given = {name: attrs[name] for name in rules.PAYEE_FIELDS if name in attrs}
    if not given.get("payee_id"):
        return None, {"payee_id": _REQUIRED}
    draft, errors = rules.draft_for(**given)
    needless = [name for name in (*_OF_LUXCORE, "transfer") if attrs.get(name)]
    if attrs["type"] != TYPES[0]:
        needless.append("type")
    return draft, errors | dict.fromkeys(needless, _NOT_SAID)


def _draft_of_transfer(
    attrs: Mapping[str, Any],
) -> tuple[WithdrawalDraft | None, dict[str, Sayable]]:
    """A payout through Lux Financial, with all that is wrong with it."""
    if "transfer" not in attrs:
        return None, {"transfer": _REQUIRED}
    needless = [name for name in (*_OF_LUXCORE, "payee_id", "currency") if attrs.get(name)]
    if attrs["type"] != TYPES[0]:
        needless.append("type")
    found: dict[str, Sayable] = dict.fromkeys(needless, _NOT_OF_TRANSFERS)
    told = {name: _found(attrs, place) for name, place in TRANSFER_PLACES.items()}
    told["description"] = attrs.get("description", "")
    amount = Decimal(1)  # stands in for one that cannot be read
    if told["source_currency"] in words.CURRENCIES.get(told["source_rail"], ()):
        try:
            amount = rules.parse_amount(attrs["amount"], told["source_currency"])
        except BadMoney as problem:
            found["amount"] = str(problem)
    draft = lux.draft_of(told, amount=amount)
    return draft, rules.validate(draft) | found


def _draft(attrs: Mapping[str, Any]) -> tuple[WithdrawalDraft | None, dict[str, Sayable]]:
    """A payout through LuxCore, with all that is wrong with it."""
    missing: dict[str, Sayable] = {name: _REQUIRED for name in _NEEDED if name not in attrs}
    if missing and attrs["upstream"] == Upstream.LUXCORE:
        return None, missing
    amount = Decimal(0)  # stands in for one that cannot be read
    errors: dict[str, Sayable] = {}
    currency = attrs.get("currency", "")
    if currency in rules.CURRENCIES:
        try:
            amount = rules.parse_amount(attrs["amount"], currency)
        except BadMoney as problem:
            errors["amount"] = str(problem)
    texts = {name: _found(attrs, place) for name, place in PLACES.items()}
    draft = WithdrawalDraft(
        upstream=attrs["upstream"],
        amount=amount,
        currency=currency,
        method=attrs.get("method", ""),
        hosted=attrs["type"] == rules.vendor_type(hosted=True),
        customer_number=attrs.get("customer_id", ""),
        metadata=attrs.get("metadata", {}),
        webhook_events=tuple(attrs.get("webhook_events", ())),
        payee_id=attrs.get("payee_id", ""),
        lux={},
        **texts,
    )
    if attrs.get("transfer"):
        errors["transfer"] = _ONLY_LUX
    return draft, rules.validate(draft) | errors


def _found(attrs: Mapping[str, Any], place: tuple[str, ...]) -> str:
    *groups, member = place
    for group in groups:
        attrs = attrs.get(group, {})
    text: str = attrs.get(member, "")
    return text


_NEEDED: Final = ("currency", "method")
_OF_LUXCORE: Final = (
    *("method", "payout", "customer", "customer_id"),
    *("metadata", "webhook_url", "webhook_events"),
)
_MAKERS: Final = {Upstream.LUMETRADE.value: _draft_to_payee, Upstream.LUX.value: _draft_of_transfer}
_ONLY_LUX: Final = "Leave this out: only Lux Financial makes transfers."
_NOT_OF_TRANSFERS: Final = "Leave this out: a transfer through Lux Financial does not use it."
_REQUIRED: Final = "This field is required."
_NOT_SAID: Final = "Leave this out: Lumetrade pays its beneficiary as it knows them."
