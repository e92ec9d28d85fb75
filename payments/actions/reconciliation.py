"""What people do about our books and theirs: compare them, and resolve what does not agree."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext_noop as _

from payments.actions.common import stated
from payments.actions.settlements import confirm_settlement, drop_settlement, propose_settlement
from payments.enums import DriftKind, DriftState, Remedy, RemedyState, Status
from payments.models import Drift, NotPossible, Reconciliation, Resolution
from payments.reconciliation import readers, remedies, resolving, starting
from staff.journal import Journal
from staff.models import User
from staff.permissions import Permission, can, require
from staff.texts import Lowered, Text
from upstreams import doorbell, outbox, webhooks
from upstreams.models import WebhookEvent


class DriftNotResolvable(NotPossible):
    """This cannot be done about it now, or not by this person."""


def start_reconciliation(
    *, upstream: str, first_day: date, last_day: date, by: User, at: datetime
) -> Reconciliation:
    """Compare these days with the provider, in a worker.

    Raises NotPermitted, ReconciliationNotPossible.
    """
    require(by, Permission.RECONCILE)
    with transaction.atomic():
        run = starting.start(
            upstream=upstream, first_day=first_day, last_day=last_day, by=by, at=at
        )
        journal = Journal(by=by, at=at)
        days = {"first_day": first_day.isoformat(), "last_day": last_day.isoformat()}
        journal.add("payments.reconciliation.started", run, after={"upstream": upstream, **days})
        journal.write()
    return run


def accept_theirs(*, drift_id: int, seen: str, reason: str, by: User, at: datetime) -> Drift:
    """Take over what they say, exactly as it was shown; an event is handed out once more.

    Raises NotPermitted, ReasonMissing, DriftNotResolvable.
    """
    with transaction.atomic():
        drift, tried, journal = _begin(
            drift_id, Remedy.ACCEPT_THEIRS, seen=seen, reason=reason, by=by, at=at
        )
        if drift.kind == DriftKind.UNMATCHED_EVENT:
            journal.write()
            _replay(drift, tried, by=by, at=at)
            return drift
        if resolving.force_theirs(readers.get(drift.upstream), drift, at=at) is not None:
            raise DriftNotResolvable(Text(_("Their record does not settle it: read it again.")))
        journal.write()
        _end(drift, tried, DriftState.RESOLVED, at=at)
    return drift


def read_again(*, drift_id: int, seen: str, reason: str, by: User, at: datetime) -> Resolution:
    """Ask the provider about it now, in a worker; what it says is stored and judged.

    Raises NotPermitted, ReasonMissing, DriftNotResolvable.
    """
    with transaction.atomic():
        _, tried, journal = _begin(
            drift_id, Remedy.READ_AGAIN, seen=seen, reason=reason, by=by, at=at
        )
        journal.write()
        doorbell.ring(resolving.TASK, resolution_id=tried.pk)
    return tried


def send_again(*, drift_id: int, seen: str, reason: str, by: User, at: datetime) -> Resolution:
    """Let the outbox try our payout now, under the rules it always has: never a second payment.

    Raises NotPermitted, ReasonMissing, DriftNotResolvable.
    """
    with transaction.atomic():
        drift, tried, journal = _begin(
            drift_id, Remedy.SEND_AGAIN, seen=seen, reason=reason, by=by, at=at
        )
        assert drift.withdrawal is not None  # else it does not make sense
        command = remedies.live_command(drift.withdrawal)
        if command is None or not outbox.try_again(command, at=at):
            raise DriftNotResolvable(Text(_("It has moved meanwhile: look at it again.")))
        journal.write()
    return tried


def link_payment(
    *, drift_id: int, payment_id: int, seen: str, reason: str, by: User, at: datetime
) -> Resolution:
    """Propose that this payment there is our payout; a second person confirms the settlement.

    Raises NotPermitted, ReasonMissing, DriftNotResolvable, SettlementNotPossible.
    """
    with transaction.atomic():
        drift, tried, journal = _begin(
            drift_id, Remedy.LINK, seen=seen, reason=reason, by=by, at=at
        )
        assert drift.withdrawal is not None  # else it does not make sense
        payment = remedies.candidates(drift.withdrawal).filter(pk=payment_id).first()
        if payment is None:
            raise DriftNotResolvable(Text(_("That payment cannot be this payout.")))
        tried.settlement = propose_settlement(
            withdrawal_id=drift.withdrawal.pk,
            outcome=Status.SENT,
            upstream_id=payment.upstream_id,
            reason=tried.reason,
            by=by,
            at=at,
        )
        tried.save(update_fields=["settlement"])
        journal.write()
    return tried


def propose_write_off(
    *, drift_id: int, seen: str, reason: str, by: User, at: datetime
) -> Resolution:
    """Say that the difference stays as it is; a second person confirms it.

    Raises NotPermitted, ReasonMissing, DriftNotResolvable.
    """
    with transaction.atomic():
        _, tried, journal = _begin(
            drift_id, Remedy.WRITE_OFF, seen=seen, reason=reason, by=by, at=at
        )
        journal.write()
    return tried


def confirm_resolution(*, resolution_id: int, seen: str, by: User, at: datetime) -> Drift:
    """Confirm what somebody else proposed: a write-off, or which payment ours is.

    Raises NotPermitted, DriftNotResolvable, and what `confirm_settlement` raises.
    """
    _require_second(by)
    tried = Resolution.objects.select_related("drift", "settlement").get(pk=resolution_id)
    if tried.confirmed_by_id == by.pk:
        return tried.drift  # the same click again
    _refuse_confirming(tried, by=by)
    if tried.settlement is not None:
        confirm_settlement(
            withdrawal_id=tried.settlement.withdrawal_id,
            settlement_id=tried.settlement.pk,
            by=by,
            at=at,
        )
        resolving.carry_out(tried.pk, at=at)
        return Drift.objects.get(pk=tried.drift_id)
    with transaction.atomic():
        drift = _locked(tried.drift_id)
        tried = Resolution.objects.get(pk=resolution_id)
        _refuse_confirming(tried, by=by)
        _refuse_changed(drift, seen)
        tried.confirmed_by = by
        tried.save(update_fields=["confirmed_by"])
        _end(drift, tried, DriftState.WRITTEN_OFF, at=at, by=by)
    return drift


def drop_resolution(*, resolution_id: int, by: User, at: datetime) -> Resolution:
    """Put a proposal aside. Raises NotPermitted, DriftNotResolvable, SettlementNotPossible."""
    _require_second(by)
    with transaction.atomic():
        drift = _locked(Resolution.objects.get(pk=resolution_id).drift_id)
        tried = Resolution.objects.select_related("settlement").get(pk=resolution_id)
        if tried.state != RemedyState.WAITING:
            raise DriftNotResolvable(Text(_("It is not under way any more.")))
        if tried.settlement is not None:
            drop_settlement(
                withdrawal_id=tried.settlement.withdrawal_id,
                settlement_id=tried.settlement.pk,
                by=by,
                at=at,
            )
        tried.state, tried.ended_at = RemedyState.DROPPED, at
        tried.save(update_fields=["state", "ended_at"])
        _note(drift, "dropped", tried, by=by, at=at)
    return tried


def _begin(
    drift_id: int, remedy: Remedy, *, seen: str, reason: str, by: User, at: datetime
) -> tuple[Drift, Resolution, Journal]:
    """Lock the drift, look again, and note who does what and why.

    The caller writes the journal, once every other row is locked.
    """
    require(by, Permission.RECONCILE)
    reason = stated(reason)
    drift = _locked(drift_id)
    if drift.state != DriftState.OPEN:
        raise DriftNotResolvable(
            Text(_("It is %(status)s already."), status=Lowered(DriftState(drift.state).label))
        )
    _refuse_changed(drift, seen)
    if drift.resolutions.filter(state=RemedyState.WAITING).exists():
        raise DriftNotResolvable(Text(_("Somebody is at it already: see below.")))
    if refused := remedies.refusal(drift, remedy):
        raise DriftNotResolvable(refused)
    tried = Resolution.objects.create(
        drift=drift, remedy=remedy, reason=reason, asked_by=by, asked_at=at
    )
    return drift, tried, _noted(drift, "asked", tried, by=by, at=at)


def _locked(drift_id: int) -> Drift:
    return (
        Drift.objects.select_for_update(of=("self",))
        .select_related("payment", "withdrawal", "event")
        .get(pk=drift_id)
    )


def _replay(drift: Drift, tried: Resolution, *, by: User, at: datetime) -> None:
    """Hand the event to its handler again; whether we hold its payment then is judged after."""
    assert drift.event is not None  # it is about it
    webhooks.replay(WebhookEvent.objects.filter(pk=drift.event.pk), by_label=by.email, at=at)
    doorbell.ring("upstreams.tasks.process_event", event_id=drift.event.pk)
    doorbell.ring(resolving.TASK, resolution_id=tried.pk)


def _end(
    drift: Drift, tried: Resolution, state: DriftState, *, at: datetime, by: User | None = None
) -> None:
    tried.state, tried.ended_at = RemedyState.DONE, at
    tried.save(update_fields=["state", "ended_at"])
    drift.state, drift.closed_at = state, at
    drift.save(update_fields=["state", "closed_at"])
    _note(drift, state.value, tried, by=by or tried.asked_by, at=at)


def _note(drift: Drift, verb: str, tried: Resolution, *, by: User, at: datetime) -> None:
    _noted(drift, verb, tried, by=by, at=at).write()


def _noted(drift: Drift, verb: str, tried: Resolution, *, by: User, at: datetime) -> Journal:
    journal = Journal(by=by, at=at)
    resolving.note(
        journal,
        verb,
        drift,
        reason=tried.reason,
        remedy=tried.remedy,
        resolution=tried.pk,
        asked_by=tried.asked_by.email,
    )
    return journal


def _require_second(by: User) -> None:
    if not can(by, Permission.SIGN_WITHDRAWALS):
        require(by, Permission.RECONCILE)


def _refuse_changed(drift: Drift, seen: str) -> None:
    if drift.fingerprint != seen:
        raise DriftNotResolvable(Text(_("It has changed since you looked. Nothing was done.")))


def _refuse_confirming(tried: Resolution, *, by: User) -> None:
    if tried.state != RemedyState.WAITING:
        raise DriftNotResolvable(Text(_("It is not under way any more.")))
    if tried.remedy not in (Remedy.WRITE_OFF, Remedy.LINK):
        raise DriftNotResolvable(Text(_("There is nothing to confirm: a worker does it.")))
    if tried.asked_by_id == by.pk:
        raise DriftNotResolvable(Text(_("You proposed it, so somebody else confirms it.")))
