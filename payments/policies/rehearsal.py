"""What a set of rules would have done to the withdrawals of the last thirty days.

Every withdrawal meets the tiers at the moment it was approved, or asked for where nobody approved
it. A limit counts what was let through before, so what the rules would have stopped makes room for
what came later. People are those who work here now. Four queries, whatever the number.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.db.models.functions import Coalesce

from payments.checks.limits import ties
from payments.enums import LimitPer, Window
from payments.models import Limit, Policy, Revision, Signature, Withdrawal
from payments.policies.requirements import Requirement, requirement_for
from payments.policies.staffing import Crew

REPLAYED: Final = timedelta(days=30)
LONGEST: Final = timedelta(hours=max(Window))
MOST: Final = 20_000  # withdrawals; what is older is left out, and the page says so
EXAMPLES: Final = 5
_CHUNK: Final = 2_000


@dataclass
class Finding:
    """How many there are, and the newest few of them to look at."""

    number: int = 0
    examples: deque[Withdrawal] = field(default_factory=lambda: deque(maxlen=EXAMPLES))

    def add(self, withdrawal: Withdrawal) -> None:
        self.number += 1
        self.examples.append(withdrawal)


@dataclass
class TierLine:
    """One tier in the rehearsal; `tier` None is what no tier covers. `people`: who could sign."""

    tier: Policy | None
    signatures: int
    people: list[str]
    withdrawals: int = 0


@dataclass(frozen=True)
class Asked:
    """How many withdrawals need so many signatures: under the rules in force, and rehearsed."""

    signatures: int
    before: int
    after: int


@dataclass
class Rehearsal:
    """The numbers of a rehearsal."""

    since: datetime
    crew: Crew
    withdrawals: int = 0
    is_cut: bool = False  # there were more than could be replayed
    before: Counter[int] = field(default_factory=Counter)
    after: Counter[int] = field(default_factory=Counter)
    lines: dict[int | None, TierLine] = field(default_factory=dict)
    stopped: dict[LimitPer, Finding] = field(
        default_factory=lambda: {per: Finding() for per in LimitPer}
    )
    nobody: Finding = field(default_factory=Finding)  # could sign it at all
    too_few: Finding = field(default_factory=Finding)  # could sign it, but not enough people

    @property
    def asked(self) -> list[Asked]:
        numbers = sorted(self.before.keys() | self.after.keys())
        return [Asked(number, self.before[number], self.after[number]) for number in numbers]


def rehearse(tiers: Sequence[Policy], *, in_force: Sequence[Policy], now: datetime) -> Rehearsal:
    """Replay the last thirty days under `tiers`, beside the rules that are in force."""
    crew = Crew.now()
    told = Rehearsal(since=now - REPLAYED, crew=crew)
    for tier in tiers:
        told.lines[tier.pk] = _line(tier, tier.signatures, crew, tier.signing_roles)
    writers = _writers_who_sign(crew, told.since)
    passed = _Passed()
    for withdrawal in _withdrawals(told):
        requirement = requirement_for(withdrawal, policies=tiers)
        if _moment(withdrawal) > told.since:
            told.withdrawals += 1
            told.before[requirement_for(withdrawal, policies=in_force).signatures] += 1
            _note_tier(told, withdrawal, requirement, writers)
        _note_limits(told, withdrawal, requirement, passed)
    _note_signers(told, tiers, now)
    return told


def _withdrawals(told: Rehearsal) -> Iterator[Withdrawal]:
    """The withdrawals in the order they were decided, with those that a limit looks back upon."""
    rows = (
        Withdrawal.objects.select_related("payment", "beneficiary")
        .defer("payment__raw", "payment__counterparty", "payment__stamps")
        .annotate(decided=Coalesce("approved_at", "created_at"))
        .filter(decided__gt=told.since - LONGEST)
    )
    newest = list(rows.order_by("-decided", "-pk")[: MOST + 1])
    told.is_cut = len(newest) > MOST
    yield from reversed(newest[:MOST])


def _moment(withdrawal: Withdrawal) -> datetime:
    return withdrawal.approved_at or withdrawal.created_at


def _line(tier: Policy | None, signatures: int, crew: Crew, roles: Sequence[str]) -> TierLine:
    people = sorted(crew.emails[person] for person in crew.able(roles))
    return TierLine(tier, signatures, people)


def _note_tier(
    told: Rehearsal,
    withdrawal: Withdrawal,
    requirement: Requirement,
    writers: dict[int, set[int]],
) -> None:
    key = requirement.policy.pk if requirement.policy else None
    if key not in told.lines:
        told.lines[key] = _line(None, requirement.signatures, told.crew, requirement.roles)
    told.lines[key].withdrawals += 1
    told.after[requirement.signatures] += 1
    free = told.crew.free_to_sign(withdrawal, requirement.roles, writers=writers[withdrawal.pk])
    able = len(free)
    if not able:
        told.nobody.add(withdrawal)
    elif able < requirement.signatures:
        told.too_few.add(withdrawal)


def _writers_who_sign(crew: Crew, since: datetime) -> dict[int, set[int]]:
    """Who of those who sign wrote a revision, by withdrawal."""
    writers: dict[int, set[int]] = defaultdict(set)
    written = Revision.objects.filter(by__in=crew.emails, at__gt=since - LONGEST)
    for withdrawal, person in written.values_list("withdrawal", "by"):
        assert person is not None  # it is one of the crew
        writers[withdrawal].add(person)
    return writers


# --- Limits ---------------------------------------------------------------------------------------


class _Passed:
    """What was let through so far, by whatever ties payouts to each other."""

    def __init__(self) -> None:
        self._rows: dict[object, deque[tuple[datetime, int, Decimal]]] = defaultdict(deque)

    def total(self, keys: Sequence[object], *, since: datetime) -> Decimal:
        """The sum of what bears any of the keys; each counts once."""
        found: dict[int, Decimal] = {}
        for key in keys:
            rows = self._rows[key]
            while rows and rows[0][0] <= since - LONGEST:
                rows.popleft()
            found.update({pk: amount for at, pk, amount in rows if at > since})
        return sum(found.values(), Decimal(0))

    def add(self, keys: Sequence[object], *, at: datetime, pk: int, amount: Decimal) -> None:
        for key in keys:
            self._rows[key].append((at, pk, amount))


def _note_limits(
    told: Rehearsal, withdrawal: Withdrawal, requirement: Requirement, passed: _Passed
) -> None:
    if withdrawal.went_unpaid():
        return
    at = _moment(withdrawal)
    is_counted = at > told.since
    over = [
        limit.per
        for limit in requirement.limits
        if limit.per != LimitPer.APPROVER and is_counted and _is_over(limit, withdrawal, passed)
    ]
    for per in over:
        told.stopped[per].add(withdrawal)
    if not over:
        keys = _keys(LimitPer.CUSTOMER, withdrawal)
        passed.add(keys, at=at, pk=withdrawal.pk, amount=withdrawal.amount)


def _is_over(limit: Limit, withdrawal: Withdrawal, passed: _Passed) -> bool:
    keys = _keys(limit.per, withdrawal)
    before = passed.total(keys, since=_moment(withdrawal) - limit.span)
    return not keys or before + withdrawal.amount > limit.amount


def _keys(per: LimitPer, withdrawal: Withdrawal) -> list[object]:
    """All ties of the customer: those of the beneficiary are among them."""
    return [(withdrawal.currency, *tie) for tie in ties(per, withdrawal).items()]


def _note_signers(told: Rehearsal, tiers: Sequence[Policy], now: datetime) -> None:
    """Signatures that were given and that the limit per approver would have refused."""
    if all(tier.approver_limit is None for tier in tiers):
        return
    passed = _Passed()
    given = (
        Signature.objects.valid()
        .approvals()
        .filter(at__gt=told.since - LONGEST, at__lte=now)
        .select_related("withdrawal")
        .order_by("at", "pk")
    )
    for signature in given.iterator(chunk_size=_CHUNK):
        withdrawal, keys = signature.withdrawal, [(signature.by_id, signature.withdrawal.currency)]
        requirement = requirement_for(withdrawal, policies=tiers)
        over = any(
            passed.total(keys, since=signature.at - limit.span) + withdrawal.amount > limit.amount
            for limit in requirement.limits
            if limit.per == LimitPer.APPROVER
        )
        if over and signature.at > told.since:
            told.stopped[LimitPer.APPROVER].add(withdrawal)
        else:
            passed.add(keys, at=signature.at, pk=withdrawal.pk, amount=withdrawal.amount)
