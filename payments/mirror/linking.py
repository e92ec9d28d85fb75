"""Letting our withdrawals follow the payments at the provider, and noticing what is not ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q

from payments import beneficiaries
from payments.enums import PAID_OUT, Origin, PaymentStatus, Status
from payments.intent import differences
from payments.mirror.alerts import Alerts
from payments.mirror.observing import PAYOUT_FIELDS
from payments.mirror.requests import match_requests
from payments.models import PAID_STATUSES, Payment, Revision, Withdrawal
from payments.moves import DUE_AFTER, move, revise
from payments.references import PAYOUTS
from staff import audit
from staff.journal import Journal
from upstreams.enums import Upstream
from upstreams.models import Command

_ENDS: Final = {
    **dict.fromkeys(PAID_STATUSES, Status.COMPLETED),
    PaymentStatus.FAILED: Status.FAILED,
    PaymentStatus.EXPIRED: Status.FAILED,
    PaymentStatus.CANCELLED: Status.CANCELLED,
}


def link(payments: Sequence[Payment], *, journal: Journal) -> None:
    """Match these locked payments with our withdrawals and deposits and move those along.

    They are of one provider. Ours are locked after payments, in the order of keys. One that waits
    for approval at the provider and was not made here joins the queue. The caller writes the
    journal, at last.
    """
    if not payments:
        return
    alerts = Alerts(at=journal.at, upstream=Upstream(payments[0].upstream))
    journal.afterwards(alerts.raise_all)
    _match(payments, journal, alerts)
    match_requests(payments, journal, alerts)


def _match(payments: Sequence[Payment], journal: Journal, alerts: Alerts) -> None:
    payouts = [payment for payment in payments if payment.kind in PAID_OUT]
    if not payouts:
        return
    by_payment, by_reference = _ours(payouts)
    former = _former_attempts(
        {payment.merchant_reference for payment in payouts} - {""} - by_reference.keys()
    )
    seen: list[Withdrawal] = []
    for payment in payouts:
        withdrawal = by_payment.get(payment.pk)
        asked = by_reference.get(payment.merchant_reference)
        if withdrawal is not None:
            _follow(withdrawal, payment, journal, alerts)
            seen.append(withdrawal)
        elif asked is not None:
            _claim(asked, payment, journal, alerts)
        elif command := former.get(payment.merchant_reference):
            alerts.not_by_us(
                "an approval that was undone",
                payment,
                (command.subject_type, command.subject_id),
            )
        elif _waits_for_us(payment):
            seen.append(_adopt(payment, journal))
    _note_beneficiaries(seen, journal)


def _note_beneficiaries(withdrawals: Sequence[Withdrawal], journal: Journal) -> None:
    """Give what waits for us at the provider its beneficiary: nobody here asked for it first."""
    seen = [
        row
        for row in withdrawals
        if not row.is_ours and row.status == Status.AWAITING_APPROVAL and row.account_key
    ]
    if not seen:
        return
    noted = beneficiaries.note(seen, by=None, at=journal.at)
    new = [row for row in seen if row.beneficiary_id != noted[row.account_key].pk]
    for row in new:
        row.beneficiary = noted[row.account_key]
    Withdrawal.objects.bulk_update(new, ["beneficiary"])


def _ours(payouts: Sequence[Payment]) -> tuple[dict[int, Withdrawal], dict[str, Withdrawal]]:
    """The withdrawals of these payments, locked: by payment, and by the reference we gave."""
    references = {payment.merchant_reference for payment in payouts} - {""}
    known = (
        Withdrawal.objects.select_for_update(of=("self",), no_key=True)
        .filter(
            Q(payment__in=payouts)
            | Q(merchant_reference__in=references) & ~Q(origin=Origin.UPSTREAM),
            upstream=payouts[0].upstream,
        )
        .order_by("pk")
    )
    by_payment, by_reference = {}, {}
    for withdrawal in known:
        if withdrawal.payment_id is not None:
            by_payment[withdrawal.payment_id] = withdrawal
        if withdrawal.is_ours:
            by_reference[withdrawal.merchant_reference] = withdrawal
    return by_payment, by_reference


def _former_attempts(references: set[str]) -> dict[str, Command]:
    """Commands that once bore these references: approvals that were undone before sending."""
    if not references:
        return {}
    commands = Command.objects.filter(kind__in=PAYOUTS.values(), idempotency_key__in=references)
    return {command.idempotency_key: command for command in commands}


def _claim(withdrawal: Withdrawal, payment: Payment, journal: Journal, alerts: Alerts) -> None:
    """A payment under our reference that is not linked yet: ours, or somebody's mistake."""
    if withdrawal.payment_id is not None:
        alerts.second_payment(withdrawal, payment)
        return
    if withdrawal.status == Status.SENT:
        _see_at_last(withdrawal, payment, journal, alerts)
        return
    if withdrawal.status not in (Status.APPROVED, Status.SENDING, Status.UNKNOWN):
        alerts.not_by_us(withdrawal.code, payment, audit.subject_of(withdrawal))
        return
    if found := differences(withdrawal, payment):
        alerts.mismatch(withdrawal, payment, found)
        if withdrawal.status == Status.SENDING:
            provider = Upstream(payment.upstream).label
            reason = f"{provider} holds another payment under this reference: people compare both."
            move(withdrawal, Status.UNKNOWN, journal=journal, reason=reason)
        return
    if withdrawal.status == Status.APPROVED:
        # Paid before we sent it: a desk restored from a backup, or somebody else with our key.
        alerts.not_by_us(withdrawal.code, payment, audit.subject_of(withdrawal))
    move(
        withdrawal,
        Status.SENT,
        journal=journal,
        payment=payment,
        sent_at=journal.at,
        customer_id=withdrawal.customer_id or payment.customer_id,
    )
    _follow(withdrawal, payment, journal, alerts)


def _see_at_last(
    withdrawal: Withdrawal, payment: Payment, journal: Journal, alerts: Alerts
) -> None:
    """Two people settled it by the provider's written word; now its payment shows itself."""
    named = withdrawal.settlements.filter(
        confirmed_at__isnull=False, upstream_id=payment.upstream_id
    )
    if not named.exists():
        alerts.second_payment(withdrawal, payment)
        return
    if found := differences(withdrawal, payment):
        alerts.mismatch(withdrawal, payment, found)
        return
    withdrawal.payment = payment
    withdrawal.save(update_fields=["payment"])
    journal.add(
        "payments.withdrawal.payment_seen",
        withdrawal,
        after={"status": withdrawal.status, "payment": payment.upstream_id},
    )
    _follow(withdrawal, payment, journal, alerts)


def _follow(withdrawal: Withdrawal, payment: Payment, journal: Journal, alerts: Alerts) -> None:
    """Move a withdrawal to where its payment stands."""
    if withdrawal.hosted and not withdrawal.account_key and payment.account_key:
        # The payee has said where the money goes: from now on this account was asked for.
        withdrawal.account_key = payment.account_key
        withdrawal.save(update_fields=["account_key"])
    match withdrawal.status:
        case Status.AWAITING_APPROVAL:
            _follow_undecided(withdrawal, payment, journal)
        case Status.SENT:
            _follow_sent(withdrawal, payment, journal)
        case Status.REJECTED if payment.status not in _UNMOVED:
            alerts.moved_after_rejection(withdrawal, payment)
            _contradict(withdrawal, "went_on", payment, journal)
    if withdrawal.status == Status.COMPLETED and payment.status in _RETURNED:
        _contradict(withdrawal, "came_back", payment, journal)


def _contradict(withdrawal: Withdrawal, verb: str, payment: Payment, journal: Journal) -> None:
    """Note once that the provider says otherwise than how it ended here: somebody must look."""
    if withdrawal.contradicted_at is not None:
        return
    withdrawal.contradicted_at = journal.at
    withdrawal.attended_at = None
    withdrawal.save(update_fields=["contradicted_at", "attended_at"])
    journal.add(
        f"payments.withdrawal.{verb}", withdrawal, after={"theirs": payment.upstream_status}
    )


_RETURNED: Final = (PaymentStatus.RETURNED, PaymentStatus.PARTLY_RETURNED)
# A rejected payout may be any of these there: nothing moves.
_UNMOVED: Final = (
    PaymentStatus.CREATED,
    PaymentStatus.CANCELLED,
    PaymentStatus.FAILED,
    PaymentStatus.EXPIRED,
)


def _follow_undecided(withdrawal: Withdrawal, payment: Payment, journal: Journal) -> None:
    if payment.status != PaymentStatus.CREATED:
        reason = f"LuxCore made it {payment.upstream_status} before anybody decided here."
        move(withdrawal, Status.LAPSED, journal=journal, reason=reason, settled_at=journal.at)
        return
    told = _copied(payment)
    changed = [name for name, value in told.items() if getattr(withdrawal, name) != value]
    if not changed:
        return
    for name in changed:
        setattr(withdrawal, name, told[name])
    reason = "LuxCore tells more of it now, or otherwise."
    revise(withdrawal, by=None, at=journal.at, reason=reason)
    withdrawal.save(update_fields=[*changed, "revision"])
    journal.add(
        "payments.withdrawal.amended",
        withdrawal,
        after={
            "status": withdrawal.status,
            "revision": withdrawal.revision,
            "fields": sorted(changed),
        },
        reason=reason,
    )


def _follow_sent(withdrawal: Withdrawal, payment: Payment, journal: Journal) -> None:
    end = _ENDS.get(PaymentStatus(payment.status))
    if payment.came_back_unpaid:
        end = Status.FAILED
    if end is None:
        return
    why = payment.error_message
    if payment.status == PaymentStatus.EXPIRED:
        why = why or "It expired at LuxCore."
    move(
        withdrawal,
        end,
        journal=journal,
        reason=payment.error_code,  # their words may name people: they are not kept for ever
        status_reason=why,
        error_code=payment.error_code,
        settled_at=journal.at,
    )


def _waits_for_us(payment: Payment) -> bool:
    """Whether this desk decides about it: what waits at Lumetrade cannot be cancelled there."""
    return (
        payment.upstream == Upstream.LUXCORE
        and payment.status == PaymentStatus.CREATED
        and payment.amount > 0
    )


def _adopt(payment: Payment, journal: Journal) -> Withdrawal:
    """A payout that waits for approval there and was not asked for here joins the queue."""
    withdrawal = Withdrawal.objects.create(
        upstream=payment.upstream,
        origin=Origin.UPSTREAM,
        merchant_reference=payment.merchant_reference,
        payment=payment,
        created_at=payment.created_at,
        due_at=payment.created_at + DUE_AFTER,
        **_copied(payment),
    )
    Revision.objects.create(withdrawal=withdrawal, number=1, at=journal.at)
    journal.add(
        "payments.withdrawal.seen",
        withdrawal,
        after={"status": withdrawal.status, "payment": payment.upstream_id},
    )
    return withdrawal


def _copied(payment: Payment) -> dict[str, Any]:
    """What a withdrawal made at the provider takes from its payment."""
    customer = payment.customer
    return {
        "amount": payment.amount,
        "currency": payment.currency,
        "method": payment.method,
        "hosted": payment.hosted,
        "description": payment.description[:255],
        "account_key": payment.account_key,
        "customer": customer,
        "customer_name": customer.name if customer else "",
        "customer_email": customer.email if customer else "",
        "customer_phone": customer.phone if customer else "",
        **{name: str(payment.counterparty.get(name) or "") for name in PAYOUT_FIELDS},
    }
