"""What two people do when no machine can find out whether money moved."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop as _

from payments import matching, mirror, senders, senders_lumetrade, senders_lux
from payments.actions.common import (
    NOT_SEEN,
    has_word,
    refuse_askers,
    refuse_unproven,
    stated,
    waiting_command,
)
from payments.actions.errors import SettlementNotPossible
from payments.enums import PAID_OUT, Status
from payments.models import UNPAID_STATUSES, Payment, Settlement, Withdrawal
from payments.references import PAYOUTS
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, can, require
from staff.texts import Text
from upstreams import outbox
from upstreams.enums import Upstream
from upstreams.errors import UpstreamError
from upstreams.models import Command


def propose_settlement(
    *,
    withdrawal_id: int,
    outcome: Status,
    upstream_id: str = "",
    written_word: str = "",
    reason: str,
    by: User,
    at: datetime,
) -> Settlement:
    """Say what became of an unknown payout: `sent` as the payment with this id, or `refused`.

    Where the key was changed since it was sent, no list that is read now proves anything: then
    `written_word` is needed, what the provider said and where that stands. It decides nothing; a
    second person confirms it, and everything is looked at again then. Raises NotPermitted,
    ReasonMissing, SettlementNotPossible.
    """
    require(by, Permission.RECONCILE)
    withdrawal = Withdrawal.objects.get(pk=withdrawal_id)
    command = waiting_command(withdrawal, kinds=PAYOUTS.values())
    settlement = Settlement(
        withdrawal=withdrawal,
        outcome=outcome,
        upstream_id=upstream_id.strip(),
        written_word=written_word.strip(),
        fence=command.fence,
        reason=stated(reason),
        proposed_by=by,
        proposed_at=at,
    )
    settlement.payment = _proven_payment(settlement, command)
    with transaction.atomic():
        try:
            with transaction.atomic():
                settlement.save()
        except IntegrityError:
            raise SettlementNotPossible(
                Text(
                    _(
                        "Somebody proposed an outcome for %(code)s already: confirm or drop "
                        "that first."
                    ),
                    code=withdrawal.code,
                )
            ) from None
        journal = Journal(by=by, at=at)
        journal.add(
            "payments.settlement.proposed",
            withdrawal,
            after=_told(settlement),
            reason=settlement.reason,
        )
        journal.write()
    return settlement


def confirm_settlement(
    *, withdrawal_id: int, settlement_id: int, by: User, at: datetime
) -> Settlement:
    """Confirm what somebody else proposed; the withdrawal moves and its command is closed.

    `settlement_id` is the proposal that was looked at: no other is confirmed in its place.
    "It was not paid" is held against the provider's list once more first, for as long as a click
    may wait. Raises NotPermitted, SettlementNotPossible, MakerCannotSign,
    IntroducerCannotSign; the proposal then stays.
    """
    require(by, Permission.SIGN_WITHDRAWALS)
    settlement = _proposal(Settlement.objects.all(), withdrawal_id, settlement_id)
    if settlement.confirmed_by_id == by.pk:
        return settlement  # the same click again
    _refuse_confirming(settlement, by)
    command = waiting_command(settlement.withdrawal, kinds=PAYOUTS.values())
    if settlement.fence != command.fence:
        raise SettlementNotPossible(
            Text(
                _(
                    "The desk has asked the provider again since that was proposed, so it "
                    "may be untrue by now: drop it, and look at the provider once more."
                )
            )
        )
    if settlement.outcome == Status.REFUSED:
        _refuse_when_it_is_there(command)
    with transaction.atomic():
        settlement = _proposal(_to_change(), withdrawal_id, settlement_id)
        _refuse_confirming(settlement, by)
        settlement.payment = _proven_payment(settlement, command)
        settlement.confirmed_by, settlement.confirmed_at = by, at
        settlement.save(update_fields=["payment", "confirmed_by", "confirmed_at"])
        outcome: outbox.Done | outbox.Refused
        if settlement.outcome == Status.SENT:
            outcome = outbox.Done(reference=settlement.upstream_id)
        else:
            outcome = outbox.Refused(code="SETTLED_BY_PEOPLE", message="It was not paid.")
        try:
            outbox.settle_by_hand(command=command, outcome=outcome, at=at, by_label=by.email)
        except outbox.NotSettleable as late:
            raise SettlementNotPossible(
                Text(_("The provider has answered meanwhile: look at the withdrawal again."))
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


def drop_settlement(
    *, withdrawal_id: int, settlement_id: int, by: User, at: datetime
) -> Settlement:
    """Put the proposal aside that was looked at. Raises NotPermitted, SettlementNotPossible."""
    if not can(by, Permission.SIGN_WITHDRAWALS):
        require(by, Permission.RECONCILE)
    with transaction.atomic():
        settlement = _proposal(_to_change(), withdrawal_id, settlement_id)
        if settlement.dropped_at is not None:
            return settlement
        if settlement.confirmed_at is not None:
            raise SettlementNotPossible(Text(_("It was confirmed already.")))
        settlement.dropped_at = at
        settlement.save(update_fields=["dropped_at"])
        journal = Journal(by=by, at=at)
        journal.add("payments.settlement.dropped", settlement.withdrawal, after=_told(settlement))
        journal.write()
    return settlement


def _to_change() -> QuerySet[Settlement]:
    return Settlement.objects.select_for_update(of=("self",))


def _proposal(rows: QuerySet[Settlement], withdrawal_id: int, settlement_id: int) -> Settlement:
    """The proposal that somebody looked at; raises SettlementNotPossible where there is none."""
    seen = rows.filter(withdrawal_id=withdrawal_id, pk=settlement_id)
    if found := seen.select_related("withdrawal", "proposed_by").first():
        return found
    raise SettlementNotPossible(Text(NOT_SEEN))


def _proven_payment(settlement: Settlement, command: Command) -> Payment | None:
    """The payment that an answer names, if the answer holds; raises SettlementNotPossible.

    None for one that was not paid, and for one that was paid under another key, which nobody can
    see here: then the provider's written word stands for it.
    """
    if settlement.outcome == Status.REFUSED:
        if settlement.upstream_id:
            raise SettlementNotPossible(Text(_("Name no payment for one that was not paid.")))
        refuse_unproven(command, settlement.written_word)
        return None
    if settlement.outcome != Status.SENT:
        raise SettlementNotPossible(
            Text(_("The outcome is either that it was paid or that it was not."))
        )
    withdrawal = settlement.withdrawal
    known = Payment.objects.filter(
        upstream=withdrawal.upstream, upstream_id=settlement.upstream_id
    ).first()
    if known is None and settlement.upstream_id and has_word(command, settlement.written_word):
        return None
    if known is None or known.kind not in PAID_OUT:
        raise SettlementNotPossible(Text(_("Name the payment at the provider that paid it.")))
    others = Withdrawal.objects.filter(upstream=known.upstream).exclude(pk=withdrawal.pk)
    is_theirs = Q(payment=known) | Q(merchant_reference=known.merchant_reference or None)
    if others.filter(is_theirs).exists():
        raise SettlementNotPossible(Text(_("That payment belongs to another withdrawal.")))
    return known


def _refuse_confirming(settlement: Settlement, by: User) -> None:
    if settlement.dropped_at is not None:
        raise SettlementNotPossible(Text(_("It was dropped: propose it anew.")))
    if settlement.confirmed_at is not None:
        raise SettlementNotPossible(Text(_("Somebody else confirmed it already.")))
    if settlement.proposed_by_id == by.pk:
        raise SettlementNotPossible(Text(_("You proposed it, so somebody else confirms it.")))
    refuse_askers(settlement.withdrawal, by)


def _refuse_when_it_is_there(command: Command) -> None:
    """Look at the provider's list, now: "it was not paid" must not be wrong.

    Under another key a list that does not show it, or cannot be read, proves nothing: the
    provider's written word stands for it.
    """
    seconds = settings.APPROVAL_READ_SECONDS
    try:
        if command.upstream == Upstream.LUMETRADE:
            _refuse_when_one_fits(command, seconds=seconds)
            return
        if command.upstream == Upstream.LUX:
            _refuse_when_transferred(command, seconds=seconds)
            return
        there = senders.payments_bearing(command, seconds=seconds)
    except (UpstreamError, senders.CannotTell) as problem:
        if outbox.has_another_key(command):
            return
        raise SettlementNotPossible(
            Text(
                _(
                    "The provider's list cannot be read now (within %(seconds)s seconds), "
                    "so nobody can say that. The proposal is kept: confirm it a little "
                    "later. %(problem)s"
                ),
                seconds=f"{seconds:g}",
                problem=problem,
            )
        ) from problem
    for record in there:
        if mirror.luxcore_status(record) not in UNPAID_STATUSES:
            raise _is_there(record.id, record.status)


def _refuse_when_transferred(command: Command, *, seconds: float) -> None:
    """The same for a transfer, which bears our reference too."""
    for record in senders_lux.transfers_bearing(command, seconds=seconds):
        if mirror.lux_status(record) not in UNPAID_STATUSES:
            raise _is_there(record.id, record.state)


def _is_there(payment: str, status: str) -> SettlementNotPossible:
    return SettlementNotPossible(
        Text(
            _("The provider shows %(payment)s under this reference (%(status)s)."),
            payment=payment,
            status=status,
        )
    )


def _refuse_when_one_fits(command: Command, *, seconds: float) -> None:
    """Without a reference: what goes to that very account counts as it, until it is another's."""
    withdrawal = senders.withdrawal_of(command)
    for payment in senders_lumetrade.look(command, seconds=seconds):
        if payment.status not in UNPAID_STATUSES and matching.goes_there(withdrawal, payment):
            raise SettlementNotPossible(
                Text(
                    _(
                        "The provider shows %(payment)s to this beneficiary, with this amount and "
                        "at that time (%(status)s)."
                    ),
                    payment=payment.upstream_id,
                    status=payment.upstream_status,
                )
            )


def _told(settlement: Settlement) -> dict[str, object]:
    return {
        "settlement": settlement.pk,
        "outcome": settlement.outcome,
        "payment": settlement.upstream_id,
        "written_word": settlement.written_word,
        "proposed_by": settlement.proposed_by.email,
    }
