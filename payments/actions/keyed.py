"""What other systems ask for: one withdrawal per key, however often they ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from payments.actions.errors import KeyReused
from payments.actions.requests import request_withdrawal
from payments.enums import Origin
from payments.models import IdempotencyKey, Withdrawal
from payments.rules import WithdrawalDraft
from staff.models import ApiToken
from staff.permissions import Permission, require


@dataclass(frozen=True)
class Key:
    """The caller's name for one request, and what the request said under it."""

    token: ApiToken
    name: str
    fingerprint: str


def made_before(*, key: Key) -> Withdrawal | None:
    """The withdrawal that this key made, whatever the rules would say of the request today.

    Raises NotPermitted, and KeyReused when the key stands for another request.
    """
    require(key.token.owner, Permission.MAKE_WITHDRAWALS)
    return _made_with(key)


def request_withdrawal_once(
    *, draft: WithdrawalDraft, key: Key, at: datetime
) -> tuple[Withdrawal, bool]:
    """Ask for a payout in the name of the token's owner, who never signs it.

    Returns the withdrawal, and whether the key had made it already. Raises NotPermitted,
    InvalidDraft, AskedAtOnce, and KeyReused when the key stands for another request.
    """
    if first := made_before(key=key):
        return first, True
    try:
        with transaction.atomic():
            made = request_withdrawal(draft=draft, by=key.token.owner, at=at, origin=Origin.API)
            _keep(key, made, at=at)
    except IntegrityError:
        # The same key came twice at the same moment, and the other one was faster.
        if first := _made_with(key):
            return first, True
        raise
    return made, False


def _made_with(key: Key) -> Withdrawal | None:
    kept = (
        IdempotencyKey.objects.filter(owner=key.token.owner, key=key.name)
        .select_related("withdrawal")
        .first()
    )
    if kept is None:
        return None
    if kept.fingerprint != key.fingerprint:
        raise KeyReused(kept.withdrawal.code)
    return kept.withdrawal


def _keep(key: Key, made: Withdrawal, *, at: datetime) -> None:
    IdempotencyKey.objects.create(
        owner=key.token.owner,
        key=key.name,
        fingerprint=key.fingerprint,
        withdrawal=made,
        token=key.token,
        created_at=at,
    )
