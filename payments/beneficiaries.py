"""Whom we pay: noted where a payout is asked for, or where one is seen at a provider.

Rows are written in the order of their account keys, after the withdrawals that are locked and
before everything that comes later in the order of locks (docs/architecture.md).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils.translation import gettext_noop as _

from payments.accounts import payee_key, same_account, same_name, same_number, same_payid
from payments.facts import LABELS
from payments.models import (
    Beneficiary,
    BeneficiaryChange,
    Payment,
    SavedBeneficiary,
    Withdrawal,
)
from payments.models.beneficiaries import DETAILS
from payments.models.payments import PaymentQuerySet
from payments.rules import WithdrawalDraft
from payments.rules.lumetrade import draft_to
from staff.models import User

Asked: TypeAlias = WithdrawalDraft | Withdrawal

OTHER_DETAILS: Final = "details"  # what a provider knows beside our own columns
CHANGE_LABELS: Final = {name: LABELS[name] for name in DETAILS} | {
    OTHER_DETAILS: _("Details at the provider")
}
_COPIED: Final = ("method", *DETAILS)
# Other spellings of the same are no change.
_SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "recipient_name": same_name,
    "account_type": same_name,
    "payid_type": same_name,
    "payid": same_payid,
}


def note(asked: Sequence[Asked], *, by: User | None, at: datetime) -> dict[str, Beneficiary]:
    """The beneficiaries of these payouts by account key, inside a transaction.

    Those not known yet are made: `by` is who first asked, None the provider. A detail that is told
    otherwise than before is a change of theirs. Of two who bring the same new account, one waits
    for the other. What is known already costs one query and waits for nobody.
    """
    uses = [one for one in asked if one.account_key]
    known = of_keys(use.account_key for use in uses)
    news = {
        use.account_key: use
        for use in reversed(uses)
        if use.account_key not in known or _told_otherwise(known[use.account_key], use)
    }
    if not news:
        return known
    Beneficiary.objects.bulk_create(
        [_made_of(news[key], by=by, at=at) for key in sorted(news)],
        update_conflicts=True,  # which locks those that are there already
        unique_fields=["account_key"],
        update_fields=["noted_at"],
    )
    fresh = of_keys(news)
    changes: list[BeneficiaryChange] = []
    touched: list[Beneficiary] = []
    for use in uses:
        row = fresh.get(use.account_key)
        if row and (told := _told_otherwise(row, use)):
            changes += _take_on(row, told, by=by, at=at)
            touched.append(row)
    _save(touched, changes)
    return known | fresh


def of_keys(keys: Iterable[str]) -> dict[str, Beneficiary]:
    """The known ones of these account keys."""
    rows = Beneficiary.objects.filter(account_key__in=sorted(set(keys) - {""}))
    return {row.account_key: row for row in rows}


def follow_provider(
    before: Mapping[str, SavedBeneficiary], now: Iterable[SavedBeneficiary], *, at: datetime
) -> None:
    """Note what a provider changed of beneficiaries that it lists, where any was asked to be paid.

    `before`: those it changed as they were, by their id there.
    """
    theirs = {
        payee_key(row.upstream, row.upstream_id): row for row in now if row.upstream_id in before
    }
    rows = (
        Beneficiary.objects.select_for_update(no_key=True)
        .filter(account_key__in=sorted(theirs))
        .order_by("account_key")
    )
    changes: list[BeneficiaryChange] = []
    for row in rows if theirs else ():
        saved = theirs[row.account_key]
        told = _told_otherwise(row, draft_to(saved, amount=Decimal(0), description=""))
        found = _take_on(row, told, by=None, at=at)
        if not found and saved.details != before[saved.upstream_id].details:
            row.changed_at = at
            found = [BeneficiaryChange(beneficiary=row, field=OTHER_DETAILS, at=at)]
        changes += found
    _save((change.beneficiary for change in changes), changes)


@dataclass(frozen=True)
class Paid:
    """What reached one account in one currency so far."""

    currency: str
    times: int
    total: Decimal
    first_at: datetime
    last_at: datetime


def paid(rows: Iterable[Beneficiary]) -> dict[str, list[Paid]]:
    """What was paid to each of these, by account key; one query. See `checks.history.paid_to`."""
    rows = list(rows)
    payments = Payment.objects.paid_out().order_by()
    by_account = payments.filter(account_key__in=[row.account_key for row in rows])
    by_id = payments.filter(
        withdrawal__account_key__in=[row.account_key for row in rows if row.payee_id]
    )
    found = _summed(by_account, "account_key").union(
        _summed(by_id, "withdrawal__account_key"), all=True
    )
    totals: dict[str, list[Paid]] = defaultdict(list)
    for key, *sums in sorted(found):
        totals[key].append(Paid(*sums))
    return totals


def _summed(payments: PaymentQuerySet, whose: str) -> QuerySet[Payment, tuple[Any, ...]]:
    sums: QuerySet[Payment, tuple[Any, ...]] = (
        payments.values(whose, "currency")
        .annotate(
            times=Count("pk"), total=Sum("amount"), first=Min("created_at"), last=Max("created_at")
        )
        .values_list(whose, "currency", "times", "total", "first", "last")
    )
    return sums


def _take_on(
    row: Beneficiary, told: Mapping[str, str], *, by: User | None, at: datetime
) -> list[BeneficiaryChange]:
    """Let a locked row say what was told otherwise; what it had not known before is no change."""
    changes = []
    for name, after in told.items():
        before = getattr(row, name)
        if name in DETAILS and before:
            change = BeneficiaryChange(
                beneficiary=row, field=name, before=before, after=after, by=by, at=at
            )
            changes.append(change)
            row.changed_at = at
        setattr(row, name, after)
    return changes


def _save(rows: Iterable[Beneficiary], changes: Sequence[BeneficiaryChange]) -> None:
    by_key = {row.account_key: row for row in rows}
    if by_key:
        Beneficiary.objects.bulk_create(
            [by_key[key] for key in sorted(by_key)],
            update_conflicts=True,
            unique_fields=["account_key"],
            update_fields=[*_COPIED, "changed_at"],
        )
    BeneficiaryChange.objects.bulk_create(changes)


def _told_otherwise(row: Beneficiary, use: Asked) -> dict[str, str]:
    """What this payout says of its beneficiary that the row does not; left out is nothing said."""
    told = {name: str(getattr(use, name)) for name in _COPIED}
    return {
        name: value
        for name, value in told.items()
        if value and not _is_same(name, value, getattr(row, name), currency=row.currency)
    }


def _is_same(name: str, one: str, other: str, *, currency: str) -> bool:
    if name == "bank_account":
        return same_number(one, currency) == same_number(other, currency)
    spelled = _SPELLINGS.get(name, same_account)
    return spelled(one) == spelled(other)


def _made_of(use: Asked, *, by: User | None, at: datetime) -> Beneficiary:
    return Beneficiary(
        account_key=use.account_key,
        upstream=use.upstream,
        currency=use.currency,
        payee_id=use.payee_id,
        first_asked_by=by,
        first_asked_at=at,
        noted_at=at,
        **{name: getattr(use, name) for name in _COPIED},
    )
