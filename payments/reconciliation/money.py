"""Whether the balance moved by exactly what the payments say, day by day."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final

from payments.checks.funds import MAIN
from payments.enums import DriftKind
from payments.models import DailyBalance
from payments.reconciliation import facts
from payments.reconciliation.drifts import Finding
from payments.reconciliation.readers import Movement, Reader

LOOK_BACK: Final = timedelta(days=31)  # for the balance before the first day


@dataclass(frozen=True)
class Verdict:
    """One currency on one day could be judged; `finding` None: it adds up."""

    subject: str
    finding: Finding | None


def judge(reader: Reader, first: date, last: date) -> Iterator[Verdict]:
    """Judge every day whose last balance, and that of a day before, are known.

    A day without a balance is judged together with the next that has one. Where somebody did not
    tell by how much a payment moved the balance, nothing is said.
    """
    histories = _histories(reader.upstream, first, last)
    if reader.movements is None or not histories:
        return
    moments = [row.as_of for history in histories.values() for row in history]
    moved: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    untold: set[tuple[str, int]] = set()
    for movement in reader.movements(min(moments), max(moments)):
        places = _places(movement, histories)
        if movement.amount is None:
            untold.update(places)
            continue
        for place in places:
            moved[place] += movement.amount
    for currency, history in histories.items():
        for number, (before, after) in enumerate(pairwise(history), start=1):
            if after.day >= first and (currency, number) not in untold:
                yield _verdict(before, after, moved[currency, number])


def judge_one(reader: Reader, subject: str) -> Verdict | None:
    """The same for one currency and day, named as `Verdict.subject` names it."""
    _, _, day = subject.partition(" ")
    found = judge(reader, date.fromisoformat(day), date.fromisoformat(day))
    return next((verdict for verdict in found if verdict.subject == subject), None)


def _places(
    movement: Movement, histories: dict[str, list[DailyBalance]]
) -> Iterator[tuple[str, int]]:
    """The currencies and intervals that it belongs to, or may."""
    for currency in [movement.currency] if movement.currency else histories:
        history = histories.get(currency, [])
        if movement.at is None:
            yield from ((currency, number) for number in range(len(history)))
        else:
            yield currency, bisect_left(history, movement.at, key=lambda row: row.as_of)


def _histories(upstream: str, first: date, last: date) -> dict[str, list[DailyBalance]]:
    """The balances of each currency, oldest first, with one of a day before the first."""
    rows = DailyBalance.objects.filter(
        upstream=upstream, balance_type=MAIN, day__gte=first - LOOK_BACK, day__lte=last
    )
    by_currency: dict[str, list[DailyBalance]] = defaultdict(list)
    for row in rows.order_by("currency", "day"):
        history = by_currency[row.currency]
        if row.day < first:
            history.clear()
        history.append(row)
    return dict(by_currency)


def _verdict(before: DailyBalance, after: DailyBalance, moved: Decimal) -> Verdict:
    subject = f"{after.currency} {after.day.isoformat()}"
    difference = after.amount - before.amount - moved
    if not difference:
        return Verdict(subject, None)
    return Verdict(
        subject,
        Finding(
            upstream=after.upstream,
            kind=DriftKind.BALANCE,
            subject=subject,
            subject_at=datetime.combine(after.day, time(), tzinfo=UTC),
            currency=after.currency,
            amount=difference,
            ours={
                "day": after.day.isoformat(),
                "opening": facts.plain(before.amount, after.currency),
                "movements": facts.plain(moved, after.currency),
                "closing": facts.plain(before.amount + moved, after.currency),
            },
            theirs={
                "opening": facts.plain(before.amount, after.currency),
                "movements": facts.plain(after.amount - before.amount, after.currency),
                "closing": facts.plain(after.amount, after.currency),
                "difference": facts.plain(difference, after.currency),
            },
            fields=["closing", "movements"],
        ),
    )
