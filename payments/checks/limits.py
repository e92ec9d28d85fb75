"""Whether the payout fits into what the rules allow per customer, beneficiary and approver.

A limit looks back from this moment and adds up everything in the currency, whatever its tier: what
was paid or may still be, what is approved, and what waits ahead in the queue. What waits reserves
its place only where it would fit itself. So of many that together pass a limit exactly those go
that fit, whoever signs first.

Two signatures at the same moment would both find room: whoever signs takes the lock first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Final
from zlib import crc32

from django.db import connection
from django.db.models import Count, Q, Sum
from django.utils.translation import gettext_noop as _

from payments import policies
from payments.checks.history import WENT_UNPAID
from payments.checks.results import Check, figure
from payments.enums import Level, LimitPer, Status
from payments.models import Limit, Signature, Withdrawal
from payments.policies import Requirement
from payments.queues import WithdrawalQuerySet
from staff.models import User
from staff.texts import Sayable, Text, joined, listed

CODE: Final = "limits"
NOTHING: Final = Decimal(0)

# Any number will do, as long as nothing else in the database takes the same advisory locks.
_LOCK: Final = 530_916_621

_ON_ITS_WAY: Final = (Status.APPROVED, Status.SENDING, Status.UNKNOWN)


def limits_hold(withdrawal: Withdrawal, now: datetime) -> Check:
    """What was paid, approved and asked for before this one, against the limits of its tier."""
    requirement = policies.requirement_for(withdrawal, policies=policies.published(now))
    limits = [limit for limit in requirement.limits if limit.per != LimitPer.APPROVER]
    if not limits:
        return Check(Level.PASS, CODE, Text(_("No limit is set for a payout like this one.")), now)
    found = [_hold_against(limit, withdrawal, now) for limit in limits]
    level = Level.BLOCK if any(level == Level.BLOCK for level, _ in found) else Level.PASS
    texts = [text for found_level, text in found if found_level == level]
    return Check(level, CODE, joined(texts), now)


def against_signer(
    withdrawal: Withdrawal,
    *,
    signer: User,
    requirement: Requirement,
    now: datetime,
    planned: Decimal = NOTHING,
) -> Sayable:
    """Why this person has signed too much lately to sign this too; "" if they have not.

    `planned` is what they would sign before this one, by a dry run.
    """
    for limit in requirement.limits:
        if limit.per != LimitPer.APPROVER:
            continue
        signed = planned + _signed_by(signer, withdrawal, since=now - limit.span)
        if signed + withdrawal.amount > limit.amount:
            return Text(
                _(
                    "You have signed %(signed)s in %(window)s, and one person signs at most "
                    "%(most)s: somebody else signs this one."
                ),
                signed=figure(signed, withdrawal.currency),
                window=Text(limit.window.label),
                most=figure(limit.amount, withdrawal.currency),
            )
    return ""


def take_lock(withdrawal: Withdrawal) -> None:
    """Wait until nobody else decides about payouts in this currency, until the transaction ends.

    Taken after the row of the withdrawal and before that of its balance. SQLite's IMMEDIATE
    transactions are such a lock already.
    """
    if connection.vendor == "postgresql":
        currency = crc32(withdrawal.currency.encode()) - 2**31  # the lock's second key is signed
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, currency])


# --- What stands ahead ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ahead:
    """What counts against a limit before the withdrawal itself."""

    total: Decimal
    paid: int
    approved: int
    waiting: int

    @property
    def words(self) -> Sayable:
        """What stands there by its state: `2 sent, 1 waiting`; "" for nothing."""
        told = [
            Text(what, number=number)
            for number, what in (
                (self.paid, _("%(number)s sent")),
                (self.approved, _("%(number)s approved")),
                (self.waiting, _("%(number)s waiting")),
            )
            if number
        ]
        return listed(told) if told else ""


def _hold_against(limit: Limit, withdrawal: Withdrawal, now: datetime) -> tuple[Level, Text]:
    whom = Text(limit.per.label)
    whose = [Q((lookup, value)) for lookup, value in ties(limit.per, withdrawal).items()]
    most = Text(
        _("%(amount)s per %(whom)s in %(window)s"),
        amount=figure(limit.amount, withdrawal.currency),
        whom=whom,
        window=Text(limit.window.label),
    )
    if not whose:
        text = _("The limit of %(most)s cannot be counted: the %(whom)s is not known.")
        return Level.BLOCK, Text(text, most=most, whom=whom)
    ahead = _ahead(limit, reduce(or_, whose), withdrawal, now)
    stands = Text(_("nothing stands ahead of it"))
    if ahead.words:
        stands = Text(
            _("%(total)s stand ahead of it (%(payouts)s)"),
            total=figure(ahead.total, withdrawal.currency),
            payouts=ahead.words,
        )
    left = limit.amount - ahead.total - withdrawal.amount
    if left < 0:
        text = _("The limit of %(most)s is passed by %(over)s: %(stands)s.")
        over = figure(-left, withdrawal.currency)
        return Level.BLOCK, Text(text, most=most, over=over, stands=stands)
    after = figure(left, withdrawal.currency)
    text = _("%(after)s left of %(most)s: %(stands)s.")
    return Level.PASS, Text(text, after=after, most=most, stands=stands)


def _ahead(limit: Limit, whose: Q, withdrawal: Withdrawal, now: datetime) -> Ahead:
    """Two queries: what was decided within the window, and what waits before this one."""
    others = Withdrawal.objects.filter(whose, currency=withdrawal.currency).exclude(
        pk=withdrawal.pk
    )
    decided = _decided(others, since=now - limit.span).aggregate(
        total=Sum("amount"),
        approved=Count("pk", filter=Q(status__in=_ON_ITS_WAY)),
        number=Count("pk"),
    )
    total, waiting = decided["total"] or Decimal(0), 0
    for amount in (
        _before(others.awaiting(), withdrawal).due_first().values_list("amount", flat=True)
    ):
        if total + amount <= limit.amount:
            total, waiting = total + amount, waiting + 1
    return Ahead(total, decided["number"] - decided["approved"], decided["approved"], waiting)


def _decided(rows: WithdrawalQuerySet, *, since: datetime) -> WithdrawalQuerySet:
    """What was approved after `since`, or paid by the provider without us; money may have moved."""
    lately = Q(approved_at__gt=since) | Q(approved_at=None, created_at__gt=since)
    return rows.filter(lately).exclude(WENT_UNPAID).exclude(status=Status.AWAITING_APPROVAL)


def _before(rows: WithdrawalQuerySet, withdrawal: Withdrawal) -> WithdrawalQuerySet:
    """Those that come first in the queue."""
    return rows.filter(
        Q(due_at__lt=withdrawal.due_at) | Q(due_at=withdrawal.due_at, pk__lt=withdrawal.pk)
    )


def ties(per: LimitPer, withdrawal: Withdrawal) -> dict[str, object]:
    """What makes another payout one of the same customer or beneficiary: any of these lookups.

    The recipient is the customer (upstreams.md §3.8), so a shared account makes one customer of
    two, as a shared e-mail, phone or id does. Empty: nobody can tell whose it is.
    """
    told: dict[str, object] = {"account_key": withdrawal.account_key}
    if per == LimitPer.CUSTOMER:
        told |= {
            "customer": withdrawal.customer_id,
            "customer_number": withdrawal.customer_number,
            "customer_external_id": withdrawal.customer_external_id,
            "customer_email__iexact": withdrawal.customer_email.lower(),
            "customer_phone": withdrawal.customer_phone,
        }
    return {lookup: value for lookup, value in told.items() if value}


def _signed_by(signer: User, withdrawal: Withdrawal, *, since: datetime) -> Decimal:
    signed = (
        Signature.objects.valid()
        .approvals()
        .filter(by=signer, at__gt=since, withdrawal__currency=withdrawal.currency)
        .exclude(withdrawal=withdrawal)
        .aggregate(total=Sum("withdrawal__amount"))
    )
    return signed["total"] or Decimal(0)
