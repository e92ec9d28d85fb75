"""Wallets, and customers' accounts elsewhere (upstreams.md §1.7, §1.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from upstreams import strict_json
from upstreams.lux.schemas.reading import Fields
from upstreams.money import Money


@dataclass(frozen=True, slots=True)
class WalletRecord:
    """A wallet of a customer. `addresses` are by chain; `mpc` is empty unless it is one."""

    id: str
    customer_id: str
    type: str
    label: str = field(repr=False)
    chains: list[str]
    addresses: dict[str, str] = field(repr=False)
    mpc: dict[str, Any] = field(repr=False)
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CoinBalance:
    """What a wallet holds of one currency on one chain."""

    currency: str
    chain: str
    balance: Money
    available: Money | None
    pending: Money | None


@dataclass(frozen=True, slots=True)
class WalletBalance:
    """`total_usd` is what they say it is worth."""

    wallet_id: str
    balances: list[CoinBalance]
    total_usd: Decimal | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExternalAccountRecord:
    """A bank account or an address of a customer's. Of an account only the last digits are told."""

    id: str
    customer_id: str
    type: str
    account_name: str = field(repr=False)
    bank_name: str = field(repr=False)
    last_4: str = field(repr=False)
    chain: str
    address: str = field(repr=False)
    country: str
    status: str
    verification_method: str
    created_at: datetime | None
    raw: dict[str, Any] = field(repr=False)
    digest: str = field(repr=False)


def parse_wallet(raw: Any) -> WalletRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    addresses = fields.free("addresses")
    if not all(isinstance(address, str) for address in addresses.values()):
        raise fields.bad("addresses", "are not texts")
    return WalletRecord(
        id=fields.required_text("id"),
        customer_id=fields.text("customer_id"),
        type=fields.text("type"),
        label=fields.text("label"),
        chains=fields.texts("chains"),
        addresses=addresses,
        mpc=fields.free("mpc_config"),
        created_at=fields.moment("created_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_balance(raw: Any) -> WalletBalance:
    """Raises BadRecord."""
    fields = Fields(raw)
    return WalletBalance(
        wallet_id=fields.required_text("wallet_id"),
        balances=[_coin(coin) for coin in fields.children("balances")],
        total_usd=fields.decimal("total_usd"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def parse_external_account(raw: Any) -> ExternalAccountRecord:
    """Raises BadRecord."""
    fields = Fields(raw)
    return ExternalAccountRecord(
        id=fields.required_text("id"),
        customer_id=fields.text("customer_id"),
        type=fields.required_text("type"),
        account_name=fields.text("account_name", "label"),
        bank_name=fields.text("bank_name"),
        last_4=fields.text("last_4"),
        chain=fields.text("chain"),
        address=fields.text("address"),
        country=fields.text("country", "bank_country").upper(),
        status=fields.required_text("status"),
        verification_method=fields.text("verification_method"),
        created_at=fields.moment("created_at"),
        raw=fields.raw,
        digest=strict_json.digest(fields.raw),
    )


def _coin(fields: Fields) -> CoinBalance:
    currency = fields.currency("currency")
    return CoinBalance(
        currency=currency,
        chain=fields.text("chain"),
        balance=fields.required_money("balance", currency=currency),
        available=fields.money("available", currency=currency),
        pending=fields.money("pending", currency=currency),
    )
