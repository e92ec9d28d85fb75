"""What makers do: ask for a payout, change it, take it back, look at a failure."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, OperationalError, transaction
from django.utils.translation import gettext_noop as _

from payments import asking, beneficiaries, facts, routes, rules
from payments.actions.common import refuse_decided, stated, waited_too_long
from payments.actions.errors import AskedAtOnce, InvalidDraft, NotYours
from payments.enums import Origin, Status
from payments.models import Beneficiary, NotPossible, Withdrawal
from payments.moves import move, revise
from payments.queues import FAILURES
from payments.rules import WithdrawalDraft
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, require
from staff.texts import Text
from upstreams.enums import Upstream


def request_withdrawal(
    *,
    draft: WithdrawalDraft,
    by: User,
    at: datetime,
    origin: Origin = Origin.DESK,
    copy_of: Withdrawal | None = None,
    token: UUID | None = None,
) -> Withdrawal:
    """Ask for a payout; others sign it. Raises NotPermitted, InvalidDraft, AskedAtOnce,
    NotPossible.

    `copy_of` is one that ended without money moving; looking at it is done with that. `token`
    names the form: the same request with it again returns the first withdrawal.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    _refuse_invalid(draft)
    try:
        return _request(draft, by=by, at=at, origin=origin, copy_of=copy_of, token=token)
    except IntegrityError:
        # The same form came twice at the same moment, and the other one was faster.
        if token and (first := _asked_with(token, by, draft)):
            return first
        raise


def _asked_with(token: UUID, by: User, draft: WithdrawalDraft) -> Withdrawal | None:
    """Return what the form asked for before; raises NotPossible if that was something else.

    Whoever goes back in the browser, changes the amount and sends it again must not be told that
    the new amount is on its way.
    """
    first = Withdrawal.objects.filter(request_token=token).first()
    if first is None:
        return None
    if first.created_by_id != by.pk:
        raise NotPossible(Text(_("This form was used before. Open a new one.")))
    if WithdrawalDraft.of(first) != draft:
        raise NotPossible(
            Text(
                _(
                    "This form asked for %(code)s already and now says something else. Change that "
                    "one, or open a new form."
                ),
                code=first.code,
            )
        )
    return first


def _request(
    draft: WithdrawalDraft,
    *,
    by: User,
    at: datetime,
    origin: Origin,
    copy_of: Withdrawal | None,
    token: UUID | None,
) -> Withdrawal:
    if token and (first := _asked_with(token, by, draft)):
        return first
    with transaction.atomic():
        original = Withdrawal.objects.locked().get(pk=copy_of.pk) if copy_of else None
        if original and not original.may_be_made_again():
            raise NotPossible(
                Text(
                    _("%(code)s is paid or may still be: it cannot be asked for again."),
                    code=original.code,
                )
            )
        beneficiary = _note(draft, by=by, at=at)
        withdrawal = asking.build(draft, beneficiary=beneficiary, by=by, at=at, origin=origin)
        withdrawal.copy_of, withdrawal.request_token = original, token
        withdrawal.save()
        asking.first_revision(withdrawal).save()
        journal = Journal(by=by, at=at)
        asking.tell(journal, withdrawal)
        if original:
            _attend(original, journal)
        routes.ask(withdrawal, at=at)
        journal.write()
    return withdrawal


def amend_withdrawal(
    *, withdrawal_id: int, draft: WithdrawalDraft, by: User, at: datetime, reason: str
) -> Withdrawal:
    """Change what is asked for while it awaits approval: a new revision, signatures void.

    Whoever amends never signs it. Raises NotPermitted, ReasonMissing, InvalidDraft,
    AlreadyDecided, AskedAtOnce, and NotPossible for one that was asked for at the provider.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    reason = stated(reason)
    _refuse_invalid(draft)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        refuse_decided(withdrawal)
        if not withdrawal.is_ours:
            raise NotPossible(
                Text(_("It was asked for at the provider and cannot be changed here."))
            )
        before = facts.of(withdrawal)
        before_shown = facts.audited(withdrawal)
        for name, value in draft.values().items():
            setattr(withdrawal, name, value)
        changed = [name for name, value in facts.of(withdrawal).items() if value != before[name]]
        if not changed:
            return withdrawal
        journal = Journal(by=by, at=at)
        revise(withdrawal, by=by, at=at, reason=reason)
        withdrawal.last_edited_by = by
        withdrawal.account_key = draft.account_key
        withdrawal.customer_id = rules.customer_id_of(draft) or withdrawal.customer_id
        withdrawal.beneficiary = _note(draft, by=by, at=at)
        withdrawal.save()
        shown = facts.audited(withdrawal)
        journal.add(
            "payments.withdrawal.amended",
            withdrawal,
            before={name: before_shown[name] for name in changed},
            after={
                **{name: shown[name] for name in changed},
                "status": withdrawal.status,
                "revision": withdrawal.revision,
            },
            reason=reason,
        )
        routes.ask(withdrawal, at=at)
        journal.write()
    return withdrawal


def ask_route(*, withdrawal_id: int, by: User, at: datetime) -> Withdrawal:
    """Let a worker ask Lux Financial anew whether the way of a transfer can be taken.

    Raises NotPermitted, AlreadyDecided, and NotPossible for a payout through another provider.
    """
    require(by, Permission.SEE_PAYMENTS)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        refuse_decided(withdrawal)
        if withdrawal.upstream != Upstream.LUX:
            raise NotPossible(Text(_("Only Lux Financial says whether a way can be taken.")))
        if routes.ask(withdrawal, at=at):
            journal = Journal(by=by, at=at)
            journal.add("payments.withdrawal.route_asked", withdrawal)
            journal.write()
    return withdrawal


def retract_withdrawal(*, withdrawal_id: int, by: User, at: datetime, reason: str) -> Withdrawal:
    """Take back one's own request before it is approved.

    Raises NotPermitted, ReasonMissing, NotYours, AlreadyDecided.
    """
    require(by, Permission.MAKE_WITHDRAWALS)
    reason = stated(reason)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        if withdrawal.created_by_id != by.pk:
            raise NotYours(withdrawal.code)
        if withdrawal.status == Status.RETRACTED:
            return withdrawal  # the same click again
        refuse_decided(withdrawal)
        journal = Journal(by=by, at=at)
        move(withdrawal, Status.RETRACTED, journal=journal, reason=reason, settled_at=at)
        journal.write()
    return withdrawal


def attend_withdrawal(*, withdrawal_id: int, by: User, at: datetime) -> Withdrawal:
    """Note that somebody looked at a failure, or at what the provider made of it since: it leaves
    the list of what needs attention.

    Raises NotPermitted, and NotPossible for one that has not failed.
    """
    require(by, Permission.RECONCILE)
    with transaction.atomic():
        withdrawal = Withdrawal.objects.locked().get(pk=withdrawal_id)
        if withdrawal.status not in FAILURES and withdrawal.contradicted_at is None:
            raise NotPossible(Text(_("%(code)s has not failed."), code=withdrawal.code))
        journal = Journal(by=by, at=at)
        _attend(withdrawal, journal)
        journal.write()
    return withdrawal


def _note(draft: WithdrawalDraft, *, by: User, at: datetime) -> Beneficiary | None:
    """Note whom it pays; a large file that names the same new one holds it for long."""
    try:
        return beneficiaries.note([draft], by=by, at=at).get(draft.account_key)
    except OperationalError as problem:
        if not waited_too_long(problem):
            raise
        raise AskedAtOnce from problem


def _attend(withdrawal: Withdrawal, journal: Journal) -> None:
    if not withdrawal.needs_a_look:
        return
    withdrawal.attended_at = journal.at
    withdrawal.save(update_fields=["attended_at"])
    journal.add("payments.withdrawal.attended", withdrawal, after={"status": withdrawal.status})


def _refuse_invalid(draft: WithdrawalDraft) -> None:
    if errors := rules.validate(draft):
        raise InvalidDraft(errors)
