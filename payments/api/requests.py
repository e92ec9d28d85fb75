"""What other systems send: a payout as JSON becomes the same draft that the form makes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from payments import rules
from payments.api.fields import ClosedSerializer, FreeObject, Number, Text, Texts
from payments.rules import WithdrawalDraft
from payments.rules.extras import EVENTS, LONGEST_URL
from staff.texts import Sayable
from upstreams.enums import Upstream
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


_ALL_PLACES: Final = {**PLACES, **_OTHER_PLACES}


def _optional(help_text: str = "") -> Text:
    return Text(required=False, allow_blank=True, help_text=help_text)


@extend_schema_field({"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "examples": ["2500.00"]})
class _Amount(Text):
    pass


# Not choice fields: the rules say in better words why a rail does not exist.


@extend_schema_field({"type": "string", "enum": [Upstream.LUXCORE.value, Upstream.LUMETRADE.value]})
class _Upstream(Text):
    pass


@extend_schema_field({"type": "string", "examples": [*rules.CURRENCIES]})
class _Currency(Text):
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
        is_lumetrade = attrs["upstream"] == Upstream.LUMETRADE
        draft, errors = (_draft_to_payee if is_lumetrade else _draft)(attrs)
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
    needless = [name for name in _OF_LUXCORE if attrs.get(name)]
    if attrs["type"] != TYPES[0]:
        needless.append("type")
    return draft, errors | dict.fromkeys(needless, _NOT_SAID)


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
        **texts,
    )
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
_REQUIRED: Final = "This field is required."
_NOT_SAID: Final = "Leave this out: Lumetrade pays its beneficiary as it knows them."
