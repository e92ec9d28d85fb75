"""What two people do when no machine can find out whether money moved."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from payments import mirror, senders
from payments.actions.common import refuse_writers, stated
from payments.actions.errors import SettlementNotPossible
from payments.enums import Kind, Status
from payments.journal import Journal
from payments.models import UNPAID_STATUSES, Payment, Settlement, Withdrawal
from payments.references import PAYOUT
from staff import audit
from staff.models import User
from staff.permissions import Permission, can, require
from upstreams import outbox
from upstreams.enums import CommandState
from upstreams.errors import UpstreamError
from upstreams.models import Command


def propose_settlement(
    *,
    withdrawal_id: int,
    outcome: Status,
    payment_id: int | None = None,
    reason: str,
    by: User,
    at: datetime,
) -> Settlement:
    """Say what became of an unknown payout: `sent` as that payment, or `refused`.

    A second person confirms it. Raises NotPermitted, ReasonMissing, SettlementNotPossible.
    """
    require(by, Permission.RECONCILE)
    reason = stated(reason)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        _waiting_command(withdrawal)
        payment = _payment_for(withdrawal, Status(outcome), payment_id)
        try:
            with transaction.atomic():
                settlement = Settlement.objects.create(
                    withdrawal=withdrawal,
                    outcome=outcome,
                    payment=payment,
                    reason=reason,
                    proposed_by=by,
                    proposed_at=at,
                )
        except IntegrityError:
            raise SettlementNotPossible(
                f"Somebody proposed an outcome for {withdrawal.code} already: "
                "confirm or drop that first."
            ) from None
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.settlement.proposed",
            withdrawal,
            after=_told(settlement),
            reason=reason,
        )
        journal.write()
    return settlement


def confirm_settlement(*, settlement_id: int, by: User, at: datetime) -> Settlement:
    """Confirm what somebody else proposed; the withdrawal moves and its command is closed.

    "It was not paid" is held against the provider's list once more first. Raises NotPermitted,
    SettlementNotPossible, MakerCannotSign.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    settlement = Settlement.objects.select_related("withdrawal").get(pk=settlement_id)
    if settlement.confirmed_by_id == by.pk:
        return settlement  # the same click again
    _refuse_confirming(settlement, by)
    command = _waiting_command(settlement.withdrawal)
    if settlement.outcome == Status.REFUSED:
        _refuse_when_it_is_there(command)
    with transaction.atomic():
        settlement = (
            Settlement.objects.select_for_update(of=("self",))
            .select_related("withdrawal", "payment")
            .get(pk=settlement_id)
        )
        _refuse_confirming(settlement, by)
        settlement.confirmed_by, settlement.confirmed_at = by, at
        settlement.save(update_fields=["confirmed_by", "confirmed_at"])
        outcome: outbox.Done | outbox.Refused
        if settlement.payment is not None:
            outcome = outbox.Done(reference=settlement.payment.upstream_id)
        else:
            outcome = outbox.Refused(code="SETTLED_BY_PEOPLE", message="It was not paid.")
        try:
            # The command before the withdrawal: a worker that records an answer locks them so.
            outbox.settle_by_hand(command_id=command.pk, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise SettlementNotPossible(
                "The provider has answered meanwhile: look at the withdrawal again."
            ) from late
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.settlement.confirmed",
            settlement.withdrawal,
            after=_told(settlement),
            reason=settlement.reason,
        )
        journal.write()
    return settlement


def drop_settlement(*, settlement_id: int, by: User, at: datetime) -> Settlement:
    """Put a proposal aside. Raises NotPermitted, SettlementNotPossible."""
    if not can(by, Permission.SIGN_WITHDRAWALS):
        require(by, Permission.RECONCILE)
    with transaction.atomic():
        settlement = (
            Settlement.objects.select_for_update(of=("self",))
            .select_related("withdrawal")
            .get(pk=settlement_id)
        )
        if settlement.dropped_at is not None:
            return settlement
        if settlement.confirmed_at is not None:
            raise SettlementNotPossible("It was confirmed already.")
        settlement.dropped_at = at
        settlement.save(update_fields=["dropped_at"])
        journal = Journal(by=by, at=at)
        journal.add("payments.settlement.dropped", settlement.withdrawal, after=_told(settlement))
        journal.write()
    return settlement


def _waiting_command(withdrawal: Withdrawal) -> Command:
    """The command that no machine will try again; raises SettlementNotPossible."""
    if withdrawal.status != Status.UNKNOWN:
        raise SettlementNotPossible(f"The outcome of {withdrawal.code} is not unknown.")
    subject_type, subject_id = audit.subject_of(withdrawal)
    command = (
        Command.objects.about(subject_type=subject_type, subject_id=subject_id)
        .filter(kind=PAYOUT, state=CommandState.UNKNOWN)
        .last()
    )
    if command is None or command.next_at is not None:
        raise SettlementNotPossible(
            f"The desk is still looking for {withdrawal.code} at the provider by itself."
        )
    return command


def _payment_for(withdrawal: Withdrawal, outcome: Status, payment_id: int | None) -> Payment | None:
    """The payment that the proposal names, if it may; raises SettlementNotPossible."""
    if outcome == Status.REFUSED:
        if payment_id is not None:
            raise SettlementNotPossible("Name no payment for one that was not paid.")
        return None
    if outcome != Status.SENT:
        raise SettlementNotPossible("The outcome is either that it was paid or that it was not.")
    payouts = Payment.objects.filter(upstream=withdrawal.upstream, kind=Kind.WITHDRAWAL)
    payment = payouts.filter(pk=payment_id).first() if payment_id is not None else None
    if payment is None:
        raise SettlementNotPossible("Name the payment at the provider that paid it.")
    if Withdrawal.objects.filter(payment=payment).exclude(pk=withdrawal.pk).exists():
        raise SettlementNotPossible("That payment belongs to another withdrawal.")
    return payment


def _refuse_confirming(settlement: Settlement, by: User) -> None:
    if settlement.dropped_at is not None:
        raise SettlementNotPossible("It was dropped: propose it anew.")
    if settlement.confirmed_at is not None:
        raise SettlementNotPossible("Somebody else confirmed it already.")
    if settlement.proposed_by_id == by.pk:
        raise SettlementNotPossible("You proposed it, so somebody else confirms it.")
    refuse_writers(settlement.withdrawal, by)


def _refuse_when_it_is_there(command: Command) -> None:
    """Look at the provider's list, now: "it was not paid" must not be wrong."""
    try:
        there = senders.payments_bearing(command)
    except (UpstreamError, senders.CannotTell) as problem:
        raise SettlementNotPossible(
            f"The provider's list cannot be read now, so nobody can say that: {problem}"
        ) from problem
    for record in there:
        if mirror.luxcore_status(record) not in UNPAID_STATUSES:
            raise SettlementNotPossible(
                f"The provider shows {record.id} under this reference ({record.status})."
            )


def _told(settlement: Settlement) -> dict[str, object]:
    return {
        "settlement": settlement.pk,
        "outcome": settlement.outcome,
        "payment": settlement.payment.upstream_id if settlement.payment else "",
        "proposed_by": settlement.proposed_by.email,
    }
