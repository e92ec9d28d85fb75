"""Lumetrade's records in the columns of our rows (upstreams.md §2.8, §2.9, §4.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from customers.columns import longest
from payments.enums import Kind, PaymentStatus
from payments.mirror.balances import BalanceSeen
from payments.mirror.merging import RANKS, Observation, Stamp
from payments.mirror.observing import Unstorable
from payments.mirror.storing import Source
from payments.models import OPEN_STATUSES, Payment
from upstreams.enums import Upstream
from upstreams.lumetrade.schemas import AccountRecord, DepositRecord, WithdrawalRecord
from upstreams.money import Money

STATUSES: Final[Mapping[str, PaymentStatus]] = {
    "SUBMITTED": PaymentStatus.CREATED,
    "PENDING": PaymentStatus.CREATED,
    "AWAITING_CONFIRMATION": PaymentStatus.CREATED,
    "ACCEPTED": PaymentStatus.IN_PROGRESS,
    "PROCESSING": PaymentStatus.IN_PROGRESS,
    "COMPLIANCE_PENDING": PaymentStatus.IN_REVIEW,
    "COMPLETED": PaymentStatus.COMPLETED,
    "FAILED": PaymentStatus.FAILED,
    "CANCELLED": PaymentStatus.CANCELLED,
    "REVERSED": PaymentStatus.RETURNED,
}
METHOD: Final = "beneficiary"  # how a payout is made there: to one that they have confirmed
MAIN: Final = "main"  # an account is what payouts are taken from
_EXACT: Final = ("upstream_id", "upstream_status", "currency")
_NEVER_TOLD: Final[Mapping[str, Any]] = {
    "refunded": None,
    "merchant_reference": "",
    "counterparty": {},
    "counterparty_name": "",
    "account_key": "",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sighting:
    """A movement, and when Lumetrade was asked: of two answers about one, the later is true."""

    record: WithdrawalRecord | DepositRecord
    asked_at: datetime

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def digest(self) -> str:
        return self.record.digest

    @property
    def raw(self) -> dict[str, Any]:
        return self.record.raw


def lumetrade_status(record: WithdrawalRecord | DepositRecord) -> PaymentStatus:
    """Lumetrade's word in our common view; a word nobody documented is UNKNOWN."""
    return STATUSES.get(record.status, PaymentStatus.UNKNOWN)


def observe_movement(seen: Sighting, customer_id: int | None) -> Observation:
    """Read one movement; raises Unstorable."""
    record = seen.record
    status = lumetrade_status(record)
    told = _withdrawal(record) if isinstance(record, WithdrawalRecord) else _deposit()
    values: dict[str, Any] = {
        "amount": record.amount.amount,
        "fee": record.fee and record.fee.amount,
        "currency": record.currency,
        "status": status.value,
        "upstream_status": record.status,
        "customer_id": customer_id,
        "completed_at": record.completed_at,
        "raw": record.raw,
        "digest": record.digest,
        **_NEVER_TOLD,
        **told,
    }
    for name, value in (values | {"upstream_id": record.id}).items():
        if name in _EXACT and len(value) > (longest(Payment, name) or 0):
            raise Unstorable(f"{name} is too long")
    return Observation(
        upstream=Upstream.LUMETRADE,
        upstream_id=record.id,
        status=status,
        stamp=stamp_of(status, seen.asked_at),
        values=values,
    )


def stamp_of(status: PaymentStatus, asked_at: datetime) -> Stamp:
    """Where an observation stands in the order of its payment's.

    There is no version here, and what is in review goes back to being processed (LT-A4): among
    the open stages the later answer counts. An end outranks them all, whenever it was read.
    """
    rank = 1 if status in OPEN_STATUSES else RANKS[status]
    return rank, (asked_at - _EPOCH) // timedelta(microseconds=1)


def _withdrawal(record: WithdrawalRecord) -> dict[str, Any]:
    name = record.details.get("accountName")
    most = longest(Payment, "counterparty_name")
    return {
        "kind": Kind.WITHDRAWAL,
        "method": METHOD,
        "counterparty": record.details,
        "counterparty_name": name[:most] if isinstance(name, str) else "",
        "created_at": record.created_at,
    }


def _deposit() -> dict[str, Any]:
    return {"kind": Kind.DEPOSIT, "method": ""}


def balance_of(account: AccountRecord) -> BalanceSeen:
    """An account as a balance: what open withdrawals hold is part of it."""
    whole = Money(account.available.amount + account.locked.amount, account.currency)
    return BalanceSeen(
        currency=account.currency,
        balance_type=MAIN,
        amount=whole,
        available=account.available,
        frozen=account.locked,
        raw=account.raw,
    )


LUMETRADE: Final = Source(upstream=Upstream.LUMETRADE, observe=observe_movement)
