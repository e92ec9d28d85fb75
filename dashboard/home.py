"""What the first page tells one person: what waits for them, what is wrong, how the day goes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from customers.kyc import queue
from customers.models import KycCase
from customers.sight import Sight as CustomerSight
from payments import checks
from payments.enums import Kind, Status
from payments.models import Turnover, Withdrawal
from payments.queues import WithdrawalQuerySet
from payments.sight import MAY_SEE, Sight
from staff.models import User
from staff.permissions import Permission, can
from upstreams.money import BadMoney, exponent

DAYS = 14  # of the chart, today included
NEXT = 5  # withdrawals named one by one
NAMED = 2  # currencies in one line; the rest are counted
SHOWN_SUMS = 4  # lines of the table of the day


@dataclass(frozen=True)
class Bar:
    """One day of the chart."""

    label: str
    value: Decimal
    text: str


@dataclass(frozen=True)
class DaySum:
    """One currency and direction: today against the mean of the days before. Never across."""

    currency: str
    kind: Kind
    today: Decimal
    usual: Decimal
    number: int

    @property
    def label(self) -> str:
        return {
            Kind.DEPOSIT: gettext("Deposits"),
            Kind.WITHDRAWAL: gettext("Withdrawals"),
            Kind.TRANSFER: gettext("Transfers"),
            Kind.OTHER: gettext("Other"),
        }[self.kind]

    @property
    def usual_shown(self) -> Decimal:
        """The usual day to the last digit its currency has: a mean has more."""
        return self.usual.quantize(Decimal(1).scaleb(-_places(self.currency)))

    @property
    def words(self) -> str:
        """Say today in proportion, once there is something to compare it with."""
        if not self.usual:
            return gettext("nothing usual yet")
        return gettext("%(percent)s %% of a usual day") % {
            "percent": number_format(int(self.today / self.usual * 100), force_grouping=True)
        }


@dataclass(frozen=True)
class Next:
    """One withdrawal that waits for this person, and why it is next."""

    withdrawal: Withdrawal
    name: str
    why: str


@dataclass(frozen=True)
class CaseNext:
    """One KYC case that waits for this person, and why it is next."""

    case: KycCase
    name: str
    why: str


@dataclass(frozen=True)
class Waiting:
    """What waits for this person, or for somebody else."""

    number: int
    overdue: int
    oldest: datetime | None


class Home:
    """The first page of one person at one moment."""

    def __init__(self, person: User, *, now: datetime) -> None:
        self.person = person
        self.now = now
        self.sight = Sight.of(person)
        self.sees_payments = any(can(person, permission) for permission in MAY_SEE)
        self.signs = can(person, Permission.SIGN_WITHDRAWALS)
        self.reviews = can(person, Permission.PROPOSE_KYC)

    @property
    def greeting(self) -> str:
        hour = timezone.localtime(self.now).hour
        if hour < 12:
            return gettext("Good morning")
        return gettext("Good afternoon") if hour < 18 else gettext("Good evening")

    @property
    def _mine(self) -> WithdrawalQuerySet:
        """What waits: for this person's signature, or for those who sign."""
        rows = Withdrawal.objects.all()
        return rows.needs_decision_of(self.person) if self.signs else rows.awaiting()

    @cached_property
    def waiting(self) -> Waiting:
        found = self._mine.aggregate(
            number=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lte=self.now)),
            oldest=Min("created_at"),
        )
        return Waiting(**found)

    @cached_property
    def to_approve(self) -> list[str]:
        """What waits as sums, one per currency."""
        sums = self._mine.order_by().values("currency").annotate(total=Sum("amount"), n=Count("pk"))
        ordered = sorted(sums, key=lambda row: (-row["n"], row["currency"]))
        return [_amount(row["total"], row["currency"]) for row in ordered]

    @property
    def to_approve_words(self) -> str:
        more = len(self.to_approve) - NAMED
        named = self.to_approve[:NAMED]
        if more > 0:
            named.append(gettext("%(n)s more") % {"n": more})
        return " · ".join(named)

    @cached_property
    def cases(self) -> list[CaseNext]:
        """The KYC cases that wait for this person, the most urgent first."""
        found = queue.upcoming(self.person, now=self.now, limit=NEXT)
        names = CustomerSight.of(self.person)
        return [CaseNext(one.case, names.name(one.case.customer.name), one.why) for one in found]

    @cached_property
    def waiting_cases(self) -> Waiting:
        """How many KYC cases wait for this person, and since when."""
        found = KycCase.objects.filter(queue.waits_for(self.person)).aggregate(
            number=Count("pk"),
            overdue=Count("pk", filter=Q(due_at__lte=self.now)),
            oldest=Min("opened_at"),
        )
        return Waiting(**found)

    @cached_property
    def unknown(self) -> int:
        """How many outcomes nobody knows."""
        return Withdrawal.objects.filter(status=Status.UNKNOWN).count()

    @cached_property
    def attention(self) -> int:
        """How many withdrawals are stuck, failed or unknown and not looked after."""
        return Withdrawal.objects.all().needs_attention(now=self.now).count()

    @cached_property
    def next_ones(self) -> list[Next]:
        """The first few that wait, the most urgent one first."""
        rows = list(self._mine.with_queue_facts().due_first()[:NEXT])
        flags = checks.flags_for(rows)
        return [
            Next(
                withdrawal=row,
                name=self.sight.name(row.recipient_name or row.customer_name),
                why=" · ".join(flag.text for flag in flags[row.pk]),
            )
            for row in rows
        ]

    @cached_property
    def day_sums(self) -> list[DaySum]:
        """Today against the usual day, the busiest currency first."""
        today = timezone.localdate()
        sums = []
        for (currency, kind), days in self._sums.items():
            before = [total for day, (total, _n) in days.items() if day != today]
            now_total, now_number = days.get(today, (Decimal(0), 0))
            usual = sum(before, Decimal(0)) / (DAYS - 1)
            sums.append(DaySum(currency, Kind(kind), now_total, usual, now_number))
        return sorted(sums, key=lambda row: (-row.number, row.currency, row.kind))[:SHOWN_SUMS]

    @cached_property
    def charted(self) -> DaySum | None:
        """The line of the table that the chart draws: the one with the most days."""
        if not self._sums:
            return None
        busiest = max(self._sums, key=lambda key: (len(self._sums[key]), key))
        return next(
            (row for row in self.day_sums if (row.currency, row.kind) == busiest), self.day_sums[0]
        )

    @property
    def bars(self) -> list[Bar]:
        """One bar per day, today last."""
        if self.charted is None:
            return []
        days = self._sums[self.charted.currency, self.charted.kind]
        today = timezone.localdate()
        bars = []
        for back in range(DAYS - 1, -1, -1):
            day = today - timedelta(days=back)
            total, _number = days.get(day, (Decimal(0), 0))
            bars.append(
                Bar(
                    label=date_format(day, "j M"),
                    value=total,
                    text=_amount(total, self.charted.currency),
                )
            )
        return bars

    @cached_property
    def _sums(self) -> dict[tuple[str, str], dict[date, tuple[Decimal, int]]]:
        """Sums of what was paid, by currency and direction, then by day in the reader's zone."""
        first = timezone.localtime(self.now).replace(hour=0, minute=0, second=0, microsecond=0)
        rows = (
            Turnover.objects.filter(start_at__gte=first - timedelta(days=DAYS - 1))
            .order_by()
            .annotate(day=TruncDate("start_at"))
            .values_list("currency", "kind", "day")
            .annotate(total=Sum("total"), number=Sum("number"))
        )
        grouped: dict[tuple[str, str], dict[date, tuple[Decimal, int]]] = defaultdict(dict)
        for currency, kind, day, total, number in rows:
            grouped[currency, kind][day] = (total, number)
        return dict(grouped)


def _amount(total: Decimal, currency: str) -> str:
    """Return an amount as text, in the reader's notation."""
    number = number_format(total, decimal_pos=_places(currency), use_l10n=True, force_grouping=True)
    return f"{number} {currency}"


def _places(currency: str) -> int:
    try:
        return exponent(currency)
    except BadMoney:
        return 2
