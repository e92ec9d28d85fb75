"""Payouts to try the desk with: a sample policy and what two makers asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction

from customers.models import ExternalAccount
from payments import actions
from payments.enums import PolicyState
from payments.models import Policy, PolicyVersion, Withdrawal
from payments.rules import WithdrawalDraft, lux
from staff import audit
from staff.models import User
from upstreams.enums import Upstream
from upstreams.lux import words

SAMPLE_TIERS: Final[tuple[dict[str, Any], ...]] = (
    {"from_amount": Decimal(0), "signatures": 1},
    {"from_amount": Decimal(1_000), "signatures": 2},
    {
        "from_amount": Decimal(50_000),
        "signatures": 3,
        "typed_amount": True,
        "reauthenticate": True,
        "beneficiary_limit": Decimal(1_000_000),
    },
)

_REQUESTS: Final[tuple[tuple[str, int, dict[str, Any]], ...]] = (
    (
        "maker",
        95,
        {
            "amount": Decimal("2500.00"),
            "currency": "AUD",
            "method": "payid",
            "recipient_name": "James Smith",
            "payid": "james@example.com",
            "payid_type": "email",
            "payout_reference": "PAYOUT-FEB-118",
            "customer_name": "James Smith",
            "customer_email": "james@example.com",
            "customer_phone": "+61412345678",
            "description": "Payout February 2026",
        },
    ),
    (
        "maker",
        80,
        {
            "amount": Decimal("640.00"),
            "currency": "AUD",
            "method": "bank_transfer",
            "recipient_name": "Oliver Brown",
            "bank_account": "12345678",
            "bank_code": "062-000",
            "payout_reference": "PAYOUT-FEB-119",
            "customer_name": "Oliver Brown",
            "customer_email": "oliver.brown@example.com",
            "customer_phone": "+61298765432",
            "description": "Refund of a double charge",
        },
    ),
    (
        "maker",
        75,
        {
            "amount": Decimal("85.00"),
            "currency": "AUD",
            "method": "payid",
            "recipient_name": "Emily Jones",
            "payid": "+61498765432",
            "payid_type": "phone",
            "payout_reference": "PAYOUT-FEB-120",
            "customer_name": "Emily Jones",
            "customer_email": "emily.jones@example.com",
            "customer_phone": "+61498765432",
            "description": "Payout February 2026",
        },
    ),
    (
        "maker2",
        70,
        {
            "amount": Decimal("410.00"),
            "currency": "AUD",
            "method": "bank_transfer",
            "recipient_name": "Liam Walker",
            "bank_account": "87654321",
            "bank_code": "062-000",
            "payout_reference": "PAYOUT-FEB-121",
            "customer_name": "Liam Walker",
            "customer_email": "liam.walker@example.com",
            "description": "Payout February 2026",
        },
    ),
    (
        "maker2",
        60,
        {
            "amount": Decimal("7850.50"),
            "currency": "AUD",
            "method": "payid",
            "recipient_name": "Southern Cross Supplies Pty Ltd",
            "payid": "51824753556",
            "payid_type": "abn",
            "tax_id": "51824753556",
            "payout_reference": "INV-20391",
            "customer_name": "Southern Cross Supplies Pty Ltd",
            "customer_email": "accounts@southerncross.example",
            "description": "Invoice 20391",
        },
    ),
    (
        "maker",
        50,
        {
            "amount": Decimal("250000.00"),
            "currency": "ARS",
            "method": "bank_transfer",
            "recipient_name": "María García",
            "bank_account": "2850590940090418135201",
            "tax_id": "27-23456789-1",
            "payout_reference": "RETIRO-4471",
            "customer_name": "María García",
            "customer_email": "maria@example.com",
            "customer_phone": "+5491112345678",
            "description": "Retiro de saldo",
        },
    ),
    (
        "maker2",
        45,
        {
            "amount": Decimal("250000.00"),
            "currency": "ARS",
            "method": "bank_transfer",
            "recipient_name": "María García",
            "bank_account": "2850590940090418135201",
            "tax_id": "27-23456789-1",
            "payout_reference": "RETIRO-4471-B",
            "customer_name": "María García",
            "customer_email": "maria@example.com",
            "customer_phone": "+5491112345678",
            "description": "Retiro de saldo",
        },
    ),
    (
        "maker",
        30,
        {
            "amount": Decimal("84120.50"),
            "currency": "MXN",
            "method": "spei",
            "recipient_name": "Juan Pérez Martínez",
            "bank_account": "002010077777777771",
            "bank_code": "002",
            "account_type": "checking",
            "payout_reference": "PAYOUT-JAN-001",
            "payout_description": "Nómina enero",
            "customer_name": "Juan Pérez Martínez",
            "customer_email": "juan.perez@example.com",
            "customer_phone": "+525551234567",
            "description": "Nómina enero",
        },
    ),
    (
        "maker2",
        20,
        {
            "amount": Decimal("9300.00"),
            "currency": "MXN",
            "method": "spei",
            "recipient_name": "Ana Sofía López",
            "bank_account": "032180000118359719",
            "bank_code": "032",
            "payout_reference": "PAYOUT-JAN-002",
            "customer_name": "Ana Sofía López",
            "customer_email": "ana.lopez@example.com",
            "description": "Reembolso",
        },
    ),
    (
        "maker2",
        10,
        {
            "amount": Decimal("37500.00"),
            "currency": "UYU",
            "method": "bank_transfer",
            "recipient_name": "Lucía Fernández",
            "bank_account": "001234567890",
            "payout_reference": "PAGO-0087",
            "customer_name": "Lucía Fernández",
            "customer_email": "lucia@example.com",
            "customer_phone": "+59891234567",
            "description": "Pago de servicios",
        },
    ),
)


# From where, to where, how much, and what else is said: for customers whom Lux Financial approved.
_TRANSFERS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    (
        "maker",
        "250.00",
        {
            "source_rail": "polygon",
            "source_currency": "USDC",
            "from_address": "0x52908400098527886E0F7030069857D2E4169EE7",
            "destination_rail": "wire",
            "destination_currency": "USD",
            "wire_message": "Invoice 20417",
            "developer_fee": "1.50",
            "description": "Payout in dollars for stablecoins",
        },
    ),
    (
        "maker2",
        "1800.00",
        {
            "source_rail": "wire",
            "source_currency": "USD",
            "destination_rail": "ach_same_day",
            "destination_currency": "USD",
            "developer_fee_percent": "0.5",
            "description": "Payroll November",
        },
    ),
    (
        "maker",
        "75.00",
        {
            "source_rail": "ach",
            "source_currency": "USD",
            "destination_rail": "polygon",
            "destination_currency": "USDT",
            "to_address": "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "description": "Top-up of a wallet",
        },
    ),
)


def build(people: Mapping[str, User], at: datetime) -> Iterable[str]:
    """Add what is missing; say in lines what was added."""
    lines = []
    if not Policy.objects.exists():
        publish_sample_policy(at=at)
        lines.append("sample policy v1")
    for maker, minutes, wanted in _REQUESTS:
        if Withdrawal.objects.filter(payout_reference=wanted["payout_reference"]).exists():
            continue
        withdrawal = actions.request_withdrawal(
            draft=WithdrawalDraft(upstream=Upstream.LUXCORE, **wanted),
            by=people[maker],
            at=at - timedelta(minutes=minutes),
        )
        lines.append(f"{withdrawal.code}: {withdrawal.amount:,} {withdrawal.currency}")
    return lines + _ask_for_transfers(people, at)


def has_transfers() -> bool:
    """Whether payouts through Lux Financial are asked for; nobody is known there at first."""
    return Withdrawal.objects.filter(upstream=Upstream.LUX).exists()


def _ask_for_transfers(people: Mapping[str, User], at: datetime) -> list[str]:
    """For a customer each, once as many are known who may be paid for."""
    payable = ExternalAccount.objects.filter(
        is_listed=True,
        status=words.VERIFIED,
        customer__profile__status="active",
        customer__profile__kyc_status=words.APPROVED,
    ).exclude(kind=words.CRYPTO_ADDRESS)
    accounts = list(payable.order_by("pk")[: len(_TRANSFERS)])
    if has_transfers() or len(accounts) < len(_TRANSFERS):
        return []
    return [
        _ask_for_transfer(people[maker], account, amount, way, at)
        for account, (maker, amount, way) in zip(accounts, _TRANSFERS, strict=True)
    ]


def _ask_for_transfer(
    maker: User, account: ExternalAccount, amount: str, way: Mapping[str, str], at: datetime
) -> str:
    identity = account.customer.identities.filter(upstream=Upstream.LUX).get()
    told = {**way, "on_behalf_of": identity.upstream_id}
    if "to_address" not in way:
        told["external_account_id"] = account.upstream_id
    draft = lux.draft_of(told, amount=Decimal(amount))
    withdrawal = actions.request_withdrawal(draft=draft, by=maker, at=at)
    return f"{withdrawal.code}: {withdrawal.amount:,} {withdrawal.currency}"


def publish_sample_policy(*, at: datetime) -> None:
    """Version 1: one signature, a second one from 1,000, a third from 50,000."""
    with transaction.atomic():
        version = PolicyVersion.objects.create(
            number=1, state=PolicyState.PUBLISHED, created_at=at, decided_at=at
        )
        tiers = [Policy(version=version, published_at=at, **tier) for tier in SAMPLE_TIERS]
        Policy.objects.bulk_create(tiers)
        audit.record(
            "payments.policy.published",
            version,
            by=None,
            at=at,
            after={"tiers": [str(tier) for tier in tiers]},
            reason="demonstration",
        )
