"""Accounts, wallets, currencies and beneficiaries (upstreams.md §2.5–§2.7, LT-A2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from upstreams import strict_json
from upstreams.lumetrade.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """An account in one currency. `locked` is what open withdrawals hold; neither is checked
    against zero: an account may be overdrawn."""

    id: str
    currency: str
    available: Money
    locked: Money
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WalletRecord:
    """Where to pay in. `network` is empty for fiat, `payment_method_type` for crypto."""

    id: str
    currency: str
    network: str
    payment_method_type: str
    details: dict[str, Any] = field(repr=False)
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CurrencyRecord:
    """A currency that is offered (LT-A2). Derived from an account, `code` is all that is known."""

    code: str
    name: str
    type: str
    networks: list[str]
    payment_method_types: list[str]
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class BeneficiaryRecord:
    """A confirmed beneficiary: somebody made and confirmed it at Lumetrade."""

    id: str
    currency: str
    nickname: str = field(repr=False)
    details: dict[str, Any] = field(repr=False)
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


def parse_account(raw: Any) -> AccountRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    currency = fields.required_text("currency")
    return AccountRecord(
        id=fields.required_text("id"),
        currency=currency,
        available=fields.required_money("balance", currency=currency),
        locked=fields.required_money("lockedBalance", currency=currency),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_wallet(raw: Any) -> WalletRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return WalletRecord(
        id=fields.required_text("id"),
        currency=fields.required_text("currency"),
        network=fields.text("networkName"),
        payment_method_type=fields.text("paymentMethodType"),
        details=fields.free("depositDetails"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_currency(raw: Any) -> CurrencyRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return CurrencyRecord(
        code=fields.required_text("currency"),
        name=fields.text("name"),
        type=fields.text("type").upper(),
        networks=fields.texts("networks"),
        payment_method_types=fields.texts("paymentMethodTypes"),
        raw=fields.raw,
    )


def parse_beneficiary(raw: Any) -> BeneficiaryRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return BeneficiaryRecord(
        id=fields.required_text("id"),
        currency=fields.required_text("currency"),
        nickname=fields.text("nickname"),
        details=fields.free("withdrawFormDetails"),
        created_at=fields.moment("createdAt"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )
