"""Whether what the provider holds is what we asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from payments.accounts import same_account, same_name, same_payid
from payments.enums import Kind
from payments.models import Payment, PaymentRequest, Withdrawal
from staff import masking
from upstreams.enums import Upstream
from upstreams.money import Money

Difference = tuple[str, str, str]  # field, asked, answered; personal values masked

_Spelling = Callable[[str], str]


def differences(withdrawal: Withdrawal, payment: Payment) -> list[Difference]:
    """Every field in which the payment is not what was asked for.

    What the provider leaves out is no difference: a webhook tells less than an answer does. Where
    the payee says on a page where the money goes, nobody here asked for anything else.
    """
    if withdrawal.upstream == Upstream.LUX:
        found = _common_differences(withdrawal, payment, Kind.TRANSFER)
        return found + _transfer_differences(withdrawal, payment)
    found = _common_differences(withdrawal, payment, Kind.WITHDRAWAL)
    if withdrawal.hosted:
        return found
    return found + _payout_differences(withdrawal, payment.counterparty)


def deposit_differences(request: PaymentRequest, payment: Payment) -> list[Difference]:
    """Every field in which the payment is not the deposit that was asked for."""
    return _common_differences(request, payment, Kind.DEPOSIT)


def _common_differences(
    asked: Withdrawal | PaymentRequest, payment: Payment, kind: Kind
) -> list[Difference]:
    found = []
    if payment.kind != kind:
        found.append(("type", kind.value, payment.kind))
    if (payment.amount, payment.currency) != (asked.amount, asked.currency):
        found.append(
            (
                "amount",
                _money(asked.amount, asked.currency),
                _money(payment.amount, payment.currency),
            )
        )
    if payment.hosted != asked.hosted:
        found.append(("hosted", _yes(asked.hosted), _yes(payment.hosted)))
    if payment.method and payment.method != asked.method:
        found.append(("method", asked.method, payment.method))
    told_reference = payment.merchant_reference
    if told_reference and told_reference != asked.merchant_reference:
        found.append(("reference", asked.merchant_reference, told_reference))
    return found


def _payout_differences(withdrawal: Withdrawal, told: dict[str, Any]) -> list[Difference]:
    def mask_payid(text: str) -> str:
        return masking.mask_payid(text, withdrawal.payid_type)

    compared: tuple[tuple[str, _Spelling, _Spelling], ...] = (
        ("recipient_name", same_name, masking.mask_name),
        ("bank_account", same_account, masking.mask_account),
        ("bank_code", same_account, str),
        ("payid", same_payid, mask_payid),
        ("payid_type", same_name, str),
    )
    found = []
    for name, spelling, mask in compared:
        asked, answered = getattr(withdrawal, name), str(told.get(name) or "")
        if not answered or (name == "bank_code" and not asked):
            continue  # not told, or a bank that the provider found out by itself
        if spelling(asked) != spelling(answered):
            found.append((name, mask(asked), mask(answered)))
    return found


def _transfer_differences(withdrawal: Withdrawal, payment: Payment) -> list[Difference]:
    """For whom, from where and to where: by their own ids and addresses."""
    told, terms = payment.counterparty, withdrawal.lux
    account, address = withdrawal.payee_id, "" if withdrawal.payee_id else withdrawal.bank_account
    compared: tuple[tuple[str, str, object, _Spelling], ...] = (
        ("customer", terms.get("on_behalf_of", ""), payment.raw.get("on_behalf_of"), str),
        ("source_rail", terms.get("source_rail", ""), told.get("from_rail"), str),
        ("source_currency", withdrawal.currency, told.get("from_currency"), str),
        ("from_address", terms.get("from_address", ""), told.get("from_address"), _masked),
        ("destination_currency", terms.get("destination_currency"), told.get("to_currency"), str),
        ("external_account", account, told.get("to_external_account"), str),
        ("to_address", address, told.get("to_address"), _masked),
    )
    found = [
        (name, mask(asked or ""), mask(str(answered)))
        for name, asked, answered, mask in compared
        if answered and _spelled(str(answered)) != _spelled(asked or "")
    ]
    return found + _fee_differences(terms, payment.raw)


def _fee_differences(terms: Mapping[str, str], raw: Mapping[str, Any]) -> list[Difference]:
    """Our own fee, however many zeros are written behind it; none is as good as nothing said."""
    found = []
    for name in ("developer_fee", "developer_fee_percent"):
        asked, answered = terms.get(name) or "0", str(raw.get(name) or "0")
        if answered != "0" and not _is_same(asked, answered):
            found.append((name, asked, answered))
    return found


def _is_same(one: str, other: str) -> bool:
    """Whether two texts are one number; what is no number is only itself."""
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return one == other


def _spelled(value: str) -> str:
    """An address of hexadecimal digits may be written in capitals, too: those are a checksum."""
    return value.lower() if value.startswith("0x") else value


def _masked(value: str) -> str:
    return masking.mask_account(value)


def _money(amount: Any, currency: str) -> str:
    return str(Money(amount.normalize(), currency))


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
