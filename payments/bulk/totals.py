"""What the items of a run add up to: its groups, the sums per currency, what the checks warn of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Sum
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from payments import facts
from payments.checks import freshness, history, outliers, rails
from payments.enums import BulkState, Cause, Outcome, Plan
from payments.models import BulkRun
from payments.models.bulk import RETRYABLE

_BEFORE = (BulkState.LOOKING, BulkState.READY, BulkState.DROPPED)
_DONE = (Outcome.APPROVED, Outcome.SIGNED, Outcome.REJECTED)

# What a check warns of, for all that it warns of it; the others are not decided among many.
_WARNS_OF: Final[Mapping[str, str]] = {
    history.BENEFICIARY: _("The account is new to us, or was paid under another name"),
    outliers.CODE: _("The amount is unusual"),
    rails.CODE: _("Something in the details is doubtful"),
    freshness.CODE: _("What we know is minutes old"),
}
_ANOTHER: Final = _("Another check warns")


@dataclass(frozen=True)
class Total:
    """So many payouts in one currency, and what they come to."""

    currency: str
    number: int
    amount: Decimal


@dataclass
class Group:
    """Items of which the same is to be said. `name` is of a plan or an outcome; "" is not yet."""

    name: str
    cause: str
    totals: list[Total] = field(default_factory=list)

    @property
    def key(self) -> str:
        """How an address asks for it."""
        return ".".join(filter(None, (self.name or "waiting", self.cause)))

    @property
    def number(self) -> int:
        return sum(total.number for total in self.totals)

    @property
    def is_retryable(self) -> bool:
        return self.cause in RETRYABLE


@dataclass(frozen=True)
class Warned:
    """The items that are decided although the same check warns; `ids` are their keys."""

    code: str
    ids: list[int]

    @property
    def number(self) -> int:
        return len(self.ids)

    @property
    def label(self) -> str:
        return gettext(_WARNS_OF.get(self.code, _ANOTHER))


@dataclass(frozen=True)
class Groups:
    """Every item of a run, each in one group. `by` is the field that tells them apart."""

    by: str
    rows: list[Group]

    @property
    def number(self) -> int:
        return sum(group.number for group in self.rows)

    @property
    def waiting(self) -> int:
        """How many nothing was said of yet."""
        return self._sum(lambda group: group.name == "")

    @property
    def meant(self) -> int:
        """How many will be decided, or are."""
        return self._sum(_counts)

    @property
    def retryable(self) -> int:
        return self._sum(lambda group: group.is_retryable)

    @property
    def progress(self) -> int:
        """How many of them are done with, in percent."""
        return 100 * (self.number - self.waiting) // max(self.number, 1)

    def find(self, key: str) -> Group | None:
        return next((group for group in self.rows if group.key == key), None)

    def lookup(self, group: Group) -> dict[str, str]:
        return {self.by: group.name, "cause": group.cause}

    def per_currency(self) -> list[Total]:
        """What is decided, or will be, per currency."""
        return _per_currency(group for group in self.rows if _counts(group))

    def _sum(self, wanted: Any) -> int:
        return sum(group.number for group in self.rows if wanted(group))


def of(run: BulkRun) -> Groups:
    """The groups by what the dry run says, and once it is confirmed by what became of them."""
    by = "plan" if run.state in _BEFORE else "outcome"
    return Groups(by, _groups(run, by))


def warned(run: BulkRun) -> list[Warned]:
    """What is decided although a check warns, by check; most of them first. One query."""
    ids: dict[str, list[int]] = defaultdict(list)
    rows = run.items.planned().exclude(warned=[]).order_by("position")
    for pk, codes in rows.values_list("pk", "warned"):
        for code in codes:
            ids[code].append(pk)
    return sorted(
        (Warned(code, found) for code, found in ids.items()),
        key=lambda one: (-one.number, one.code),
    )


def told(run: BulkRun) -> dict[str, object]:
    """The same as the audit trail keeps it."""
    groups = of(run)
    warnings = {one.code: one.number for one in warned(run)}
    return {
        **({"warnings": warnings} if warnings else {}),
        "groups": {group.key: group.number for group in groups.rows},
        "totals": {
            total.currency: f"{total.number} payouts, {facts.plain(total.amount, total.currency)}"
            for total in groups.per_currency()
        },
    }


def _counts(group: Group) -> bool:
    return group.name in _DONE or (group.name in Plan and group.name != Plan.LEAVE)


def _groups(run: BulkRun, by: str) -> list[Group]:
    """One query. What is decided comes first, then why the others are not."""
    found: dict[tuple[str, str], Group] = {}
    rows = run.items.values(by, "cause", "currency").annotate(n=Count("pk"), sum=Sum("amount"))
    for row in rows.order_by("currency"):
        group = found.setdefault((row[by], row["cause"]), Group(row[by], row["cause"]))
        group.totals.append(Total(row["currency"], row["n"], row["sum"]))
    return sorted(found.values(), key=_place)


def _place(group: Group) -> tuple[int, int]:
    names, causes = ["", *Plan, *Outcome], ["", *Cause]
    return names.index(group.name), causes.index(group.cause)


def _per_currency(groups: Iterable[Group]) -> list[Total]:
    sums: dict[str, Total] = {}
    for group in groups:
        for total in group.totals:
            before = sums.get(total.currency, Total(total.currency, 0, Decimal(0)))
            sums[total.currency] = Total(
                total.currency, before.number + total.number, before.amount + total.amount
            )
    return [sums[currency] for currency in sorted(sums)]
