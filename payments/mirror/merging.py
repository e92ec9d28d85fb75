"""The one merge rule: what a payment is, whatever order its observations arrive in.

Every field keeps the stamp of the observation that told it. A later stamp replaces it, an earlier
one does not, and what an observation leaves out changes nothing. Stamps are ordered by how far the
payment had come, then by LuxCore's `status_version`; equal ones by the value itself. So merging is
idempotent, commutative and associative: poll, webhook, click and send may come in any order and
any number of times.

One thing has no order: a payment that ended in two ways. The first end stays, a person is called.
Where a failure is followed by the return of the money, that is not another end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_noop as _

from payments.enums import PaymentStatus, SeenBy
from payments.models import PAID_STATUSES, Payment
from payments.models.payments import will_come_back
from staff.texts import Sayable, Text
from upstreams import strict_json
from upstreams.enums import Upstream

Stamp = tuple[int, int]

# How far a payment has come. The ends share a rank: none of them follows from another, except that
# what was completed may be returned, in part and then in whole.
RANKS: Final[Mapping[PaymentStatus, int]] = {
    PaymentStatus.CREATED: 1,
    PaymentStatus.IN_PROGRESS: 2,
    PaymentStatus.IN_REVIEW: 3,
    # A word we do not know: further than any open state, so that it shows, and never an end.
    PaymentStatus.UNKNOWN: 4,
    PaymentStatus.COMPLETED: 5,
    PaymentStatus.FAILED: 5,
    PaymentStatus.CANCELLED: 5,
    PaymentStatus.EXPIRED: 5,
    PaymentStatus.PARTLY_RETURNED: 6,
    PaymentStatus.RETURNED: 7,
}
_NOT_TOLD = -1  # the version of an observation that told none

# What makes a payment the one it is. It never changes, or the provider contradicts itself.
IDENTITY: Final = ("kind", "amount", "currency")


@dataclass(frozen=True)
class Observation:
    """One payment as seen once, in the columns of our row. None, "" and {} mean "not told"."""

    upstream: Upstream
    upstream_id: str
    status: PaymentStatus
    stamp: Stamp
    values: Mapping[str, Any] = field(repr=False)

    @property
    def digest(self) -> str:
        return str(self.values["digest"])

    @property
    def will_come_back(self) -> bool:
        return will_come_back(self.upstream, self.values["upstream_status"])

    def as_new(self, *, seen_by: SeenBy, at: datetime) -> Payment:
        """The row that this observation alone makes."""
        payment = Payment(
            upstream=self.upstream,
            upstream_id=self.upstream_id,
            created_at=at,  # until it is told (LT-A11: a deposit at Lumetrade never does)
            first_seen_at=at,
            seen_at=at,
            changed_at=at,
            seen_by=seen_by,
            **{name: self.values[name] for name in IDENTITY},
        )
        merge(payment, self)
        return payment


@dataclass(frozen=True)
class Merged:
    """What one observation changed, or why it was not let in."""

    changed: frozenset[str] = frozenset()
    contradiction: Sayable = ""


def stamp_of(status: PaymentStatus, version: int | None) -> Stamp:
    return RANKS[status], _NOT_TOLD if version is None else version


def merge(payment: Payment, seen: Observation) -> Merged:
    """Let one observation into a row, in memory. Says which columns changed."""
    if contradiction := _contradiction(payment, seen):
        return Merged(contradiction=contradiction)
    changed = set()
    for name, value in seen.values.items():
        if value in (None, "", {}):
            continue
        known, stamp = getattr(payment, name), payment.stamps.get(name)
        if stamp is not None and not _is_newer(value, seen.stamp, known, tuple(stamp)):
            continue
        if known != value:
            setattr(payment, name, value)
            changed.add(name)
        if stamp is None or tuple(stamp) != seen.stamp:
            payment.stamps[name] = list(seen.stamp)
            changed.add("stamps")
    return Merged(changed=frozenset(changed))


def _is_newer(value: Any, stamp: Stamp, known: Any, known_stamp: tuple[int, ...]) -> bool:
    if stamp != known_stamp:
        return stamp > known_stamp
    return value != known and bool(_order(value) > _order(known))


def _contradiction(payment: Payment, seen: Observation) -> Sayable:
    for name in IDENTITY:
        if name in payment.stamps and getattr(payment, name) != seen.values[name]:
            return Text(_("its %(name)s is not what it was"), name=name)
    if not payment.stamps or _is_return_of_failed(payment, seen):
        return ""
    if ends_otherwise(payment.status, seen.status):
        return Text(
            _("it is said to be %(now)s after %(before)s"),
            now=seen.values["upstream_status"],
            before=payment.upstream_status,
        )
    return ""


def _is_return_of_failed(payment: Payment, seen: Observation) -> bool:
    """Whether one tells of a failure that is followed by the return that the other tells of."""
    if payment.will_come_back:
        return seen.status == PaymentStatus.RETURNED
    return seen.will_come_back and payment.status == PaymentStatus.RETURNED


def ends_otherwise(ours: str, theirs: str) -> bool:
    """Whether both ended, and not in the same way."""
    return bool(_end(ours) and _end(theirs)) and _end(ours) != _end(theirs)


def _end(status: str) -> str:
    """Which way a payment ended: paid (returned or not), or one of the unpaid ends; "" if open."""
    if status in PAID_STATUSES:
        return "paid"
    return status if RANKS[PaymentStatus(status)] >= RANKS[PaymentStatus.COMPLETED] else ""


def _order(value: Any) -> Any:
    """Something by which two values of one column can be compared: `raw` goes by its digest."""
    if isinstance(value, int | Decimal | datetime):
        return value
    return strict_json.digest(value) if isinstance(value, dict) else str(value)
