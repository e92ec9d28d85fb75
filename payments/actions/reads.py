"""Asking the provider at the moment of a decision, outside any transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.conf import settings
from django.utils.translation import gettext

from customers import mirror as customers
from payments import deposits, mirror
from payments.actions.errors import ProviderUnread
from payments.checks.funds import MAIN, main_balance
from payments.deposits import DepositDraft
from payments.enums import Kind, SeenBy
from payments.models import Payment, Withdrawal
from staff.models import User
from staff.permissions import Permission, require
from upstreams.enums import Upstream
from upstreams.errors import RateLimited, UpstreamError
from upstreams.http import Priority
from upstreams.lumetrade import client as lumetrade
from upstreams.lux import client as lux
from upstreams.luxcore.client import get_client
from upstreams.money import Money

logger = structlog.get_logger(__name__)

FRESH: Final = timedelta(seconds=10)  # a balance of which many are paid one after the other


def reread(withdrawal: Withdrawal, *, at: datetime) -> None:
    """Read again what may have changed at the provider, within the time a click may wait.

    A provider that does not answer stops nothing here: what we know is then old, and the check of
    its age says so.
    """
    try:
        _read(withdrawal, priority=Priority.OPERATOR, at=at)
    except UpstreamError as problem:
        _note_unread(withdrawal, problem)


def reread_among_many(withdrawal: Withdrawal, *, at: datetime) -> None:
    """The same for one of many that a worker decides, one after the other.

    It takes turns with other work in the background, and a balance that was read a moment ago is
    not read again. Nobody looks on here: one that lies at the provider is not decided without
    their word. Raises ProviderUnread, and RateLimited when it has to wait for its turn.
    """
    if withdrawal.payment is None and _is_fresh(withdrawal, at=at):
        return
    try:
        _read(withdrawal, priority=Priority.BACKGROUND, at=at)
    except UpstreamError as problem:
        _note_unread(withdrawal, problem)
        if withdrawal.payment is None:
            return
        if isinstance(problem, RateLimited):
            raise
        raise ProviderUnread(Upstream(withdrawal.upstream).label) from problem


def _is_fresh(withdrawal: Withdrawal, *, at: datetime) -> bool:
    return main_balance(withdrawal).filter(as_of__gt=at - FRESH).exists()


def _read(withdrawal: Withdrawal, *, priority: Priority, at: datetime) -> None:
    """Read its payment there, or the balance that it is paid from. Raises UpstreamErrors."""
    seconds = settings.APPROVAL_READ_SECONDS
    if withdrawal.upstream == Upstream.LUMETRADE:
        account = lumetrade.get_client(priority=priority, deadline=seconds)
        read = mirror.balance_of(account.get_account_in(withdrawal.currency))
        mirror.store_balances([read], at=at, upstream=Upstream.LUMETRADE)
        return
    if withdrawal.upstream == Upstream.LUX:
        _reread_customer(withdrawal, priority=priority, seconds=seconds, at=at)
        return
    client = get_client(priority=priority, deadline=seconds)
    if withdrawal.payment is not None:
        record = client.get_payment(withdrawal.payment.upstream_id)
        mirror.store_payments([record], seen_by=SeenBy.CLICK, at=at)
    else:
        balance = client.balance(withdrawal.currency, MAIN)
        mirror.store_balances([balance], at=at)


def _reread_customer(
    withdrawal: Withdrawal, *, priority: Priority, seconds: float, at: datetime
) -> None:
    """Whether they may still move money, and whether the account is still verified."""
    client = lux.get_client(priority=priority, deadline=seconds / 2)
    customer = client.get_customer(withdrawal.lux.get("on_behalf_of", ""))
    customers.store_profiles([customer], at=at)
    if withdrawal.payee_id:
        account = client.get_external_account(withdrawal.payee_id)
        customers.store_accounts([account], at=at)


def _note_unread(withdrawal: Withdrawal, problem: UpstreamError) -> None:
    logger.warning(
        "payments.withdrawal.not_reread",
        withdrawal=withdrawal.code,
        problem=type(problem).__name__,
    )


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
    elif payment.upstream == Upstream.LUX:
        transfer = lux.get_client(priority=Priority.OPERATOR).get_transfer(payment.upstream_id)
        mirror.store_payments([transfer], seen_by=SeenBy.CLICK, at=at, source=mirror.LUX)
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
