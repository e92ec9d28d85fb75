"""What is there to pay from: per provider and currency, never summed across."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from payments.checks.funds import MAIN, Fee, estimated_fee
from payments.enums import Status
from payments.models import Balance, TradeOrder, Withdrawal
from payments.sight import MAY_SEE
from staff.permissions import permission_required

ON_ITS_WAY = (Status.APPROVED, Status.SENDING, Status.UNKNOWN)


@dataclass(frozen=True)
class Purse:
    """One currency at one provider. What was promised here is not in the balance yet.

    It is counted with its fee where the provider told one: for this payout, or for the latest ones
    of its method.
    """

    balance: Balance
    promised: Decimal
    promised_number: int
    exchanges: int
    waiting: Decimal
    waiting_number: int
    others: list[Balance]

    @property
    def projected(self) -> Decimal:
        """What would be left if all that is approved were paid out."""
        return self.balance.available - self.promised


class Fees:
    """What the provider will take for each payout, as far as it can be known."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str, str], Fee] = {}

    def of(self, row: Withdrawal) -> Decimal:
        """Return the fee it told, else the one its latest payouts suggest; none without either."""
        if row.payment is not None and row.payment.fee is not None:
            return abs(row.payment.fee)
        rate = self._rate(row)
        return Decimal(0) if rate.is_assumed else rate.on(row.amount, row.currency)

    def _rate(self, row: Withdrawal) -> Fee:
        rail = row.upstream, row.currency, row.method
        if rail not in self._rates:
            self._rates[rail] = estimated_fee(row)
        return self._rates[rail]


@require_safe
@permission_required(*MAY_SEE)
def balances(request: HttpRequest) -> HttpResponse:
    """Balances as the providers last told them."""
    now = timezone.now()
    rows = list(Balance.objects.order_by("upstream", "currency", "balance_type"))
    return render(request, "payments/balances.html", {"purses": _purses(rows), "now": now})


def _purses(rows: list[Balance]) -> list[Purse]:
    """Group the balances by currency, each with what has been promised from it.

    Two queries, and one more for the fee of each method that is under way.
    """
    others = defaultdict(list)
    for row in rows:
        if row.balance_type != MAIN:
            others[row.upstream, row.currency].append(row)
    mains = [row for row in rows if row.balance_type == MAIN]
    since = min((row.as_of for row in mains), default=None)
    outgoing, exchanged, fees = _outgoing(since), _exchanged(since), Fees()
    purses = []
    for main in mains:
        mine = outgoing[main.upstream, main.currency]
        promised = [row.amount + fees.of(row) for row in mine if _is_promised(row, main)]
        sold = [
            order.sold
            for order in exchanged[main.upstream, main.currency]
            if order.settled_at is None or order.settled_at >= main.as_of
        ]
        waiting = [row.amount for row in mine if row.status == Status.AWAITING_APPROVAL]
        purses.append(
            Purse(
                balance=main,
                promised=sum([*promised, *sold], Decimal(0)),
                promised_number=len(promised),
                exchanges=len(sold),
                waiting=sum(waiting, Decimal(0)),
                waiting_number=len(waiting),
                others=others.pop((main.upstream, main.currency), []),
            )
        )
    return purses + _without_main(others.values())


def _without_main(groups: Iterable[list[Balance]]) -> list[Purse]:
    """Currencies of which the provider tells no main balance: the first kind stands for it."""
    nothing = Decimal(0)
    return [Purse(first, nothing, 0, 0, nothing, 0, rest) for first, *rest in groups]


def _outgoing(since: datetime | None) -> dict[tuple[str, str], list[Withdrawal]]:
    """Return what is waiting, on its way, or sent after the oldest balance was read."""
    recent = Q(sent_at__gte=since) if since else Q(pk=None)
    rows = (
        Withdrawal.objects.ours()
        .filter(Q(status__in=[Status.AWAITING_APPROVAL, *ON_ITS_WAY]) | recent)
        .select_related("payment")
        .only(*("upstream", "currency", "method", "amount", "status", "sent_at"), "payment__fee")
    )
    grouped = defaultdict(list)
    for row in rows:
        grouped[row.upstream, row.currency].append(row)
    return grouped


def _exchanged(since: datetime | None) -> dict[tuple[str, str], list[TradeOrder]]:
    """Return exchanges that are on their way, or made after the oldest balance was read."""
    grouped = defaultdict(list)
    for order in TradeOrder.objects.promised_since(since):
        grouped[order.upstream, order.from_currency].append(order)
    return grouped


def _is_promised(row: Withdrawal, balance: Balance) -> bool:
    """Whether it was approved here and cannot be part of this balance yet (as `checks.funds`)."""
    if row.status in ON_ITS_WAY and row.payment_id is None:
        return True
    return row.sent_at is not None and row.sent_at >= balance.as_of
