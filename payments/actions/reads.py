"""Asking the provider at the moment of a decision, outside any transaction."""

from __future__ import annotations

from datetime import datetime

import structlog
from django.conf import settings
from django.utils.translation import gettext

from payments import deposits, mirror
from payments.checks.funds import MAIN
from payments.deposits import DepositDraft
from payments.enums import Kind, SeenBy
from payments.models import Payment, Withdrawal
from staff.models import User
from staff.permissions import Permission, require
from upstreams.enums import Upstream
from upstreams.errors import UpstreamError
from upstreams.http import Priority
from upstreams.lumetrade import client as lumetrade
from upstreams.luxcore.client import get_client
from upstreams.money import Money

logger = structlog.get_logger(__name__)


def reread(withdrawal: Withdrawal, *, at: datetime) -> None:
    """Read again what may have changed at the provider, within the time a click may wait.

    A provider that does not answer stops nothing here: what we know is then old, and the check of
    its age says so.
    """
    try:
        if withdrawal.upstream == Upstream.LUMETRADE:
            _reread_account(withdrawal.currency, at=at)
            return
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


def _reread_account(currency: str, *, at: datetime) -> None:
    client = lumetrade.get_client(
        priority=Priority.OPERATOR, deadline=settings.APPROVAL_READ_SECONDS
    )
    balance = mirror.balance_of(client.get_account_in(currency))
    mirror.store_balances([balance], at=at, upstream=Upstream.LUMETRADE)


def objections(draft: DepositDraft) -> str:
    """Why LuxCore would refuse this deposit, in its words; "" when it would take it.

    A provider that does not answer, or answers something nobody knows, stops nothing: what it
    refuses then is told on the page of the request.
    """
    try:
        client = get_client(priority=Priority.OPERATOR, deadline=settings.APPROVAL_READ_SECONDS)
        check = client.validate_method(
            method=draft.method,
            payment_type=deposits.vendor_type(hosted=draft.hosted),
            amount=Money(draft.amount, draft.currency),
        )
    except UpstreamError as problem:
        logger.warning("payments.deposit.not_validated", problem=type(problem).__name__)
        return ""
    if check.valid:
        return ""
    told = " ".join(check.errors) or gettext("It does not say why.")
    return gettext("LuxCore would refuse it: %(told)s") % {"told": told}


def refresh_payment(*, payment_id: int, by: User, at: datetime) -> Payment:
    """Read one payment from its provider now. Raises NotPermitted and every UpstreamError."""
    require(by, Permission.SEE_PAYMENTS)
    payment = Payment.objects.get(pk=payment_id)
    if payment.upstream == Upstream.LUMETRADE:
        _reread_movement(payment, at=at)
    else:
        record = get_client(priority=Priority.OPERATOR).get_payment(payment.upstream_id)
        mirror.store_payments([record], seen_by=SeenBy.CLICK, at=at)
    payment.refresh_from_db()
    return payment


def _reread_movement(payment: Payment, *, at: datetime) -> None:
    client = lumetrade.get_client(priority=Priority.OPERATOR)
    is_paid_out = payment.kind == Kind.WITHDRAWAL
    get = client.get_withdrawal if is_paid_out else client.get_deposit
    seen = mirror.Sighting(get(payment.upstream_id), at)
    mirror.store_payments([seen], seen_by=SeenBy.CLICK, at=at, source=mirror.LUMETRADE)
