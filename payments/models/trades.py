"""Exchanges of our money: what a provider shows of them, and those that we asked for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from payments.enums import OrderStatus, TradeStatus
from payments.models.beneficiaries import CODE_ALPHABET
from payments.models.withdrawals import NotPossible
from staff.texts import Lowered, Text
from upstreams.enums import Upstream

OPEN_TRADES = (TradeStatus.PENDING, TradeStatus.UNKNOWN)

# Confirmed, and no trade of theirs is known: what it sells is promised.
LIVE_ORDERS = (OrderStatus.QUEUED, OrderStatus.SENDING, OrderStatus.UNKNOWN)

# What an order may become. `made` means that the provider has the trade; how that one fares stands
# on it. A quote that nobody confirms stays one, and expires by itself.
ORDER_MOVES: Mapping[OrderStatus, frozenset[OrderStatus]] = {
    OrderStatus.QUOTED: frozenset({OrderStatus.QUEUED}),
    OrderStatus.QUEUED: frozenset({OrderStatus.SENDING}),
    # back to `queued`: definitely nothing was sent, the same bytes go again while the quote holds.
    OrderStatus.SENDING: frozenset(
        {
            OrderStatus.MADE,
            OrderStatus.REFUSED,
            OrderStatus.UNKNOWN,
            OrderStatus.QUEUED,
        }
    ),
    OrderStatus.UNKNOWN: frozenset({OrderStatus.MADE, OrderStatus.REFUSED}),
    OrderStatus.MADE: frozenset(),
    OrderStatus.REFUSED: frozenset(),
}


class TradeQuerySet(models.QuerySet["Trade"]):
    def open(self) -> TradeQuerySet:
        """Trades whose status may still change soon, by itself."""
        return self.filter(status__in=OPEN_TRADES)


class Trade(models.Model):
    """One exchange at one provider, as last seen. Written by `mirror` alone.

    `sold` left us, `bought` came in; none while the provider does not say.
    """

    upstream = models.CharField(max_length=16, choices=Upstream)
    upstream_id = models.CharField(max_length=120)
    from_currency = models.CharField(max_length=12)
    to_currency = models.CharField(max_length=12)
    sold = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    bought = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    rate = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    is_rate_inverted = models.BooleanField()
    is_rfq = models.BooleanField()
    status = models.CharField(max_length=12, choices=TradeStatus)
    upstream_status = models.CharField(max_length=40)
    created_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    raw = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    asked_at = models.DateTimeField()  # when that was asked for: of two answers, the later counts
    first_seen_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = TradeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["upstream", "upstream_id"], name="one_trade_per_upstream_id"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="trade_newest"),
            # The list under each of its filters, newest first.
            models.Index(fields=["status", "-created_at", "-id"], name="trade_by_status"),
            models.Index(fields=["from_currency", "-created_at", "-id"], name="trade_by_sold"),
            models.Index(fields=["to_currency", "-created_at", "-id"], name="trade_by_bought"),
        ]

    def __str__(self) -> str:
        return f"{self.upstream} {self.upstream_id}"

    def get_absolute_url(self) -> str:
        return reverse("payments:trade", args=[self.upstream_id])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_TRADES


class Fill(models.Model):
    """One part of a trade that was carried out. Written by `mirror` alone."""

    trade = models.ForeignKey(Trade, on_delete=models.CASCADE, related_name="fills")
    upstream_id = models.CharField(max_length=120)
    from_currency = models.CharField(max_length=12)
    to_currency = models.CharField(max_length=12)
    sold = models.DecimalField(max_digits=38, decimal_places=18)
    bought = models.DecimalField(max_digits=38, decimal_places=18)
    upstream_status = models.CharField(max_length=40)
    created_at = models.DateTimeField(null=True)
    modified_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trade", "upstream_id"], name="one_fill_per_trade")
        ]

    def __str__(self) -> str:
        return self.upstream_id


def new_order_code() -> str:
    """A short id that people can read to each other: `tr-7F3MK2`."""
    return "tr-" + "".join(secrets.choice(CODE_ALPHABET) for _ in range(6))


class OrderNotMovable(NotPossible):
    """The order may not go from where it stands to where it was asked to go."""

    def __init__(self, *, code: str, current: OrderStatus, wanted: OrderStatus) -> None:
        super().__init__(
            Text(
                _("%(code)s is %(current)s; it cannot become %(wanted)s."),
                code=code,
                current=Lowered(current.label),
                wanted=Lowered(wanted.label),
            )
        )


class TradeOrderQuerySet(models.QuerySet["TradeOrder"]):
    def locked(self) -> TradeOrderQuerySet:
        """Rows to be changed: nobody else changes them until the transaction ends."""
        return self.select_related("trade").select_for_update(of=("self",), no_key=True)

    def promised_since(self, since: datetime | None) -> TradeOrderQuerySet:
        """Those whose money cannot have left what was read of our accounts at `since`."""
        settled_since = Q(status=OrderStatus.MADE, settled_at__gte=since) if since else Q(pk=None)
        return self.filter(Q(status__in=LIVE_ORDERS) | settled_since)

    def confirmed(self) -> TradeOrderQuerySet:
        """Those that somebody confirmed: of the others, nothing was ever sent."""
        return self.exclude(status=OrderStatus.QUOTED)


class TradeOrder(models.Model):
    """One exchange that somebody asked a price for, and that somebody may have confirmed."""

    code = models.CharField(max_length=12, unique=True, default=new_order_code)
    upstream = models.CharField(max_length=16, choices=Upstream)
    status = models.CharField(max_length=12, choices=OrderStatus, default=OrderStatus.QUOTED)
    from_currency = models.CharField(max_length=12)
    to_currency = models.CharField(max_length=12)
    sold = models.DecimalField(max_digits=38, decimal_places=18)
    bought = models.DecimalField(max_digits=38, decimal_places=18)
    fixes_bought = models.BooleanField()  # which of the two amounts was asked for
    rate = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    is_rate_inverted = models.BooleanField()
    reference = models.CharField(max_length=255)  # by it, the provider knows the quote
    expires_at = models.DateTimeField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    trade = models.OneToOneField(Trade, on_delete=models.PROTECT, null=True, related_name="order")
    settled_at = models.DateTimeField(null=True)
    status_reason = models.TextField(blank=True)
    error_code = models.CharField(max_length=80, blank=True)

    objects = TradeOrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(sold__gt=0, bought__gt=0), name="order_positive"),
            models.CheckConstraint(
                condition=~Q(from_currency=F("to_currency")), name="order_two_currencies"
            ),
            models.CheckConstraint(
                condition=Q(status__in=OrderStatus.values), name="order_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status="quoted") | Q(confirmed_by__isnull=False),
                name="order_confirmed_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="order_newest")]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("payments:order", args=[self.code])

    def can_become(self, wanted: OrderStatus) -> bool:
        return wanted in ORDER_MOVES[OrderStatus(self.status)]

    def has_expired(self, *, now: datetime) -> bool:
        return self.expires_at <= now


class OrderSettlement(models.Model):
    """Two people's answer to an unknown exchange that no machine could settle.

    `upstream_id` names the trade it became; none: it was not carried out. `trade` is our row of it:
    there may be none while another key is set. `written_word` is what the provider said of it then.
    """

    order = models.ForeignKey(TradeOrder, on_delete=models.PROTECT, related_name="settlements")
    trade = models.ForeignKey(Trade, on_delete=models.PROTECT, null=True, related_name="+")
    upstream_id = models.CharField(max_length=120, blank=True)
    written_word = models.TextField(blank=True)
    reason = models.TextField()
    # Of the command when this was proposed: what was found out before another look is void.
    fence = models.PositiveIntegerField(default=0)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(confirmed_by=None) | ~Q(confirmed_by=F("proposed_by")),
                name="order_settled_by_two",
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(confirmed_at=None, dropped_at=None),
                name="one_open_order_settlement",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}: {self.trade_id}"
