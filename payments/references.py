"""The names under which our payouts and deposits are known at the provider."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from payments.models import (
    AccountOpening,
    Payment,
    PaymentRequest,
    RouteCheck,
    TradeOrder,
    Withdrawal,
)
from upstreams.enums import Upstream

_NAMESPACE: Final = UUID("6f1d4b0e-5d0c-5a53-9b43-2d1f7f0f9a11")

PAYOUT: Final = "luxcore.payout"
CANCEL: Final = "luxcore.cancel"
LUMETRADE_PAYOUT: Final = "lumetrade.payout"
LUX_PAYOUT: Final = "lux.payout"
LUX_ROUTE: Final = "lux.route"
DEPOSIT: Final = "luxcore.deposit"
TRADE: Final = "lumetrade.trade"
OPEN_ACCOUNT: Final = "lumetrade.open_account"

# The command that makes a payout, by its provider.
PAYOUTS: Final = {
    Upstream.LUXCORE: PAYOUT,
    Upstream.LUMETRADE: LUMETRADE_PAYOUT,
    Upstream.LUX: LUX_PAYOUT,
}


def reference_for(withdrawal: Withdrawal) -> str:
    """The reference of the present attempt.

    It is derived, so a desk restored from a backup makes the same one again and the provider
    recognises it instead of paying twice.
    """
    return str(uuid5(_NAMESPACE, f"{withdrawal.code}:{withdrawal.attempt_no}"))


def cancel_key_for(withdrawal: Withdrawal) -> str:
    """The key of the command that cancels a payout there."""
    return str(uuid5(_NAMESPACE, f"{withdrawal.code}:cancel"))


def deposit_reference_for(request: PaymentRequest) -> str:
    """The reference of a deposit that we ask for: derived too, and never used again."""
    return str(uuid5(_NAMESPACE, request.code))


def payment_cancel_key_for(payment: Payment, attempt_no: int) -> str:
    """The key of one attempt to cancel a payment there."""
    return str(uuid5(_NAMESPACE, f"{payment.upstream_id}:cancel:{attempt_no}"))


def key_for(row: TradeOrder | AccountOpening) -> str:
    """The key of the one command about it. Lumetrade is not told, and would not heed it."""
    return str(uuid5(_NAMESPACE, row.code))


def route_key_for(check: RouteCheck) -> str:
    """The key of one dry run; nothing comes of it, however often it is asked."""
    return str(uuid5(_NAMESPACE, f"route:{check.pk}"))
