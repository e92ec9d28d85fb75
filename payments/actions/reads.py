"""Asking the provider at the moment of a decision, outside any transaction."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings

from payments import mirror
from payments.checks.funds import MAIN
from payments.enums import SeenBy
from payments.models import Payment, Withdrawal
from staff.models import User
from staff.permissions import Permission, require
from upstreams.enums import Upstream
from upstreams.errors import UpstreamError
from upstreams.http import Priority
from upstreams.luxcore.client import get_client

logger = structlog.get_logger(__name__)


def reread(withdrawal: Withdrawal, *, at: datetime) -> None:
    """Read again what may have changed at the provider, within the time a click may wait.

    A provider that does not answer stops nothing here: what we know is then old, and the check of
    its age says so.
    """
    if withdrawal.upstream != Upstream.LUXCORE:
        return
    try:
        client = get_client(priority=Priority.OPERATOR, deadline=settings.APPROVAL_READ_SECONDS)
        if withdrawal.payment is not None:
            record = client.get_payment(withdrawal.payment.upstream_id)
            mirror.store_payments([record], seen_by=SeenBy.CLICK, at=at)
        else:
            balance = client.balance(withdrawal.currency, MAIN)
            mirror.store_balances([balance], at=at)
    except UpstreamError as problem:
        logger.warning(
            "payments.withdrawal.not_reread",
            withdrawal=withdrawal.code,
            problem=type(problem).__name__,
        )


def refresh_payment(*, payment_id: int, by: User, at: datetime) -> Payment:
    """Read one payment from its provider now. Raises NotPermitted and every UpstreamError."""
    require(by, Permission.SEE_PAYMENTS)
    payment = Payment.objects.get(pk=payment_id)
    client = get_client(priority=Priority.OPERATOR)
    record = client.get_payment(payment.upstream_id)
    mirror.store_payments([record], seen_by=SeenBy.CLICK, at=at)
    payment.refresh_from_db()
    return payment
