"""What was paid before: the same payout again, or an account that nobody knows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Count, Min, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from payments.accounts import same_name
from payments.beneficiaries import CHANGE_LABELS
from payments.checks.holds import HELD, contact_of, is_stoppable, over
from payments.checks.results import Check
from payments.enums import Kind, Level, Status
from payments.models import (
    UNPAID_STATUSES,
    BeneficiaryChange,
    NotDuplicate,
    Payment,
    Withdrawal,
)
from payments.models.beneficiaries import LATELY
from payments.models.payments import CAME_BACK_UNPAID, PaymentQuerySet
from payments.queues import UNPAID_ENDS
from staff.texts import Lowered, Sayable, Text, listed

DUPLICATE: Final = "duplicate"
BENEFICIARY: Final = "beneficiary"
CHANGED: Final = "beneficiary_changed"
SIMILAR_WITHIN: Final = timedelta(hours=72)
MOST_CHANGES: Final = 5  # named in one sentence

# No money went or will go (`Withdrawal.went_unpaid`): asking again is no duplicate.
WENT_UNPAID = Q(status__in=UNPAID_ENDS) & (
    Q(payment=None)
    | Q(payment__status__in=UNPAID_STATUSES)
    | Q(**{f"payment__{name}": value for name, value in CAME_BACK_UNPAID.items()})
)


@dataclass(frozen=True)
class Flag:
    """A short word in a list for what the checks would say at length."""

    code: str
    text: str


@dataclass(frozen=True)
class Similar:
    """Another payout of the same amount to the same account."""

    label: str
    status: Sayable
    created_at: datetime
    url: str

    @property
    def words(self) -> Text:
        return Text(
            _("%(label)s (%(status)s, %(at)s UTC)."),
            label=self.label,
            status=self.status,
            at=f"{self.created_at:%Y-%m-%d %H:%M}",
        )


def no_similar_payout(withdrawal: Withdrawal, now: datetime) -> Check:
    """Same account, amount and currency within 72 hours: probably asked for twice.

    Of a page whose payee has not said yet where the money goes, the same customer.
    """
    by_customer = _is_unsaid(withdrawal)
    if not withdrawal.account_key and not by_customer:
        text = Text(_("Without an account, duplicates cannot be found."))
        return Check(Level.WARN, DUPLICATE, text)
    similar = look_alikes(withdrawal)
    if not similar:
        return Check(Level.PASS, DUPLICATE, Text(_("No similar payout within 72 hours.")))
    english = (
        _("Same customer, amount and currency within 72 hours: %(payouts)s")
        if by_customer
        else _("Same account, amount and currency within 72 hours: %(payouts)s")
    )
    text = Text(english, payouts=[one.words for one in similar])
    links = tuple((one.label, one.url) for one in similar)
    return Check(Level.WARN, DUPLICATE, text, now, links)


def beneficiary_is_known(withdrawal: Withdrawal, now: datetime) -> Check:
    """How often this account was paid, and whether under the same name."""
    if _is_unsaid(withdrawal):
        text = Text(_("Nobody here knows where the money will go: LuxCore's page asks the payee."))
        return Check(Level.WARN, BENEFICIARY, text, now)
    if not withdrawal.account_key:
        return Check(Level.WARN, BENEFICIARY, Text(_("The account is not known.")))
    paid = paid_to(withdrawal)
    history = paid.aggregate(times=Count("pk"), first=Min("created_at"))
    if not history["times"]:
        return Check(Level.WARN, BENEFICIARY, Text(_("First payout to this account.")), now)
    name = "withdrawal__recipient_name" if withdrawal.payee_id else "counterparty_name"
    last_name = paid.newest_first().values_list(name, flat=True)[:1]
    if any(same_name(name) != same_name(withdrawal.recipient_name) for name in last_name if name):
        text = Text(_("This account was last paid under another name."))
        return Check(Level.WARN, BENEFICIARY, text, now)
    first = f"{history['first']:%Y-%m-%d}"
    if history["times"] == 1:
        text = Text(_("Paid once before, on %(first)s."), first=first)
    else:
        text = Text(
            _("Paid %(times)s times before, first on %(first)s."),
            times=history["times"],
            first=first,
        )
    return Check(Level.PASS, BENEFICIARY, text, now)


def beneficiary_is_unchanged(withdrawal: Withdrawal, now: datetime) -> Check:
    """Whether what is known of this account was told otherwise lately, by whom and when."""
    beneficiary = withdrawal.beneficiary
    if beneficiary is None or not beneficiary.is_changed(now):
        text = Text(_("No detail of the beneficiary has changed within 24 hours."))
        return Check(Level.PASS, CHANGED, text, now)
    changes = (
        beneficiary.changes.filter(at__gt=now - LATELY)
        .select_related("by")
        .order_by("-at", "-pk")[:MOST_CHANGES]
    )
    text = Text(
        _("The beneficiary was changed within 24 hours: %(changes)s."),
        changes=listed([_change_in_words(change) for change in changes]),
    )
    links = ((beneficiary.code, beneficiary.get_absolute_url()),)
    return Check(Level.WARN, CHANGED, text, now, links)


def paid_to(withdrawal: Withdrawal) -> PaymentQuerySet:
    """The payouts that reached this account.

    Of a beneficiary that a provider knows by an id, its payments do not tell that id: there our own
    withdrawals do.
    """
    paid = Payment.objects.paid_out()
    if withdrawal.payee_id:
        return paid.filter(withdrawal__account_key=withdrawal.account_key)
    return paid.filter(account_key=withdrawal.account_key)


def flags_for(withdrawals: Sequence[Withdrawal]) -> dict[int, list[Flag]]:
    """The flags of a whole page of withdrawals, for as many queries as for one."""
    flags: dict[int, list[Flag]] = {withdrawal.pk: [] for withdrawal in withdrawals}
    similar = similar_to(withdrawals)
    known = _paid_keys(withdrawals)
    held = over(row for row in withdrawals if is_stoppable(row))
    for withdrawal in withdrawals:
        if held.get(withdrawal.pk):
            flags[withdrawal.pk].append(Flag(HELD, gettext("held")))
        if similar[withdrawal.pk]:
            flags[withdrawal.pk].append(Flag(DUPLICATE, gettext("duplicate?")))
        if withdrawal.hosted:
            flags[withdrawal.pk].append(Flag("hosted", gettext("hosted page")))
        elif withdrawal.status == Status.AWAITING_APPROVAL and withdrawal.account_key not in known:
            flags[withdrawal.pk].append(Flag(BENEFICIARY, gettext("new beneficiary")))
    return flags


def _paid_keys(withdrawals: Sequence[Withdrawal]) -> set[str]:
    """Of these accounts those that were paid before. One query; see `paid_to`."""
    keys = _keys(withdrawals)
    payees = _keys(row for row in withdrawals if row.payee_id)
    paid = Payment.objects.paid_out().order_by()
    told = paid.filter(account_key__in=keys).values_list("account_key")
    ours = paid.filter(withdrawal__account_key__in=payees).values_list("withdrawal__account_key")
    return {key for (key,) in told.union(ours)}


def similar_to(withdrawals: Sequence[Withdrawal]) -> dict[int, list[Similar]]:
    """For each withdrawal the others like it, ours and the provider's. Three queries.

    A pair of which somebody said that it is no duplicate is left out, seen from either side.
    """
    found: dict[int, list[Similar]] = defaultdict(list)
    keys = _keys(withdrawals)
    if not keys:
        return found
    earliest = min(withdrawal.created_at for withdrawal in withdrawals) - SIMILAR_WITHIN
    ours = (
        Withdrawal.objects.filter(account_key__in=keys, created_at__gte=earliest)
        .exclude(WENT_UNPAID)
        .newest_first()
    )
    theirs = (
        Payment.objects.filter(
            kind=Kind.WITHDRAWAL,
            account_key__in=keys,
            created_at__gte=earliest,
            withdrawal=None,
        )
        .exclude(status__in=UNPAID_STATUSES)
        .newest_first()
    )
    others: list[Withdrawal | Payment] = [*ours, *theirs]
    told_apart = _told_apart(withdrawals)
    for withdrawal in withdrawals:
        alike = [_told(other) for other in others if _is_like(withdrawal, other)]
        found[withdrawal.pk] = [
            one for one in alike if frozenset({withdrawal.code, one.label}) not in told_apart
        ]
    return found


def look_alikes(withdrawal: Withdrawal) -> list[Similar]:
    """The payouts that may be this one over again, as its check says it."""
    if _is_unsaid(withdrawal):
        return _same_customers(withdrawal)
    return similar_to([withdrawal])[withdrawal.pk]


def _is_unsaid(withdrawal: Withdrawal) -> bool:
    """Whether its payee has yet to say on LuxCore's page where the money goes."""
    return withdrawal.hosted and not withdrawal.account_key


def _same_customers(withdrawal: Withdrawal) -> list[Similar]:
    """Others of the same amount to the same customer. Two queries."""
    whose = contact_of(withdrawal)
    told = {
        "customer": whose.customer_id,
        "customer_number": whose.upstream_id,
        "customer_external_id": whose.external_id,
        "customer_email__iexact": whose.email,
        "customer_phone": whose.phone,
    }
    same = [Q((lookup, value)) for lookup, value in told.items() if value]
    if not same:
        return []
    others = (
        Withdrawal.objects.filter(
            reduce(or_, same),
            upstream=withdrawal.upstream,
            amount=withdrawal.amount,
            currency=withdrawal.currency,
            created_at__gte=withdrawal.created_at - SIMILAR_WITHIN,
            created_at__lte=withdrawal.created_at + SIMILAR_WITHIN,
        )
        .exclude(pk=withdrawal.pk)
        .exclude(WENT_UNPAID)
        .newest_first()
    )
    told_apart = _told_apart([withdrawal])
    alike = [_told(other) for other in others]
    return [one for one in alike if frozenset({withdrawal.code, one.label}) not in told_apart]


def _told_apart(withdrawals: Sequence[Withdrawal]) -> set[frozenset[str]]:
    """The pairs of labels that people said are two payouts and not one twice."""
    said = NotDuplicate.objects.filter(
        Q(withdrawal__in=withdrawals) | Q(other__in=[one.code for one in withdrawals])
    )
    return {frozenset(pair) for pair in said.values_list("withdrawal__code", "other")}


def _change_in_words(change: BeneficiaryChange) -> Text:
    """Which detail, when and by whom; not what it says: everybody reads the checks."""
    return Text(
        _("%(what)s (%(at)s UTC, by %(who)s)"),
        what=Lowered(CHANGE_LABELS[change.field]),
        at=f"{change.at:%Y-%m-%d %H:%M}",
        who=change.by.email if change.by else change.beneficiary.get_upstream_display(),
    )


def _keys(withdrawals: Iterable[Withdrawal]) -> set[str]:
    return {withdrawal.account_key for withdrawal in withdrawals if withdrawal.account_key}


def _is_like(withdrawal: Withdrawal, other: Withdrawal | Payment) -> bool:
    is_itself = (
        other.pk == withdrawal.pk
        if isinstance(other, Withdrawal)
        else other.pk == withdrawal.payment_id
    )
    return (
        not is_itself
        and other.account_key == withdrawal.account_key
        and other.amount == withdrawal.amount
        and other.currency == withdrawal.currency
        and abs(other.created_at - withdrawal.created_at) <= SIMILAR_WITHIN
    )


def _told(other: Withdrawal | Payment) -> Similar:
    status: Sayable
    if isinstance(other, Withdrawal):
        label, status = other.code, Lowered(Status(other.status).label)
    else:
        label, status = other.upstream_id, other.upstream_status
    return Similar(label, status, other.created_at, other.get_absolute_url())
